"""What is foretold of further deposits: against counts by hand, plain binomials, and samples drawn anew many times over."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import betabinom, binom, hypergeom, nchypergeom_fisher
from sklearn.linear_model import LogisticRegression

from pipeline.learning import intervals, predictive
from pipeline.learning.predictive import Room, Share
from pipeline.learning.split import Split
from pipeline.learning.table import SampleTable
from tests.learning import places


def test_a_share_known_for_certain_gives_a_binomial_count() -> None:
    found = predictive.number_chances(Share(0.3, 10**7, 1.0), 40)
    assert found.sum() == pytest.approx(1)
    assert found == pytest.approx(binom.pmf(np.arange(41), 40, 0.3), abs=2e-4)


def test_a_share_known_from_few_gives_the_posterior_predictive_count() -> None:
    found = predictive.number_chances(Share(0.25, 20, 1.0), 30)
    assert found == pytest.approx(betabinom.pmf(np.arange(31), 30, 5.5, 15.5), abs=2e-3)


def test_deposits_drawn_blindly_into_cells_are_counted_as_balls_without_replacement() -> None:
    found = predictive.number_chances(Share(0.2, 10**7, 1.0), 30, Room(20, 100))
    assert found == pytest.approx(hypergeom.pmf(np.arange(31), 100, 20, 30), abs=1e-3)


def test_few_rich_cells_hold_no_more_deposits_than_they_are_and_the_expected_number_of_them() -> None:
    found = predictive.number_chances(Share(0.15, 10**7, 1.0), 60, Room(14, 1600))
    assert found[15:].sum() == 0 and found @ np.arange(61) == pytest.approx(0.15 * 60, rel=0.01)
    odds = 9 * (1600 - 14 - 60 + 9) / ((14 - 9) * (60 - 9))
    assert found == pytest.approx(nchypergeom_fisher.pmf(np.arange(61), 1600, 14, 60, odds), abs=2e-3)


def test_among_many_cells_the_count_is_binomial() -> None:
    found, free = (predictive.number_chances(Share(0.4, 60, 2.0), 60, room) for room in (Room(10**6, 10**7), None))
    assert found == pytest.approx(free, abs=1e-4)
    assert predictive.number_chances(Share(0.4, 60, 2.0), 60, Room(20, 50)) == pytest.approx(free)  # fewer cells than deposits: they share some


def test_where_few_cells_are_rich_the_interval_is_as_wide_as_counts_vary_and_the_binomial_one_is_too_wide() -> None:
    """Fourteen cells of 600 are twenty times as rich; 60 deposits are drawn, a cell each, 400 times."""
    random = np.random.default_rng(3)
    keys = np.log(np.where(np.arange(600) < 14, 20.0, 1.0)) + random.gumbel(size=(400, 600))
    counts = (np.argsort(-keys, axis=1)[:, :60] < 14).sum(axis=1)
    share = Share(counts.mean() / 60, 10**7, 1.0)
    roomy, free = (predictive.number_chances(share, 60, room) for room in (Room(14, 600), None))
    spread = [np.sqrt(chances @ np.arange(61) ** 2 - (chances @ np.arange(61)) ** 2) for chances in (roomy, free)]
    assert spread[0] == pytest.approx(counts.std(), rel=0.1)
    assert spread[1] > 1.4 * counts.std()


def test_none_further_are_none() -> None:
    assert predictive.number_chances(Share(0.4, 10, 2.0), 0).tolist() == [1.0]


def test_groups_make_the_count_less_sure() -> None:
    widths = []
    for design in (1.0, 2.0, 4.0):
        low, high = predictive.central(predictive.number_chances(Share(0.4, 60, design), 60))
        widths.append(high - low)
    assert widths[0] < widths[1] < widths[2]


@pytest.mark.parametrize("further", [12, 60, 300])
def test_the_interval_holds_nine_counts_in_ten_when_deposits_come_in_groups(further: int) -> None:
    """Pairs of deposits are one find and share their fate; a known sample of 60 and a further one are drawn from each of 200 worlds."""
    random, holds = np.random.default_rng(1), []
    alone = intervals.weights(np.arange(60), seed=1, replicates=200)
    group = np.repeat(np.arange(30), 2)
    weights = intervals.weights(group, seed=0, replicates=200)[:, group]
    for _ in range(200):
        true = random.uniform(0.2, 0.8)
        fates = [np.repeat(random.random(n) < true, 2) for n in (30, further // 2)]
        apart = alone @ fates[0] / alone.sum(axis=1)
        share = predictive.share_of(fates[0].mean(), (weights @ fates[0]) / np.maximum(weights.sum(axis=1), 1), apart, 60)
        low, high = predictive.central(predictive.number_chances(share, further))
        holds.append(low <= fates[1].sum() <= high)
    assert 0.85 <= np.mean(holds) <= 0.96


@pytest.mark.parametrize("uneven", [False, True])
def test_the_interval_holds_nine_counts_in_ten_of_what_lies_in_the_known_districts(uneven: bool) -> None:
    """Twelve districts of ten deposits share their fate but for chance; each deposit is known or not by itself, where uneven four times as easily found
    on one half of them, where the map does better."""
    random, holds = np.random.default_rng(1), []
    for _ in range(400):
        mapped = np.repeat(np.arange(12) < 6, 10)
        chance = np.repeat(np.clip(random.uniform(0.1, 0.7, 12) + 0.2 * mapped[::10], 0, 1), 10)
        inside = random.random(120) < chance
        known = random.random(120) < (np.where(mapped, 0.8, 0.2) if uneven else 0.5)
        # of further ones as many lie on either half as there are; those known weigh so that they stand for that
        left = ~known
        weight = np.where(mapped[known], left[mapped].sum() / known[mapped].sum(), left[~mapped].sum() / known[~mapped].sum())
        drawn = intervals.weights(np.arange(known.sum()), seed=0, replicates=100) * weight
        told = (drawn @ inside[known]) / drawn.sum(axis=1)
        share = predictive.share_of(np.average(inside[known], weights=weight), told, told, int(known.sum()))
        low, high = predictive.central(predictive.number_chances(share, int(left.sum())))
        holds.append(low <= inside[left].sum() <= high)
    assert 0.86 <= np.mean(holds) <= 0.94


def test_the_design_effect_of_twins_is_two_and_of_loners_one() -> None:
    fates = np.random.default_rng(2).random(200) < 0.4
    for each, wanted in ((1, 1.0), (2, 2.0)):
        group = np.repeat(np.arange(200), each)
        weights = intervals.weights(group, seed=0)[:, group]
        of = np.repeat(fates, each)
        apart = predictive.redrawn(np.arange(len(of)), np.ones(len(of)), seed=1)
        found = predictive.share_of(of.mean(), (weights @ of) / weights.sum(axis=1), (apart @ of) / apart.sum(axis=1), len(of))
        assert found.design == pytest.approx(wanted, rel=0.15)
        assert found.apart == pytest.approx(1, rel=0.15)


def test_uneven_weights_make_the_share_less_sure_and_the_further_deposits_no_more_alike() -> None:
    fates, weight = np.random.default_rng(2).random(400) < 0.4, np.repeat((1.0, 4.0), 200)
    drawn = predictive.redrawn(np.arange(400), weight, seed=0)
    told = (drawn @ fates) / drawn.sum(axis=1)
    found = predictive.share_of(np.average(fates, weights=weight), told, told, 400)
    assert found.design == pytest.approx(400 * (200 + 200 * 16) / (200 + 800) ** 2, rel=0.15)  # 1.36, Kish's of unequal weights
    mine, alike = (predictive.number_chances(share, 4000) for share in (Share(0.4, 400, 1.36, 1.36), Share(0.4, 400, 1.36 * 2, 1.36)))
    assert mine == pytest.approx(betabinom.pmf(np.arange(4001), 4000, 0.4 * 400 / 1.36 + 0.5, 0.6 * 400 / 1.36 + 0.5), abs=2e-4)
    assert np.ptp(predictive.central(alike)) > np.ptp(predictive.central(mine))


def test_the_central_interval_by_hand() -> None:
    assert predictive.central(np.array([0.04, 0.2, 0.5, 0.22, 0.04])) == (1, 3)  # 0 lies at 0.02 and 4 at 0.98
    assert predictive.central(np.array([0.12, 0.2, 0.5, 0.13, 0.05])) == (0, 3)  # 0 lies at 0.06, 4 at 0.975
    assert predictive.central(np.array([1.0])) == (0, 0)
    assert predictive.central(np.array([0.97, 0.02, 0.01])) == (0, 0)


def test_a_share_read_off_a_smooth_curve_is_surer_than_a_count() -> None:
    steady = predictive.share_of(0.3, np.full(50, 0.3) + np.tile([-0.001, 0.001], 25), np.full(50, 0.3), 60)
    assert steady.design == predictive.SMOOTHEST
    narrow, wide = (predictive.central(predictive.number_chances(Share(0.3, 60, design), 60)) for design in (steady.design, 1.0))
    assert narrow[1] - narrow[0] < wide[1] - wide[0]


def test_an_uncertain_number_of_deposits_is_mixed_over() -> None:
    share = Share(0.5, 1000, 1.0)
    found = predictive.mixed(share, np.array([0.5, 0.0, 0.5]))
    assert found == pytest.approx([0.5 + 0.5 * 0.25, 0.25, 0.125], abs=2e-3)


def test_the_curve_is_the_least_concave_one_over_the_steps() -> None:
    area, captured = predictive.curve(np.array([0.1, 0.5, 0.2, 0.9]), np.ones(4))
    assert area == pytest.approx([0, 0.2, 0.5, 0.9, 1.0])
    assert captured == pytest.approx([0, 0.5, 0.75, 1.0, 1.0])
    area, captured = predictive.curve(np.array([0.4, 0.5]), np.ones(2))  # the first step lies under the line to the second
    assert area == pytest.approx([0, 0.5, 1.0])
    assert captured == pytest.approx([0, 1.0, 1.0])
    slopes = np.diff(predictive.curve(np.random.default_rng(3).random(80) ** 3, np.ones(80)), axis=1)
    assert (np.diff(slopes[1] / slopes[0]) <= 1e-9).all()


def test_pieces_that_make_up_the_ground_hold_all_deposits_and_the_best_hold_most() -> None:
    found = predictive.curve(np.random.default_rng(4).random(60) ** 4, np.ones(60))
    middles, areas = (np.arange(10) + 0.5) / 10, np.full(10, 0.1)
    assert predictive.on_pieces(found, middles, areas) == pytest.approx(1)
    shares = [predictive.on_pieces(found, middles[i : i + 1], areas[:1]) for i in range(10)]
    assert shares == pytest.approx(sorted(shares, reverse=True))
    assert shares[0] == pytest.approx(float(np.interp(0.1, *found)))


def test_held_out_deposits_are_ranked_among_all_ground_but_the_deposits_taught_with() -> None:
    n = 50
    value = np.arange(n, dtype=np.float32)[:, None] / n
    deposits, background = np.array([49, 47, 45, 30]), np.arange(0, 28, 3)
    cell = np.concatenate((deposits, background))
    table = SampleTable(
        values=value[cell], names=("height",), label=np.repeat((1, 0), (4, len(background))), group=np.concatenate((np.arange(4), -1 - background)),
        cell=cell, x=cell * 1000.0, y=np.zeros(len(cell)),
    )  # fmt: skip
    found = predictive.ground_above(
        table, value, np.arange(n), make_model=lambda _: LogisticRegression(), split=Split(kind="nearest", folds=2), seed=0, folds=4
    )
    assert np.isnan(found[4:]).all()
    # of the 47 cells that are no deposit taught with, those above: 48 and its own cell, half; and so on down
    above = [0, 1, 2, 16]
    assert found[:4] == pytest.approx([(a + 0.5 + 0.5) / 48 for a in above])


def test_deposits_that_tell_themselves_apart_are_foretold_high_on_the_ground_and_blind_ones_evenly() -> None:
    told, blind = (places.table(seed=5, signal=signal) for signal in (3.0, 0.0))
    ground = np.random.default_rng(6).normal(size=(2000, 4)).astype(np.float32)

    def median(table: SampleTable) -> float:
        filled = table.showing(np.nan_to_num(table.values))
        found = predictive.ground_above(
            filled, ground, 10**6 + np.arange(2000), make_model=lambda _: LogisticRegression(), split=Split(kind="nearest"), seed=1
        )
        return float(np.nanmedian(found))

    assert median(told) < 0.05
    assert 0.3 < median(blind) < 0.7
