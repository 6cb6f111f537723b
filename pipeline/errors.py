"""The one family of errors a user ever sees: each names the thing, what was expected, and the next move."""

from __future__ import annotations

from collections.abc import Iterable


class ProspectError(Exception):
    """A mistake in what the pipeline was given, told in one message; the command line exits with 2."""

    exit_code = 2


class ConfigError(ProspectError):
    """A configuration file says something that cannot be run; the message starts with file:line."""


class DataError(ProspectError):
    """An input raster, vector or table is damaged, empty, misplaced or of the wrong kind."""


class StoreError(ProspectError):
    """The cache or the output folder cannot be read, written or held."""


class ResourceError(ProspectError):
    """The job does not fit in the memory, disk or read budget that was stated, or the machine lacks what it needs."""


class MissingError(DataError):
    """What an offline run would have to fetch. `names` are addresses, so that all that is missing can be said at once."""

    def __init__(self, names: str | Iterable[str]) -> None:
        self.names = (names,) if isinstance(names, str) else tuple(names)
        told = names if isinstance(names, str) else f"offline, and not on the shelf: {', '.join(self.names)}; run once without --offline"
        super().__init__(told)
