"""Rock classes are learnt from what can be seen, and a place is never told by a forest that saw its map."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import DataError
from pipeline.learning import infill

HOW = infill.How(block_m=10_000, folds=4, trees=20, seed=3)


def ground(n: int = 3000, *, seed: int = 0) -> infill.Taught:
    """Three classes: two tell themselves by the first layer, the third by nothing but a mean of them; the second layer is noise."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 100_000, (2, n))
    code = rng.choice([3, 7, 20], n, p=[0.5, 0.3, 0.2])
    first = rng.normal(np.select([code == 3, code == 7], [-2, 2], 0), 0.7)
    return infill.Taught(np.column_stack([first, rng.normal(size=n)]).astype(np.float32), code, x, y, np.arange(n))


def test_classes_that_can_be_seen_are_told_on_ground_no_forest_saw() -> None:
    taught, fresh = ground(), ground(seed=1)
    held = infill.learnt(taught, classes=infill.classes_of(taught), how=HOW)
    share = infill.probabilities(fresh.values, fresh.x, fresh.y, np.zeros(len(fresh), bool), held, how=HOW)
    assert share.sum(axis=1) == pytest.approx(1)
    assert np.mean(held["classes"][share.argmax(axis=1)] == fresh.code) > 0.8
    told = [share[:, i].mean() for i in range(3)]
    assert told == pytest.approx([0.5, 0.3, 0.2], abs=0.03)


def test_a_mapped_place_is_told_without_its_own_blocks_map() -> None:
    taught = ground()
    here = infill.fold_of(taught.x, taught.y, how=HOW) == 2
    lied = infill.Taught(taught.values, np.where(here, 3, taught.code), taught.x, taught.y, taught.number)
    both = [infill.learnt(t, classes=np.array([3, 7, 20]), how=HOW) for t in (taught, lied)]
    honest, deceived = (infill.probabilities(taught.values, taught.x, taught.y, np.ones(len(taught), bool), held, how=HOW) for held in both)
    assert np.array_equal(honest[here], deceived[here])  # what the map says there never reached the forest that tells it
    assert not np.array_equal(honest[~here], deceived[~here])


def test_a_place_without_a_map_is_the_mean_of_all_forests() -> None:
    taught, n = ground(), 50
    held = infill.learnt(taught, classes=infill.classes_of(taught), how=HOW)
    values = taught.values[:n]
    one = np.zeros((HOW.folds, n, 3))
    for part in range(HOW.folds):
        place = next(i for i in range(len(taught)) if infill.fold_of(taught.x[[i]], taught.y[[i]], how=HOW)[0] == part)
        x, y = np.full(n, taught.x[place]), np.full(n, taught.y[place])
        one[part] = infill.probabilities(values, x, y, np.ones(n, bool), held, how=HOW)
    unmapped = infill.probabilities(values, taught.x[:n], taught.y[:n], np.zeros(n, bool), held, how=HOW)
    assert unmapped == pytest.approx(one.mean(axis=0))


def test_missing_layers_are_borne_and_a_row_is_its_own() -> None:
    taught = ground()
    taught.values[::7, 0] = np.nan
    held = infill.learnt(taught, classes=infill.classes_of(taught), how=HOW)
    mapped = np.arange(len(taught)) % 2 == 0
    share = infill.probabilities(taught.values, taught.x, taught.y, mapped, held, how=HOW)
    part = slice(40, 55)
    assert np.array_equal(share[part], infill.probabilities(taught.values[part], taught.x[part], taught.y[part], mapped[part], held, how=HOW))
    assert np.isfinite(share).all()


def test_a_class_absent_from_the_other_folds_has_share_0_there_and_not_another_class_place() -> None:
    taught = ground()
    here = infill.fold_of(taught.x, taught.y, how=HOW) == 1
    code = np.where((taught.code == 20) & ~here, 7, taught.code)
    held = infill.learnt(infill.Taught(taught.values, code, taught.x, taught.y, taught.number), classes=np.array([3, 7, 20]), how=HOW)
    share = infill.probabilities(taught.values[here], taught.x[here], taught.y[here], np.ones(here.sum(), bool), held, how=HOW)
    assert share[:, 2].max() == 0
    assert share[:, 1].max() > 0.9


def test_entropy_is_0_when_sure_and_1_when_blind() -> None:
    assert infill.entropy(np.array([[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [0.5, 0.5, 0]])) == pytest.approx([0, 1, np.log(2) / np.log(3)])


def test_the_rows_taught_with_do_not_depend_on_their_order() -> None:
    taught = ground(500)
    order = np.random.default_rng(0).permutation(500)
    once, again = infill.chosen(taught, most=100, seed=4), infill.chosen(taught.subset(order), most=100, seed=4)
    assert np.array_equal(once.number, again.number)
    assert len(once) == 100


def test_one_class_and_one_block_are_refused() -> None:
    taught = ground(200)
    with pytest.raises(DataError, match="infill: of the 1 mapped classes 1 have 30 sampled cells; it needs two to tell apart"):
        infill.classes_of(taught.subset(taught.code == 3))
    with pytest.raises(DataError, match="infill: the mapped ground lies in too few blocks of 1000 km to hold one out"):
        infill.learnt(taught, classes=np.array([3, 7]), how=infill.How(block_m=1e6, folds=4, trees=2, seed=0))
