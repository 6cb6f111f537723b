"""The published rasters: what a geographic information system reads from them."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import rasterio
from rio_cogeo.cogeo import cog_validate

from pipeline.publishers.rasters import CLASSES, COLOURS, rasters
from pipeline.recipe import MISSING
from tests.publishers import bundles


def test_every_raster_is_a_strict_cog_on_the_grid_with_its_cells(tmp_path: Path) -> None:
    made = bundles.bundle(tmp_path)
    rasters(bundle=made)
    for name, values in bundles.scores().items():
        path = made.folder / f"{name}.tif"
        assert cog_validate(path, strict=True) == (True, [], [])
        with rasterio.open(path) as file:
            assert (file.shape, file.crs.to_epsg(), file.transform) == (made.cube.grid.shape, 6933, made.cube.grid.affine())
            expected = np.where(values == MISSING, 0, values) if name == "classes" else values
            assert np.array_equal(file.read(1), expected, equal_nan=name != "classes")
    assert sorted(p.name for p in made.folder.iterdir()) == ["classes.tif", "prospectivity.tif", "uncertainty.tif"]


def test_floats_say_their_range_and_that_cells_not_scored_are_nan(tmp_path: Path) -> None:
    made = bundles.bundle(tmp_path)
    rasters(bundle=made)
    with rasterio.open(made.folder / "prospectivity.tif") as file:
        assert file.dtypes == ("float32",)
        assert math.isnan(file.nodata)
        assert (file.tags(1)["VALID_MIN"], file.tags(1)["VALID_MAX"]) == ("0", "1")
        assert float(file.tags(1)["STATISTICS_MAXIMUM"]) == 1.0
        assert float(file.tags(1)["STATISTICS_VALID_PERCENT"]) == 87.5


def test_classes_carry_their_names_and_a_ramp_whose_lightness_falls(tmp_path: Path) -> None:
    made = bundles.bundle(tmp_path)
    rasters(bundle=made)
    with rasterio.open(made.folder / "classes.tif") as file:
        assert (file.dtypes, file.nodata) == (("uint8",), 0)
        assert [file.tags(1)[f"CLASS_{i}"] for i in range(6)] == list(CLASSES)
        shown = [file.colormap(1)[code] for code in range(6)]
    assert shown == list(COLOURS)
    lightness = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b, _ in shown[1:]]
    assert all(above - below > 20 for above, below in itertools.pairwise(lightness))
    assert shown[0][3] == 0


def test_a_synthetic_map_says_so_in_each_raster_and_a_real_one_does_not(tmp_path: Path) -> None:
    for synthetic in (True, False):
        made = bundles.bundle(tmp_path / str(synthetic), synthetic=synthetic)
        rasters(bundle=made)
        for name in made.rasters:
            with rasterio.open(made.folder / f"{name}.tif") as file:
                assert file.tags().get("SYNTHETIC", "NO").startswith("YES") is synthetic
