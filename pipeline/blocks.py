"""The blocks on the shelf of one version of a file that is read by pieces: which are there, whether they are whole, and how the others come."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import urllib3

from pipeline import turns
from pipeline.client import PassingError, patiently, pieces, shown, version_of
from pipeline.errors import DataError, MissingError, StoreError
from pipeline.fetch import refuse_packed

if TYPE_CHECKING:
    from pipeline.ranged import Remote

BLOCK = 1 << 14  # bytes: more costs bytes nobody asked for, less costs requests
GAP = 2  # blocks: so small a hole between two wanted pieces is fetched along rather than asked around
SUM = 16  # bytes of a block's checksum


@dataclass
class Blocks:
    """The blocks on the shelf of one version of one file of `size` bytes; without a `remote` they are only looked at."""

    remote: Remote | None
    folder: Path
    size: int
    version: str

    def made(self) -> None:
        """The two files, empty, where they are not there yet or were damaged."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path, size in ((self.folder / "data", self.size), (self.folder / "sums", self.count * SUM)):
            if not path.is_file() or path.stat().st_size != size:
                with path.open("ab"):
                    os.truncate(path, 0)
                    os.truncate(path, size)

    @property
    def count(self) -> int:
        """How many blocks the file has."""
        return -(-self.size // BLOCK)

    def held(self) -> int:
        """How many bytes of the file are on the shelf."""
        sums = (self.folder / "sums").read_bytes()
        return sum(self._length(n) for n in range(self.count) if any(sums[n * SUM : (n + 1) * SUM]))

    def get(self, number: int) -> bytes | None:
        """A block, if it is there and whole."""
        try:
            with (self.folder / "data").open("rb") as data, (self.folder / "sums").open("rb") as sums:
                wanted = os.pread(sums.fileno(), SUM, number * SUM)
                found = os.pread(data.fileno(), BLOCK, number * BLOCK)
        except FileNotFoundError:
            return None
        return found if len(found) == self._length(number) and _sum(number, found) == wanted else None

    def store(self, number: int, found: bytes) -> None:
        """Keep a block; its checksum after it, so that a crash between them leaves a block that is not believed."""
        with (self.folder / "data").open("r+b") as data, (self.folder / "sums").open("r+b") as sums:
            os.pwrite(data.fileno(), found, number * BLOCK)
            os.pwrite(sums.fileno(), _sum(number, found), number * SUM)

    def missing(self, numbers: Iterable[int]) -> list[int]:
        """Those of the blocks that are not there, in order."""
        return [n for n in sorted(set(numbers)) if self.get(n) is None]

    def bring(self, numbers: Iterable[int]) -> None:
        """Fetch those of the blocks that are not there: neighbours in one request, each block kept as soon as it is whole."""
        numbers = sorted(set(numbers))
        if not self.missing(numbers):
            return
        if self._far.offline:
            raise MissingError((shown(self._far.url),))
        with kept(self._far.shelf), turns.alone(self.folder.with_suffix(".lock")):
            self.made()
            for first, last in _runs(self.missing(numbers)):
                self._bring(first, last)

    def _bring(self, first: int, last: int) -> None:
        at = [first]  # the next block to come

        def attempt() -> None:
            with self._far.asked(at[0] * BLOCK, min((last + 1) * BLOCK, self.size) - 1) as answer:
                self._check_same(answer, at[0] * BLOCK)
                came = bytearray()
                for piece in pieces(answer):
                    came.extend(piece)
                    while at[0] <= last and len(came) >= self._length(at[0]):
                        length = self._length(at[0])
                        self.store(at[0], bytes(came[:length]))
                        del came[:length]
                        at[0] += 1
            if at[0] <= last:
                raise PassingError(f"cut off after {at[0] * BLOCK + len(came):,} bytes")

        patiently(attempt, name=self._far.said, patience=self._far.patience, got=lambda: at[0] * BLOCK)

    def _check_same(self, answer: urllib3.BaseHTTPResponse, start: int) -> None:
        refuse_packed(self._far.url, answer)
        said = answer.headers.get("Content-Range", "")
        if answer.status != 206 or not said.startswith(f"bytes {start}-") or total_of(answer) != self.size or version_of(answer.headers) != self.version:
            self._far.forget()
            raise DataError(f"{self._far.said}: changed on the server while it was read; run again, it is read anew")

    @property
    def _far(self) -> Remote:
        assert self.remote is not None, "blocks that are only looked at are not fetched"
        return self.remote

    def _length(self, number: int) -> int:
        return min(BLOCK, self.size - number * BLOCK)


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """First and last of each run of numbers, small gaps closed."""
    runs: list[tuple[int, int]] = []
    for n in numbers:
        if runs and n - runs[-1][1] <= GAP + 1:
            runs[-1] = runs[-1][0], n
        else:
            runs.append((n, n))
    return runs


def _sum(number: int, found: bytes) -> bytes:
    return hashlib.blake2b(found, digest_size=SUM, salt=number.to_bytes(8, "little")).digest()  # zeros are no sum of any block


def total_of(answer: urllib3.BaseHTTPResponse) -> int | None:
    """The size of the whole file, as the answer to a question for a piece of it says."""
    said = re.fullmatch(r"bytes (?:\d+-\d+|\*)/(\d+)", answer.headers.get("Content-Range", ""))
    return int(said[1]) if said else None


@contextlib.contextmanager
def kept(shelf: Path) -> Iterator[None]:
    """StoreError when the shelf cannot be written."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"downloads cannot be kept in {shelf.name} ({error.strerror or error}); free some space or give another folder with --set run.cache=..."
        ) from error
