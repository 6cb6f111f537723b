"""What of scikit-learn's own checks a model cannot pass that draws its rows by their weight."""

from __future__ import annotations

# as of scikit-learn's own forests: weights equal repeated rows on average and not to the last bit
DRAWN = {"check_sample_weight_equivalence_on_dense_data": "weights decide how often a row is drawn"}
