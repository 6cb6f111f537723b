"""What labels of the QGIS project say."""

from __future__ import annotations

import re

import pytest

from pipeline.publishers._qgis_vectors import HOW_MUCH


@pytest.mark.parametrize("reason", ["halo 2.3x background", "rock 6%, background 0%", "halo (mean) higher than 98% of background"])
def test_a_label_leaves_out_by_how_much_a_reason_speaks(reason: str) -> None:
    as_read = HOW_MUCH.replace(r"\\", "\\")  # QGIS reads a text of an expression before the regular expression is read
    assert re.sub(as_read, "", f"{reason} (+0.120)") == reason
    assert re.sub(as_read, "", reason) == reason
