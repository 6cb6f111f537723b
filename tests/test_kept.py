"""A raster that is kept open is the file as it is now, and there are never many."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
import rasterio

from pipeline.errors import DataError
from pipeline.kept import AT_MOST, kept


def value(path: Path) -> float:
    with kept(path) as source:
        return float(source.read(1)[0, 0])


def test_a_raster_is_opened_once_for_many_tiles(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", 1)
    with kept(path) as first:
        pass
    with kept(path) as second:
        assert second is first and not second.closed


def test_a_file_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", 1)
    assert value(path) == 1
    os.replace(raster(tmp_path / "b.tif", 2), path)
    assert value(path) == 2


def test_a_sidecar_that_came_later_counts(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", 1)
    with kept(path) as source:
        assert source.nodata is None
    (tmp_path / "a.tif.aux.xml").write_text('<PAMDataset><PAMRasterBand band="1"><NoDataValue>1</NoDataValue></PAMRasterBand></PAMDataset>')
    with kept(path) as source:
        assert source.nodata == 1


def test_a_file_that_is_gone_is_no_longer_read(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", 1)
    value(path)
    path.unlink()
    with pytest.raises(DataError, match=r"a\.tif: no such file"):
        value(path)


def test_a_raster_on_which_reading_fails_is_closed(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", 1)
    with pytest.raises(ValueError, match="by the reader"), kept(path) as source:
        raise ValueError("by the reader")
    assert source.closed


def test_no_more_than_so_many_stay_open(tmp_path: Path) -> None:
    sources = []
    for i in range(AT_MOST + 3):
        with kept(raster(tmp_path / f"{i}.tif", i)) as source:
            sources.append(source)
    # each file that comes changes the folder, yet only the longest unused are closed
    assert [source.closed for source in sources] == [True] * 3 + [False] * AT_MOST


def test_threads_share_no_raster(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path, seen = raster(tmp_path / "a.tif", 1), []

    def look() -> None:
        with kept(path) as source:
            seen.append(source)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen[0] is not seen[1]
    seen.clear()
    del threads, thread
    assert not capfd.readouterr().err  # nor does the end of a thread say anything


def raster(path: Path, number: float) -> Path:
    with rasterio.open(
        path, "w", driver="GTiff", width=4, height=4, count=1, dtype="float32", crs="EPSG:32642", transform=rasterio.Affine(10, 0, 0, 0, -10, 0)
    ) as file:
        file.write(np.full((1, 4, 4), number, np.float32))
    return path
