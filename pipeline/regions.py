"""A new region: from a name and an outline to a file of configs/regions that plans as it stands."""

from __future__ import annotations

import difflib
import json
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pipeline.config import names
from pipeline.errors import ConfigError, DataError
from pipeline.spatial import projections
from pipeline.spatial.occurrences import name_key
from pipeline.spatial.outline import projected_bounds

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon

SMALLEST_KM2 = 10.0
NEAREST_POLE = 85.0  # degrees of latitude
WIDEST = 180.0  # degrees of longitude: wider ground lies on both sides of the date line
SMALL_TILE = 256  # up to a million cells
HOME = "PAK"
SOUTH_ASIA = (59.5, 1.1, 104.5, 37.6)  # what the general map of south_asia_geology covers, degrees
# of Geofabrik, by country; one that is not here gets no roads until the region's file says its `area:`
AREAS = {
    "PAK": "asia/pakistan", "AFG": "asia/afghanistan", "IRN": "asia/iran", "IND": "asia/india", "OMN": "asia/gcc-states", "ARE": "asia/gcc-states",
    "SAU": "asia/gcc-states", "ARM": "asia/armenia", "AZE": "asia/azerbaijan", "TUR": "europe/turkey", "NPL": "asia/nepal", "CHN": "asia/china",
}  # fmt: skip
OPEN = ("creative commons", "cc by", "cc0", "open database", "odbl", "public domain", "open data commons", "open government")
CLOSED = ("noncommercial", "non-commercial", "noderiv", "no deriv", " nc", " nd")


@dataclass(frozen=True)
class Outline:
    """The ground of a region in longitude and latitude, its title, where it is from, and whether it may be kept beside the region's file."""

    shape: Polygon | MultiPolygon
    title: str
    source: str
    licence: str
    may_keep: bool = True
    country: str | None = None


def from_file(path: Path, *, layer: str | None = None, title: str | None = None, licence: str | None = None, country: str | None = None) -> Outline:
    """The outline that is all polygons of a file together, in a `country` (ISO 3166) if that is said; DataError for what is none."""
    import pyogrio

    try:
        layers = [str(row[0]) for row in pyogrio.list_layers(path)]
        frame = pyogrio.read_dataframe(path, layer=layer or layers[0], force_2d=True)
    except Exception as error:  # pyogrio raises several kinds for what is no vector file
        raise DataError(f"{path.name}: cannot be read as a boundary ({error}); give polygons as GeoJSON, GeoPackage or Shapefile") from error
    if frame.crs is None:
        raise DataError(f"{path.name}: says no CRS; save it with one, GeoJSON in longitude and latitude for example")
    shape = _judged(frame, path.name)
    return Outline(shape, title or "", f"outline from {path.name}", licence or "not stated", country=_code(country) if country else None)


def from_country(country: str, province: str | None, cache: Path, *, url: str | None = None) -> Outline:
    """The outline of a country, or a province of it, from geoBoundaries; DataError, with the nearest name, for one it does not know."""
    import pyogrio

    from pipeline import registry
    from pipeline.asset import Place
    from pipeline.grid import Grid

    level = "ADM1" if province else "ADM0"
    source = registry.find("sources", "boundaries")(country=_code(country), level=level, **({"url": url} if url else {}))
    anywhere = Grid("EPSG:6933", 1000.0, 0.0, 0.0, 1, 1, 16)  # nothing is put on it
    place = Place(cache.parent, cache, anywhere)
    said = source.record(place)
    frame = pyogrio.read_dataframe(source.file(place), force_2d=True)
    name = f"geoBoundaries {country} {level}"
    if province:
        held = {name_key(str(word)): str(word) for word in frame["shapeName"]}
        if name_key(province) not in held:
            near = difflib.get_close_matches(name_key(province), held, n=1, cutoff=0.4)
            hint = f"did you mean {held[near[0]]!r}? " if near else ""
            raise DataError(f"{name}: has no province {province!r}; {hint}(there are: {', '.join(sorted(held.values()))})")
        frame = frame[[name_key(str(word)) == name_key(province) for word in frame["shapeName"]]]
    licence = " ".join(str(said.get("boundaryLicense") or "not stated").split())
    plain = f" {licence.casefold()}"
    may = any(word in plain for word in OPEN) and not any(word in plain for word in CLOSED)
    title = f"{province}, {said.get('boundaryName', country)}" if province else str(said.get("boundaryName", country))
    return Outline(_judged(frame, name), title, f"{name}, {said.get('boundaryID', '')}: {said.get('boundarySource', 'source not stated')}", licence, may, country)


