"""What changed beyond the noise of seasons, and the ground of targets that stands where nothing did."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely

from pipeline.grid import Grid
from pipeline.recipe import Fit, Layer, Layers, Vector
from pipeline.stages import update

GRID = Grid.covering((0.0, 0.0, 40_000.0, 30_000.0), crs="EPSG:32641", cell_m=1000, tile=16)  # tiles cut at the east and the south
RNG = np.random.default_rng(3)


def layer(values: Any) -> Layer:
    return Layer.of(np.asarray(values, np.float32))


def piece(box: tuple[float, float, float, float], highest: float) -> dict[str, Any]:
    return {"max_prospectivity": highest, "mean_prospectivity": highest / 2, "wkb": shapely.to_wkb(shapely.box(*box), byte_order=1)}


def test_the_variance_of_means_left_one_out_is_that_of_the_mean() -> None:
    years = RNG.normal(0, 1, (5, 40, 50))
    without = (years.sum(axis=0) - years) / 4
    assert np.allclose(update.variance(without), years.var(axis=0, ddof=1) / 5)  # the textbook's standard error, squared


def test_a_cell_fewer_than_two_seasons_know_has_no_variance_of_its_own() -> None:
    without = np.array([[[1.0, 1.0, np.nan]], [[2.0, np.nan, np.nan]]])
    assert update.variance(without).tolist()[0][0] == 0.25 and np.isnan(update.variance(without)[0, 1:]).all()


def test_noise_is_pooled_over_the_tiles_and_does_not_depend_on_them() -> None:
    maps = RNG.uniform(0, 1, (3, 20, 30)).astype("float32")

    def pooled(side: int) -> float:
        cuts = [(r, c) for r in range(0, 20, side) for c in range(0, 30, side)]
        parts = [update.seasons_apart(without=Layers(layer(one[r : r + side, c : c + side]) for one in maps)) for r, c in cuts]
        return float(update.noise(parts=parts, seasons=3)["sd"])

    assert pooled(7) == pooled(40) == pytest.approx(np.sqrt(update.variance(maps).mean()), rel=1e-6)
    assert update.noise(parts=[], seasons=3)["sd"] is None


def test_a_change_is_beyond_three_times_the_cells_noise_and_the_grounds() -> None:
    before, here = layer([[0.5, 0.5, 0.5, np.nan]]), layer([[0.52, 0.58, 0.58, 0.9]])
    without = Layers((layer([[0.5, 0.5, 0.3, 0.5]]), layer([[0.5, 0.5, 0.7, 0.5]])))  # a trembling cell, sd 0.2
    at = GRID.window((0, 0))
    told = update.change(prospectivity=here, before=before, region=here, without=without, at=at, fresh=[], noise=Fit({"sd": 0.01}))
    assert np.isnan(told[0, [0, 2, 3]]).all() and told[0, 1] == pytest.approx(0.08, abs=1e-6)
    every = update.change(prospectivity=here, before=before, region=here, without=Layers(), at=at, fresh=[])
    assert np.isfinite(every[0, :3]).all() and np.isnan(every[0, 3])
    fresh = update.change(prospectivity=here, before=before, region=here, without=Layers(), at=at, fresh=[[0, 0]])  # a list of lists, as a key holds it
    assert np.isnan(fresh).all()


def test_patches_are_those_of_the_whole_grid_whichever_tiles_are_told_of() -> None:
    change = np.full(GRID.shape, np.nan, np.float32)
    change[10:20, 12:20] = 0.25  # over four tiles
    change[25:29, 35:39] = -0.5  # in the corner, where tiles are cut
    change[2, 2] = 0.5  # smaller than a target
    steady = layer(np.zeros(GRID.shape))
    down, across = GRID.tiles_shape

    def told(tiles: list[tuple[int, int]]) -> list[dict[str, Any]]:
        parts = []
        for tile in tiles:
            at = GRID.window(tile)
            cut = np.s_[at.r0 : at.r1, at.c0 : at.c1]
            parts.append(
                update.changed_ground(
                    prospectivity=layer(steady.values[cut]), before=layer(steady.values[cut]), region=layer(steady.values[cut]), change=layer(change[cut]),
                    at=at, fresh=[], least_cells=4,
                )
            )
        return update.patches(parts=parts, least_cells=4)

    every = told([(r, c) for r in range(down) for c in range(across)])
    assert [(one["cells"], one["mean"]) for one in every] == [(80, 0.25), (16, 0.5)]
    assert told([(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]) == every
    assert told([]) == []


def test_ground_that_lost_or_gained_a_value_has_changed() -> None:
    before, here = np.zeros((16, 16)), np.zeros((16, 16))
    here[3:8, 3:8] = np.nan
    at = GRID.window((0, 0))
    part = update.changed_ground(
        prospectivity=layer(here), before=layer(before), region=layer(before), change=layer(np.full((16, 16), np.nan)), at=at, fresh=[], least_cells=4
    )
    assert part["cells"].tolist() == [25]
    new = update.changed_ground(
        prospectivity=layer(here), before=layer(before), region=layer(before), change=layer(np.full((16, 16), np.nan)), at=at, fresh=[(0, 0)], least_cells=4
    )
    assert new["cells"].tolist() == [16 * 16 - 25]  # what the store holds there as the map of then is of another
    off = np.where(np.arange(16) < 8, np.nan, np.ones((16, 16)))
    left = update.changed_ground(
        prospectivity=layer(before), before=layer(before), region=layer(off), change=layer(np.full((16, 16), np.nan)), at=at, fresh=[], least_cells=4
    )
    assert left["cells"].tolist() == [16 * 8]  # the region does not reach there any more


class TestStanding:
    OLD = (piece((0, 0, 10, 10), 0.9), piece((20, 0, 30, 10), 0.8), piece((60, 0, 70, 10), 0.6))
    NEW = (piece((1, 0, 11, 10), 0.91), piece((21, 0, 34, 10), 0.85), piece((40, 0, 50, 10), 0.7))

    def stands(self, *moved: tuple[float, float, float, float], **more: Any) -> list[tuple[float, ...]]:
        patches = [{"wkb": shapely.to_wkb(shapely.box(*box), byte_order=1)} for box in moved]
        rows = update.standing(pieces=Fit([*self.NEW]), fitted=Fit([*self.OLD]), patches=Fit(patches), around=more.pop("around", {}), **more)
        return [tuple(shapely.from_wkb(row["wkb"]).bounds) for row in rows]

    def test_nothing_moved_and_all_is_as_it_was(self) -> None:
        assert self.stands() == [(0, 0, 10, 10), (20, 0, 30, 10), (60, 0, 70, 10)]

    def test_what_meets_a_patch_is_as_it_is_now(self) -> None:
        assert self.stands((33, 5, 34, 6)) == [(0, 0, 10, 10), (21, 0, 34, 10), (60, 0, 70, 10)]
        assert (40, 0, 50, 10) in self.stands((41, 1, 45, 5)) and (60, 0, 70, 10) not in self.stands((61, 1, 65, 5))

    def test_ground_that_only_touches_a_patch_has_not_moved(self) -> None:
        assert self.stands((10, 0, 20, 10))[1] == (20, 0, 30, 10)

    def test_excluded_ground_that_came_moves_what_lies_on_it(self) -> None:
        def table(*boxes: tuple[float, float, float, float]) -> Vector:
            return Vector(np.array([shapely.box(*box) for box in boxes], object), {})

        parks = {"was_parks": table((100, 0, 101, 1)), "now_parks": table((100, 0, 101, 1), (2, 2, 3, 3))}
        assert self.stands(around={"parks": 0.0}, **parks)[0] == (1, 0, 11, 10)
        assert self.stands(around={"parks": 20.0}, **parks)[1] == (21, 0, 34, 10)

    def test_no_ground_then_or_now(self) -> None:
        assert update.standing(pieces=Fit([]), fitted=Fit([]), patches=Fit([]), around={}) == []


def test_a_model_is_too_old_by_ground_or_by_deposits() -> None:
    said = {"since": "2026-01-01", "drift_limit": 0.05, "unlearnt_limit": 0.1, "region": "tiny"}
    assert update.too_old(then=0.8, now=0.76, unlearnt=1, learnt=9, **said) == [
        "1 of 10 known deposits came or moved since the model was fitted, 2026-01-01: it has not learnt from them"
    ]
    _, told = update.too_old(then=0.8, now=0.7, unlearnt=2, learnt=10, **said)
    assert "from 80.0% to 70.0%" in told and "2 of 12 known deposits" in told and "prospect update tiny --refit" in told
    assert update.too_old(then=None, now=None, unlearnt=0, learnt=0, **said) == []
