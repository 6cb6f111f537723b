from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import average_precision_score, roc_auc_score

from pipeline.errors import DataError
from pipeline.learning import crossval
from pipeline.learning.crossval import CrossValidation, Split, cross_validate, optimism
from pipeline.learning.forests import BaggedForest
from pipeline.learning.table import SampleTable
from pipeline.learning.verdict import verdict
from tests.learning.places import shuffled, table

BLOCKS = Split(kind="square_blocks", block_m=20_000.0)


def forest(seed: int) -> BaggedForest:
    return BaggedForest(bags=3, trees_per_bag=8, random_state=seed)


class Memory(ClassifierMixin, BaseEstimator):
    """Scores 1 for a row it was fitted to, 0 for any other; keeps the groups it was given."""

    def __init__(self, seen: list[Any] | None = None) -> None:
        self.seen = seen

    def fit(self, X: Any, y: Any, groups: Any = None) -> Memory:
        self.classes_ = np.unique(y)
        self.rows_ = {row.tobytes() for row in X}
        assert self.seen is not None
        self.seen.append((X, y, groups))
        return self

    def predict_proba(self, X: Any) -> Any:
        known = np.array([row.tobytes() in self.rows_ for row in X], float)
        return np.column_stack((1 - known, known))


@pytest.fixture(scope="module")
def planted() -> CrossValidation:
    return cross_validate(table(seed=0, told=3), make_model=forest, split=BLOCKS, seeds=(0, 1))


def test_no_row_is_scored_by_a_model_that_saw_it() -> None:
    seen: list[Any] = []
    whole = table(seed=0)
    found = cross_validate(whole, make_model=lambda _: Memory(seen), split=BLOCKS, seeds=(0,))
    assert (found.scores["model"] == 0).all()
    assert len(seen) == 5
    assert sum(len(X) for X, _, _ in seen) == 4 * len(whole)


def test_a_model_that_asks_for_blocks_gets_those_of_its_training_rows() -> None:
    seen: list[Any] = []

    class Asking(Memory):
        def fit(self, X: Any, y: Any, groups: Any = None, blocks: Any = None) -> Asking:
            super().fit(X, y, groups)
            seen[-1] = (X, blocks)
            return self

    whole = table(seed=0)
    whole_blocks = {row.tobytes(): block for row, block in zip(whole.values, BLOCKS.blocks(whole), strict=True)}
    cross_validate(whole, make_model=lambda _: Asking(seen), split=BLOCKS, seeds=(0,))
    assert len(seen) == 5
    for X, blocks in seen:
        assert blocks.tolist() == [whole_blocks[row.tobytes()] for row in X]
        assert len(np.unique(blocks)) < len(set(whole_blocks.values()))
    cross_validate(whole, make_model=lambda _: Asking(seen), split=Split(kind="random", folds=2), seeds=(0,))
    assert 4 < len(np.unique(seen[-1][1])) <= 16  # where the split has no blocks, the squares of 25 km that intervals redraw


def test_the_model_gets_the_groups_of_its_training_rows_only() -> None:
    seen: list[Any] = []
    whole = table(seed=0)
    found = cross_validate(whole, make_model=lambda _: Memory(seen), split=BLOCKS, seeds=(0,))
    for fold, (_, y, groups) in enumerate(seen):
        train = found.folds[0] != fold
        assert groups.tolist() == whole.group[train].tolist() and y.tolist() == whole.label[train].tolist()


def test_each_fit_gets_its_own_seed() -> None:
    seeds: list[int] = []

    def make(seed: int) -> Memory:
        seeds.append(seed)
        return Memory([])

    cross_validate(table(seed=0), make_model=make, split=BLOCKS, seeds=(0, 1))
    assert len(set(seeds)) == 10


