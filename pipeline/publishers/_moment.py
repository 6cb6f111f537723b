"""The time that files bear which must bear one."""

from __future__ import annotations

import os
from datetime import UTC, datetime

EPOCH_1980 = 315_532_800  # seconds: the earliest time that archives of every kind can hold


def moment() -> datetime:
    """SOURCE_DATE_EPOCH where it is set, or 1980: the same contents give the same bytes. When a run was stands in provenance.json."""
    return datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH") or EPOCH_1980), UTC)
