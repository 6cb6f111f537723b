from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.features.logistic_membership import ends, logistic_membership
from pipeline.recipe import Fit, Layer, Sample
from pipeline.registry import declared


def test_the_ends_are_quantiles_of_the_known_cells() -> None:
    sample = Sample(np.array([np.nan, *range(101), np.inf], dtype=np.float32))
    assert ends(of=sample, least_quantile=0.0, most_quantile=1.0)["ends"].tolist() == [0, 100]
    assert ends(of=sample, least_quantile=0.98, most_quantile=0.02)["ends"].tolist() == [98, 2]


def test_the_least_value_belongs_by_a_hundredth_and_the_largest_all_but_a_hundredth() -> None:
    fit = Fit({"ends": np.array([3.0, 11.0])})
    share = logistic_membership(of=Layer.of(np.array([[3, 7, 11, np.nan]], dtype=np.float32)), at_ends=fit)
    assert np.allclose(share, [[0.01, 0.5, 0.99, np.nan]], rtol=1e-6, atol=0, equal_nan=True)


def test_swapped_quantiles_make_it_fall() -> None:
    fit = Fit({"ends": np.array([11.0, 3.0])})
    share = logistic_membership(of=Layer.of(np.array([[3, 7, 11]], dtype=np.float32)), at_ends=fit)
    assert np.allclose(share, [[0.99, 0.5, 0.01]], rtol=1e-6, atol=0)


def test_a_sample_without_a_known_cell_gives_no_membership() -> None:
    fit = Fit(ends(of=Sample(np.full(5, np.nan, dtype=np.float32)), least_quantile=0.0, most_quantile=1.0))
    assert np.isnan(logistic_membership(of=Layer.of(np.ones((2, 2), dtype=np.float32)), at_ends=fit)).all()


def test_a_curve_without_a_direction_is_refused_with_the_way_out() -> None:
    said = {"of": "x", "least_quantile": 0.5, "most_quantile": 0.5}
    with pytest.raises(ConfigError, match=r"least_quantile and most_quantile are both 0.5; give two, such as 0 and 1, or 1 and 0"):
        declared(logistic_membership).reach(said, 100.0)
