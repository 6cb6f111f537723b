from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from pipeline.errors import DataError
from pipeline.learning.boosting import BaggedBoosting
from pipeline.learning.extra_trees import BaggedExtraTrees
from pipeline.learning.forests import BaggedForest, PlainForest
from pipeline.learning.grown import grown
from pipeline.learning.logistic import StandardizedLogistic
from pipeline.learning.model_files import dump, load
from pipeline.learning.presence_background import PresenceBackground
from pipeline.learning.spline_logistic import SplineLogistic
from pipeline.learning.stack import Stack
from pipeline.learning.tuned import Tuned
from pipeline.learning.unlabelled import ElkanNoto, PositiveUnlabelledForest
from pipeline.learning.weights_of_evidence import WeightsOfEvidence
from tests.learning.places import table

WHOLE = table(seed=0)
PART = BaggedForest(bags=2, trees_per_bag=3)


def fitted() -> list[Any]:
    models = [
        BaggedForest(bags=3, trees_per_bag=4, random_state=0),
        PlainForest(trees=5, random_state=0),
        StandardizedLogistic(bags=3, random_state=0),
        BaggedExtraTrees(bags=3, trees_per_bag=4, random_state=0),
        PositiveUnlabelledForest(bags=3, trees_per_bag=4, random_state=0),
        BaggedBoosting(bags=3, trees_per_bag=4, signs=(1, 0, 0, -1), random_state=0),
        ElkanNoto(bags=3, trees_per_bag=4, random_state=0),
        Stack(members=(PART, StandardizedLogistic(bags=2)), folds=2, random_state=0),
        Tuned(model=PART, grid={"min_samples_leaf": (1, 2), "max_features": ("sqrt", 0.5)}, folds=2, random_state=0),
        PresenceBackground(bags=3, kinds=("linear", "hinge"), random_state=0),
        SplineLogistic(bags=3, random_state=0),
        WeightsOfEvidence(background_km2=40.0, names=WHOLE.names, signs=(1, 0, 0, 0)),
    ]
    return [model.fit(WHOLE.values, WHOLE.label) for model in models]


@cache
def written(kind: int) -> bytes:
    return dump(fitted()[kind])


@pytest.mark.parametrize("model", fitted(), ids=lambda model: type(model).__name__)
def test_a_model_read_back_gives_the_same_bits(model: Any) -> None:
    back = load(dump(model))
    assert type(back) is type(model)
    assert repr(back.get_params()) == repr(model.get_params())  # equal, and so are the models named in them
    assert back.predict_proba(WHOLE.values).tobytes() == model.predict_proba(WHOLE.values).tobytes()


def test_a_forest_is_walked_without_the_libraries_that_grew_it_and_no_other_model_is() -> None:
    values = WHOLE.values.copy()
    values[::3, 1], values[::7] = np.nan, np.nan
    for kind, model in enumerate(fitted()):
        found = grown(written(kind))
        if type(model) not in (BaggedForest, BaggedExtraTrees):
            assert found is None, type(model)
            continue
        assert found is not None
        for ours, whole in zip(found.predict_both(values), load(written(kind)).predict_both(values), strict=True):  # type: ignore[union-attr]
            assert ours.tobytes() == whole.tobytes()
        with pytest.raises(ValueError, match="reads 4 columns, not 3"):
            found.predict_both(values[:, :3])


