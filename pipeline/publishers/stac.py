"""The bundle as one item of a SpatioTemporal Asset Catalog (STAC 1.1), for programs that look for maps."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import rasterio
import shapely
from pyproj import CRS, Transformer

from pipeline.bundle import Bundle
from pipeline.publishers._moment import moment

EPOCH = 1
AFTER = ("*",)  # it lists what the others wrote
NAME = "item.json"
VERSION = "1.1.0"
EXTENSIONS = (
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json", "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
)  # fmt: skip
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
# by suffix: media type, and what the file is for
KINDS = {
    ".tif": (COG, "data"), ".gpkg": ("application/geopackage+sqlite3", "data"), ".parquet": ("application/vnd.apache.parquet", "data"),
    ".qgz": ("application/zip", "project"), ".qml": ("application/xml", "style"), ".html": ("text/html", "overview"), ".pdf": ("application/pdf", "overview"),
    ".png": ("image/png", "overview"), ".json": ("application/json", "metadata"), ".yaml": ("application/yaml", "metadata"),
    ".skops": ("application/zip", "model"), ".pmtiles": ("application/vnd.pmtiles", "visual"),
}  # fmt: skip
OTHER = ("application/octet-stream", "metadata")
TITLES = {
    "targets.gpkg": "Targets, known deposits and the vectors beside them", "targets.parquet": "Targets", "model.skops": "The model",
    "scorecard.json": "How the model scores on ground it was not fitted to", "provenance.json": "Inputs, licences, versions and keys",
    "config.yaml": "The resolved configuration", "report.html": "Report",
}  # fmt: skip
PARTS = 20  # of each side of the grid, which is a curve in longitude and latitude


def stac(*, bundle: Bundle) -> None:
    """`item.json`: a STAC item with every file of the bundle as an asset, with its media type, role, licence and whether it is synthetic; rasters
    with their data type, units and exact statistics (raster extension), all on the one grid (projection extension)."""
    paths = sorted(path for path in bundle.folder.rglob("*") if path.is_file() and path.name != NAME)
    assets = {_key(path, bundle.folder): _asset(path, bundle) for path in paths}
    said = _asset_of("provenance.json", bundle)  # written when all else is
    text = json.dumps(_item(bundle, {**assets, "provenance.json": said}), indent=1, ensure_ascii=False, allow_nan=False)
    (bundle.folder / NAME).write_text(text + "\n", encoding="utf-8")


def _item(bundle: Bundle, assets: dict[str, Any]) -> dict[str, Any]:
    grid, crs = bundle.cube.grid, CRS.from_user_input(bundle.cube.grid.crs)
    authority = crs.to_authority(min_confidence=100)
    shape = footprint(grid.bounds, grid.crs)
    licences = sorted({str(one["licence"]) for one in bundle.provenance.get("inputs", ())})
    catalogue = {"href": "../catalog.json", "type": "application/json"}
    return {
        "type": "Feature", "stac_version": VERSION, "stac_extensions": list(EXTENSIONS), "id": f"{bundle.region}-{bundle.system}",
        "geometry": shapely.geometry.mapping(shape), "bbox": [round(v, 6) for v in shape.bounds],
        "properties": {
            "title": f"{bundle.title}: {bundle.system_title or bundle.system}",
            "description": "Mineral prospectivity: where to look first, why, how sure, and where the map is blind. "
            "A target is not a mineral resource or reserve (JORC, NI 43-101).",
            "datetime": moment().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "prospect:datetime": "the same for the same contents; when the map was made stands in provenance.json under run",
            "license": "other", "prospect:licences": licences, "prospect:synthetic": bundle.synthetic, "prospect:region": bundle.region,
            "prospect:system": bundle.system, "prospect:verdict": bundle.scorecard.get("verdict"), "prospect:notices": list(bundle.notices),
            "proj:code": ":".join(authority) if authority else None, "proj:wkt2": crs.to_wkt(), "proj:bbox": [float(v) for v in grid.bounds],
            "proj:shape": [grid.rows, grid.cols], "proj:transform": [float(v) for v in grid.affine()][:6],
        },
        "links": [{"rel": "root", **catalogue}, {"rel": "parent", **catalogue}, {"rel": "license", "href": "./provenance.json", "type": "application/json"}],
        "assets": assets,
    }  # fmt: skip


def footprint(bounds: tuple[float, float, float, float], crs: str) -> shapely.Polygon:
    """The extent in longitude and latitude (EPSG:4326), anticlockwise, to a ten-millionth of a degree."""
    outline = shapely.segmentize(shapely.box(*bounds), max(bounds[2] - bounds[0], bounds[3] - bounds[1]) / PARTS)
    to = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    x, y = to.transform(*shapely.get_coordinates(outline).T)
    return shapely.orient_polygons(shapely.Polygon([(round(float(a), 7), round(float(b), 7)) for a, b in zip(x, y, strict=True)]))


def _key(path: Path, folder: Path) -> str:
    name = path.relative_to(folder)
    return (name.with_suffix("") if path.suffix == ".tif" else name).as_posix()


def _asset(path: Path, bundle: Bundle) -> dict[str, Any]:
    said = _asset_of(path.relative_to(bundle.folder).as_posix(), bundle)
    if path.suffix != ".tif":
        return said
    with rasterio.open(path) as file:
        tags, band = file.tags(), file.tags(1)
        known = {word.removeprefix("STATISTICS_").lower(): float(value) for word, value in band.items() if word.startswith("STATISTICS_")}
        nodata = "nan" if file.nodata is not None and math.isnan(file.nodata) else file.nodata
        one = {
            "data_type": file.dtypes[0], "nodata": nodata, "unit": file.units[0] or "1", "sampling": "area", "spatial_resolution": file.res[0],
            **({"statistics": known} if known else {}),
        }  # fmt: skip
        title = file.descriptions[0] or path.stem
    licence = tags.get("LICENCE") or "see provenance.json"
    return said | {"title": title, "prospect:licence": licence, "raster:bands": [one]}


def _asset_of(name: str, bundle: Bundle) -> dict[str, Any]:
    path = Path(name)
    kind, role = KINDS.get(path.suffix, OTHER)
    title = TITLES.get(name) or ("QGIS project" if path.suffix == ".qgz" else f"Style of {path.stem}.tif" if path.suffix == ".qml" else path.name)
    return {"href": f"./{name}", "type": kind, "title": title, "roles": [role], "prospect:licence": "see provenance.json", "prospect:synthetic": bundle.synthetic}
