from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, poisson

from pipeline.learning.crossval import Split, cross_validate
from pipeline.learning.logistic import StandardizedLogistic
from pipeline.learning.presence_background import PresenceBackground
from pipeline.learning.reliability import intensity, poisson_interval, reliability, scale_of, score_of
from pipeline.learning.unlabelled import ElkanNoto
from pipeline.learning.weights_of_evidence import WeightsOfEvidence
from tests.learning.places import table


def test_intensity_is_the_odds_and_never_without_bound() -> None:
    assert intensity(np.array([0.0, 0.5, 0.75, 1.0])).tolist() == pytest.approx([0, 1, 3, 999])


def test_each_scale_of_answer_gives_back_the_intensity_it_was_made_of() -> None:
    density = np.array([0.0, 0.1, 1.0, 5.0])
    assert intensity(density / (1 + density), "odds") == pytest.approx(density)
    assert intensity(1 - np.exp(-density), "complementary_log") == pytest.approx(density)
    assert intensity(np.array([0.0, 0.01, 0.3]), "share") == pytest.approx([0, 0.01, 0.3])
    for scale in ("odds", "complementary_log", "share"):
        assert intensity(score_of(0.4, scale), scale) == pytest.approx(0.4)


def test_a_presence_background_model_is_reliable_by_its_own_scale_and_not_by_odds() -> None:
    """Deposits drawn with the intensity exp(4 x): by odds the top of the answer is taken for far more than it says."""
    random = np.random.default_rng(3)
    ground = np.linspace(0, 1, 20_000)
    taught, held = random.choice(ground, (2, 1000), p=np.exp(4 * ground) / np.exp(4 * ground).sum())
    model = PresenceBackground(bags=2, kinds=("linear",), random_state=0)
    model.fit(np.concatenate([taught, ground])[:, None], np.repeat([1, 0], [1000, 20_000]))
    label, score = np.repeat([1, 0], [1000, 20_000]), model.predict_proba(np.concatenate([held, ground])[:, None])[:, 1][None]
    own, odds = (reliability(label, score, scale) for scale in (scale_of(model), "odds"))
    assert own is not None and odds is not None
    assert own["scale"] == "complementary_log" and own["worst_ratio"] < 1.35
    assert odds["worst_ratio"] > 1.6


def test_weights_of_evidence_expect_what_their_probabilities_add_up_to() -> None:
    assert scale_of(WeightsOfEvidence()) == "share" and scale_of(StandardizedLogistic()) == "odds"


def test_a_model_without_a_scale_has_no_reliability_and_says_why() -> None:
    assert scale_of(ElkanNoto()) is None
    found = reliability(np.array([1, 0, 0]), np.array([[0.9, 0.1, 0.2]]), None)
    assert found is not None and found["classes"] == [] and "cut off at 1" in found["untested"]


def test_a_poisson_interval_covers_the_mean_it_was_drawn_from() -> None:
    # Garwood's table at 90 %: 0 seen, 0 to 3.00; 10 seen, 5.43 to 16.96
    assert poisson_interval(0) == pytest.approx((0, 3.00), abs=0.005)
    assert poisson_interval(10) == pytest.approx((5.43, 16.96), abs=0.005)
    covered = sum(poisson.pmf(k, 6.3) for k in range(60) if poisson_interval(k)[0] <= 6.3 <= poisson_interval(k)[1])
    assert covered >= 0.9


def test_each_class_expects_its_share_of_the_intensity() -> None:
    """Ten cells of background, one a class, of odds 0 to 9: class i expects i of 45 of the nine deposits, worked by hand."""
    odds = np.arange(10.0)
    label = np.repeat([0, 1], [10, 9])
    score = np.concatenate([odds / (1 + odds), np.full(4, 0.9), np.full(5, 0.5)])
    found = reliability(label, score[None])
    assert found is not None
    assert [c["expected"] for c in found["classes"]] == pytest.approx(odds / 45 * 9, abs=1e-5)
    assert [c["area"] for c in found["classes"]] == [0.1] * 10
    # odds of 1 are those of the second class; 0.9 is an odds of 9, the tenth's own
    assert [c["observed"] for c in found["classes"]] == [0, 5, 0, 0, 0, 0, 0, 0, 0, 4]
    assert [c["agrees"] for c in found["classes"]] == [True, False] + [True] * 8
    assert found["worst_ratio"] is None


