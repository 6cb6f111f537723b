"""Membership in the commonest classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pipeline.errors import DataError
from pipeline.recipe import MISSING, Array, Fit, Layer, Sample, feature

EPOCH = 1


def commonest(*, of: Sample, top: int) -> dict[str, Array]:
    """Fit: the `top` commonest codes of the sample as `codes` int32 (top,), the commonest first and of
    equally common ones the lowest code first; padded with MISSING where there are fewer."""
    codes, counts = np.unique(of.values[of.values != MISSING], return_counts=True)
    chosen = codes[np.lexsort((codes, -counts))][:top]
    return {"codes": np.pad(chosen.astype(np.int32), (0, top - len(chosen)), constant_values=MISSING)}


def _ranked(name: str, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{name}_{rank}" for rank in range(1, parameters["top"] + 1))


@feature(
    summary="Membership in a common class", units="1", reads="categorical", outputs=_ranked, fit=commonest, membership=True, scale="share",
    of_region=True,
)  # fmt: skip
def class_of(*, of: Layer, categories: Fit, top: Annotated[int, Field(ge=1, le=64)] = 8) -> tuple[Array, ...]:
    """For each of the `top` commonest classes, 1 where the cell is of it and 0 where it is of another: `top`
    blocks (y, x) float32, `<name>_1` the commonest. NaN where the class is missing; all 0 in a rarer
    class, and in spare blocks where the layer has fewer than `top` classes. DataError for a layer that is not
    of categories."""
    if of.values.dtype.kind != "i":
        raise DataError(
            f"class_of needs a layer of categories (int32 codes), but {of.name!r} holds {of.values.dtype}; "
            "give it a classified layer such as geology, or use `value` for this one"
        )
    missing = of.values == MISSING
    codes = categories.value["codes"][:top]
    return tuple(np.where(missing, np.nan, of.values == code).astype(np.float32) for code in codes)
