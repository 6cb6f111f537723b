"""Weights of evidence, by hand and against an independent computation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from pipeline.errors import DataError
from pipeline.learning import model_files
from pipeline.learning.weights_of_evidence import WeightsOfEvidence
from tests.learning.places import table

# A study area of 1020 unit cells with 20 deposits. 12 of the deposits and 200 of the 1000 other cells lie on the pattern B.
PATTERN = np.repeat([1.0, 0.0, 1.0, 0.0], [12, 8, 200, 800])
LABEL = np.repeat([1, 0], [20, 1000])


@parametrize_with_checks([WeightsOfEvidence()])
def test_scikit_learns_own_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


def test_one_pattern_worked_by_hand() -> None:
    # W+ = ln(12/20 / 200/1000) = ln 3          s2(W+) = 1/12 + 1/200 = 0.0883333
    # W- = ln( 8/20 / 800/1000) = ln 1/2        s2(W-) = 1/8 + 1/800  = 0.12625
    # C  = ln 6 = 1.791759                      s(C) = sqrt(0.2145833) = 0.4632314        C/s(C) = 3.867957
    model = WeightsOfEvidence().fit(PATTERN[:, None], LABEL)
    off, on = model.report()["layers"]
    assert on["w_plus"] == pytest.approx(math.log(3), abs=1e-12) and on["w_minus"] == pytest.approx(-math.log(2), abs=1e-12)
    assert (on["s_w_plus"] ** 2, on["s_w_minus"] ** 2) == pytest.approx((0.0883333333, 0.12625))
    assert on["contrast"] == pytest.approx(1.7917594692) and on["studentized_contrast"] == pytest.approx(3.867957, abs=1e-6)
    assert (on["deposits"], on["area_km2"], on["class"], on["threshold"]) == (12, 212, "at or above", 0.5)
    assert (off["w_plus"], off["contrast"]) == pytest.approx((-math.log(2), -1.7917594692))
    # prior odds 20/1000; on B 0.02 x 3 = 0.06, that is 12 of 212 cells; off B 0.02 / 2 = 0.01, 8 of 808
    posterior, deviation = model.predict_both([[1.0], [0.0]])
    assert posterior == pytest.approx([12 / 212, 8 / 808], abs=1e-15)
    # s(P) = P sqrt(1/20 + s2(W))
    assert deviation == pytest.approx([12 / 212 * math.sqrt(0.05 + 0.0883333333), 8 / 808 * math.sqrt(0.05 + 0.12625)])
    told = model.report()["independence"]
    assert (told["observed"], told["expected"], told["ratio"]) == pytest.approx((20, 20, 1))  # one layer depends on no other
    assert told["holds"] and "is not contradicted: 20.0 deposits are expected where 20 are known (ratio 1.00, z 0.00)" in told["says"]


def test_a_cell_without_the_layer_keeps_the_prior_and_the_doubt_by_hand() -> None:
    posterior, deviation = WeightsOfEvidence().fit(PATTERN[:, None], LABEL).predict_both([[np.nan]])
    assert posterior == pytest.approx([20 / 1020])
    # known to be on B (212 of 1020 cells) p would be 12/212, else 8/808
    doubt = 212 / 1020 * (12 / 212 - 20 / 1020) ** 2 + 808 / 1020 * (8 / 808 - 20 / 1020) ** 2
    assert deviation**2 == pytest.approx([(20 / 1020) ** 2 / 20 + doubt])


def test_a_layer_told_twice_fails_the_test_of_independence_by_hand() -> None:
    # odds on B 0.02 x 9 = 0.18, off B 0.02 / 4 = 0.005; T = 212 x 0.18/1.18 + 808 x 0.005/1.005 = 32.33898 + 4.0199 = 36.35888
    # s(T)2 = (32.33898)2 (0.05 + 2 x 0.0883333) + (4.0199)2 (0.05 + 2 x 0.12625) = 237.0520 + 4.8883;  z = 16.35888 / 15.55444 = 1.05172
    model = WeightsOfEvidence().fit(np.column_stack((PATTERN, PATTERN)), LABEL)
    told = model.report()["independence"]
    assert told["expected"] == pytest.approx(36.35888, abs=1e-5) and told["ratio"] == pytest.approx(20 / 36.35888, abs=1e-6)
    assert told["z"] == pytest.approx(1.05172, abs=1e-4)
    assert told["probability"] == pytest.approx(0.85353, abs=1e-4)
    assert not told["holds"] and "Conditional independence fails" in told["says"] and "use logistic_regression" in told["says"]


def independent(X: Any, y: Any, at: Any, *, units_per_row: float) -> tuple[Any, Any]:
    """Weights of evidence of continuous layers in 20 lines of numpy: posterior and its standard deviation `at` other rows."""
    deposits = (y == 1).sum()
    logit, variance = np.full(len(at), np.log(deposits / ((y == 0).sum() * units_per_row))), np.full(len(at), 1 / deposits)
    unknown = []
    for x, here in zip(X.T, at.T, strict=True):
        ore, rest = x[(y == 1) & ~np.isnan(x)], x[(y == 0) & ~np.isnan(x)]
        best = (0.0,) * 7
        for t in sorted(rest)[len(rest) // 20 - 1 :: len(rest) // 20]:
            a, b, c, d = (ore >= t).sum(), (ore < t).sum(), (rest >= t).sum(), (rest < t).sum()
            if min(a, b) < 5 or min(c, d) == 0:
                continue
            plus, minus = np.log(a / len(ore) / (c / len(rest))), np.log(b / len(ore) / (d / len(rest)))
            of_plus, of_minus = 1 / a + 1 / min(c, c * units_per_row), 1 / b + 1 / min(d, d * units_per_row)
            share = (a + c * units_per_row) / (len(ore) + len(rest) * units_per_row)
            best = max(best, (abs(plus - minus) / np.sqrt(of_plus + of_minus), t, plus, minus, of_plus, of_minus, share))
        if best[0] >= 2:
            _, t, plus, minus, of_plus, of_minus, share = best
            known, upper = ~np.isnan(here), here >= t
            logit += known * np.where(upper, plus, minus)
            variance += known * np.where(upper, of_plus, of_minus)
            unknown.append((~known, plus, minus, share))
    p = 1 / (1 + np.exp(-logit))
    doubt = sum(u * (s * (1 / (1 + np.exp(-logit - a)) - p) ** 2 + (1 - s) * (1 / (1 + np.exp(-logit - b)) - p) ** 2) for u, a, b, s in unknown)
    return p, np.sqrt(p**2 * variance + doubt)


@pytest.mark.parametrize("units_per_row", [1.0, 0.25, 40.0])
def test_it_agrees_with_an_independent_computation(units_per_row: float) -> None:
    random = np.random.default_rng(3)
    y = np.repeat([1, 0], [80, 1000])
    X = random.normal(size=(1080, 5))
    X[:80] += [1.5, -1.0, 0.6, 0.0, 0.0]
    X[1:80:7, 0] = np.nan
    X[80::50, 1:] = np.nan  # 20 rows: the rest divides by 20
    known = X[~np.isnan(X[:, 0])]
    assert (~np.isnan(X[80:])).sum(axis=0).tolist() == [1000, 980, 980, 980, 980] and len(known) < len(X)
    # background_km2 counts the cells of the deposits in
    model = WeightsOfEvidence(unit_cell_km2=2.0, background_km2=2.0 * (units_per_row + 80 / 1000)).fit(X, y)
    wanted = independent(X, y, X, units_per_row=units_per_row)
    found = model.predict_both(X)
    np.testing.assert_allclose(found[0], wanted[0], atol=1e-9, rtol=0)
    np.testing.assert_allclose(found[1], wanted[1], atol=1e-9, rtol=0)
    assert np.isfinite(model.cut_).all() and len(np.unique(found[0])) > 8  # several layers took part


def test_the_unit_cell_scales_the_probability_and_not_the_weights() -> None:
    X, y = PATTERN[:, None], LABEL
    small, large = (WeightsOfEvidence(unit_cell_km2=cell, background_km2=10.0).fit(X, y) for cell in (0.1, 1.0))
    assert small.report()["prior"] == pytest.approx(20 / 100_000) and large.report()["prior"] == pytest.approx(20 / 10_000)
    assert small.weight_ == pytest.approx(large.weight_, abs=1e-12)


def test_unit_cells_too_large_for_the_ground_are_refused() -> None:
    with pytest.raises(DataError, match=r"1000 km2 of ground in unit cells of 50 km2 leave no more cells without a deposit than the 20 with one; give a"):
        WeightsOfEvidence(unit_cell_km2=50, background_km2=1.0).fit(PATTERN[:, None], LABEL)


def test_sampled_rows_bound_what_can_be_known_of_the_ground() -> None:
    model = WeightsOfEvidence(background_km2=1000.0).fit(PATTERN[:, None], LABEL)
    assert model.variance_ == pytest.approx([1 / 8 + 1 / 800, 1 / 12 + 1 / 200])  # not 1/800 000 and 1/200 000


def one_map(codes: Any) -> Any:
    """The one-hot columns of classes 1, 2 and 3; another code is none of them, NaN is not known."""
    columns = np.stack([np.where(np.isnan(codes), np.nan, codes == code) for code in (1, 2, 3)], axis=1)
    return columns.astype(np.float64)


def test_the_columns_of_one_map_are_classes_that_exclude_each_other_by_hand() -> None:
    # class 1: 10 deposits, 100 cells; class 2: 3 and 300; class 3: 7 and 400; none of these: 10 and 200; 30 and 1000 in all
    X = one_map(np.repeat([1, 2, 3, 0, 1, 2, 3, 0], [10, 3, 7, 10, 100, 300, 400, 200]).astype(float))
    y = np.repeat([1, 0], [30, 1000])
    model = WeightsOfEvidence(counts=(3,), least_contrast=0.5, names=("a", "b", "c")).fit(X, y)
    entries = model.report()["layers"]
    assert [(entry["layer"], entry["class"]) for entry in entries] == [("a and the 2 after it", "none of these"), ("a", "is"), ("b", "is"), ("c", "is")]
    assert model.weight_ == pytest.approx([math.log(10 / 30 / 0.2), math.log(10 / 30 / 0.1), 0.0, math.log(7 / 30 / 0.4)])
    assert entries[2]["refused"] == "3 deposits, fewer than 5" and entries[1]["refused"] is None
    prior = math.log(30 / 1000)
    posterior, _ = model.predict_both(one_map(np.array([1.0, 2.0, 3.0, 9.0, np.nan])))
    logits = prior + np.array([model.weight_[1], 0.0, model.weight_[3], model.weight_[0], 0.0])
    assert posterior == pytest.approx(1 / (1 + np.exp(-logits)))


def test_continuous_columns_of_one_feature_are_layers_of_their_own() -> None:
    random = np.random.default_rng(0)
    X, y = random.normal(size=(300, 2)), np.repeat([1, 0], [60, 240])
    told = WeightsOfEvidence(counts=(2,)).fit(X, y)
    assert told.first_.tolist() == [0, 1, 2]
    assert told.cut_.tolist() == WeightsOfEvidence().fit(X, y).cut_.tolist()


def test_a_layer_that_speaks_against_its_sign_is_refused() -> None:
    random = np.random.default_rng(1)
    X, y = random.normal(size=(550, 1)), np.repeat([1, 0], [50, 500])
    X[:50] += 1.5
    free, with_it, against = (WeightsOfEvidence(signs=(sign,)).fit(X, y) for sign in (0, 1, -1))
    assert free.weight_.tolist() == with_it.weight_.tolist() and free.weight_[0] < 0
    assert free.weight_[1] > 0.5
    assert not against.weight_.any() and all(against.refused_)
    # turned over, the lower class is the favourable one
    turned = WeightsOfEvidence(signs=(-1,)).fit(-X, y)
    assert turned.weight_[0] > 0.5 and turned.report()["layers"][0]["favourable"]


def test_distinct_deposits_are_counted_not_their_cells() -> None:
    groups = np.arange(1020)
    groups[:12] = np.repeat([0, 1, 2, 3], 3)  # the 12 cells on the pattern are 4 deposits
    alone, grouped = WeightsOfEvidence().fit(PATTERN[:, None], LABEL), WeightsOfEvidence().fit(PATTERN[:, None], LABEL, groups=groups)
    assert alone.refused_.tolist() == ["", ""]
    assert grouped.refused_.tolist() == ["", "4 deposits, fewer than 5"] and grouped.weight_[1] == 0


def test_seven_deposits_cannot_cut_a_layer_in_two_but_can_speak_for_one_side() -> None:
    random = np.random.default_rng(0)
    X, y = random.random((507, 1)), np.repeat([1, 0], [7, 500])
    X[:7] = np.linspace(0.9, 0.99, 7)[:, None]
    model = WeightsOfEvidence().fit(X, y)
    assert model.weight_[1] > 1.5 and model.refused_[0] == "0 deposits, fewer than 5"
    few = WeightsOfEvidence().fit(X[3:], y[3:])
    assert set(few.refused_) == {"no cut leaves 5 deposits on a side"} and not few.weight_.any()
    assert np.unique(few.predict_both(X)[0]) == pytest.approx([4 / 504])


def test_layers_that_say_nothing_are_refused_and_change_nothing() -> None:
    whole = table(seed=0)
    more = np.column_stack((whole.values, np.full(460, np.nan), np.full(460, 7.5), np.zeros(460)))
    told, alone = WeightsOfEvidence().fit(more, whole.label), WeightsOfEvidence().fit(whole.values, whole.label)
    reasons = ["no value at any sample"] * 2 + ["no cut leaves 5 deposits on a side"] * 2 + ["the only class", "0 deposits, fewer than 5"]
    assert told.refused_[-6:].tolist() == reasons
    for ours, theirs in zip(told.predict_both(more), alone.predict_both(whole.values), strict=True):
        assert ours.tobytes() == theirs.tobytes()


def test_thresholds_come_from_the_rows_of_the_fit_alone() -> None:
    whole = table(seed=0)
    half = np.arange(460) % 2 == 0
    again = WeightsOfEvidence().fit(whole.values, whole.label).fit(whole.values[half], whole.label[half])
    fresh = WeightsOfEvidence().fit(whole.values[half], whole.label[half])
    full = WeightsOfEvidence().fit(whole.values, whole.label)
    assert again.cut_.tolist() == fresh.cut_.tolist() != full.cut_.tolist()
    assert set(fresh.cut_) <= set(whole.values[half].astype(np.float64).ravel())


def test_the_last_bit_does_not_depend_on_the_batch_or_the_file() -> None:
    whole = table(seed=0)
    model = WeightsOfEvidence(names=("told", "a", "b", "c"), signs=(1, 0, 0, 0), counts=(1, 2, 1)).fit(whole.values, whole.label, groups=whole.group)
    mean, spread = model.predict_both(whole.values)
    back: Any = model_files.load(model_files.dump(model))
    assert back.report() == model.report()
    for part in (slice(0, 1), slice(3, 260), slice(255, 257), slice(459, 460), slice(None, None, -1)):
        again = back.predict_both(whole.values[part])
        assert again[0].tobytes() == mean[part].tobytes() and again[1].tobytes() == spread[part].tobytes()


def test_what_does_not_fit_the_columns_or_rows_is_refused() -> None:
    X, y = PATTERN[:, None], LABEL
    for wrong in ({"signs": (1, 1)}, {"counts": (2,)}, {"names": ("a", "b")}):
        with pytest.raises(ValueError, match="names, signs and counts are not those of 1 columns"):
            WeightsOfEvidence(**wrong).fit(X, y)
    with pytest.raises(ValueError, match="expected one group for each of the 1020 rows"):
        WeightsOfEvidence().fit(X, y, groups=np.zeros(3))
    with pytest.raises(ValueError, match="needs samples of two classes; got 1 class"):
        WeightsOfEvidence().fit(X, np.ones(1020))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("first_", np.array([0, 1, 3, 2]), "layers that do not divide the 2 columns"),
        ("first_", np.array([0.0, 1.0, 2.0]), "layers without columns"),
        ("cut_", np.array([np.nan, 0.5]), "cut_ is not 2 numbers"),
        ("weight_", np.array([1.0]), "weight_ is not 4 numbers"),
        ("weight_", np.array([np.inf, 0, 0, 0]), "weight_ is not finite"),
        ("variance_", np.array([-1.0, 0, 0, 0]), "variance_ holds a number below zero"),
        ("refused_", np.zeros(4), "refused_ is not 4 reasons"),
        ("counted_", np.zeros(3), "no deposit, no ground, or not two classes"),
    ],
)
def test_fitted_arrays_that_do_not_fit_are_refused(name: str, value: Any, says: str) -> None:
    model = WeightsOfEvidence().fit(np.column_stack((PATTERN, PATTERN)), LABEL)
    model.checked()
    setattr(model, name, value)
    with pytest.raises(DataError, match=f"model: {says}"):
        model.checked()