def test_figures_agree_with_scikit_learn_on_the_scores_given_back(planted: CrossValidation) -> None:
    label = table(seed=0, told=3).label
    for name, scores in planted.scores.items():
        told = planted.result["scores"][name]
        for row in (0, 1):
            by_fold = [roc_auc_score(label[f], scores[row][f]) for f in (planted.folds[row] == k for k in range(5))]
            assert [fold["auc"] for fold in told["per_seed"][row]["folds"]] == pytest.approx(by_fold, abs=1e-6)
            assert told["per_seed"][row]["fold_mean"] == pytest.approx(np.mean(by_fold), abs=1e-6)
            assert told["per_seed"][row]["fold_sd"] == pytest.approx(np.std(by_fold, ddof=1), abs=1e-6)
        assert told["pooled_auc"] == pytest.approx(np.mean([roc_auc_score(label, scores[row]) for row in (0, 1)]), abs=2e-6)
        assert told["average_precision"] == pytest.approx(np.mean([average_precision_score(label, scores[row]) for row in (0, 1)]), abs=2e-6)
        assert told["chance_average_precision"] == pytest.approx(60 / 460, abs=1e-6)


def test_a_planted_rule_is_found_and_beats_every_null(planted: CrossValidation) -> None:
    scores = planted.result["scores"]
    # Two normals 3 deviations apart over three layers, each with 5 % missing: the best ranking has an AUC of 0.98, the best layer alone 0.89.
    assert 0.93 < scores["model"]["fold_mean"] < 0.995
    assert 0.80 < scores["best_layer"]["fold_mean"] < 0.91
    for null in ("coordinates", "distance_to_known", "random"):
        assert 0.35 < scores[null]["fold_mean"] < 0.65
    assert scores["model"]["capture"]["captured"][2] > 0.7
    assert verdict(planted.result).startswith("Beats its nulls: AUC 0.9")


def test_shuffled_labels_are_near_chance() -> None:
    found = cross_validate(shuffled(table(seed=0), seed=1), make_model=forest, split=BLOCKS, seeds=(0, 1))
    assert 0.4 < found.result["scores"]["model"]["fold_mean"] < 0.6
    assert verdict(found.result).startswith("Near chance")


def test_smooth_noise_fools_a_random_split_and_not_blocks() -> None:
    # Deposits in clusters, layers smooth in space and unrelated to them: all there is to learn is where.
    random = np.random.default_rng(0)
    centres = random.uniform(0, 100_000, (25, 2))
    near = centres[np.repeat(np.arange(25), 6)] + random.normal(0, 1000, (150, 2))
    places = np.concatenate((near, random.uniform(0, 100_000, (600, 2))))
    waves = random.normal(0, 2 * np.pi / 15_000, (2, 6))
    whole = SampleTable(
        values=np.sin(places @ waves + random.uniform(0, 6, 6)),
        names=tuple("abcdef"),
        label=np.repeat((1, 0), (150, 600)),
        group=np.concatenate((np.arange(150), -1 - np.arange(600))),
        cell=np.arange(750),
        x=places[:, 0],
        y=places[:, 1],
    )
    auc = {
        split.kind: cross_validate(whole, make_model=forest, split=split, seeds=(0,)).result["scores"]["model"]["fold_mean"]
        for split in (BLOCKS, Split(kind="random"))
    }
    assert auc["random"] > 0.7
    assert 0.4 < auc["square_blocks"] < 0.6


def test_folds_without_positives_are_skipped_and_said_so() -> None:
    whole = table(seed=0)
    square = BLOCKS.blocks(whole)
    richest = np.argsort(np.bincount(np.unique(square, return_inverse=True)[1][whole.positive]))[-2:]
    kept = (whole.label == 0) | np.isin(square, np.unique(square)[richest])
    found = cross_validate(whole.subset(kept), make_model=forest, split=BLOCKS, seeds=(0,)).result
    folds = found["scores"]["model"]["per_seed"][0]["folds"]
    assert sorted(str(fold["skipped"]) for fold in folds) == ["None"] * 2 + ["no positive in the fold"] * 3
    assert [fold["auc"] is None for fold in folds] == [fold["positives"] == 0 for fold in folds]
    scored = [fold["auc"] for fold in folds if fold["auc"] is not None]
    assert found["scores"]["model"]["fold_mean"] == pytest.approx(np.mean(scored), abs=1e-6)


