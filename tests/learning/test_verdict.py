from __future__ import annotations

from typing import Any

import pytest

from pipeline.learning.verdict import difference, verdict


def result(model: list[float | None], null: list[float | None], *, groups: int = 40, folds: int = 5) -> dict[str, Any]:
    def scored(aucs: list[float | None]) -> dict[str, Any]:
        held = [auc for auc in aucs if auc is not None]
        per_seed = [{"folds": [{"auc": auc} for auc in aucs[i : i + folds]]} for i in range(0, len(aucs), folds)]
        return {"fold_mean": sum(held) / len(held) if held else None, "per_seed": per_seed}

    return {
        "protocol": {"split": "25 km blocks in 5 folds", "folds": folds, "seeds": list(range(len(model) // folds)), "groups": groups},
        "ranks": [{"percentile": percent} for percent in (44.2, None, 97.0)],
        "scores": {"model": scored(model), "coordinates": scored(null), "random": scored([0.4] * len(null))},
    }


def test_the_standard_error_is_that_of_nadeau_and_bengio() -> None:
    # Differences 0.1, 0.2, 0.3, 0.2, 0.2: mean 0.2, variance 0.005; 0.005 * (1/5 + 1/4) = 0.00225.
    found = difference(result([0.7, 0.8, 0.9, 0.8, 0.8], [0.6] * 5))
    assert found is not None
    assert found.null == "coordinates"
    assert found.mean == pytest.approx(0.2)
    assert found.standard_error == pytest.approx(0.00225**0.5)


def test_more_seeds_do_not_make_the_error_vanish() -> None:
    few, many = (difference(result([0.7, 0.8, 0.9, 0.8, 0.8] * n, [0.6] * 5 * n)) for n in (1, 100))
    assert few is not None and many is not None
    assert many.standard_error > 0.6 * few.standard_error


@pytest.mark.parametrize(
    ("model", "null", "groups", "start"),
    [
        ([0.7, 0.8, 0.9, 0.8, 0.8], [0.6] * 5, 40, "Beats its nulls: AUC 0.80 against 0.60 for coordinates alone (25 km blocks in 5 folds"),
        ([0.5, 0.9, 0.9, 0.5, 0.8], [0.6] * 5, 40, "Does not clearly beat its nulls"),
        ([0.65] * 5, [0.66] * 5, 40, "Does not beat its nulls"),
        ([0.6] * 5, [0.5] * 5, 40, "Near chance: AUC 0.60"),
        ([0.9, None, None, None, None], [0.5, None, None, None, None], 40, "Too few to tell: fewer than two folds"),
    ],
)
def test_the_sentence_for_each_rule(model: list[float | None], null: list[float | None], groups: int, start: str) -> None:
    sentence = verdict(result(model, null, groups=groups))
    assert sentence.startswith(start)
    assert sentence.endswith(".") and "25 km blocks" in sentence and "\n" not in sentence


def test_with_few_deposits_their_ranks_are_told_and_no_auc() -> None:
    sentence = verdict(result([0.9] * 5, [0.5] * 5, groups=9))
    assert sentence == (
        "Too few to tell: 9 deposit groups, where 10 or more are needed to judge a model; held out, they rank above 97, 44 % of the ground around them."
    )


def test_folds_are_compared_with_their_own_pair_only() -> None:
    found = difference(result([0.9, None, 0.7, 0.8, 0.8], [0.8, 0.1, 0.6, None, 0.7]))
    assert found is not None and found.mean == pytest.approx(0.1)


@pytest.mark.parametrize(("interval", "start"), [([0.05, 0.3], "Beats its nulls"), ([-0.01, 0.3], "Does not clearly beat its nulls")])
def test_an_interval_by_redrawn_blocks_that_holds_0_takes_the_claim_back(interval: list[float], start: str) -> None:
    held = result([0.7, 0.8, 0.9, 0.8, 0.8], [0.6] * 5) | {"difference": {"coordinates": {"mean": 0.2, "interval": interval}, "random": {"interval": [0.3, 0.5]}}}
    sentence = verdict(held)
    assert sentence.startswith(start)
    assert f"{interval[0]:+.2f} to {interval[1]:+.2f} by redrawn blocks" in sentence


def test_folds_nearer_than_the_evidence_is_alike_are_told() -> None:
    held = result([0.7, 0.8, 0.9, 0.8, 0.8], [0.6] * 5)
    held["protocol"] |= {"apart_km": 44.2, "floors": {"evidence_range_km": 57.9, "neighbour_km": 18.2}, "floors_met": False}
    assert verdict(held).endswith("; the folds are 44 km apart where evidence or deposits are alike as far as 58 km, which may flatter.")
    held["protocol"]["floors_met"] = True
    assert "flatter" not in verdict(held)
