"""The trees of a map made by Prospect as a forest of scikit-learn, from plain arrays; run with the Python of a peer as well as with ours."""

import itertools

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.tree._tree import NODE_DTYPE, Tree


def forest(path, jobs):
    """The forest in an .npz of `children`, `feature`, `threshold`, `value`, `tree_start`, `features`, to be asked with `jobs` threads."""
    with np.load(path, allow_pickle=False) as file:
        held = {name: file[name] for name in file.files}
    features, start = int(held["features"]), held["tree_start"]
    made = RandomForestClassifier(n_estimators=len(start) - 1, n_jobs=jobs)
    made.classes_, made.n_classes_, made.n_outputs_, made.n_features_in_ = np.array([0, 1]), 2, 1, features
    made.estimators_ = []
    for first, last in itertools.pairwise(start):
        one = DecisionTreeClassifier()
        one.classes_, one.n_classes_, one.n_outputs_, one.n_features_in_ = made.classes_, 2, 1, features
        one.tree_ = _tree({name: held[name][first:last] for name in ("children", "feature", "threshold", "value")}, first, features)
        made.estimators_.append(one)
    return made


def _tree(held, first, features):
    count = len(held["feature"])
    children = held["children"].astype(np.int64) - first
    leaf = children[:, 0] == np.arange(count)
    nodes = np.zeros(count, NODE_DTYPE)
    nodes["left_child"], nodes["right_child"] = np.where(leaf, -1, children[:, 0]), np.where(leaf, -1, children[:, 1])
    nodes["feature"], nodes["threshold"] = np.where(leaf, -2, held["feature"]), np.where(leaf, -2.0, held["threshold"])
    nodes["n_node_samples"], nodes["weighted_n_node_samples"] = 1, 1.0
    tree = Tree(features, np.array([2], np.intp), 1)
    depth = np.zeros(count, int)
    for node in np.flatnonzero(~leaf):  # a parent stands before its children
        depth[children[node]] = depth[node] + 1
    tree.__setstate__({"max_depth": int(depth.max()), "node_count": count, "nodes": nodes, "values": np.ascontiguousarray(held["value"][:, None, :])})
    return tree
