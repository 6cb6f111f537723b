"""The sample table: positives, background and their evidence, as label hands it to validate and train."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import DataError
from pipeline.learning.draws import Floats, Ints

_DTYPES = {
    "values": np.float32, "label": np.int8, "group": np.int64, "cell": np.int64, "x": np.float64, "y": np.float64,
    "weight": np.float64, "trains": np.bool_, "scored": np.bool_, "measured": np.bool_,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class SampleTable:
    """One row per sampled cell and part it plays.

    `values` (n, p) float32 evidence, NaN missing, columns named by `names`; `label` (n,) int8, 1 positive, 0
    background; `group` (n,) int64: positives of one deposit share it, each background cell has its own negative
    one; `cell` (n,) int64 global cell number; `x`, `y` (n,) float64 metres, cell centres; `weight` (n,) float64 above 0, how
    much a row counts where a model learns, 1 when not given. `trains` and `scored` (n,) bool: whether models learn from the row and
    whether scores count it, both when not given; a background chosen to learn from is not the ground a map is scored on. `measured` (n,) bool: whether the
    row lies on ground that was looked at closely, nowhere when not given (see `odds`). Arrays of another dtype are converted; DataError when lengths disagree.
    """

    values: npt.NDArray[np.float32]
    names: tuple[str, ...]
    label: npt.NDArray[np.int8]
    group: Ints
    cell: Ints
    x: Floats
    y: Floats
    weight: Floats = None  # type: ignore[assignment]  # filled in below: its length is not known here
    trains: npt.NDArray[np.bool_] = None  # type: ignore[assignment]
    scored: npt.NDArray[np.bool_] = None  # type: ignore[assignment]
    measured: npt.NDArray[np.bool_] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        for name, fill in (("weight", 1), ("trains", True), ("scored", True), ("measured", False)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.full(len(self.label), fill, _DTYPES[name]))
        for name, dtype in _DTYPES.items():
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=dtype))
        object.__setattr__(self, "names", tuple(str(name) for name in self.names))
        if self.values.shape != (len(self.label), len(self.names)):
            shape = f"{len(self.label)} rows x {len(self.names)} layers"
            raise DataError(f"sample table: values have shape {self.values.shape}, expected {shape}")
        short = [name for name in ("group", "cell", "x", "y", "weight", "trains", "scored", "measured") if getattr(self, name).shape != self.label.shape]
        if short:
            raise DataError(f"sample table: {', '.join(short)} must have one value per row ({len(self.label)})")

    def __len__(self) -> int:
        return len(self.label)

    @property
    def positive(self) -> npt.NDArray[np.bool_]:
        """Which rows are positives; (n,)."""
        return np.asarray(self.label == 1)

    def odds(self) -> Floats:
        """How many times more of the deposits than of the background lie on ground like a row's own, `measured` or not; (n,), 1 where all is of one kind.

        By weight, with a row of either kind added to both classes, so that few deposits claim nothing extreme.
        """
        there, ground = self.measured, ~self.positive
        if there.all() or not there.any() or ground.all() or not ground.any():
            return np.ones(len(self))
        deposits, cells = (_share(self.weight[rows], there[rows]) for rows in (~ground, ground))
        return np.where(there, deposits / cells, (1 - deposits) / (1 - cells))

    def evened(self) -> Floats:
        """`weight`, that of background rows times their `odds`: on measured ground and off it the background then counts as the deposits known there do.

        Deposits are known where people have mapped. A model that learns from them against uniform background learns which ground was mapped, and
        ranks the rest too low. Phillips and others (2009), Warton and others (2013).
        """
        return np.where(self.positive, self.weight, self.weight * self.odds())

    def subset(self, index: npt.NDArray[Any]) -> SampleTable:
        """The rows of an index or mask, in its order."""
        picked = {name: getattr(self, name)[index] for name in _DTYPES}
        return SampleTable(names=self.names, **picked)

    def showing(self, values: npt.NDArray[np.float32]) -> SampleTable:
        """The same rows with other evidence, (n, p), of the same names."""
        return replace(self, values=values)

    def checked(self) -> SampleTable:
        """Itself, when a model can be fitted to it and scored; otherwise a DataError that says what is missing."""
        strange = sorted(set(np.unique(self.label).tolist()) - {0, 1})
        if strange:
            raise DataError(f"sample table: labels {strange}; expected 1 for positives and 0 for background only")
        if not self.names:
            raise DataError("sample table: no evidence layer; name at least one feature under `features:` in the system's config")
        if not self.positive.any():
            raise DataError(
                "sample table: no positive; no occurrence of this system lies on a cell with data. "
                "Check the occurrences' commodity, confidence and datum, and the region's bounds"
            )
        if self.positive.all():
            raise DataError("sample table: no background cell; lower the exclusion distance or widen the permissive ground")
        empty = [name for name, column in zip(self.names, self.values.T, strict=True) if not np.isfinite(column).any()]
        if empty:
            raise DataError(f"sample table: no sampled cell has a value in {', '.join(empty)}; drop the layer or check what it covers")
        if len(np.unique(self.group[self.positive])) == 1:
            raise DataError(
                "sample table: every positive belongs to one deposit group, so no deposit can be held out; "
                "add occurrences, or analogues from outside the region"
            )
        return self

    def to_bytes(self) -> bytes:
        """The table as an .npz file; the same table gives the same bytes."""
        buffer = io.BytesIO()
        arrays = {name: getattr(self, name) for name in _DTYPES}
        # numpy writes every member with the zip epoch, so no time of writing enters; uncompressed, so no zlib version does.
        np.savez(buffer, allow_pickle=False, names=np.array(self.names, dtype=np.str_), **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> SampleTable:
        """The table `to_bytes` wrote; DataError when the bytes are something else or damaged."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                held = {field.name: archive[field.name] for field in fields(cls)}
        except (ValueError, KeyError, OSError, EOFError, TypeError, zipfile.BadZipFile) as error:
            raise DataError(f"sample table: cannot be read ({error}); run the label stage again") from error
        return cls(**{**held, "names": tuple(held["names"].tolist())})


def _share(weight: Floats, there: npt.NDArray[np.bool_]) -> float:
    return float((weight[there].sum() + weight.mean()) / (weight.sum() + 2 * weight.mean()))
