"""The vectors people open, in one GeoPackage."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import cog
from pipeline.bundle import Bundle
from pipeline.errors import StoreError
from pipeline.publishers._moment import moment
from pipeline.publishers._targets import targets

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

EPOCH = 6
OWN = ("targets", "occurrences", "districts", "contents")  # a source of such a name is written as <name>_source
TAKEN = ("fid", "geom")  # columns the format keeps for itself


def geopackage(*, bundle: Bundle) -> None:
    """`targets.gpkg`: layers `targets`, `occurrences` (the positives), `districts`, the evidence vectors, drawn lines, the tables of the
    bundle, and a table `contents` of all of them.

    Vectors whose licence forbids copies are named in `contents`, not copied. Times in the file are SOURCE_DATE_EPOCH, or
    1980, so that the same rows give the same bytes. StoreError when it cannot be written.
    """
    import geopandas as gpd
    import pandas as pd
    import shapely

    path, crs = bundle.folder / "targets.gpkg", bundle.cube.grid.crs
    held = bundle.deposits
    known = gpd.GeoDataFrame(
        pd.DataFrame({"name": held["name"], "group": held["group"]}).astype({"name": "str", "group": "int64"}),
        geometry=shapely.points(held["x"], held["y"]), crs=crs,
    )  # fmt: skip
    contents: list[tuple[str, str, bool, str]] = [
        ("targets", "ranked ground to look at first", True, "see provenance.json"),
        ("occurrences", "the deposits the map learnt from", True, "see provenance.json"),
    ]
    with _errors_told(path), _fixed_time():
        _write(path, "targets", targets(bundle), bundle, geometry_type="MultiPolygon")
        _write(path, "occurrences", known, bundle, geometry_type="Point")
        for name, shown in sorted(bundle.vectors.items()):
            is_districts = bundle.districts is not None and shown.table.name == bundle.districts.name
            layer = "districts" if is_districts else f"{name}_source" if name in OWN else name
            note = f"source {name}" if shown.redistribute else f"source {name}: its licence forbids copies, so it is only named here"
            contents.append((layer, note, shown.redistribute, shown.licence))
            if shown.redistribute:
                _write(path, layer, _writable(gpd.read_file(shown.table.path, engine="pyogrio")), bundle)
        for name, drawn in sorted(bundle.drawn.items()):
            layer = f"{name}_drawn" if name in OWN else name
            contents.append((layer, drawn.long_name, True, drawn.licence))
            frame = gpd.GeoDataFrame({**drawn.lines.columns}, geometry=drawn.lines.geometry, crs=crs)
            _write(path, layer, _writable(frame), bundle, geometry_type="LineString")
        for name, sheet in bundle.tables.items():
            layer = f"{name}_table" if name in {entry[0] for entry in contents} else name
            contents.append((layer, f"{sheet.title}. {sheet.what}", True, "see provenance.json"))
            if sheet.place is None:
                _write(path, layer, sheet.frame, bundle)
                continue
            x, y = (sheet.frame[name].to_numpy(float) for name in sheet.place)
            _write(path, layer, gpd.GeoDataFrame(sheet.frame, geometry=shapely.points(x, y), crs=crs), bundle, geometry_type="Point")
        table = pd.DataFrame(contents, columns=["layer", "what", "included", "licence"])
        _write(path, "contents", table, bundle)


def append(bundle: Bundle, layer: str, table: pd.DataFrame) -> None:
    """One more table in `targets.gpkg`, with the times and the errors of the others."""
    path = bundle.folder / "targets.gpkg"
    with _errors_told(path), _fixed_time():
        _write(path, layer, table, bundle)


def _write(path: Path, layer: str, frame: Any, bundle: Bundle, **more: Any) -> None:
    import pyogrio

    said = {"REGION": bundle.region, "SYSTEM": bundle.system} | ({"SYNTHETIC": cog.SYNTHETIC} if bundle.synthetic else {})
    multi = {"promote_to_multi": True} if more.get("geometry_type") == "MultiPolygon" else {}
    # 1.2: what the GDAL of QGIS 3.22 reads without a warning
    version = {} if path.exists() else {"dataset_options": {"VERSION": "1.2"}}
    pyogrio.write_dataframe(frame, path, layer=layer, driver="GPKG", layer_metadata=said, **version, **multi, **more)


def _writable(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Columns renamed where the format has a use for the name, or knows two as one because it is blind to case."""
    seen: set[str] = set(TAKEN)
    names = {}
    for column in frame.columns.drop(frame.geometry.name):
        name = str(column)
        while name.lower() in seen:
            name += "_"
        seen.add(name.lower())
        names[column] = name
    return frame.rename(columns=names)


@contextlib.contextmanager
def _errors_told(path: Path) -> Iterator[None]:
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        yield
    except (DataSourceError, DataLayerError) as error:
        reason = str(error).partition("\n")[0]
        raise StoreError(f"cannot write {path.name} ({reason}); free some space or give another folder with --set run.outputs=...") from error


@contextlib.contextmanager
def _fixed_time() -> Iterator[None]:
    import pyogrio

    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": moment().strftime("%Y-%m-%dT%H:%M:%S.000Z")})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
