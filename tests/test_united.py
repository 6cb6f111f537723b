"""Components of a graph, beside scipy's own."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.united import united


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=60))))
def test_components_are_those_of_scipy_in_its_order(graph: tuple[int, list[tuple[int, int]]]) -> None:
    count, edges = graph
    left, right = np.array(edges, np.int64).reshape(-1, 2).T
    known = connected_components(coo_array((np.ones(len(left)), (left, right)), shape=(count, count)), directed=False)[1]
    assert united(left, right, count).tolist() == known.tolist()


def test_a_long_chain_in_any_order_is_one() -> None:
    order = np.random.default_rng(1).permutation(5000)
    assert not united(order[:-1], order[1:], 5000).any()
    assert united(np.empty(0, int), np.empty(0, int), 3).tolist() == [0, 1, 2]
