"""Extra trees: the bagged forest with its thresholds left to chance."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.tree import ExtraTreeClassifier

from pipeline.learning.draws import Ints
from pipeline.learning.forests import BaggedForest


class BaggedExtraTrees(BaggedForest):
    """`BaggedForest` whose trees cut each layer they look at in one random place, and take all rows of their bag.

    The best of `max_features` random cuts is kept. Chance in the cuts stands for chance in the rows, so a tree does not draw rows anew; a
    bag still draws whole deposit groups, and the spread between bags means what it does there. The answer is smoother
    than a random forest's, since its steps do not all lie midway between the same samples. Geurts, Ernst and Wehenkel (2006).
    """

    def _members(self, members: Ints, random: np.random.RandomState) -> Ints:
        del random  # nothing is drawn
        return members

    def _tree(self, seed: int) -> Any:
        return ExtraTreeClassifier(min_samples_leaf=self.min_samples_leaf, max_features=self.max_features, random_state=seed)
