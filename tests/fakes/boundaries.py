"""The record of geoBoundaries' gbOpen and the GeoJSON it names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.fakes.ground import box, frame

ADDRESS = "api/current/gbOpen"
FILE = "wmgeolab/geoBoundaries/raw/9469f09/releaseData/gbOpen/PAK/{level}/geoBoundaries-PAK-{level}.geojson"


def make(root: Path) -> None:
    """The files below `root`: two provinces, four districts."""
    for level, names in (("ADM1", ["West Province", "East Province"]), ("ADM2", ["A", "B", "C", "D"])):
        count = len(names)
        held = frame(
            {"shapeName": names, "shapeISO": [""] * count, "shapeID": [f"{i}B" for i in range(count)], "shapeGroup": ["PAK"] * count, "shapeType": [level] * count},
            [box(i / count, 0, (i + 1) / count, 1) for i in range(count)],
        )
        path = root / FILE.format(level=level)
        path.parent.mkdir(parents=True, exist_ok=True)
        held.to_file(path, driver="GeoJSON", engine="pyogrio")


def service(url: Callable[[str], str]) -> Callable[[str, dict[str, str]], tuple[int, str, bytes]]:
    """The answers, with files on the server of `url`."""

    def answer(path: str, _: dict[str, str]) -> tuple[int, str, bytes]:
        country, level = path.strip("/").split("/")
        if country != "PAK" or level not in ("ADM1", "ADM2"):
            return 404, "text/plain", b"none"
        said = {
            "boundaryID": f"PAK-{level}-1", "boundaryName": "Pakistan", "boundaryISO": "PAK", "boundaryType": level, "boundarySource": "a survey",
            "boundaryLicense": "Creative Commons Attribution 4.0", "gjDownloadURL": url(FILE.format(level=level)),
        }  # fmt: skip
        return 200, "application/json", json.dumps(said).encode()

    return answer
