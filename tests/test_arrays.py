"""What arrays and groups say of themselves is what zarr would have said, and zarr reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec

from pipeline import arrays
from pipeline.recipe import MISSING

SAID = {"units": "m", "native_m": 30.0, "synthetic": False}


@pytest.mark.parametrize(("dtype", "fill"), [("float32", np.float32(np.nan)), ("int32", MISSING)])
def test_a_layer_is_described_as_zarr_describes_it(tmp_path: Path, dtype: str, fill: float) -> None:
    arrays.tiled(tmp_path / "ours", (70, 50), 32, dtype, fill, SAID)
    packing = BloscCodec(cname=arrays.PACKER, clevel=arrays.LEVEL, shuffle=arrays.SHUFFLE)
    zarr.create_array(
        tmp_path / "theirs", shape=(70, 50), chunks=(32, 32), dtype=dtype, fill_value=fill, compressors=packing, dimension_names=("y", "x"), attributes=SAID
    )
    assert said(tmp_path / "ours") == said(tmp_path / "theirs")


def test_an_axis_is_read_by_zarr_with_its_values(tmp_path: Path) -> None:
    values = 15.0 + 30.0 * np.arange(1000)
    arrays.axis(tmp_path / "x", values, SAID)
    zarr.create_array(tmp_path / "theirs", data=values, dimension_names=("x",), attributes=SAID)
    assert said(tmp_path / "x") == said(tmp_path / "theirs")
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "x", mode="r")[:], values)


def test_a_scalar_is_described_as_zarr_describes_it(tmp_path: Path) -> None:
    arrays.scalar(tmp_path / "ours", SAID)
    zarr.create_array(tmp_path / "theirs", data=np.zeros((), "int32"), dimension_names=(), attributes=SAID)
    assert said(tmp_path / "ours") == said(tmp_path / "theirs")
    assert zarr.open_array(tmp_path / "ours", mode="r")[()] == 0


def test_a_group_keeps_what_it_said_and_is_left_alone_when_nothing_is_new(tmp_path: Path) -> None:
    arrays.group(tmp_path / "g", {"a": 1})
    arrays.group(tmp_path / "g", {"b": 2})
    assert dict(zarr.open_group(tmp_path / "g", mode="r").attrs) == arrays.attributes(tmp_path / "g", "group") == {"a": 1, "b": 2}
    before = (tmp_path / "g" / "zarr.json").stat().st_ino
    arrays.group(tmp_path / "g", {"a": 1})
    assert (tmp_path / "g" / "zarr.json").stat().st_ino == before


def test_what_is_said_anew_leaves_the_rest(tmp_path: Path) -> None:
    arrays.tiled(tmp_path / "a", (70, 50), 32, "int32", MISSING, SAID)
    before = said(tmp_path / "a")
    arrays.describe(tmp_path / "a", {"units": "km"})
    assert said(tmp_path / "a") == before | {"attributes": {"units": "km"}}


def test_another_kind_of_thing_is_refused(tmp_path: Path) -> None:
    arrays.group(tmp_path / "g", {})
    with pytest.raises(ValueError, match="g holds no Zarr 3 array"):
        arrays.attributes(tmp_path / "g", "array")
    with pytest.raises(FileNotFoundError):
        arrays.attributes(tmp_path / "none", "group")


def said(at: Path) -> dict[str, object]:
    """What zarr understands, so that its versions may order and leave out as they like."""
    return dict(zarr.open_array(at, mode="r").metadata.to_dict())