def test_a_buffer_that_eats_the_training_side_skips_the_fold_and_says_so() -> None:
    split = Split(kind="square_blocks", block_m=20_000.0, buffer_m=1e6)
    found = cross_validate(table(seed=0), make_model=forest, split=split, seeds=(0,))
    assert {fold["skipped"] for fold in found.result["scores"]["model"]["per_seed"][0]["folds"]} == {"no positive left to train on"}
    assert np.isnan(found.scores["model"]).all()
    assert found.result["scores"]["model"]["fold_mean"] is None
    assert verdict(found.result).startswith("Too few to tell")


def test_the_result_is_plain_json_with_its_protocol(planted: CrossValidation) -> None:
    assert json.loads(json.dumps(planted.result, allow_nan=False)) == planted.result
    protocol = planted.result["protocol"]
    assert protocol["split"] == "20 km blocks in 5 folds" and protocol["seeds"] == [0, 1]
    assert (protocol["positives"], protocol["groups"], protocol["background"], protocol["blocks"]) == (60, 60, 400, 25)
    curve = planted.result["scores"]["model"]["prediction_rate"]
    assert len(curve["area"]) == len(curve["captured"]) == 51
    assert curve["captured"] == sorted(curve["captured"]) and curve["captured"][-1] == 1


def test_the_same_table_gives_the_same_result(planted: CrossValidation) -> None:
    again = cross_validate(table(seed=0, told=3), make_model=forest, split=BLOCKS, seeds=(0, 1))
    assert again.result == planted.result
    assert (again.scores["model"] == planted.scores["model"]).all()


def test_a_table_without_positives_is_refused_before_any_fit() -> None:
    whole = table(seed=0)
    with pytest.raises(DataError, match="no positive"):
        cross_validate(whole.subset(whole.label == 0), make_model=forest, split=BLOCKS, seeds=(0,))


def test_the_intervals_hold_the_score_and_those_of_differences_the_difference(planted: CrossValidation) -> None:
    scores, apart = planted.result["scores"], planted.result["difference"]
    for name, told in scores.items():
        assert told["interval"][0] < told["fold_mean"] < told["interval"][1], name
    assert set(apart) == {"coordinates", "distance_to_known", "random", "best_layer"}
    for name, told in apart.items():
        assert told["mean"] == pytest.approx(scores["model"]["fold_mean"] - scores[name]["fold_mean"], abs=2e-6)
        assert told["interval"][0] < told["mean"] < told["interval"][1]
    # blind against a rule that is nearly always right: no redrawing of ground makes them meet
    assert apart["random"]["interval"][0] > 0.25


def test_a_random_split_flatters_smooth_noise_and_the_gap_says_by_how_much() -> None:
    random = np.random.default_rng(0)
    centres = random.uniform(0, 100_000, (25, 2))
    near = centres[np.repeat(np.arange(25), 6)] + random.normal(0, 1000, (150, 2))
    places = np.concatenate((near, random.uniform(0, 100_000, (600, 2))))
    waves = random.normal(0, 2 * np.pi / 15_000, (2, 6))
    whole = SampleTable(
        values=np.sin(places @ waves + random.uniform(0, 6, 6)), names=tuple("abcdef"), label=np.repeat((1, 0), (150, 600)),
        group=np.concatenate((np.arange(150), -1 - np.arange(600))), cell=np.arange(750), x=places[:, 0], y=places[:, 1],
    )  # fmt: skip
    honest = cross_validate(whole, make_model=forest, split=BLOCKS, seeds=(0,)).result
    told = optimism(whole, make_model=forest, split=BLOCKS, seed=0, members=None, honest=honest["scores"])
    assert told["auc"]["model"] > 0.7 and told["auc"]["coordinates"] > 0.9
    assert told["gap"] == pytest.approx(told["auc"]["model"] - honest["scores"]["model"]["fold_mean"], abs=2e-6)
    assert told["gap"] > 0.15


