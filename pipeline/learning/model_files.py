"""Model files: skops archives that can hold only this program's models, checked before use. No pickle is ever read."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from pipeline.errors import DataError
from pipeline.learning.boosting import BaggedBoosting
from pipeline.learning.extra_trees import BaggedExtraTrees
from pipeline.learning.forests import BaggedForest, PlainForest
from pipeline.learning.fuzzy import FuzzyOverlay
from pipeline.learning.grown import LARGEST_BYTES
from pipeline.learning.logistic import StandardizedLogistic
from pipeline.learning.presence_background import PresenceBackground
from pipeline.learning.spline_logistic import SplineLogistic
from pipeline.learning.stack import Stack
from pipeline.learning.trees import Trees
from pipeline.learning.trusting import skops_io
from pipeline.learning.tuned import Tuned
from pipeline.learning.unlabelled import ElkanNoto, PositiveUnlabelledForest
from pipeline.learning.weights_of_evidence import WeightsOfEvidence

Model = BaggedForest | PlainForest | BaggedBoosting | StandardizedLogistic | SplineLogistic | PresenceBackground | FuzzyOverlay | WeightsOfEvidence | Stack | Tuned
PARTS = (BaggedForest, BaggedExtraTrees, PositiveUnlabelledForest, ElkanNoto, BaggedBoosting, StandardizedLogistic)  # what others are made of
MODELS = (*PARTS, PlainForest, FuzzyOverlay, WeightsOfEvidence, PresenceBackground, SplineLogistic, Stack, Tuned)
_FITTED = {  # others: trees alone
    BaggedBoosting: {"trees_", "baseline_"},
    ElkanNoto: {"trees_", "c_"},
    StandardizedLogistic: {"coef_", "intercept_", "median_", "mean_", "scale_"},
    FuzzyOverlay: set[str](),
    Stack: {"members_", "weight_", "intercept_"},
    Tuned: {"model_", "tried_", "scores_", "choice_"},
    PresenceBackground: {"terms_", "coef_", "level_", "median_", "low_", "high_"},
    SplineLogistic: {"knots_", "median_", "binary_", "coef_", "intercept_"},
    WeightsOfEvidence: {"first_", "cut_", "deposits_", "background_", "weight_", "variance_", "share_", "refused_", "counted_", "expected_"},
}
_SCHEMA = "schema.json"
_OWN = [f"{kind.__module__}.{kind.__qualname__}" for kind in (*MODELS, Trees)]
# What a file of ours needs.
_ALLOWED = {
    *(("ObjectNode", name) for name in _OWN),
    ("DictNode", "builtins.dict"),
    ("ListNode", "builtins.list"),
    ("TypeNode", "builtins.str"),
    ("TupleNode", "builtins.tuple"),
    ("JsonNode", "builtins.str"),
    ("NdArrayNode", "numpy.ndarray"),
}


def dump(model: Model) -> bytes:
    """A fitted model as the bytes of a .skops file; the same model gives the same bytes. TypeError for any other object."""
    if not isinstance(model, MODELS):
        raise TypeError(f"only {', '.join(kind.__name__ for kind in MODELS)} go into model files, not {type(model).__name__}")
    data = _canonical(skops_io().dumps(model))
    load(data)  # what could not be read back (a random_state that is not a number, say) must not be written
    return data


def load(data: bytes) -> Model:
    """The model in a file written by `dump`, ready to use.

    One DataError for whatever is wrong: not an archive, truncated, a type that is not one of ours, arrays of the wrong shape,
    kind or range, trees that lead outside themselves or in circles.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST_BYTES:
                raise DataError(f"model: unpacks to more than {LARGEST_BYTES // 1024**3} GiB; this program writes no such file")
            _only_ours(json.loads(archive.read(_SCHEMA)))
        model = skops_io().loads(data, trusted=_OWN)
        if not isinstance(model, MODELS):
            raise DataError(f"model: the file holds a {type(model).__name__}, not a model")
        _whole(model)
        return model
    except DataError:
        raise
    except Exception as error:  # a hostile file can make json, zipfile, numpy or skops raise anything
        raise DataError(f"model: cannot be read ({type(error).__name__}: {error}); run the train stage again") from error


def _only_ours(schema: Any) -> None:
    for node in _nodes(schema):
        found = node.get("__loader__"), f"{node.get('__module__')}.{node.get('__class__')}"
        if found not in _ALLOWED:
            raise DataError(f"model: the file holds a {found[1]}, which no model of this program contains; do not trust it")


def _nodes(schema: Any) -> list[dict[str, Any]]:
    """Every dict with a `__loader__` in a skops schema, in order of writing."""
    found, waiting = [], [schema]
    while waiting:
        held = waiting.pop()
        if isinstance(held, dict):
            if "__loader__" in held:
                found.append(held)
            waiting.extend(reversed(held.values()))
        elif isinstance(held, list):
            waiting.extend(reversed(held))
    return found


def _whole(model: Model) -> None:
    fresh = type(model)()
    own = _FITTED.get(type(model), {"trees_"})
    fitted = {"classes_", "n_features_in_"} | own
    # An attribute more could hide a method; one less would fail at the first prediction.
    if set(vars(model)) - {"feature_names_in_"} != set(vars(fresh)) | fitted:
        raise DataError(f"model: its attributes are not those of a fitted {type(model).__name__}; the file is damaged")
    if not isinstance(model.n_features_in_, int) or model.classes_.ndim != 1 or model.classes_.dtype.kind not in "biuU":
        raise DataError("model: classes or feature count are not what a fitted model has; the file is damaged")
    trees = getattr(model, "trees_", None)
    if isinstance(trees, Trees) and set(vars(trees)) != set(Trees.__annotations__):
        raise DataError("model: its trees lack an array or hold one too many; the file is damaged")
    _whole_parts(model)
    model.checked()


def _whole_parts(model: Model) -> None:
    """The same of the models a model is made of, fitted, and of those it was given, which are not."""
    if not isinstance(model, Stack | Tuned):
        return
    made, told = (model.members_, model.members) if isinstance(model, Stack) else ([model.model_], None if model.model is None else [model.model])
    if not isinstance(made, list) or not all(isinstance(part, PARTS) for part in (*made, *(told or ()))):
        raise DataError(f"model: a part of the {type(model).__name__} is no model it may be made of; the file is damaged")
    if any(set(vars(part)) != set(vars(type(part)())) for part in told or ()):
        raise DataError(f"model: what the {type(model).__name__} was told of has attributes of its own; the file is damaged")
    for part in made:
        _whole(part)
        if part.n_features_in_ != model.n_features_in_ or len(part.classes_) != 2:
            raise DataError(f"model: a part of the {type(model).__name__} reads other columns or classes than the whole; the file is damaged")


def _canonical(data: bytes) -> bytes:
    """The archive with object ids and member names, which skops takes from memory addresses, numbered in order instead."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members[_SCHEMA])
    ids: dict[int, int] = {}
    names: dict[str, str] = {}
    for node in _nodes(schema):
        if "__id__" in node:
            node["__id__"] = ids.setdefault(node["__id__"], len(ids) + 1)
        if "file" in node:
            node["file"] = names.setdefault(node["file"], f"{len(names):04d}.npy")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for old, new in [*names.items(), (_SCHEMA, None)]:
            content = json.dumps(schema, indent=1).encode() if new is None else members[old]
            archive.writestr(zipfile.ZipInfo(new or _SCHEMA, date_time=(1980, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()
