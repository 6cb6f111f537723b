"""Files for workers that share nothing but the object store: the coordinator puts what tasks read beside the cube, a worker fetches what it lacks.

A file is lent under its content's or table's version, so what is there is right and is never put twice. A worker keeps what it fetched in its own
scratch folder, PROSPECT_SCRATCH, or one below the system's for temporary files.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pipeline.asset import Asset
from pipeline.cube import Cube
from pipeline.errors import StoreError
from pipeline.node import Call, Table
from pipeline.objects import ObjectPath

SIDECARS = (".aux.xml", ".ovr", ".msk", ".tfw", ".wld", ".prj", ".hdr", ".cpg", ".dbf", ".shx", ".qix")  # what GDAL reads beside a file


def lend(cube: Cube, calls: Iterable[Call]) -> None:
    """Put every file that the calls read into the store, those that are there apart; nothing where the store is a folder, which workers share."""
    if not isinstance(cube.path, ObjectPath):
        return
    said: dict[str, Path] = {}
    for call in calls:
        for table in call.vectors.values():
            said[table.version] = table.path
        for asset in call.assets:
            if Path(asset.path).is_file():  # else it is read from the web, piece by piece, by whoever needs it
                said[asset.version] = Path(asset.path)
    for version, path in said.items():
        shelf = _shelf(cube.path, version, path)
        if (shelf / path.name).is_file():
            continue
        for sidecar in _sidecars(path):
            (shelf / sidecar.name).upload(sidecar)
        (shelf / path.name).upload(path)  # the last: where it is, all of it is


def borrowed(cube: Cube, call: Call) -> Call:
    """The call with files of this machine: those it names where they are here, else copies from the store."""
    if not isinstance(cube.path, ObjectPath):
        return call
    vectors = {name: _table(cube.path, table) for name, table in call.vectors.items()}
    return replace(call, vectors=vectors, assets=tuple(_asset(cube.path, asset) for asset in call.assets))


def _table(cube: ObjectPath, table: Table) -> Table:
    return replace(table, path=_here(cube, table.version, table.path))


def _asset(cube: ObjectPath, asset: Asset) -> Asset:
    path = Path(asset.path)
    return replace(asset, path=str(_here(cube, asset.version, path))) if asset.path and "://" not in asset.path else asset


def _here(cube: ObjectPath, version: str, path: Path) -> Path:
    if path.is_file():
        return path
    shelf = _shelf(cube, version, path)
    folder = _scratch() / shelf.name
    kept = folder / path.name
    if kept.is_file():
        return kept
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for suffix in SIDECARS:
            for name in (f"{path.name}{suffix}", f"{path.stem}{suffix}"):
                if name != path.name:
                    with contextlib.suppress(FileNotFoundError):
                        _fetch(shelf / name, folder / name)
        _fetch(shelf / path.name, kept)
    except FileNotFoundError as error:
        raise StoreError(f"{path.name}: is neither on this worker nor in the store; run again, and it is lent anew") from error
    except OSError as error:
        raise StoreError(f"{path.name}: cannot be kept in a worker's scratch folder ({error.strerror or error}); set PROSPECT_SCRATCH to another") from error
    return kept


def _fetch(lent: ObjectPath, to: Path) -> None:
    partial = to.with_name(f".{to.name}.{secrets.token_hex(4)}.partial")
    try:
        lent.download(partial)
        os.replace(partial, to)
    finally:
        partial.unlink(missing_ok=True)


def _shelf(cube: ObjectPath, version: str, path: Path) -> ObjectPath:
    return cube.parent / "lent" / hashlib.sha256(f"{version} {path.name}".encode()).hexdigest()[:24]


def _sidecars(path: Path) -> list[Path]:
    names = {f"{stem}{suffix}" for suffix in SIDECARS for stem in (path.name, path.stem)} - {path.name}
    return [path.with_name(name) for name in sorted(names) if path.with_name(name).is_file()]


def _scratch() -> Path:
    if said := os.environ.get("PROSPECT_SCRATCH"):
        return Path(said)
    folder = Path(tempfile.gettempdir()) / f"prospect-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o022:
        raise StoreError(f"{folder.name}: another user can write to this folder for temporary files; set PROSPECT_SCRATCH to one of your own")
    return folder
