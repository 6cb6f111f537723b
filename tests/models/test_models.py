"""What every model file promises, and the answers of each."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils.validation import has_fit_parameter

from pipeline import registry
from pipeline.learning.model_files import dump, load
from pipeline.learning.reliability import scale_of
from pipeline.learning.scores import roc_auc
from pipeline.recipe import Columns
from pipeline.stages import making
from tests.learning.places import table

MODELS = (
    "elkan_noto", "extra_trees", "gradient_boosting", "logistic_regression", "positive_unlabelled_bagging", "presence_background", "random_forest",
    "reference_forest", "spline_logistic", "stack", "tuned", "weights_of_evidence",
)  # fmt: skip
UNSEEDED = ("weights_of_evidence",)  # nothing is drawn
COARSE = ("weights_of_evidence",)  # two classes a layer
COLUMNS = Columns(("told", "a", "b", "c"), (1, 0, 0, 0), (1, 1, 1, 1))


def made(word: str, *, seed: int, columns: Columns = COLUMNS) -> Any:
    """The model of a word with its defaults, told of four layers if it asks."""
    function = registry.find("models", word)
    more = {name: columns for name, kind in registry.dependencies(function).items() if kind is Columns}
    return function(**more, seed=seed)


def test_the_words_for_models_are_these() -> None:
    assert registry.words("models") == tuple(sorted((*MODELS, "fuzzy_overlay")))


@pytest.mark.parametrize("word", [*MODELS, "fuzzy_overlay"])
def test_the_file_of_a_model_says_of_it_what_it_says_of_itself(word: str) -> None:
    told = {"use": word, "said": {}}
    model = made(word, seed=0)
    assert making.scale(told) == scale_of(model)
    assert making.labelled(told) == getattr(model, "needs_labels", True)
    assert making.has_bags(told) == hasattr(model, "predict_both")
    assert making.fits_blocks(told) == has_fit_parameter(model, "blocks")


@pytest.mark.parametrize("word", MODELS)
def test_a_model_is_an_estimator_with_keyword_parameters_and_a_seed(word: str) -> None:
    function = registry.find("models", word)
    kinds = {parameter.kind for parameter in inspect.signature(function).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}
    assert isinstance(registry.epoch(function), int)
    model = made(word, seed=7)
    assert isinstance(model, BaseEstimator) and is_classifier(model)
    assert word in UNSEEDED or model.get_params()["random_state"] == 7


@pytest.mark.parametrize("word", MODELS)
def test_the_parameters_reach_the_model_and_misspelt_ones_do_not(word: str) -> None:
    schema = registry.parameters(registry.find("models", word))
    assert "seed" not in schema.model_fields
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        schema(bagz=3)


@pytest.mark.parametrize("word", MODELS)
def test_a_model_finds_a_planted_rule_in_ground_it_has_not_seen_and_survives_its_file(word: str) -> None:
    train, test = table(seed=0), table(seed=1)
    model = made(word, seed=0).fit(train.values, train.label)
    score = model.predict_proba(test.values)[:, 1]
    # Two normals 3 deviations apart with 5 % missing: at best about 0.97.
    assert roc_auc(test.label, score) > (0.88 if word in COARSE else 0.92)
    assert load(dump(model)).predict_proba(test.values)[:, 1].tobytes() == score.tobytes()


@pytest.mark.parametrize("word", [word for word in MODELS if word not in ("reference_forest", "weights_of_evidence")])
def test_models_for_maps_tell_their_uncertainty_in_one_pass(word: str) -> None:
    whole = table(seed=0)
    model = made(word, seed=0).fit(whole.values, whole.label, groups=whole.group)
    mean, spread = model.predict_both(whole.values)
    assert mean.tobytes() == model.predict_proba(whole.values)[:, 1].copy().tobytes()
    assert (spread > 0).mean() > 0.8 and spread.max() <= 0.5


def test_the_default_forest_is_twenty_bags_of_twenty_five_trees() -> None:
    model = registry.find("models", "random_forest")(seed=0)
    assert (model.bags, model.trees_per_bag, model.min_samples_leaf, model.max_features) == (20, 25, 5, "sqrt")


def test_the_reference_forest_has_three_hundred_trees_and_claims_no_uncertainty() -> None:
    model = registry.find("models", "reference_forest")(seed=0)
    assert (model.trees, model.min_samples_leaf, model.max_features, model.missing) == (300, 2, "sqrt", -9999.0)
    assert not hasattr(model, "predict_both")


def test_options_are_passed_on() -> None:
    assert registry.find("models", "random_forest")(bags=3, trees_per_bag=4, min_samples_leaf=5, max_features=0.5, seed=1).get_params() == {
        "bags": 3,
        "trees_per_bag": 4,
        "min_samples_leaf": 5,
        "max_features": 0.5,
        "random_state": 1,
    }
    assert registry.find("models", "logistic_regression")(inverse_penalty=0.1, seed=1).get_params()["C"] == 0.1
    hinged = registry.find("models", "presence_background")(kinds=["hinge"], knots=3, multiplier=2.0, seed=1)  # a list, as YAML gives it
    assert hinged.get_params() == {"bags": 20, "kinds": ("hinge",), "knots": 3, "multiplier": 2.0, "signs": None, "random_state": 1}
    curved = registry.find("models", "spline_logistic")(bags=3, knots=4, inverse_penalty=0.1, seed=1)
    assert curved.get_params() == {"bags": 3, "knots": 4, "C": 0.1, "random_state": 1}
    shallow = registry.find("models", "reference_forest")(trees=5, seed=1).fit(np.arange(40.0)[:, None], np.arange(40) > 19)
    assert len(shallow.trees_.tree_start) - 1 == 5


def test_a_model_told_the_signs_of_the_system_never_goes_against_them() -> None:
    # In these samples more of the first layer is better; told the contrary, boosting must not say so anywhere.
    whole = table(seed=0)
    ramp = np.zeros((201, 4), np.float32)
    ramp[:, 0] = np.linspace(-4, 6, 201)
    for sign in (1, 0, -1):
        model = made("gradient_boosting", seed=0, columns=Columns(whole.names, (sign, 0, 0, 0), (1, 1, 1, 1)))
        step = np.diff(model.fit(whole.values, whole.label).predict_both(ramp)[0])
        assert (step * sign >= 0).all()
        assert (step.max() > 0.05) == (sign >= 0)


def test_what_a_model_is_made_of_is_told_the_columns_and_what_it_tunes_starts_from_the_defaults() -> None:
    stacked = registry.find("models", "stack")(columns=COLUMNS, seed=3)
    assert [type(member).__name__ for member in stacked.members] == ["BaggedForest", "BaggedBoosting", "StandardizedLogistic"]
    assert stacked.members[1].signs == (1, 0, 0, 0)
    for word in ("random_forest", "extra_trees", "gradient_boosting", "logistic_regression", "positive_unlabelled_bagging"):
        tuned = registry.find("models", "tuned")(model=word, budget=3, columns=COLUMNS, seed=3)
        assert type(tuned.model) is type(made(word, seed=3))
        assert set(tuned.grid) <= set(tuned.model.get_params())
        assert all(tuned.model.get_params()[name] in values for name, values in tuned.grid.items())
