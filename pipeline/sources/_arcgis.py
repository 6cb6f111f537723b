"""What an ArcGIS service answers: JSON, its faults too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.errors import DataError


def said(path: Path, name: str) -> dict[str, Any]:
    """An answer of the service; DataError with its own words when it is a fault, which it sends with status 200."""
    try:
        answer = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{name}: its answer is no JSON ({error}); is the address that of an ArcGIS layer (.../FeatureServer/0, .../ImageServer)?") from error
    if not isinstance(answer, dict):
        raise DataError(f"{name}: its answer is no JSON object; is the address that of an ArcGIS layer (.../FeatureServer/0, .../ImageServer)?")
    if isinstance(fault := answer.get("error"), dict):
        words = " ".join(map(str, [fault.get("message", ""), *fault.get("details", [])]))
        raise DataError(f"{name}: the service refuses ({fault.get('code')} {words.strip()}); a layer that wants a token is exported to a file")
    return answer


def crs_of(reference: dict[str, Any]) -> str | None:
    """The CRS an ArcGIS answer names, as PROJ reads it."""
    code = reference.get("latestWkid") or reference.get("wkid")
    if code in (102100, 102113, 900913):
        return "EPSG:3857"
    return f"EPSG:{code}" if code and int(code) < 32768 else f"ESRI:{code}" if code else reference.get("wkt")
