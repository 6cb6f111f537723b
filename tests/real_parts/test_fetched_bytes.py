"""A twentieth of the ground costs less than a tenth of the bytes."""

from __future__ import annotations

from benchmarks import fetch
from tests.servers import catalogue

pytestmark = catalogue.needed


def test_a_part_of_the_ground_is_fetched_and_not_the_rest() -> None:
    with fetch.served(pixel_m=30, side_m=45_000) as (www, found):
        for key, (source, items) in found.items():
            one = fetch.measure(www, key, source, items, cell_m=100, share=fetch.SHARE)
            assert 0.03 < one.ground <= 0.08 and 0 < one.share < 0.1, one
