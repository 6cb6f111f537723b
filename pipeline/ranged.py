"""A big raster on a declared host, read by the pieces that are needed: the rules of `pipeline.client`, and a cache of its blocks on the shelf.

GDAL's own /vsicurl follows redirects anywhere, keeps nothing and counts nothing. Here GDAL asks us for bytes:

    scene = Remote(url, hosts=("sentinel.example",), shelf=cache / "downloads", name="S2A_41RPQ: red", version=item_version)
    with footprint.opened(scene) as source: ...            # a rasterio dataset, as of a file
    values, valid = warp.read_onto(scene, band=1, ...)     # so does the one reprojection

What GDAL reads is fetched in blocks of BLOCK bytes, neighbours in one request, written to `<shelf>/ranged/<digits>/data` (a sparse file of the
whole size) with a checksum each in `sums`, and read from there ever after, by any process and any region; a block whose checksum does not
hold, from whatever cause, is fetched again. The digits name address, `version` and what the server calls the version: pieces of two versions
never meet. When the server knows no ranges, or names no version to join pieces by, the whole file is downloaded instead.

An error met while GDAL reads is raised as what it was (DataError with the asset's name, MissingError offline), when `opened` ends at the latest;
nothing GDAL made of the missing bytes gets out.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import rasterio
import urllib3
from rasterio.abc import MultiByteRangeResourceContainer

from pipeline import turns
from pipeline.blocks import BLOCK, Blocks, kept, total_of
from pipeline.client import PassingError, Sign, allowed, answered, patiently, pieces, shown, version_of
from pipeline.errors import DataError, MissingError, ProspectError, StoreError
from pipeline.fetch import download, refuse_packed, refuse_page
from pipeline.pace import PATIENT, Patience
from pipeline.shelf import digest_of, file_name, read_note, write_note

FIRST = 2  # blocks that the first question asks for: the header of most COGs
REMEMBERED = 256  # blocks a reader keeps in memory: GDAL reads headers by a few bytes at a time
MOST_BYTES = 50 * 10**9


@dataclass(frozen=True)
class Remote:
    """One raster on a host. `name` is what messages call it (source or scene and asset); `version` what the catalogue says of it, "" when nothing.

    `sign` turns the address into the one to ask (see `pipeline.client.Sign`), `offline` asks nothing. `max_bytes` limits what is kept of it.
    """

    url: str
    hosts: tuple[str, ...]
    shelf: Path
    name: str
    version: str = ""
    sign: Sign | None = None
    offline: bool = False
    max_bytes: int = MOST_BYTES
    patience: Patience = field(default=PATIENT, compare=False)

    @contextlib.contextmanager
    def opened(self, **options: Any) -> Iterator[Any]:
        """The raster as rasterio gives it; DataError, MissingError or StoreError when bytes it needs cannot be had."""
        self._refuse_hosts()
        blocks = self.blocks()
        if isinstance(blocks, Path):
            with rasterio.open(blocks, **options) as source:
                yield source
            return
        files = _Files(self, blocks)
        try:
            with rasterio.open(files.own, opener=files, **options) as source:
                yield source
        except Exception:
            if not self.offline:
                self.forget()  # the file may be damaged where it lies: a mended one has another version, and would not be asked for
            if files.trouble is not None:
                raise files.trouble from None
            raise
        if files.trouble is not None:
            if not self.offline:
                self.forget()
            raise files.trouble

    def blocks(self) -> Blocks | Path:
        """What is on the shelf of it, asking the server which version it has if nothing is; the whole file where it cannot be had in pieces."""
        with kept(self.shelf), turns.alone(self.shelf / "ranged" / f"{self._digits}.lock"):
            note = read_note(self._note)
            if not note:
                if self.offline:
                    raise MissingError((shown(self.url),))
                note = patiently(self._first, name=self.said, patience=self.patience, got=lambda: 0)
                write_note(self._note, note)
            os.utime(self._note)  # when it was last used
            if "folder" in note:
                return Blocks(self, self.shelf / "ranged" / str(note["folder"]), int(note["size"]), str(note["version"]))
        return self._whole()

    def forget(self) -> None:
        """Ask anew which version the server has, next time."""
        self._note.unlink(missing_ok=True)

    @cached_property
    def _digits(self) -> str:
        return digest_of(self.url, self.version)

    @property
    def _note(self) -> Path:
        return self.shelf / "ranged" / f"{self._digits}.json"

    @property
    def said(self) -> str:
        """Name and address, for messages."""
        return f"{self.name}: {shown(self.url)}"

    def _refuse_hosts(self) -> None:
        with self._named():
            allowed(self.url, self.hosts)

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Errors of the client with the asset's name before the address."""
        try:
            yield
        except DataError as error:
            if str(error).startswith(shown(self.url)):
                raise DataError(f"{self.name}: {error}") from error
            raise

    def _whole(self) -> Path:
        with self._named():
            return download(
                self.url, hosts=self.hosts, shelf=self.shelf, max_bytes=self.max_bytes, sign=self.sign, offline=self.offline, patience=self.patience
            )

    @contextlib.contextmanager
    def asked(self, start: int, end: int) -> Iterator[urllib3.BaseHTTPResponse]:
        """The answer to a question for bytes `start` to `end`, the last one included."""
        headers = {"Range": f"bytes={start}-{end}"}
        with self._named(), answered(self.url, hosts=self.hosts, shelf=self.shelf, patience=self.patience, headers=headers, sign=self.sign) as answer:
            yield answer

    def _first(self) -> dict[str, Any]:
        """The note of the version the server has, its first blocks stored."""
        with self.asked(0, FIRST * BLOCK - 1) as answer:
            refuse_packed(self.url, answer)
            version, total = version_of(answer.headers), total_of(answer)
            if answer.status == 416 or total == 0:
                raise DataError(f"{self.said}: the server sent an empty file; check the address")
            if answer.status != 206 or not version or total is None:
                return {"url": shown(self.url), "whole": True}
            if total > self.max_bytes:
                raise DataError(f"{self.said}: holds {total:,} bytes, the limit is {self.max_bytes:,}; fetch it by hand and give its path")
            start = b"".join(pieces(answer))
            refuse_page(self.url, start)
        if len(start) != min(total, FIRST * BLOCK):
            raise PassingError(f"cut off after {len(start):,} bytes")
        folder = self.shelf / "ranged" / digest_of(self.url, self.version, version, str(total))
        blocks = Blocks(self, folder, total, version)
        blocks.made()
        for number in range(-(-len(start) // BLOCK)):
            blocks.store(number, start[number * BLOCK : (number + 1) * BLOCK])
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return {"url": shown(self.url), "folder": folder.name, "size": total, "version": version, "fetched": now}


class _File(io.RawIOBase):
    """The file as GDAL reads it. An error is kept in `files`, and GDAL is told of a short read."""

    def __init__(self, files: _Files) -> None:
        self._files, self._at = files, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._files.blocks.size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._files.blocks.size if size < 0 else self._at + size
        (found,) = self._files.ranges([(self._at, end)])
        self._at += len(found)
        return found

    def get_byte_ranges(self, offsets: list[int], sizes: list[int]) -> list[bytes]:
        """Several pieces at once, as GDAL asks for the blocks of a window."""
        wanted = [(offset, offset + size) for offset, size in zip(offsets, sizes, strict=True)]
        self._files.check_inside(max((end for _, end in wanted), default=0))  # GDAL asks for whole blocks here, and does not look at how much it got
        return self._files.ranges(wanted)


class _Files(MultiByteRangeResourceContainer):
    """What GDAL sees: a folder with one file in it, no sidecars."""

    def __init__(self, remote: Remote, blocks: Blocks) -> None:
        self.remote, self.blocks = remote, blocks
        self.trouble: ProspectError | None = None
        self.own = f"/{blocks.folder.name}/{file_name(remote.url)}"
        self._remembered: OrderedDict[int, bytes] = OrderedDict()

    def open(self, path: str, mode: str = "r", **_: Any) -> _File:
        if not self.isfile(path) or set(mode) & set("wa+"):
            raise FileNotFoundError(path)
        return _File(self)

    def isfile(self, path: str) -> bool:
        return path == self.own

    def isdir(self, path: str) -> bool:
        return self.own.startswith(path.rstrip("/") + "/")

    def ls(self, path: str) -> list[str]:
        return [self.own] if self.isdir(path) else []

    def mtime(self, _: str) -> int:
        return 0

    def size(self, path: str) -> int:
        if not self.isfile(path):
            raise FileNotFoundError(path)
        return self.blocks.size

    def rm(self, path: str) -> None:
        raise PermissionError(path)

    def check_inside(self, end: int) -> None:
        """Note as trouble that the file's header points behind its end."""
        if end > self.blocks.size and self.trouble is None:
            self.trouble = DataError(
                f"{self.remote.name}: its header points to byte {end:,}, the file ends at {self.blocks.size:,}; it is damaged or cut short: fetch it again"
            )

    def ranges(self, wanted: list[tuple[int, int]]) -> list[bytes]:
        """The bytes of each (start, end); empty ones from the first error on, which `trouble` holds."""
        if self.trouble is None:
            try:
                return self._ranges([(start, min(end, self.blocks.size)) for start, end in wanted])
            except ProspectError as error:
                self.trouble = error
            except OSError as error:
                self.trouble = StoreError(f"{self.remote.name}: what was fetched cannot be read ({error.strerror or error}); try `prospect cache verify`")
        return [b"" for _ in wanted]

    def _ranges(self, wanted: list[tuple[int, int]]) -> list[bytes]:
        numbers = {n for start, end in wanted if start < end for n in range(start // BLOCK, (end - 1) // BLOCK + 1)}
        self.blocks.bring(n for n in numbers if n not in self._remembered)
        found = {n: self._block(n) for n in sorted(numbers)}
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return [_cut(found, start, end) for start, end in wanted]

    def _block(self, number: int) -> bytes:
        block = self._remembered.get(number) or self.blocks.get(number)
        if block is None:  # damaged or pruned in this very moment
            self.blocks.bring([number])
            block = self.blocks.get(number)
        if block is None:
            raise StoreError(f"{self.remote.name}: what was fetched does not stay on the shelf; another run may prune it: try again")
        self._remembered[number] = block
        self._remembered.move_to_end(number)
        return block


def _cut(found: dict[int, bytes], start: int, end: int) -> bytes:
    if start >= end:
        return b""
    first = start // BLOCK
    return b"".join(found[n] for n in range(first, (end - 1) // BLOCK + 1))[start - first * BLOCK : end - first * BLOCK]
