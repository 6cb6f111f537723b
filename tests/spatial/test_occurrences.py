"""Which records are one deposit, and which are meant: on cases worked by hand."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from pipeline.spatial.occurrences import commodities, groups, name_key, others, select, weights


def table(*records: tuple[Any, ...]) -> gpd.GeoDataFrame:
    """Records of (name, x km, y km, deposit type, commodity[, confidence])."""
    names, xs, ys, types, wares, *rest = (list(column) for column in zip(*records, strict=True))
    said = {"name": names, "deposit_type": types, "commodity": wares, "confidence": rest[0] if rest else ["high"] * len(names)}
    return gpd.GeoDataFrame(said, geometry=shapely.points(np.column_stack([xs, ys]) * 1000.0), crs="EPSG:6933")


def test_records_within_ten_kilometres_of_one_type_are_one_deposit() -> None:
    frame = table(("a", 0, 0, "porphyry Cu", ""), ("b", 10, 0, "Porphyry  cu", ""), ("c", 10, 10.001, "porphyry Cu", ""), ("d", 5, 0, "skarn", ""))
    assert groups(frame).tolist() == [0, 0, 1, 2]


def test_what_is_joined_through_a_third_is_one_deposit() -> None:
    frame = table(*[(f"n{i}", 9 * i, 0, "porphyry Cu", "") for i in range(5)])
    assert groups(frame).tolist() == [0] * 5
    assert groups(frame, within_m=8000).tolist() == [0, 1, 2, 3, 4]


def test_an_alias_joins_koh_i_dalil_to_reko_diq_eleven_kilometres_away() -> None:
    frame = table(("Koh-i-Dalil", 0, 0, "porphyry Cu", "Cu"), ("Reko Diq", 11.2, 0, "porphyry Cu", "Cu;Au"), ("Saindak", 62, 0, "porphyry Cu", "Cu"))
    assert groups(frame).tolist() == [0, 1, 2]
    assert groups(frame, aliases={"Koh-i-Dalil": "Reko Diq"}).tolist() == [0, 0, 1]


def test_an_alias_joins_records_of_different_types_but_a_shared_name_does_not() -> None:
    frame = table(("Old name", 0, 0, "skarn", ""), ("New name", 30, 0, "porphyry Cu", ""), ("New name", 60, 0, "skarn", ""))
    assert groups(frame, aliases={"old NAME": "New name"}).tolist() == [0, 0, 0]
    assert groups(frame).tolist() == [0, 1, 2]


def test_same_names_far_apart_are_one_deposit_up_to_a_hundred_kilometres() -> None:
    frame = table(("Mehdiabad", 0, 0, "MVT", "Zn"), ("Mehdi-abad", 60, 0, "mvt", "Pb"), ("Mehdiabad", 161, 0, "MVT", "Zn"))
    assert groups(frame).tolist() == [0, 1, 2]  # a hyphen parts words
    frame = table(("Kal'makyr", 0, 0, "MVT", "Zn"), ("Kalmakyr", 60, 0, "mvt", "Pb"), ("KALMAKYR", 160.5, 0, "MVT", "Zn"))
    assert groups(frame).tolist() == [0, 0, 1]
    assert groups(frame, same_name_within_m=0).tolist() == [0, 1, 2]


def test_where_a_type_is_not_said_a_shared_commodity_makes_alike() -> None:
    frame = table(
        ("a", 0, 0, "", "Cu; Au"), ("b", 1, 0, "porphyry Cu", "cu"), ("c", 2, 0, "skarn", "Fe"), ("d", 3, 0, "unknown", "Cr"), ("e", 4, 0, None, None)
    )
    assert groups(frame).tolist() == [0, 0, 1, 2, 3]


def test_records_without_a_name_are_not_of_one_name() -> None:
    frame = table(("", 0, 0, "VMS", ""), ("Unnamed", 50, 0, "VMS", ""), ("unnamed", 70, 0, "VMS", ""), ("", 90, 0, "VMS", ""))
    assert groups(frame).tolist() == [0, 1, 2, 3]


def test_groups_do_not_depend_on_the_order_of_the_records() -> None:
    rng = np.random.default_rng(2)
    frame = table(
        *[(f"n{rng.integers(20)}", *rng.uniform(0, 300, 2), rng.choice(["a", "b", ""]), rng.choice(["Cu", "Zn;Cu", "Fe"])) for _ in range(150)]
    )
    first = groups(frame, within_m=12_000)
    order = rng.permutation(len(frame))
    other = groups(frame.iloc[order], within_m=12_000)
    assert 10 < len(set(first)) < 140
    assert {frozenset(np.flatnonzero(first == g)) for g in set(first)} == {frozenset(order[other == g]) for g in set(other)}
    assert list(dict.fromkeys(first)) == sorted(set(first))


def test_groups_agree_with_a_plain_search_over_all_pairs() -> None:
    rng = np.random.default_rng(3)
    frame = table(*[("", *rng.uniform(0, 120, 2), rng.choice(["a", "b"]), "") for _ in range(80)])
    xy, kind = shapely.get_coordinates(frame.geometry.to_numpy()), frame["deposit_type"].to_numpy()
    reach = (np.hypot(*(xy[:, None] - xy).transpose(2, 0, 1)) <= 10_000) & (kind[:, None] == kind)
    for _ in range(80):
        reach = reach @ reach
    assert np.array_equal(groups(frame)[:, None] == groups(frame), reach)


def test_no_record_and_one_record_have_groups() -> None:
    one = table(("a", 0, 0, "VMS", "Cu"))
    assert groups(one).tolist() == [0] and groups(one.iloc[:0]).tolist() == []


def test_selection_keeps_what_is_asked_for_in_its_order() -> None:
    frame = table(
        ("a", 0, 0, "porphyry Cu", "Cu;Mo", "high"), ("b", 0, 0, "Porphyry cu", "Au", "low"), ("c", 0, 0, "VMS", "Cu, Zn", "medium"), ("d", 0, 0, "", "Cu", "high"),
    )  # fmt: skip
    assert select(frame)[0]["name"].tolist() == ["a", "b", "c", "d"]
    assert select(frame, deposit_type=("PORPHYRY Cu",))[0]["name"].tolist() == ["a", "b"]
    assert select(frame, commodity=("zn", "Mo"))[0]["name"].tolist() == ["a", "c"]
    assert select(frame, deposit_type=("porphyry Cu", "VMS"), confidence=("high", "medium"))[0]["name"].tolist() == ["a", "c"]


def test_selection_tells_what_it_refused_and_what_matched_nothing() -> None:
    frame = table(("Koh-e Sultan", 0, 0, "VMS", "Cu"), ("b", 0, 0, "MVT", "Zn"))
    kept, notices = select(frame, deposit_type=("VMS", "MVT", "VHMS"), refuse=("Koh-é-sultan", "Nowhere"))
    assert kept["name"].tolist() == ["b"]
    assert notices == [
        "no occurrence has deposit_type 'VHMS' (there are: mvt, vms)",
        "1 refused by name: Koh-e Sultan",
        "no occurrence is named 'Nowhere'; `refuse:` has nothing to refuse there",
    ]
    assert len(select(frame, deposit_type=("skarn",))[0]) == 0
    assert len(select(frame.iloc[:0], deposit_type=("skarn",))[0]) == 0


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("Kūh-e Surmeh", "kuh e surmeh"),
        ("Kal'makyr", "kalmakyr"),
        ("Kal\u2019makyr", "kalmakyr"),
        ("  REKO_DIQ (H14)", "reko diq h14"),
        ("ʿAlī", "ali"),
    ],
)
def test_a_name_is_known_however_it_is_spelled(said: str, key: str) -> None:
    assert name_key(said) == key


def test_commodities_are_parted_by_any_common_mark() -> None:
    assert commodities("Cu; Au,Mo/Zn") == {"cu", "au", "mo", "zn"} and commodities(None) == commodities(float("nan")) == set()


def test_others_are_the_records_that_say_another_type_and_not_those_that_say_nothing() -> None:
    frame = table(("a", 0, 0, "porphyry Cu", "Cu"), ("b", 9, 0, "VMS", "Cu"), ("c", 20, 0, "unknown", "Zn"), ("d", 30, 0, "skarn", "Fe; Cu"))
    assert others(frame, deposit_type=("Porphyry cu",)).name.tolist() == ["b", "d"]
    assert others(frame, commodity=("cu",)).name.tolist() == ["c"]


def test_weights_of_columns_multiply_and_a_word_not_named_weighs_one() -> None:
    frame = table(("a", 0, 0, "VMS", "", "High"), ("b", 9, 0, "VMS", "", "medium"), ("c", 20, 0, "skarn", "", "medium"), ("d", 30, 0, "skarn", "", ""))
    found, notices = weights(frame, {"confidence": {"medium": 0.5, "low": 0.1}, "deposit_type": {"SKARN": 3}})
    assert found.tolist() == [1.0, 0.5, 1.5, 3.0]
    assert notices == ["no occurrence has confidence 'low'; its weight has nothing to weigh"]
