"""Align: every layer a source gives, tile by tile on the one grid, and the mask of the region."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline import registry
from pipeline.asset import Asset, LayerInfo
from pipeline.config import Loaded
from pipeline.cube import REGION, LayerMeta
from pipeline.errors import ConfigError
from pipeline.grid import Index, Window
from pipeline.node import Call, LayerNode
from pipeline.recipe import Array, Cells, Vector
from pipeline.stages.acquire import BOUNDARY, Found

EPOCH = 1
STAGE = "align"
DESCRIBING = ("units", "long_name", "licence", "citation", "native_m", "synthetic", "sensor", "redistribute")  # words that change no value


def nodes(loaded: Loaded, found: Found) -> list[LayerNode]:
    """One node per layer of each source, and the region's mask; ConfigError when two would have one name."""
    made = [_region(found)]
    taken = {meta.name for meta in made[0].outputs}
    for key, acquired in found.acquired.items():
        use = loaded.config.sources.get(key)
        if use is None or not acquired.layers:
            continue
        said = use.with_.model_dump()
        deciding = {word: value for word, value in said.items() if word not in (*DESCRIBING, *acquired.choosing)}
        parameters = {"use": use.use, "said": deciding, "epoch": registry.epoch(registry.find("sources", use.use))}
        metas = [_meta(found, key, info, said) for info in acquired.layers]
        for meta in metas:
            if meta.name in taken:
                raise ConfigError(f"{loaded.where('sources', key)}: layer {meta.name!r} is given twice; rename this source or its band")
            taken.add(meta.name)
        if acquired.together:
            made.append(LayerNode(key, STAGE, Call(together, parameters, assets=acquired.assets), tuple(metas)))
            continue
        for info, meta in zip(acquired.layers, metas, strict=True):
            made.append(LayerNode(meta.name, STAGE, Call(base, parameters | {"suffix": info.suffix}, assets=acquired.assets), (meta,)))
    return made


def tiles(found: Found) -> frozenset[Index]:
    """The tiles the region touches: all of them where its outline is not given; ConfigError when it touches none."""
    from pipeline import vectors

    grid, table = found.place.grid, found.tables.get(BOUNDARY)
    touched = vectors.tiles_touched(table.path, grid) if table else frozenset(grid.tiles())
    if not touched:
        raise ConfigError("region.boundary and region.bounds do not meet, so there is no ground to map; correct one of them, or leave bounds out")
    return touched


def base(*, at: Window, assets: tuple[Asset, ...] = (), use: str, said: dict[str, Any], suffix: str, epoch: int) -> Array:
    """One tile of a source's layer on the grid."""
    del epoch  # only part of the key
    return registry.find("sources", use)(**said).read(assets, suffix, at)  # type: ignore[no-any-return]


def together(*, at: Window, assets: tuple[Asset, ...] = (), use: str, said: dict[str, Any], epoch: int) -> tuple[Array, ...]:
    """One tile of every layer of a source that reads them at once."""
    del epoch  # only part of the key
    return registry.find("sources", use)(**said).read_all(assets, at)  # type: ignore[no-any-return]


def inside(*, at: Cells, boundary: Vector) -> Array:
    """1 where the cell's centre lies in the region, NaN elsewhere."""
    from pipeline.spatial import outline

    return np.where(outline.inside(boundary.geometry, at.x, at.y), np.float32(1), np.float32(np.nan))


def everywhere(*, at: Cells) -> Array:
    """1 in every cell: a region that is its grid."""
    return np.ones(at.number.shape, dtype=np.float32)


def _region(found: Found) -> LayerNode:
    grid = found.place.grid
    meta = LayerMeta(REGION, "float32", "1", "Inside the region", "region boundary", "see boundary", grid.cell_m)
    table = found.tables.get(BOUNDARY)
    call = Call(inside, vectors={"boundary": table}) if table else Call(everywhere)
    return LayerNode(REGION, STAGE, call, (meta,), tiles=frozenset(grid.tiles()))  # also where nothing else is made: it says so


def _meta(found: Found, key: str, info: LayerInfo, said: dict[str, Any]) -> LayerMeta:
    name = f"{key}_{info.suffix}" if info.suffix else key
    return LayerMeta(
        name, info.dtype, info.units, info.long_name or name, said.get("citation") or _files(found.acquired[key].assets),
        said.get("licence") or "not stated", info.native_m, bool(said.get("synthetic")) or _synthetic(found, key), said.get("sensor") or "",
    )  # fmt: skip


def _files(assets: tuple[Asset, ...]) -> str:
    return ", ".join(asset.id for asset in assets)


def _synthetic(found: Found, key: str) -> bool:
    return bool(getattr(found.acquired[key], "synthetic", False))
