from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.artefacts import packed, unpacked


@pytest.mark.parametrize(
    "value",
    [
        b"model",
        [],
        None,
        {"curve": [0.5, None], "note": "none"},
        [{"rank": 1, "wkb": b"\x01\x00\xff" * 1000, "best": [1.5, 2.5]}, {"rank": 2, "wkb": b"", "best": None}],
        [{"rank": 1, "said": {"bytes behind": [0, 4]}, "other": "bytes behind"}],
    ],
)
def test_what_is_unpacked_is_what_was_packed(value: Any) -> None:
    assert unpacked(packed(value)) == value
    assert packed(value) == packed(unpacked(packed(value)))


def test_arrays_keep_their_kind() -> None:
    held = {"row": np.arange(3, dtype=np.int16), "name": np.array(["a", "bc"])}
    found = unpacked(packed(held))
    assert sorted(found) == ["name", "row"]
    assert found["row"].dtype == np.int16
    assert found["name"].tolist() == ["a", "bc"]


def test_bytes_take_no_more_room_than_they_are() -> None:
    outline = b"\x80" * 100_000
    assert len(packed([{"wkb": outline}])) < len(outline) + 100


def test_arrays_are_an_archive_that_numpy_reads(tmp_path: Path) -> None:
    (tmp_path / "held.npz").write_bytes(packed({"row": np.arange(1000), "name": np.array(["a", "bc"])})[1:])
    with np.load(tmp_path / "held.npz", allow_pickle=False) as held:
        assert held["row"].tolist() == list(range(1000)) and held["name"].tolist() == ["a", "bc"]
