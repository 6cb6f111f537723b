"""The one family of errors a user ever sees: each names the thing, what was expected, and the next move."""

from __future__ import annotations


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
    """The job does not fit in the memory, disk or read budget that was stated."""


class MissingError(DataError):
    """What an offline run would have to fetch; `names` are addresses, so that all that is missing can be said at once."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        super().__init__(f"offline, and not on the shelf: {', '.join(names)}; run once without --offline")
