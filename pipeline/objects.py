"""A place in an object store that speaks S3: as much of what a path does as a store needs, and writes that hold only if nothing came between.

Who asks, where and with which secret is each machine's own affair: AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or whatever else
botocore finds. Nothing of it stands in a config or an output. An object is there whole or not at all, so every write is atomic.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pipeline.asset import expand
from pipeline.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from zarr.storage import FsspecStore

REFUSED = (409, 412)  # how a server says that a condition of a write does not hold


@dataclass(frozen=True)
class ObjectPath:
    """`s3://bucket/some/name`. Every method raises StoreError when the store does not answer or refuses."""

    address: str

    def __truediv__(self, name: str) -> ObjectPath:
        return ObjectPath(f"{self.address}/{name}")

    def __str__(self) -> str:
        return self.address

    @property
    def name(self) -> str:
        """The last part."""
        return self.address.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The last part without its suffix."""
        return PurePosixPath(self.name).stem

    @property
    def parent(self) -> ObjectPath:
        """All but the last part."""
        return ObjectPath(self.address.rpartition("/")[0])

    def with_name(self, name: str) -> ObjectPath:
        """The same place under another last part."""
        return self.parent / name

    def with_suffix(self, suffix: str) -> ObjectPath:
        """The same place under another suffix."""
        return self.with_name(PurePosixPath(self.name).with_suffix(suffix).name)

    def is_file(self) -> bool:
        """Whether there is an object of this name."""
        return self.mark() is not None

    def is_dir(self) -> bool:
        """Whether there is any object below."""
        with self._answering():
            return bool(_files().isdir(self.address))

    def mark(self) -> str | None:
        """What the store calls this very content (its ETag); None when there is nothing."""
        said = self._said()
        return None if said is None else str(said["ETag"])

    def age_s(self) -> float:
        """Seconds since it was written, by the store's clock and ours; 0 when there is nothing."""
        said = self._said()
        return (datetime.now(UTC) - said["LastModified"]).total_seconds() if said else 0.0

    def read_bytes(self) -> bytes:
        """The object; FileNotFoundError when there is none."""
        with self._answering():
            return bytes(_files().cat_file(self.address))

    def read_text(self) -> str:
        """The object as UTF-8; FileNotFoundError when there is none."""
        return self.read_bytes().decode()

    def write(self, data: bytes) -> None:
        """Put the object, whatever was there."""
        with self._answering(), self._there():
            _files().pipe_file(self.address, data)

    def create(self, data: bytes) -> bool:
        """Put the object if there is none (If-None-Match); whether it was put."""
        return self._put(data, IfNoneMatch="*")

    def replace(self, data: bytes, mark: str) -> bool:
        """Put the object if what is there still bears this mark (If-Match); whether it was put."""
        return self._put(data, IfMatch=mark)

    def unlink(self, *, missing_ok: bool = False) -> None:
        """Take the object away; FileNotFoundError when there is none and that matters."""
        if not missing_ok and not self.is_file():
            raise FileNotFoundError(self.address)
        with self._answering(), contextlib.suppress(FileNotFoundError):
            _files().rm_file(self.address)

    def clear(self) -> None:
        """Take away every object below."""
        with self._answering(), contextlib.suppress(FileNotFoundError):
            _files().rm(self.address, recursive=True)

    def upload(self, path: Path) -> None:
        """Put a file."""
        with self._answering(), self._there():
            _files().put_file(str(path), self.address)

    def download(self, path: Path) -> None:
        """Fetch the object into a file; FileNotFoundError when there is none."""
        with self._answering():
            _files().get_file(self.address, str(path))

    def zarr(self) -> FsspecStore:
        """This place as zarr takes it."""
        from zarr.storage import FsspecStore

        return FsspecStore.from_url(self.address, storage_options={"use_listings_cache": False})

    def _said(self) -> dict[str, Any] | None:
        with self._answering():
            try:
                said = dict(_files().info(self.address, refresh=True))
            except FileNotFoundError:
                return None
        return said if said["type"] == "file" else None

    def _put(self, data: bytes, **condition: str) -> bool:
        bucket, _, key = self.address.removeprefix("s3://").partition("/")
        with self._answering(), self._there():
            try:
                _files().call_s3("put_object", Bucket=bucket, Key=key, Body=data, **condition)
            except FileExistsError:
                return False
            except OSError as error:
                if _status(error) in REFUSED:
                    return False
                raise
        return True

    @contextlib.contextmanager
    def _there(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise StoreError(f"{self.address} cannot be written: there is no such bucket; make it, or correct run.cache") from error

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        with answering(self.address):
            yield


Location = Path | ObjectPath


def located(root: Path, written: str) -> Location:
    """Where `run.cache` says the store is: a folder, relative ones starting at `root`, or `s3://bucket/name`; ConfigError for any other address."""
    if "://" not in written:
        return expand(root, written)
    if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+(/[\w.=-]+)+/?", written):
        raise ConfigError(f"run.cache {written!r}: expected a folder, or s3://bucket/name in letters, digits, '-', '_', '.' and '='")
    return ObjectPath(written.rstrip("/"))


@contextlib.contextmanager
def answering(at: Location | str) -> Iterator[None]:
    """Turns what S3's library says of a store that is not reached, or that refuses, into the one error a user can act on."""
    if isinstance(at, Path):
        yield
        return
    try:
        yield
    except PermissionError as error:
        raise StoreError(f"{at}: the object store refuses ({error}); check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may do") from error
    except Exception as error:
        if not type(error).__module__.startswith(("botocore", "aiobotocore", "aiohttp")):
            raise
        raise StoreError(f"{at}: the object store does not answer ({error}); check AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and the network") from error


def _status(error: OSError) -> int:
    said = getattr(error.__cause__, "response", None) or {}
    return int(said.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _files() -> Any:
    import s3fs

    return s3fs.S3FileSystem(use_listings_cache=False)
