"""EIS Toolkit: `python with_eis_toolkit.py FOREST.npz MAP.tif LAYER.tif ...`, by the functions its notebooks use."""

import sys

import rasterio
from eis_toolkit.prediction.machine_learning_general import prepare_data_for_ml, reshape_predictions
from eis_toolkit.prediction.machine_learning_predict import predict_classifier
from handed import forest

model, out, *layers = sys.argv[1:]
rows, _, profile, mask = prepare_data_for_ml(layers)
_, shares = predict_classifier(rows, forest(model, jobs=-1), include_probabilities=True)
made = reshape_predictions(shares, profile["height"], profile["width"], mask)
with rasterio.open(out, "w", **profile) as file:
    file.write(made.astype("float32"), 1)
