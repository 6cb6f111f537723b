"""Background least like the deposits: what a model is taught, with the likeness judged inside each fold."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree
from sklearn.base import BaseEstimator, clone

from pipeline.learning.draws import Floats
from pipeline.learning.fitted import given
from pipeline.learning.forests import column_medians

Array = npt.NDArray[Any]


class LeastAlike(BaseEstimator):
    """`model`, fitted without the `share` of its background rows whose evidence is most like that of its positives.

    Ground like that of deposits may hold one nobody found, and then teaches wrongly. Likeness is judged among the rows of the fit alone, so
    a held-out deposit takes nothing from its training side; what is scored keeps its uniform background, in which a random split still
    looks better than it is. It makes any model surer of itself at the top of the map, hence less reliable in numbers. Labels 0 and 1.
    """

    model_: Any
    classes_: Array

    def __init__(self, *, model: Any, share: float) -> None:
        self.model = model
        self.share = share

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None, blocks: Any = None) -> LeastAlike:
        """Fit to `X` (n, p), NaN missing, labels `y` (n,), and what of `groups`, `sample_weight` and `blocks` (n,) the model takes."""
        rows = ~most_alike(np.asarray(X), np.asarray(y), share=self.share)
        offered = {"groups": groups, "sample_weight": sample_weight, "blocks": blocks}
        kept = {name: of if of is None else np.asarray(of)[rows] for name, of in offered.items()}
        self.model_ = clone(self.model).fit(np.asarray(X)[rows], np.asarray(y)[rows], **given(self.model, **kept))
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X: Any) -> Floats:
        """The model's; (n, 2)."""
        return np.asarray(self.model_.predict_proba(X), np.float64)


def most_alike(values: Array, label: Array, *, share: float) -> npt.NDArray[np.bool_]:
    """The `share`, rounded down, of background rows nearest in evidence to a positive; (n,) bool, False for positives.

    Euclidean distance to the nearest, missing values at the column's median, columns scaled by their deviation over the background; a
    column without variation counts nothing. Of equal distances the later row is the less alike.
    """
    filled = np.where(np.isnan(values), column_medians(values), values).astype(np.float64)
    ground = np.flatnonzero(label == 0)
    scale = filled[ground].std(axis=0)
    filled = np.where(scale > 0, filled / np.where(scale > 0, scale, 1.0), 0.0)
    distance, _ = cKDTree(filled[label == 1]).query(filled[ground])
    left_out = np.zeros(len(values), bool)
    left_out[ground[np.argsort(distance, kind="stable")[: int(share * len(ground))]]] = True
    return left_out