def test_every_deposit_has_its_rank_among_the_ground_it_was_held_out_with(planted: CrossValidation) -> None:
    whole = table(seed=0, told=3)
    ranks = {rank["group"]: rank["percentile"] for rank in planted.result["ranks"]}
    assert set(ranks) == set(whole.group[whole.positive].tolist())
    deposit = int(np.flatnonzero(whole.positive)[7])
    at = []
    for fold, score in zip(planted.folds, planted.scores["model"], strict=True):
        ground = score[(fold == fold[deposit]) & (whole.label == 0)]
        at.append(100 * sum((s < score[deposit]) + 0.5 * (s == score[deposit]) for s in ground) / len(ground))
    assert ranks[int(whole.group[deposit])] == pytest.approx(np.mean(at), abs=1e-3)


def test_what_hides_evidence_is_asked_for_each_fold_and_used(planted: CrossValidation) -> None:
    whole, asked = table(seed=0, told=3), list[tuple[int, int]]()

    def blank(train: Any, test: Any) -> Any:
        asked.append((int(train.sum()), int(test.sum())))
        values = whole.values.copy()
        values[test] = np.nan
        return values

    found = cross_validate(whole, make_model=forest, split=BLOCKS, seeds=(0,), seen=blank)
    assert len(asked) == 5 and sum(test for _, test in asked) == len(whole)
    assert all(train + test == len(whole) for train, test in asked)
    for fold in range(5):  # a model that sees nothing of the test ground says the same everywhere in it
        assert len(np.unique(found.scores["model"][0][found.folds[0] == fold])) == 1


def test_folds_by_cluster_are_as_many_as_the_clusters() -> None:
    whole = table(seed=0)
    found = cross_validate(whole, make_model=forest, split=Split(kind="clusters", cluster_m=9_000.0), seeds=(0,)).result
    folds = found["scores"]["model"]["per_seed"][0]["folds"]
    assert found["protocol"]["folds"] == len(folds) > 2
    assert sum(fold["groups"] for fold in folds) == 60


def test_rows_that_only_train_are_not_scored_and_rows_that_only_score_are_not_learned_from() -> None:
    seen: list[Any] = []
    whole = table(seed=0)
    trains, scored = np.ones(len(whole), bool), np.ones(len(whole), bool)
    trains[-50:], scored[100:150] = False, False
    parted = replace(whole, trains=trains, scored=scored)
    found = cross_validate(parted, make_model=lambda _: Memory(seen), split=BLOCKS, seeds=(0,))
    assert (np.isnan(found.scores["model"][0]) == ~scored).all()
    taught = {row.tobytes() for X, _, _ in seen for row in X}
    assert taught == {row.tobytes() for row in whole.values[:-50]}
    assert found.result["protocol"]["background"] == 400 - 50


def test_the_ground_to_search_is_where_the_curve_reaches_a_share_and_its_interval_that_of_redrawn_curves() -> None:
    captured = np.sqrt(crossval.CURVE_AREA)
    redrawn = np.stack([crossval.CURVE_AREA ** (0.5 + 0.001 * i) for i in range(-100, 101)])
    for one, share in zip(crossval.search(captured.tolist(), redrawn), (0.5, 0.8, 0.9), strict=True):
        assert one["captured"] == share
        assert one["area"] == pytest.approx(share**2, abs=1e-3)
        assert one["interval"] == pytest.approx([share ** (1 / 0.41), share ** (1 / 0.59)], abs=2e-3)
    never = crossval.search([0.0] * 50 + [0.7], np.tile(np.linspace(0, 0.7, 51), (20, 1)))
    assert [one["area"] is None for one in never] == [False, True, True]
    assert never[1]["interval"] is None
