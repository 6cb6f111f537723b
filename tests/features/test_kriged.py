from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely

from pipeline.errors import ConfigError
from pipeline.features.kriged_clr import kriged_clr
from pipeline.features.kriged_ilr import kriged_ilr
from pipeline.features.kriged_robust_pca import kriged_robust_pca
from pipeline.recipe import Array
from pipeline.registry import declared
from tests.features.driver import Region, centres, empty_region, run

REACH_M = 2500.0


def surveyed(**columns: Array) -> Region:
    """Samples on every fifth cell centre, so that their cells must give them back."""
    x, y = centres()
    places = [shapely.Point(place) for place in zip(x[::5, ::5].ravel(), y[::5, ::5].ravel(), strict=True)]
    return empty_region().with_geometry("soil", places, {name: values[::5, ::5].ravel() for name, values in columns.items()})


def hills() -> tuple[Array, Array]:
    x, y = centres()
    return np.exp(1 + 0.3 * np.sin(x / 1500)), np.exp(2 + 0.4 * np.cos(y / 1300))


def test_samples_on_cells_come_back_and_the_ground_between_is_told() -> None:
    cu, _ = hills()
    value, variance = run("kriged", {"of": "soil", "column": "cu", "reach_m": REACH_M, "transform": "log"}, surveyed(cu=cu))
    assert np.array_equal(value[::5, ::5], np.log(cu[::5, ::5]).astype(np.float32))
    assert np.all(variance[::5, ::5] == 0)
    assert np.abs(value - np.log(cu)).max() < 0.05
    assert variance[2::5, 2::5].min() > 0


def test_log_ratios_at_the_samples_are_those_of_their_parts() -> None:
    cu, zn = hills()
    said = {"of": "soil", "columns": ("cu", "zn"), "reach_m": REACH_M}
    clr, _ = run("kriged_clr", {**said, "component": "zn"}, surveyed(cu=cu, zn=zn))
    ilr, _ = run("kriged_ilr", said, surveyed(cu=cu, zn=zn))
    assert np.allclose(clr[::5, ::5], 0.5 * np.log(zn / cu)[::5, ::5], rtol=0, atol=1e-6)
    assert np.allclose(ilr[::5, ::5], np.sqrt(0.5) * np.log(cu / zn)[::5, ::5], rtol=0, atol=1e-6)


def test_the_robust_component_follows_the_cause_that_moves_the_parts() -> None:
    cause, other = hills()
    noise = np.random.default_rng(2).normal(0, 0.01, (4, *cause.shape))
    columns = {name: np.exp(load * np.log(other) + n) for name, load, n in zip(("cu", "zn", "pb", "fe"), (2.0, 0.5, 0.3, -1.0), noise, strict=True)}
    score, _ = run("kriged_robust_pca", {"of": "soil", "columns": tuple(columns), "reach_m": REACH_M}, surveyed(**columns))
    assert np.corrcoef(score[::5, ::5].ravel(), np.log(other)[::5, ::5].ravel())[0, 1] > 0.99


@pytest.mark.parametrize(
    ("feature", "said", "words"),
    [
        (kriged_clr, {"columns": ("cu", "zn"), "component": "pb"}, "component 'pb' is none of the columns cu, zn; name one of them"),
        (kriged_clr, {"columns": ("cu", "cu"), "component": "cu"}, "the columns cu, cu name a part twice; name each once"),
        (kriged_ilr, {"columns": ("cu", "zn"), "component": 2}, "2 parts have 1 coordinates, and component 2 is none of them; give 1 to 1"),
        (kriged_ilr, {"columns": ("cu", "cu")}, "the columns cu, cu name a part twice; name each once"),
        (kriged_robust_pca, {"columns": ("cu", "zn", "pb"), "component": 3}, "3 parts have 2 components, and 3 is none of them; give 1 to 2"),
        (kriged_robust_pca, {"columns": ("cu", "zn", "zn")}, "the columns cu, zn, zn name a part twice; name each once"),
    ],
)
def test_parts_and_components_that_make_no_sense_are_refused_at_plan_time(feature: Any, said: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        declared(feature).reach({**said, "reach_m": 100.0}, 30.0)
