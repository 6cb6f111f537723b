"""Look: the cube of a region as an xarray Dataset, for notebooks and for people."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config import load
from pipeline.cube import Cube, stored
from pipeline.errors import StoreError
from pipeline.objects import located
from pipeline.stages import acquire

if TYPE_CHECKING:
    import xarray as xr


def open_cube(region: str, *, system: str | None = None, settings: tuple[str, ...] = (), root: Path | None = None) -> xr.Dataset:
    """The cube of a region: one variable per layer, dims (y, x), `spatial_ref` for the CRS, units and sources as attributes.

    Read lazily, tile by tile, through dask. `region` is 1 in the region: layers end somewhere beyond its border, where nobody looks at them any more, or
    hold what was made of a larger one; `.where(cube.region == 1)` leaves what counts. With `system`, the map layers of that mineral system are joined to it
    (prospectivity, uncertainty, classes); without, those of the region's default system if they were made.
    Raises StoreError when the region was never run, ConfigError for an unknown region.
    """
    import xarray as xr

    loaded = load(region, system=system, settings=settings, root=root)
    grid = acquire.ground(loaded)
    cube = Cube.at(located(loaded.root, loaded.config.run.cache), loaded.config.region.name, grid)
    if not cube.path.is_dir():
        raise StoreError(f"{region} was never run on this grid; run `prospect map {region}` first")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zarr warns about sub-groups that are no variables
        layers = xr.open_zarr(stored(cube.path), consolidated=False, zarr_format=3)
        maps = cube.path / "systems" / loaded.config.system.name
        if maps.is_dir():
            layers = layers.merge(xr.open_zarr(stored(cube.path), group=f"systems/{loaded.config.system.name}", consolidated=False, zarr_format=3))
    shown: xr.Dataset = layers[sorted(layers.data_vars)].set_coords("spatial_ref")
    return shown.assign_attrs(region=region, system=loaded.config.system.name)
