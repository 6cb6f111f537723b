"""A whole survey reaches its fit in one piece, the right way up, the same from any tiles; and what does not fit is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline import look
from pipeline.config import load
from pipeline.config.frame import Use
from pipeline.cube import LayerMeta
from pipeline.errors import ResourceError
from pipeline.flow import run
from pipeline.grid import Grid
from pipeline.planning import plan
from pipeline.recipe import Array
from pipeline.registry import find, parameters
from pipeline.stages import fitting
from tests import tiny

NATIVE_M = 2100.0  # of the DEM, taken as a survey: squares of 4 cells of 500 m
HEIGHT_M = 2.0


def mapped(root: Path, tile: int) -> tuple[Array, Array]:
    """The DEM and the same continued upward by next to nothing, of a region in tiles of a size."""
    dem = {"use": "raster", "path": "dem.tif", "units": "m", "native_m": NATIVE_M}
    tiny.make(root)
    features = {"elevation": {"use": "value", "of": "dem"}, "higher": {"use": "upward_continuation", "of": "dem", "height_m": HEIGHT_M}}
    faults = {"use": "vector", "path": "faults.gpkg"}
    points = {"use": "points", "path": "occurrences.csv", "columns": {"name": "name", "lon": "lon", "lat": "lat"}}
    tiny.write(root, sources={"dem": dem, "faults": faults, "occurrences": points}, features=features)
    run(plan(load("tiny", settings=(f"region.tile={tile}",), root=root)))
    cube = look.open_cube("tiny", settings=(f"region.tile={tile}",), root=root)
    return cube["dem"].to_numpy(), cube["higher"].to_numpy()


def test_a_survey_is_put_together_from_means_over_its_own_step_and_read_back_at_the_cells(tmp_path: Path) -> None:
    (dem, higher), (_, other) = mapped(tmp_path / "16", 16), mapped(tmp_path / "64", 64)
    assert higher.tobytes() == other.tobytes()
    means = dem.astype(np.float64).reshape(25, 4, 30, 4).mean(axis=(1, 3))
    between = (means[:-1, :-1] + means[1:, :-1] + means[:-1, 1:] + means[1:, 1:]) / 4  # where the corners of four squares meet
    corners = higher[3:-4:4, 3:-4:4] + higher[4:-3:4, 4:-3:4] + higher[3:-4:4, 4:-3:4] + higher[4:-3:4, 3:-4:4]
    assert corners / 4 == pytest.approx(between, abs=0.02 * np.ptp(means))


@pytest.mark.parametrize(
    ("grid", "told"),
    [
        (Grid(tiny.CRS, 100.0, 0.0, 0.0, 300, 300, 50), "works on squares of 16 cells, and region.tile 50 is no multiple of that"),
        (Grid(tiny.CRS, 1000.0, 0.0, 0.0, 3000, 6000, 256), "holds a survey of 1500 x 3000 cells in one piece, at most 2500 a side fit"),
    ],
)
def test_a_survey_too_large_for_one_piece_and_tiles_that_cut_its_squares_are_refused(grid: Grid, told: str) -> None:
    word = "drainage"
    use = Use(use=word, with_=parameters(find("features", word))(of="field", least_km2=1))
    with pytest.raises(ResourceError, match=told):
        fitting.node(grid, "tilt_fit", use, {"of": ("field",)}, {}, {}, {}, {"field": LayerMeta("field", "float32", "nT", "", "", "", NATIVE_M)})


def bytes_of(word: str, grid: Grid, **said: float) -> int:
    """What the fit of a feature of one layer `field` may hold on a grid."""
    use = Use(use=word, with_=parameters(find("features", word))(of="field", **said))
    plain = {name: value for name, value in use.with_.model_dump().items() if name != "of"}
    known = {"field": LayerMeta("field", "float32", "nT", "", "", "", NATIVE_M)}
    return fitting.node(grid, f"{word}_fit", use, {"of": ("field",)}, plain, {}, {}, known).bytes


def test_a_survey_worked_on_by_windows_is_bounded_by_a_window_and_what_it_holds_of_the_whole() -> None:
    grid = Grid(tiny.CRS, 1000.0, 0.0, 0.0, 8000, 12_000, 256)
    cells = 4001 * 6001
    assert bytes_of("tilt", grid) == 160 * cells + 400 * 2500**2 < 400 * cells


def test_a_larger_step_puts_a_layer_on_fewer_squares() -> None:
    grid = Grid(tiny.CRS, 100.0, 0.0, 0.0, 9000, 9000, 512)
    assert bytes_of("drainage", grid, least_km2=10.0) == 400 * (9000 // 16 + 1) ** 2  # native 2100 m: 16 cells
    assert bytes_of("drainage", grid, least_km2=10.0, step_m=7000.0) == 400 * (9000 // 64 + 1) ** 2