def retitled(outline: Outline, title: str) -> Outline:
    """The same ground under another title."""
    return replace(outline, title=title)


def write(
    root: Path, name: str, outline: Outline, *, system: str, data: str, cell_m: float | None = None, notes: tuple[str, ...] = ()
) -> tuple[Path, Path | None]:
    """Write `configs/regions/<name>.yaml` below `root`, and the outline beside it where its licence lets us; the paths of both.

    The CRS is that of `pipeline.spatial.projections.equal_area`, the cell the finest of the usual ones that makes at most 4 million (or `cell_m`). ConfigError,
    nothing written, for a name that is taken or is none, and for a system or data there are none of.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", name):
        raise ConfigError(f"region name {name!r}: expected small letters, digits and _, beginning with a letter, such as west_kerman")
    if name in names("regions", root):
        raise ConfigError(f"configs/regions/{name}.yaml is there already and is not written over; take another name, or move it away")
    for kind, word in (("systems", system), ("data", data)):
        if word not in names(kind, root):
            raise ConfigError(f"configs/{kind} has no {word!r} (known: {', '.join(names(kind, root))})")
    crs = projections.equal_area(outline.shape.bounds)
    bounds = projected_bounds(outline.shape.bounds, "EPSG:4326", crs)
    cell = cell_m or projections.cell_m(bounds)
    cells = (bounds[2] - bounds[0]) * (bounds[3] - bounds[1]) / cell**2
    said: dict[str, Any] = {
        "name": name, "title": outline.title or name.replace("_", " ").title(), "system": system, "data": data, "crs": crs, "cell_m": cell,
        "tile": SMALL_TILE if cells <= 1e6 else 2 * SMALL_TILE,
    }  # fmt: skip
    folder = root / "configs" / "regions"
    kept = folder / f"{name}.geojson" if outline.may_keep else None
    if kept:
        said["boundary"] = kept.relative_to(root).as_posix()
    else:
        notes = (*notes, "the outline's licence does not let it be copied: the region is the rectangle around it")
        said["bounds"] = [round(value, 1) for value in bounds]
    text = _yaml(said, outline, notes, rule=cell_m is None, cells=cells)
    from pipeline.cube import write_atomically

    if kept:
        write_atomically(kept, _geojson(outline, name).encode())
    path = folder / f"{name}.yaml"
    write_atomically(path, text.encode())
    return path, kept


def _judged(frame: Any, name: str) -> Polygon | MultiPolygon:
    """The polygons of a frame as one, in longitude and latitude; DataError for ground no region can be made of."""
    import shapely
    from pyproj import Geod

    frame = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    if frame.empty:
        raise DataError(f"{name}: holds no shape; a boundary is one polygon or several")
    odd = sorted(set(frame.geometry.geom_type) - {"Polygon", "MultiPolygon"})
    if odd:
        raise DataError(f"{name}: holds {', '.join(odd)}; a boundary is one polygon or several: close the line, or take another layer")
    placed = frame.to_crs("EPSG:4326").geometry
    if not all(math.isfinite(value) for value in placed.total_bounds):
        raise DataError(f"{name}: has no place on Earth; check its CRS and its coordinates")
    shape = cast("Polygon | MultiPolygon", shapely.union_all(shapely.make_valid(placed.array, method="structure", keep_collapsed=False)))
    west, south, east, north = shape.bounds
    if max(abs(south), abs(north)) > NEAREST_POLE:
        raise DataError(
            f"{name}: reaches {max(abs(south), abs(north)):.1f} degrees of latitude; so near a pole an outline in longitude and latitude is none: "
            "write the region by hand, with `bounds:` in a polar CRS such as EPSG:6931"
        )
    if east - west > WIDEST or west < -180 or east > 180:
        raise DataError(f"{name}: crosses the antimeridian ({west:.1f} to {east:.1f} E); cut it there and make a region of each side")
    area_km2 = abs(Geod(ellps="WGS84").geometry_area_perimeter(shape)[0]) / 1e6
    if area_km2 < SMALLEST_KM2:
        raise DataError(f"{name}: is {area_km2:.3g} km2; a region is {SMALLEST_KM2:g} km2 or more: check the units of its coordinates")
    return shape


def _code(country: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", country):
        raise ConfigError(f"country {country!r} is no ISO code of three letters, such as PAK or IRN")
    return country


def _elsewhere(outline: Outline) -> dict[str, Any]:
    """What data/live.yaml, written for Pakistan, must be told of another place."""
    west, south, east, north = outline.shape.bounds
    a, b, c, d = SOUTH_ASIA
    sources: dict[str, Any] = {} if a <= west and b <= south and east <= c and north <= d else {"geology_coarse": {"use": "macrostrat"}}
    if outline.country == HOME:
        return {"sources": sources} if sources else {}
    area = AREAS.get(outline.country or "")
    themes = {"roads": "roads", "railways": "rail", "settlements": "settlements"}
    sources |= {name: {"use": "osm", "what": what, "area": area} if area else None for name, what in themes.items()}
    sources["districts"] = {"use": "boundaries", "country": outline.country} if outline.country else None
    return {"sources": sources} | ({} if outline.country else {"targets": {"districts": None}})


def _geojson(outline: Outline, name: str) -> str:
    """The outline to a ten-thousandth of a degree, 10 m, with its source and licence."""
    import shapely

    shape = shapely.make_valid(shapely.set_precision(outline.shape, 1e-4))
    feature = {
        "type": "Feature", "properties": {"name": name, "source": outline.source, "licence": outline.licence},
        "geometry": json.loads(shapely.to_geojson(shape)),
    }  # fmt: skip
    return json.dumps({"type": "FeatureCollection", "features": [feature]}) + "\n"


def _yaml(said: dict[str, Any], outline: Outline, notes: tuple[str, ...], *, rule: bool, cells: float) -> str:
    import yaml

    def plain(value: Any) -> str:
        return yaml.safe_dump(value, allow_unicode=True, width=10_000, default_flow_style=True, sort_keys=False).removesuffix("\n").removesuffix("\n...").strip()

    def safe(text: str) -> str:
        return " ".join(text.split())

    kind = "Albers, standard parallels a sixth in from the south and north" if "+proj=aea" in said["crs"] else "Lambert azimuthal about the middle"
    comments = {
        "crs": f"equal-area: {kind}",
        "cell_m": f"{'the finest of the usual cells that makes at most 4 million of them' if rule else 'as asked for'}: here {cells:,.0f}",
    }
    head = [f"# {said['title']}: {safe(outline.source)}.", f"# Licence of the outline: {safe(outline.licence)}.", *(f"# {safe(note)}" for note in notes)]
    lines = [*head, "region:"]
    for key, value in said.items():
        lines += [f"  # {comments[key]}"] if key in comments else []
        lines.append(f"  {key}: {plain(value)}")
    elsewhere = _elsewhere(outline) if said["data"] == "live" else {}
    if elsewhere:
        lines.append("# what data/live.yaml says of Pakistan is otherwise here; null leaves out")
    for section, entries in elsewhere.items():
        lines += [f"{section}:", *(f"  {key}: {plain(value)}" for key, value in entries.items())]
    return "\n".join(lines) + "\n"
