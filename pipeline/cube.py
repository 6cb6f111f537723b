"""The cube: one Zarr 3 store per region grid, one array per layer, one chunk per tile; fits lie beside the arrays."""

from __future__ import annotations

import contextlib
import io
import itertools
import math
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline import arrays, chunks, files
from pipeline.artefacts import packed, unpacked
from pipeline.errors import StoreError
from pipeline.grid import Grid, Index, Window
from pipeline.objects import Location, ObjectPath, answering
from pipeline.recipe import MISSING, Array

if TYPE_CHECKING:
    import zarr

REGION = "region"  # the layer that is 1 in the region and NaN outside


@dataclass(frozen=True)
class LayerMeta:
    """What every layer carries: `dtype` float32 or int32, units, meaning, source, licence, `native_m`, and whether it is synthetic."""

    name: str
    dtype: str
    units: str
    long_name: str
    source: str
    licence: str
    native_m: float
    synthetic: bool = False
    sensor: str = ""

    @property
    def fill(self) -> Any:
        """NaN, or MISSING for categories."""
        return np.float32(np.nan) if self.dtype == "float32" else MISSING


@dataclass(frozen=True)
class Cube:
    """The store of one grid, in a folder or an object store; cheap to make, safe to send to a worker."""

    path: Location
    grid: Grid

    @classmethod
    def at(cls, cache: Location, region: str, grid: Grid) -> Cube:
        """The cube of a region's grid below the cache folder: `<cache>/<region>/<grid-id>.zarr`."""
        return cls(cache / region / f"{grid.id}.zarr", grid)

    def prepare(self, layers: list[LayerMeta]) -> None:
        """Make the store, the coordinates and each layer's array; an array of another kind is replaced (its keys are void)."""
        with _told(self.path), _damage_told(self.path):
            arrays.group(self.path, {"crs": self.grid.crs, "cell_m": self.grid.cell_m, "region_grid": self.grid.id})
            window = Window(self.grid, 0, 0, *self.grid.shape)
            for name, values in (("y", window.y()), ("x", window.x())):
                if not _is_array(self.path / name):
                    arrays.axis(self.path / name, values, {"units": "m", "standard_name": f"projection_{name}_coordinate"})
            if not _is_array(self.path / "spatial_ref"):
                arrays.scalar(self.path / "spatial_ref", {"crs_wkt": self.grid.wkt, "GeoTransform": " ".join(map(str, self.grid.affine().to_gdal()))})
            for layer in layers:
                self._array(layer)

    def _array(self, layer: LayerMeta) -> None:
        attributes: dict[str, Any] = {
            "units": layer.units, "long_name": layer.long_name, "source": layer.source, "licence": layer.licence,
            "native_m": layer.native_m, "synthetic": layer.synthetic, "grid_mapping": "spatial_ref",
        }  # fmt: skip
        at = self.path / layer.name
        if self.has(layer):
            if arrays.attributes(at, "array") != attributes:
                arrays.describe(at, attributes)
            return
        above = self.path
        for name in layer.name.split("/")[:-1]:
            above = above / name
            arrays.group(above, {})
        if at.is_dir():  # of another kind, or half-written: `has` believes nothing of it
            shutil.rmtree(at) if isinstance(at, Path) else at.clear()
        arrays.tiled(at, self.grid.shape, self.grid.tile, layer.dtype, layer.fill, attributes)

    def has(self, layer: LayerMeta) -> bool:
        """Whether the layer's array is there, of the right kind and readable; without it no key of the layer is believed."""
        try:
            with answering(self.path):
                found = chunks.kind(self.path / layer.name)
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return found.dtype == layer.dtype and found.shape == self.grid.shape

    def said(self, layer: str) -> dict[str, Any]:
        """What a layer says of itself: `units`, `long_name`, `source`, `licence`, `native_m`, `synthetic`; StoreError when it is not there."""
        self.kind(layer)
        with answering(self.path):
            return arrays.attributes(self.path / layer, "array")

    def open(self, layer: str) -> zarr.Array[Any]:
        """The array of a layer as zarr gives it; StoreError when it is not there."""
        import zarr

        try:
            with answering(self.path):
                array = zarr.open_array(stored(self.path / layer), mode="r+", zarr_format=3)
        except (FileNotFoundError, ValueError, KeyError) as error:
            raise StoreError(f"layer {layer!r} is not in {self.path.name}; run `prospect map` to make it") from error
        return array

    def read(self, layer: str, window: Window) -> Array:
        """The cells of a window, (y, x), in the layer's dtype, read-only; missing outside the grid."""
        kind, side, grid = self.kind(layer), self.grid.tile, self.grid
        rows = range(max(window.r0, 0) // side, -(-min(window.r1, grid.rows) // side))
        cols = range(max(window.c0, 0) // side, -(-min(window.c1, grid.cols) // side))
        values: Array | None = None
        with answering(self.path):
            for tile in itertools.product(rows, cols):
                part = self.grid.window(tile)
                chunk = chunks.read(self.path / layer, kind, *tile, part.shape)
                if (part.r0, part.c0, part.r1, part.c1) == (window.r0, window.c0, window.r1, window.c1):
                    return chunk
                if values is None:
                    values = np.full(window.shape, kind.fill, dtype=kind.dtype)
                r0, c0, r1, c1 = max(part.r0, window.r0), max(part.c0, window.c0), min(part.r1, window.r1), min(part.c1, window.c1)
                values[r0 - window.r0 : r1 - window.r0, c0 - window.c0 : c1 - window.c0] = chunk[r0 - part.r0 : r1 - part.r0, c0 - part.c0 : c1 - part.c0]
        if values is None:
            values = np.full(window.shape, kind.fill, dtype=kind.dtype)
        values.flags.writeable = False
        return values

    def write(self, layer: str, tile: Index, values: Array) -> None:
        """One whole tile; refused when its shape or kind is not the tile's, so nothing is cast in silence. The values are read-only from then on."""
        window, kind = self.grid.window(tile), self.kind(layer)
        if values.shape != window.shape or values.dtype != kind.dtype:
            raise StoreError(f"layer {layer!r}, tile {tile}: got {values.dtype}{values.shape}, expected {kind.dtype}{window.shape}")
        with _told(self.path):
            chunks.write(self.path / layer, kind, *tile, values)

    def kind(self, layer: str) -> chunks.Kind:
        """What the array of a layer is; StoreError when it is not there or not such as this grid's are."""
        try:
            with answering(self.path):
                found = chunks.kind(self.path / layer)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise StoreError(f"layer {layer!r} is not in {self.path.name}; run `prospect map` to make it") from error
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"layer {layer!r} of {self.path.name} is damaged or was made by another version; run `prospect map` to make it") from error
        if found.side != self.grid.tile:
            said = f"is in tiles of {found.side} cells, expected {self.grid.tile}"
            raise StoreError(f"layer {layer!r} of {self.path.name} {said}; delete the store from the cache and run again")
        return found

    def fit_path(self, fit: str, key: str) -> Location:
        """Where the artefact of a fit lies; its name holds its key, so being there is being valid."""
        return self.path.with_suffix(".fits") / f"{fit}-{key[:24]}"

    def has_fit(self, fit: str, key: str) -> bool:
        """Whether the artefact of a fit with this key is there."""
        return self.fit_path(fit, key).is_file()

    def save_fit(self, fit: str, key: str, value: Any) -> int:
        """Keep a fit's artefact: bytes, a mapping of arrays, rows of plain JSON and bytes, or plain JSON; atomic. The bytes it takes."""
        data = packed(value)
        write_atomically(self.fit_path(fit, key), data)
        return len(data)

    def parts_path(self, fit: str) -> Location:
        """Where what the tiles gave to a fit lies."""
        return self.path.with_suffix(".fits") / f"{fit}.parts"

    def save_parts(self, fit: str, keys: Mapping[str, str], parts: Mapping[str, Mapping[str, Array]]) -> None:
        """Keep what each tile (by name) gave to a fit, under its key: the next time only tiles whose key changed are asked. Nothing is kept of parts that
        are not all arrays of the same names and kinds."""
        names = sorted(next(iter(parts.values()), {}))
        held: dict[str, Array] = {"tiles": np.array(list(parts), str), "keys": np.array([keys[tile] for tile in parts], str)}
        for name in names:
            arrays = [np.asarray(part[name]) for part in parts.values() if sorted(part) == names]
            if len(arrays) != len(parts) or len({(a.dtype, a.ndim) for a in arrays}) > 1:
                return
            held[f"shape of {name}"] = np.array([a.shape for a in arrays], np.int64).reshape(len(arrays), arrays[0].ndim)
            held[f"value of {name}"] = np.concatenate([a.ravel() for a in arrays])
        write_atomically(self.parts_path(fit), packed(held))

    def part_keys(self, fit: str) -> dict[str, str]:
        """Tile name to key of what is kept for a fit; empty when nothing is, or it is damaged."""
        try:
            with np.load(io.BytesIO(self.parts_path(fit).read_bytes()[1:]), allow_pickle=False) as held:
                return dict(zip(held["tiles"].tolist(), held["keys"].tolist(), strict=True))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return {}

    def load_parts(self, fit: str) -> dict[str, dict[str, Array]]:
        """What each tile gave to a fit, by the tile's name, as it was kept."""
        held = unpacked(self.parts_path(fit).read_bytes())
        found: dict[str, dict[str, Array]] = {tile: {} for tile in held["tiles"].tolist()}
        for name in (key.removeprefix("value of ") for key in held if key.startswith("value of ")):
            shapes = [tuple(map(int, shape)) for shape in held[f"shape of {name}"]]
            cuts = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
            for part, values, shape in zip(found.values(), np.split(held[f"value of {name}"], cuts), shapes, strict=True):
                part[name] = values.reshape(shape)
        return found

    def written(self, layer: str) -> set[Index]:
        """The tiles of a layer that may hold anything but missing cells: in an object store, which is not looked through for it, all."""
        if isinstance(self.path, ObjectPath):
            return set(self.grid.tiles())
        found = (path.relative_to(self.path / layer / "c").parts for path in (self.path / layer / "c").glob("*/*"))
        return {(int(r), int(c)) for r, c in found if r.isdecimal() and c.isdecimal()}

    def load_fit(self, fit: str, key: str) -> Any:
        """The artefact of a fit, as it was saved."""
        try:
            return unpacked(self.fit_path(fit, key).read_bytes())
        except OSError as error:
            raise StoreError(f"fit {fit!r} is not in {self.path.name}; run `prospect map` to make it") from error


def stored(at: Location) -> Any:
    """A place as zarr takes it."""
    return at.zarr() if isinstance(at, ObjectPath) else at


def write_atomically(path: Location, data: bytes) -> None:
    """The whole file or nothing: on the disk before it takes the name. An object is put whole."""
    with _told(path):
        files.write(path, data, synced=True)


def _is_array(at: Location) -> bool:
    try:
        arrays.attributes(at, "array")
    except FileNotFoundError:
        return False
    return True


@contextlib.contextmanager
def _damage_told(path: Location) -> Iterator[None]:
    try:
        yield
    except ValueError as error:  # what json raises for metadata cut short
        raise StoreError(f"the store {path.name} is damaged ({error}); delete {path.parent.name}/{path.name} from the cache and run again") from error


@contextlib.contextmanager
def _told(path: Location) -> Iterator[None]:
    """Turns the system's refusals to write into the one error a user can act on."""
    try:
        with answering(path):
            yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(
            f"cannot write to {path.name} ({error.strerror or error}); free some space or give another folder with "
            "--set run.cache=... or --set run.outputs=..."
        ) from error