def test_a_forest_that_is_not_whole_is_left_to_who_says_what_is_wrong_with_it() -> None:
    data, expected = written(0), load(written(0)).predict_both(WHOLE.values)[0]  # type: ignore[union-attr]
    assert grown(data[:-40]) is None and grown(b"") is None
    for at in range(30, len(data), 211):
        found = grown(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        assert found is None or np.array_equal(found.predict_both(WHOLE.values)[0], expected)
    for at in range(data.rindex(b"PK\x01\x02"), len(data)):  # where zipfile is told what it would need, and raises anything
        found = grown(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        assert found is None or np.array_equal(found.predict_both(WHOLE.values)[0], expected)


def test_the_same_fit_gives_the_same_bytes() -> None:
    for first, second in zip(fitted(), fitted(), strict=True):
        data = dump(first)
        assert data == dump(second)
        assert data == dump(load(data))


def test_named_columns_and_classes_survive() -> None:
    model = BaggedForest(bags=2, trees_per_bag=2, random_state=0)
    model.fit(pd.DataFrame(WHOLE.values, columns=list(WHOLE.names)), np.where(WHOLE.label, "ore", "barren"))
    back = load(dump(model))
    assert back.feature_names_in_.tolist() == ["told", "a", "b", "c"]
    assert back.classes_.tolist() == ["barren", "ore"]


def rewritten(data: bytes, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> bytes:
    """The archive with its schema and members changed in place."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members["schema.json"])
    change(schema, members)
    members["schema.json"] = json.dumps(schema).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def attributes(schema: dict[str, Any]) -> dict[str, Any]:
    return schema["content"]["content"]  # type: ignore[no-any-return]


def with_array(name: str, edit: Callable[[Any], Any]) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    """A change to one array of the trees, in the archive's own .npy file."""

    def change(schema: dict[str, Any], members: dict[str, bytes]) -> None:
        file = attributes(attributes(schema)["trees_"])[name]["file"]
        buffer = io.BytesIO()
        np.save(buffer, edit(np.load(io.BytesIO(members[file]))))
        members[file] = buffer.getvalue()

    return change


def put(index: Any, value: Any, array: Any) -> Any:
    array[index] = value
    return array


TREES = {
    "a child that is its own ancestor": with_array("children", partial(put, (1, 0), 0)),
    "a child outside the arrays": with_array("children", partial(put, (0, 1), 2**30)),
    "a node that weighs less than nothing": with_array("weight", partial(put, 1, -1.0)),
    "feature a million": with_array("feature", partial(put, 0, 10**6)),
    "a threshold that is not a number": with_array("threshold", partial(put, 0, np.nan)),
    "values of three classes": with_array("value", lambda a: np.column_stack((a, a[:, :1] * 0))),
    "values of another kind": with_array("value", lambda a: a.astype("complex128")),
    "trees cut short": with_array("feature", lambda a: a[:-1]),
    "medians of other columns": with_array("fill", lambda a: a[:, :2].copy()),
    "starts that run backwards": with_array("tree_start", lambda a: a[::-1].copy()),
    "starts so far apart that their distance is no number": with_array("tree_start", lambda a: np.array([0, 2**63 - 1, -2, a[-1]])),
    "bags so far apart that their distance is no number": with_array("bag_start", lambda a: np.array([0, 1, -(2**63), -1, a[-1]])),
}


@pytest.mark.parametrize("kind", [0, 1, 3, 4, 5, 6], ids=["bagged", "plain", "extra", "unlabelled", "boosted", "calibrated"])
@pytest.mark.parametrize("change", TREES.values(), ids=TREES.keys())
def test_tampered_trees_are_one_error(change: Any, kind: int) -> None:
    data = written(kind)
    assert load(rewritten(data, lambda schema, members: None)) is not None
    with pytest.raises(DataError, match=r"model: .*; the file is damaged"):
        load(rewritten(data, change))
    assert grown(rewritten(data, change)) is None


def with_baseline(edit: Callable[[Any], Any]) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    def change(schema: dict[str, Any], members: dict[str, bytes]) -> None:
        file = attributes(schema)["baseline_"]["file"]
        buffer = io.BytesIO()
        np.save(buffer, edit(np.load(io.BytesIO(members[file]))))
        members[file] = buffer.getvalue()

    return change


BOOSTED = {
    "a leaf that adds no number": with_array("value", partial(put, (3, 0), np.inf)),
    "a baseline too few": with_baseline(lambda a: a[:2]),
    "a baseline that is not a number": with_baseline(partial(put, 0, np.nan)),
    "baselines of another kind": with_baseline(lambda a: a.astype("float32")),
}


@pytest.mark.parametrize("change", BOOSTED.values(), ids=BOOSTED.keys())
def test_tampered_sums_are_one_error(change: Any) -> None:
    with pytest.raises(DataError, match=r"model: .*; the file is damaged"):
        load(rewritten(written(5), change))


@pytest.mark.parametrize("content", ["0.0", "1.5", "NaN", "1", '"0.5"'])
def test_a_calibration_that_is_no_share_is_refused(content: str) -> None:
    with pytest.raises(DataError, match="its calibration is no share"):
        load(rewritten(written(6), lambda schema, members: attributes(schema).update(c_=plain(content))))


def part(schema: dict[str, Any]) -> dict[str, Any]:
    """The first member of a stack, or the model that was tuned."""
    held = attributes(schema)
    return held["members_"]["content"][0] if "members_" in held else held["model_"]  # type: ignore[no-any-return]


def told(schema: dict[str, Any]) -> dict[str, Any]:
    held = attributes(schema)
    return held["members"]["content"][0] if "members" in held else held["model"]  # type: ignore[no-any-return]


def hide_in(found: dict[str, Any]) -> None:
    found["content"]["content"]["predict"] = plain("1")
    found["content"]["key_types"]["content"].append(found["content"]["key_types"]["content"][0])


def another(schema: dict[str, Any], kind: int) -> None:
    """A part that is a model of another kind, unfitted."""
    with zipfile.ZipFile(io.BytesIO(written(kind))) as archive:
        other = json.loads(archive.read("schema.json"))
    found = part(schema)
    found["__class__"], found["__module__"] = other["__class__"], other["__module__"]


NESTED = {
    "a part that is no number's model": lambda s, m: part(s).update(plain("1")),
    "a part that may not be one": lambda s, m: another(s, 1),
    "a part that is a stack": lambda s, m: another(s, 7),
    "a part with a hidden method": lambda s, m: hide_in(part(s)),
    "a told part with a hidden method": lambda s, m: hide_in(told(s)),
    "a told part that is a word": lambda s, m: told(s).update(plain('"it"')),
    "a part of other columns": lambda s, m: part(s)["content"]["content"].update(n_features_in_=plain("5")),
    "a part without trees": lambda s, m: part(s)["content"]["content"].update(trees_=plain("1")),
    "columns of another count": lambda s, m: attributes(s).update(n_features_in_=plain("5")),
}


@pytest.mark.parametrize("kind", [7, 8], ids=["stack", "tuned"])
@pytest.mark.parametrize("change", NESTED.values(), ids=NESTED.keys())
def test_a_tampered_part_is_one_error(change: Any, kind: int) -> None:
    with pytest.raises(DataError, match=r"^model: "):
        load(rewritten(written(kind), change))


@pytest.mark.parametrize(
    ("kind", "name", "content"),
    [
        (7, "weight_", "[1.0, 0.0]"), (7, "intercept_", "NaN"), (7, "intercept_", "1"), (7, "members_", "[]"),
        (8, "choice_", "3.0"), (8, "choice_", "99"), (8, "choice_", "-1"), (8, "tried_", "[]"), (8, "scores_", "[0.5]"),
    ],
)  # fmt: skip
def test_weights_and_choices_that_fit_nothing_are_refused(kind: int, name: str, content: str) -> None:
    with pytest.raises(DataError, match=r"model: (a stack whose weights|the record of its tuning|a part of the Stack).*the file is damaged"):
        load(rewritten(written(kind), lambda schema, members: attributes(schema).update({name: plain(content)})))


def node(loader: str, module: str, name: str, **more: Any) -> dict[str, Any]:
    return {"__class__": name, "__module__": module, "__loader__": loader, "__id__": 999_999, **more}


TYPES = {
    "a function of numpy": lambda s, m: attributes(s).update(max_features=node("FunctionNode", "numpy", "sin")),
    "a function of the system": lambda s, m: attributes(s).update(max_features=node("FunctionNode", "os", "system")),
    "an estimator skops trusts": lambda s, m: attributes(s).update(
        max_features=node("ObjectNode", "sklearn.linear_model._logistic", "LogisticRegression")
    ),
    "another type of array": lambda s, m: attributes(attributes(s)["trees_"])["fill"].update(__class__="matrix"),
    "a method": lambda s, m: attributes(s).update(max_features=node("MethodNode", "pipeline.learning.forests", "BaggedForest")),
    "an unknown loader": lambda s, m: attributes(s).update(max_features=node("OtherNode", "builtins", "str")),
}


@pytest.mark.parametrize("change", TYPES.values(), ids=TYPES.keys())
def test_a_type_of_no_model_of_ours_is_refused(change: Any) -> None:
    with pytest.raises(DataError, match="do not trust it"):
        load(rewritten(written(0), change))


def plain(content: str) -> dict[str, Any]:
    return node("JsonNode", "builtins", "str", content=content, is_json=True)


def hide_a_method(schema: dict[str, Any], _: dict[str, bytes]) -> None:
    attributes(schema).update(predict=plain("1"))
    types = schema["content"]["key_types"]["content"]
    types.append(types[0])


SHAPES = {
    "an attribute that would hide a method": hide_a_method,
    "no trees": lambda s, m: attributes(s).update(trees_=plain("1")),
    "trees that lack an array": lambda s, m: attributes(attributes(s)["trees_"]).pop("fill"),
    "a feature count in words": lambda s, m: attributes(s).update(n_features_in_=plain('"4"')),
    "another feature count": lambda s, m: attributes(s).update(n_features_in_=plain("5")),
    "classes that are no array": lambda s, m: attributes(s).update(classes_=plain("[0, 1]")),
    "a future protocol": lambda s, m: s.update(protocol=10**6),
    "a member that is absent": lambda s, m: m.pop("0001.npy"),
    "json nested past any stack": lambda s, m: attributes(s).update(bags=plain("[" * 10**5)),
    "trees alone": lambda s, m: s.update(attributes(s)["trees_"]),
}


@pytest.mark.parametrize("change", SHAPES.values(), ids=SHAPES.keys())
def test_a_file_of_another_build_is_one_error(change: Any) -> None:
    with pytest.raises(DataError, match=r"^model: "):
        load(rewritten(written(0), change))


def test_a_truncated_or_foreign_file_is_one_error() -> None:
    data = written(0)
    for part in (b"", b"not a model", data[: len(data) // 2], data[:-30], data[100:]):
        with pytest.raises(DataError, match="run the train stage again"):
            load(part)


def test_any_changed_byte_is_an_error_or_harmless() -> None:
    data = dump(BaggedForest(bags=1, trees_per_bag=2, random_state=0).fit(WHOLE.values, WHOLE.label))
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        broken = bytearray(data)
        broken[random.integers(len(data))] ^= 1 << int(random.integers(8))
        try:
            assert np.isfinite(load(bytes(broken)).predict_proba(WHOLE.values)).all()
        except DataError:
            refused += 1
    assert refused > 100  # the archive's checksums see most of them


def test_a_foreign_model_is_neither_written_nor_read() -> None:
    other = LogisticRegression().fit(np.nan_to_num(WHOLE.values), WHOLE.label)
    with pytest.raises(TypeError, match="not LogisticRegression"):
        dump(other)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="do not trust it"):
        load(skops.io.dumps(other))


def test_a_seed_that_is_no_number_is_refused_when_writing() -> None:
    model = BaggedForest(bags=1, trees_per_bag=1, random_state=np.random.RandomState(0)).fit(WHOLE.values, WHOLE.label)
    with pytest.raises(DataError, match="RandomState"):
        dump(model)


def test_reading_models_imports_neither_all_of_scikit_learn_nor_what_it_looks_for() -> None:
    code = "import sys; from pipeline.learning.trusting import skops_io; skops_io(); print(*{'pytest', 'dask', 'sklearn.utils._testing'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_skops_trusts_nothing_by_itself_but_plain_types() -> None:
    code = (
        "from pipeline.learning.trusting import skops_io; from sklearn.linear_model import LogisticRegression; import numpy as np; io = skops_io();"
        "print(*io.get_untrusted_types(data=io.dumps([LogisticRegression(), np.sin, {'a': 1.5, 'b': (True, 'c')}])))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert sorted(done.stdout.split()) == ["numpy.sin", "sklearn.linear_model._logistic.LogisticRegression"]
