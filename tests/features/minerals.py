"""Reflectance of minerals as each sensor's bands would see it, from the absorptions they are known by.

A spectrum is a level ground colour times one minus a Gaussian for each absorption: (centre in um, depth, standard width in um).
Centres: kaolinite 2.165 and 2.207, alunite 2.165 and 2.32, muscovite 2.20 and 2.35, chlorite 2.25 and 2.33, calcite 2.34 (Clark
et al. 1990, J. Geophys. Res. 95:12653; Hunt and Ashley 1979, Econ. Geol. 74:1613); hematite 0.53 and 0.86, goethite 0.48 and
0.92, ferrous iron 1.0 to 1.1 (Hunt et al. 1971; Hunt and Ashley 1979); quartz emissivity 8.4 and 9.1 (Salisbury and D'Aria
1992). Depths of the main bands are rounded from those of reference samples of the USGS library in Tetracorder (kaolinite CM9
0.37, chlorite SMR-13 0.37, goethite WS222 0.49, hematite FE2602 0.40); the others are of the same order. Library-like, not
library spectra: they rank minerals as broad bands do and give no abundance.
"""

from __future__ import annotations

import numpy as np

from pipeline.recipe import Array, Bands, Layer

Absorption = tuple[float, float, float]

MINERALS: dict[str, tuple[float, tuple[Absorption, ...]]] = {
    "grey": (0.40, ()),
    "kaolinite": (0.80, ((2.165, 0.22, 0.016), (2.207, 0.37, 0.016), (2.385, 0.12, 0.015))),
    "alunite": (0.70, ((2.165, 0.37, 0.028), (2.21, 0.10, 0.012), (2.325, 0.16, 0.020))),
    "muscovite": (0.65, ((2.200, 0.37, 0.018), (2.348, 0.15, 0.018), (2.44, 0.15, 0.020))),
    "chlorite": (0.30, ((0.72, 0.15, 0.10), (1.05, 0.35, 0.28), (2.25, 0.20, 0.018), (2.33, 0.37, 0.030))),
    "calcite": (0.80, ((2.155, 0.05, 0.015), (2.34, 0.35, 0.028))),
    "hematite": (0.45, ((0.42, 0.85, 0.08), (0.53, 0.65, 0.06), (0.86, 0.40, 0.07))),
    "goethite": (0.50, ((0.40, 0.80, 0.10), (0.48, 0.55, 0.05), (0.92, 0.49, 0.11))),
    "quartz": (1.00, ((8.40, 0.40, 0.17), (9.10, 0.42, 0.20))),
}
PASSBANDS: dict[str, dict[str, tuple[float, float]]] = {  # um: Drusch et al. (2012), Irons et al. (2012), Abrams (2000)
    "sentinel2": {
        "blue": (0.458, 0.523), "green": (0.543, 0.578), "red": (0.650, 0.680), "nir": (0.785, 0.900),
        "swir16": (1.565, 1.655), "swir22": (2.100, 2.280),
    },
    "landsat": {
        "blue": (0.45, 0.51), "green": (0.53, 0.59), "red": (0.64, 0.67), "nir08": (0.85, 0.88),
        "swir16": (1.57, 1.65), "swir22": (2.11, 2.29),
    },
    "aster": {
        "green": (0.52, 0.60), "red": (0.63, 0.69), "nir": (0.78, 0.86), "swir1": (1.600, 1.700), "swir2": (2.145, 2.185),
        "swir3": (2.185, 2.225), "swir4": (2.235, 2.285), "swir5": (2.295, 2.365), "swir6": (2.360, 2.430),
        "tir1": (8.125, 8.475), "tir2": (8.475, 8.825), "tir3": (8.925, 9.275),
    },
}  # fmt: skip


def seen(mineral: str, sensor: str) -> dict[str, float]:
    """Mean of the mineral's spectrum over each passband of a sensor, by role."""
    level, absorptions = MINERALS[mineral]
    bands = {}
    for role, (low, high) in PASSBANDS[sensor].items():
        at = np.linspace(low, high, 201)
        spectrum = np.full(at.shape, level)
        for centre, depth, width in absorptions:
            spectrum *= 1 - depth * np.exp(-0.5 * ((at - centre) / width) ** 2)
        bands[role] = float(spectrum.mean())
    return bands


def bands(by_role: dict[str, float | Array], roles: tuple[str, ...]) -> Bands:
    """Bands of one cell, or of the arrays given, in the order of the roles."""
    return Bands({role: Layer.of(np.atleast_2d(by_role[role]).astype(np.float32), name=f"scene_{role}") for role in roles})
