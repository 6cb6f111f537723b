"""Predict: prospectivity and its refit spread, cell by cell, and the classes they are shown in."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from pipeline.config.frame import Map
from pipeline.config.targets import Targets
from pipeline.cube import REGION, LayerMeta
from pipeline.errors import DataError
from pipeline.grid import Grid
from pipeline.node import Call, FitNode, LayerNode, Node
from pipeline.recipe import MISSING, Array, Fit, Layer, Layers
from pipeline.spatial.squares import batches
from pipeline.stages import fitting

EPOCH = 2
STAGE = "predict"


def nodes(
    grid: Grid, *, prefix: str, evidence: tuple[str, ...], counts: tuple[int, ...], settings: Map, targets: Targets, synthetic: bool, ground: str
) -> list[Node]:
    """`<prefix>/prospectivity`, `<prefix>/uncertainty`, then the fit of their quantiles, then `<prefix>/classes`; on `ground` above 0."""

    def meta(name: str, dtype: str, long_name: str) -> LayerMeta:
        return LayerMeta(f"{prefix}/{name}", dtype, "1", long_name, "prospect", "see provenance.json", grid.cell_m, synthetic)

    call = Call(
        score_cells, {"least_evidence": settings.least_evidence, "counts": list(counts)}, {"evidence": evidence, "region": (ground,)},
        fits={"model": f"{prefix}/model"},
    )  # fmt: skip
    scored = LayerNode(
        f"{prefix}/prospectivity", STAGE, call,
        (
            meta("prospectivity", "float32", "Prospectivity, relative, 0 to 1"),
            meta("uncertainty", "float32", "Refit spread: standard deviation between bags"),
        ),
    )  # fmt: skip
    share = min(1.0, fitting.SAMPLE_CELLS / (grid.rows * grid.cols))
    cut = {"area_share": targets.area_share, "times_mean_density": targets.times_mean_density}
    edges = FitNode(
        f"{prefix}/edges", STAGE,
        Call(quantiles, {"class_shares": list(settings.class_shares), **cut}, fits={"model": f"{prefix}/model"}),
        Call(fitting.sample_cells, {"share": share, "seed": 0}, {"layers": (scored.name,), "region": (REGION,)}), fitting.SAMPLE_CELLS * 24,
    )  # fmt: skip
    classed = LayerNode(
        f"{prefix}/classes", STAGE, Call(classify, {}, {"prospectivity": (scored.name,)}, fits={"edges": edges.name}),
        (meta("classes", "int32", "Prospectivity class, 1 very low to 5 very high, 0 not applicable"),),
    )  # fmt: skip
    return [scored, edges, classed]


def score_cells(*, evidence: Layers, region: Layer, model: Fit, least_evidence: float, counts: list[int]) -> tuple[Array, Array]:
    """Mean and standard deviation over the model's bags, float32; NaN outside the region and where too little evidence is known.

    `counts` says how many layers each feature gave, in order: evidence is counted by feature, so that twenty classes of one map
    weigh as one, and is known where any of its layers is.
    """
    inside = region.values > 0  # NaN outside the region is not
    prospectivity = np.full(inside.shape, np.nan, np.float32)
    uncertainty = prospectivity.copy()
    if not inside.any() or not model.value:
        return prospectivity, uncertainty
    held, of = _scorer(model.value), np.array(counts)
    means, spreads = prospectivity.reshape(-1), uncertainty.reshape(-1)  # views
    for cells, columns in batches(inside, [layer.values for layer in evidence]):  # a forest is quicker on cells that are alike, as neighbours are
        values = columns.T
        if whole := bool((finite := np.isfinite(values)).all()):
            enough = slice(None)
        else:
            from pipeline.learning.applicability import any_of

            enough = np.count_nonzero(any_of(finite, of), axis=1) / len(counts) >= max(least_evidence, np.finfo(float).tiny)
        part = cells[enough]
        if len(part):
            means[part], spreads[part] = held(values[enough], whole)
    return prospectivity, uncertainty


def quantiles(
    *, parts: list[dict[str, Array]], model: Fit, class_shares: list[float], area_share: float, times_mean_density: float | None = None
) -> dict[str, Array]:
    """The values that cut the scored area at the stated shares, from a seeded sample of cells (all of them in a small region); last that above which
    ground is a target. With `times_mean_density` that is where the intensity is so many times its mean.

    Infinite where there was no ground to map, so that nothing stands above any; DataError where there was and nothing could be scored.
    """
    from pipeline.learning.reliability import intensity, scale_of, score_of

    if not model.value:
        return {"edges": np.full(len(class_shares) + 1, np.inf, np.float32)}
    values = np.concatenate([part["0"] for part in parts])
    values = np.sort(values[~np.isnan(values)])
    if values.size == 0:
        raise DataError("no cell of the region could be scored: every cell lacks evidence; check which layers cover the region (prospect show LAYER)")
    at = np.array([*class_shares, 1.0 - area_share])
    edges = np.quantile(values, at, method="inverted_cdf").astype(np.float32)
    if times_mean_density is not None:
        scale = scale_of(_model(model.value)) or "odds"
        dense = times_mean_density * math.fsum(intensity(values, scale)) / values.size  # sorted and exact: the same for any tiles
        edges[-1] = score_of(dense, scale)
    return {"edges": edges}


def classify(*, prospectivity: Layer, edges: Fit) -> Array:
    """Class 1 to 5 by area, ties going to the lower class, so that none covers more than its share; 0 where not scored."""
    known = ~np.isnan(prospectivity.values)
    classes = np.full(known.shape, MISSING, np.int32)
    classes[known] = 1 + np.searchsorted(np.sort(edges.value["edges"][:4]), prospectivity.values[known], side="left")
    return classes


@lru_cache(maxsize=2)
def _scorer(data: bytes) -> Callable[[Array, bool], tuple[Array, Array]]:
    """What scores rows by a model, told whether all their values are known: of a forest by its trees alone, without the libraries that grew it."""
    from pipeline.learning.grown import grown

    if forest := grown(data):

        def walked(values: Array, finite: bool) -> tuple[Array, Array]:
            if not finite and np.isinf(values).any():
                raise ValueError("evidence holds an infinite value")
            return forest.predict_both(values)

        return walked

    def asked(values: Array, finite: bool) -> tuple[Array, Array]:
        from sklearn import config_context

        with config_context(assume_finite=finite):  # else the model looks for itself once more
            found: tuple[Array, Array] = _model(data).predict_both(values)
        return found

    return asked


@lru_cache(maxsize=2)
def _model(data: bytes) -> Any:
    from pipeline.learning import model_files

    return model_files.load(data)
