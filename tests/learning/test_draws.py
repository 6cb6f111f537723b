from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from pipeline.learning import draws
from pipeline.learning.draws import derive, splitmix, uniform


def test_the_mixer_is_the_published_splitmix64() -> None:
    # The first five outputs for seed 1234567, as listed for the reference implementation.
    state = np.uint64(1234567) + np.arange(5, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    assert splitmix(state).tolist() == expected


def test_draws_of_neighbouring_cells_are_uniform_and_uncorrelated() -> None:
    draws = uniform(np.arange(100_000), seed=0, stream="s")
    assert draws.min() >= 0 and draws.max() < 1
    assert kstest(draws, "uniform").pvalue > 0.001
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.015


def test_streams_and_seeds_are_independent() -> None:
    cells = np.arange(20_000)
    draws = [uniform(cells, seed=seed, stream=stream) for seed, stream in ((0, "a"), (1, "a"), (0, "b"))]
    assert np.abs(np.corrcoef(draws) - np.eye(3)).max() < 0.03


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=30), st.integers(0, 2**40))
def test_a_draw_belongs_to_its_cell_whatever_the_order_or_company(cells: list[int], seed: int) -> None:
    order = sorted(range(len(cells)), key=lambda i: hash((i, seed)))
    whole = uniform(np.array(cells), seed=seed, stream="s")
    assert uniform(np.array(cells)[order], seed=seed, stream="s").tolist() == whole[order].tolist()
    assert uniform(np.array(cells[:1]), seed=seed, stream="s")[0] == whole[0]


def test_sub_seeds_keep_words_apart_and_fit_scikit_learn() -> None:
    words = [(), ("a",), ("b",), ("ab",), ("a", "b"), (1,), ("1",), ("a", 1), (11,), (1, 1)]
    seeds = [derive(7, *word) for word in words]
    assert len(set(seeds)) == len(words)
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert derive(8) != derive(7)
    assert derive(7, np.int64(1)) == derive(7, 1)  # type: ignore[arg-type]


def test_draws_of_many_cells_are_those_of_each_piece() -> None:
    cells = np.arange(2 * draws._BLOCK + 7)[::-1]
    pieces = [uniform(piece, seed=3, stream="s") for piece in np.array_split(cells, 7)]
    np.testing.assert_array_equal(uniform(cells, seed=3, stream="s"), np.concatenate(pieces))
    assert uniform(cells[:0], seed=3, stream="s").shape == (0,)
