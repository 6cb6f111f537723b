"""Scorecards and provenance of known contents, in the shape a run writes them; tests/opened holds that shape against a real run."""

from __future__ import annotations

from typing import Any

SEEDS = [11, 22]
AREA = [0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0]
NULLS = {"coordinates": 0.6, "distance_to_known": 0.58, "random": 0.5, "best_layer": 0.7}


def scores(auc: float) -> dict[str, Any]:
    """The scores of one model on hidden ground."""
    curve = [min(1.0, a ** (1 - auc)) if a else 0.0 for a in AREA]
    return {
        "fold_mean": auc, "fold_sd": 0.05, "pooled_auc": auc - 0.01, "average_precision": 0.2, "chance_average_precision": 0.03, "interval": [auc - 0.1, auc + 0.1],
        "capture": {"area": [0.01, 0.05, 0.1], "captured": [0.2, 0.4, 0.5], "interval": [[0.1, 0.3], [0.3, 0.5], None]},
        "prediction_rate": {"area": AREA, "captured": curve}, "prediction_area": None, "per_seed": [],
    }  # fmt: skip


def protocol(verdict: str = "Beats its nulls: AUC 0.80 against 0.70 for the single best layer (blocks).", auc: float = 0.8, **changes: Any) -> dict[str, Any]:
    """One protocol, scored beside four nulls."""
    said: dict[str, Any] = {
        "title": "whole squares", "verdict": verdict, "groups": "deposits", "background_draws": 2,
        "protocol": {
            "split": "5 folds of 50 km blocks", "kind": "square_blocks", "folds": 5, "seeds": SEEDS, "positives": 30, "groups": 20, "background": 2000,
            "floors": {}, "apart_km": 12.0, "floors_met": True,
        },
        "scores": {
            "model": {**scores(auc), "success_rate": {"area": AREA, "captured": [1.0 if a else 0.0 for a in AREA]}},
            **{name: scores(one) for name, one in NULLS.items()},
        },
        "difference": {name: {"mean": round(auc - one, 6), "interval": [0.01, 0.2]} for name, one in NULLS.items()},
        "ranks": [{"group": 0, "cells": 1, "percentile": 90.0}],
        "reliability": {
            "classes": [{"class": i, "area": 0.1, "expected": float(i), "observed": i - 0.5, "interval": [0.0, i + 3.0], "agrees": True} for i in range(1, 11)],
            "enough": 10.0, "worst_ratio": 1.1,
        },
        "optimism": {"auc": {"model": 0.9, "coordinates": 0.8}},
    }  # fmt: skip
    return said | changes


def importance(**changes: Any) -> dict[str, Any]:
    """What two features are worth, one with a curve."""
    return {
        "protocol": {"title": "whole squares", "split": "5 folds", "seed": 1, "shuffles": 3}, "measure": "mean drop of AUC on held-out folds", "untested": None,
        "features": [{"name": "slope", "drop": 0.01, "spread": None, "folds": 5}, {"name": "halo_wide", "drop": 0.1, "spread": 0.02, "folds": 5}],
        "sets": [{"features": ["slope", "halo_wide"], "drop": 0.2, "spread": 0.1, "folds": 5}],
        "dependence": {
            "rows": 9, "interval": "5 to 95 %",
            "curves": [{"feature": "halo_wide", "at": [0.0, 1.0, 2.0], "mean": [0.1, 0.2, 0.3], "low": [0.05, 0.1, 0.2], "high": [0.2, 0.3, 0.4]}],
        },
        **changes,
    }  # fmt: skip


def scorecard(*protocols: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The scorecard of a map; the first protocol decides."""
    held = protocols or (protocol(),)
    return {
        "region": "here", "system": "x", "synthetic": True, "permissive_share": 0.25, "applicable_share": 0.4, "inferred_share": 0.6, "prior": None,
        "verdict": held[0]["verdict"], "protocols": {f"protocol_{i}": one for i, one in enumerate(held)}, "importance": importance(),
        "notices": ["something to know"], **changes,
    }  # fmt: skip


def untested(verdict: str) -> dict[str, Any]:
    """A protocol that could not be scored."""
    return {"title": "whole squares", "verdict": verdict, "groups": "deposits", "protocol": None, "scores": None, "reliability": None}


def provenance(**changes: Any) -> dict[str, Any]:
    """What went in."""
    return {
        "bundle_key": "k" * 64, "region": "here", "system": "x", "synthetic": True,
        "note": "A target is a place to look first. It is not a mineral resource (JORC, NI 43-101).",
        "inputs": [{"source": "faults", "asset": "faults.gpkg", "sha256": "a" * 64, "bytes": 10, "licence": "CC BY 4.0", "citation": "Someone (2020)"}],
        "versions": {"numpy": "2.0"}, "seed": 7, "notices": [], "layers": {"slope": "1" * 64}, "fits": {"model": "2" * 64}, **changes,
    }  # fmt: skip
