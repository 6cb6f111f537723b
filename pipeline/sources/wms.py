"""A Web Map Service: refused, with the reason."""

from __future__ import annotations

from typing import NoReturn

from pipeline.errors import ConfigError

EPOCH = 1


def wms(*, url: str, layer: str = "") -> NoReturn:
    """Refused: a Web Map Service draws pictures. Colours chosen for the eye are no measurements, and blend where areas meet.

    Ask the survey for the values behind the picture: its WCS (`use: wcs`), WFS (`use: wfs`) or ArcGIS image service (`use: arcgis_image`) often stands at
    the same address. A picture can lie under the map in QGIS, which reads a WMS itself.
    """
    raise ConfigError(
        f"{layer or 'this layer'} of {url.split('?', 1)[0]} is a WMS, which draws pictures: colours are no measurements; ask the survey for its WCS (use: wcs), "
        "WFS (use: wfs) or ArcGIS service (use: arcgis_features, arcgis_image), or for the file"
    )
