"""A twentieth of the ground costs less than a tenth of the bytes, where a scene has as many blocks to a side as one of Sentinel-2."""

from __future__ import annotations

from benchmarks import fetch
from tests.servers import catalogue

pytestmark = catalogue.needed


def test_a_part_of_the_ground_is_fetched_and_not_the_rest() -> None:
    with fetch.served("sentinel2", side_m=45_000) as (www, source, items):
        one = fetch.measure(www, "sentinel2", source, items, fine=True, share=fetch.SHARE)
        assert 0.045 < one.ground < 0.055 and 0 < one.share < 0.1, one
        coarse = fetch.measure(www, "sentinel2", source, items, fine=False, share=0.9)
        assert 0 < coarse.share < 0.05, coarse  # overviews serve cells of two kilometres