def test_ground_on_which_no_find_teaches_expects_what_so_many_finds_can_tell() -> None:
    """Of odds 0 to 9, 4.5 in the mean, nine finds cannot tell less than 0.5: the poorest class expects 0.5 of 45.5."""
    odds = np.arange(10.0)
    label = np.repeat([0, 1], [10, 9])
    score = np.concatenate([odds / (1 + odds), np.full(9, 0.5)])
    found = reliability(label, score[None], finds=9)
    assert found is not None
    assert [c["expected"] for c in found["classes"]] == pytest.approx(np.maximum(odds, 0.5) / 45.5 * 9, abs=1e-5)


def test_repeats_are_averaged_and_rows_without_a_score_left_out() -> None:
    label = np.array([0] * 20 + [1] * 4)
    first, second = np.full(24, np.nan), np.full(24, np.nan)
    first[:10], first[20:22] = np.linspace(0.1, 0.9, 10), 0.9
    second[10:20], second[20:] = np.linspace(0.1, 0.9, 10), 0.1
    found = reliability(label, np.stack([first, second]))
    assert found is not None
    assert [c["observed"] for c in found["classes"]] == [2, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert sum(c["expected"] for c in found["classes"]) == pytest.approx(3)
    assert reliability(label, np.full((2, 24), np.nan)) is None


def test_ties_share_a_class_that_says_how_much_ground_it_covers() -> None:
    label = np.repeat([0, 1], [10, 2])
    found = reliability(label, np.array([[0.2] * 8 + [0.6, 0.8] + [0.2, 0.8]]))
    assert found is not None
    assert [c["area"] for c in found["classes"]] == pytest.approx([0.8] + [0] * 7 + [0.1, 0.1])


def test_the_finds_of_a_scorecard_are_groups_of_deposits() -> None:
    whole = table(seed=4, deposits=60, background=600, signal=3.0)
    whole.group[:60] = (whole.x[:60] // 25_000) * 4 + (-whole.y[:60] // 25_000)  # what lies in one square of 25 km is one find
    found = cross_validate(whole, make_model=lambda seed: StandardizedLogistic(bags=3, random_state=seed), split=Split(block_m=25_000.0), seeds=(0,))
    scores, finds = found.scores["model"], len(np.unique(whole.group[:60]))
    assert found.result["reliability"] == reliability(whole.label, scores, finds=finds) != reliability(whole.label, scores, finds=60)


def test_a_model_of_the_true_kind_is_reliable_and_one_too_sure_of_itself_is_not() -> None:
    """Two normals 1.5 deviations apart have log odds linear in the layer, so logistic regression is right but for the fit."""
    whole = table(seed=4, deposits=400, background=4000, signal=1.5)
    found = cross_validate(whole, make_model=lambda seed: StandardizedLogistic(bags=3, random_state=seed), split=Split(block_m=10_000.0), seeds=(0,))
    scores = found.scores["model"]
    honest = reliability(whole.label, scores)
    assert honest is not None
    assert honest["worst_ratio"] < 1.5
    # the share of deposits above the background's ninth tenth, from the normals; a twentieth of rows lack the layer and cannot tell
    top = 0.95 * norm.sf(norm.isf(0.1) - 1.5) + 0.05 * 0.1
    assert honest["classes"][-1]["observed"] == pytest.approx(400 * top, rel=0.12)
    bold = reliability(whole.label, scores**4 / (scores**4 + (1 - scores) ** 4))
    assert bold is not None
    assert bold["worst_ratio"] > 1.5
    assert not all(c["agrees"] for c in bold["classes"])
