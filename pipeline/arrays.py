"""Arrays: what the groups and arrays of a store say of themselves, as zarr writes it: anything that reads Zarr 3 reads the store.

Written here because a run needs no more of zarr than these few lines of JSON: importing zarr and having it make thirty arrays takes a quarter of a second.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from pipeline import files
from pipeline.objects import Location
from pipeline.recipe import Array

PACKER: Literal["lz4"] = "lz4"  # a fifth larger than zstd, packed four times as fast and unpacked six times
LEVEL, SHUFFLE = 5, "shuffle"
_SAID = "zarr.json"
_AXIS = {"name": "zstd", "configuration": {"level": 0, "checksum": False}}


def attributes(at: Location, kind: Literal["array", "group"]) -> dict[str, Any]:
    """The attributes of the array or group at a place; FileNotFoundError where there is nothing, ValueError where it is damaged or another kind of thing."""
    said = json.loads((at / _SAID).read_bytes())
    if not isinstance(said, dict) or said.get("zarr_format") != 3 or said.get("node_type") != kind or not isinstance(said.get("attributes", {}), dict):
        raise ValueError(f"{at.name} holds no Zarr 3 {kind}")
    return dict(said.get("attributes", {}))


def describe(at: Location, said: Mapping[str, Any]) -> None:
    """Give the array at a place these attributes in the place of its own."""
    _write(at / _SAID, json.loads((at / _SAID).read_bytes()) | {"attributes": dict(said)})


def group(at: Location, said: Mapping[str, Any]) -> None:
    """A group at a place, or these attributes added to those of the one that is there; ValueError where there is something else."""
    try:
        held: dict[str, Any] | None = attributes(at, "group")
    except FileNotFoundError:
        held = None
    if held is None or held | dict(said) != held:
        _write(at / _SAID, {"attributes": (held or {}) | dict(said), "zarr_format": 3, "node_type": "group"})


def tiled(at: Location, shape: tuple[int, int], side: int, dtype: str, fill: Any, said: Mapping[str, Any]) -> None:
    """An array (y, x) of square chunks where there is nothing yet; each cell is `fill`, NaN in float32, until a chunk is written."""
    codec = {"name": "blosc", "configuration": {"typesize": np.dtype(dtype).itemsize, "cname": PACKER, "clevel": LEVEL, "shuffle": SHUFFLE, "blocksize": 0}}
    _array(at, shape, (side, side), dtype, "NaN" if dtype == "float32" else int(fill), codec, ("y", "x"), said)


def axis(at: Location, values: Array, said: Mapping[str, Any]) -> None:
    """A coordinate, float64, in one chunk."""
    from numcodecs import zstd

    files.write(at / "c" / "0", bytes(zstd.compress(np.ascontiguousarray(values, "<f8"), 0)))
    _array(at, values.shape, values.shape, "float64", 0.0, _AXIS, (at.name,), said)


def scalar(at: Location, said: Mapping[str, Any]) -> None:
    """A zero that is there for its attributes."""
    _array(at, (), (), "int32", 0, _AXIS, (), said)


def _array(
    at: Location, shape: tuple[int, ...], chunk: tuple[int, ...], dtype: str, fill: Any, codec: Mapping[str, Any], names: tuple[str, ...], said: Mapping[str, Any]
) -> None:  # fmt: skip
    _write(at / _SAID, {
        "shape": shape, "data_type": dtype, "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}}, "fill_value": fill,
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, codec],
        "attributes": dict(said), **({"dimension_names": names} if names else {}), "zarr_format": 3, "node_type": "array", "storage_transformers": [],
    })  # fmt: skip


def _write(at: Location, said: Mapping[str, Any]) -> None:
    files.write(at, json.dumps(said, indent=2).encode())
