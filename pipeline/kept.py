"""Kept: rasters of this machine stay open from one tile to the next: opening one takes a quarter of what reading a tile of it does.

Each thread has its own, for GDAL's datasets are no two threads' at once, and `AT_MOST` of them. A file that was replaced, or whose sidecars were, is opened
anew. What GDAL holds of what it has unpacked is bounded for the process: see `footprint.CACHE_MB`.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rasterio.env import env_ctx_if_needed

from pipeline.footprint import opened, source_of
from pipeline.ranged import Remote

AT_MOST = 16  # rasters a thread keeps open: of eight threads a half of the 256 files that some systems allow a process
Mark = tuple[tuple[int, int, int], ...]


class _Kept(threading.local):
    """Of one thread, the longest unused going first."""

    def __init__(self) -> None:
        self.rasters: OrderedDict[Path, tuple[Mark, Any]] = OrderedDict()

    def drop(self, path: Path) -> None:
        if path in self.rasters:
            self.rasters.pop(path)[1].close()


_KEPT = _Kept()


@contextlib.contextmanager
def kept(path: str | Path | Remote) -> Iterator[Any]:
    """As `footprint.opened`, but that a file of this machine is closed later; at once where what is done inside fails."""
    if isinstance(path, Remote):
        with opened(path) as source:
            yield source
        return
    path = Path(path)
    held = _KEPT.rasters.get(path)
    if held is None or held[0] != _mark(path, *held[1].files):
        _KEPT.drop(path)
        while len(_KEPT.rasters) >= AT_MOST:
            _KEPT.drop(next(iter(_KEPT.rasters)))
        before, source = _mark(path, path), source_of(path)
        same = before == _mark(path, path)  # else it was replaced meanwhile, and next time is opened anew
        held = _KEPT.rasters[path] = _mark(path, *source.files) if same else (), source
    _KEPT.rasters.move_to_end(path)
    try:
        with env_ctx_if_needed():
            yield held[1]
    except BaseException:
        _KEPT.drop(path)
        raise


def _mark(path: Path, *files: str | Path) -> Mark:
    """What tells a raster from what replaces it: of its files, and of their folder, where a sidecar may have come to it."""
    found = []
    for file in (path.parent, *files):
        with contextlib.suppress(OSError):  # one that is gone is missing from the mark
            at = Path(file).stat()
            found.append((at.st_ino, at.st_mtime_ns, at.st_size))
    return tuple(found)
