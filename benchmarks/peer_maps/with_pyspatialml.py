"""Pyspatialml: `python with_pyspatialml.py FOREST.npz MAP.tif LAYER.tif ...`, as its manual maps probabilities."""

import sys

from handed import forest
from pyspatialml import Raster

model, out, *layers = sys.argv[1:]
Raster(layers).predict_proba(forest(model, jobs=-1), file_path=out, indexes=[1])
