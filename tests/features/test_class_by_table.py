from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.features.class_by_table import class_by_table
from pipeline.recipe import MISSING, Layer
from pipeline.registry import declared

UNITS = np.array([[310, 12, -4], [7, MISSING, 999]], dtype=np.int32)
TABLE = ((310, 2), (-4, 2), (12, 1))


def test_codes_become_the_groups_of_their_rows_and_the_rest_is_missing() -> None:
    groups = class_by_table(of=Layer.of(UNITS), table=TABLE)
    assert groups.dtype == np.int32
    assert groups.tolist() == [[2, 1, 2], [MISSING, MISSING, MISSING]]


def test_the_rest_may_have_a_group_of_its_own_and_missing_stays_missing() -> None:
    assert class_by_table(of=Layer.of(UNITS), table=TABLE, other=0).tolist() == [[2, 1, 2], [0, MISSING, 0]]


def test_a_code_with_two_groups_is_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match=r"code 12 stands in 2 rows of the table; keep one"):
        declared(class_by_table).reach({"of": "x", "table": [[12, 1], [7, 1], [12, 3]]}, 100.0)


@pytest.mark.parametrize("said", [{"table": [[1, 2**31]]}, {"table": [[-(2**31), 1]]}, {"table": [[1, 1]], "other": 2**40}])
def test_a_number_no_layer_can_hold_is_refused_before_anything_runs(said: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"is no code; codes are whole numbers above -2147483648 and below"):
        declared(class_by_table).reach({"of": "x", **said}, 100.0)
