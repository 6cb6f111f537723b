"""ZIP archives made to do harm, by bytes where no library would write them: nothing of one reaches the disk."""

from __future__ import annotations

import stat
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pipeline import archive
from pipeline.archive import unpacked
from pipeline.errors import DataError, StoreError

NOISE = np.random.default_rng(4).bytes(50_000)


def packed(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", method) as made:
        warnings.simplefilter("ignore")  # duplicate names are what some tests are about
        for name, body in entries:
            made.writestr(name, body)
    return path


def taken(path: Path, *patterns: str, **more: int) -> list[str]:
    """Names of what is unpacked; when it fails nothing may be left behind, here or above."""
    into = path.parent / "deep" / "er" / "into"
    try:
        return [file.name for file in unpacked(path, *(patterns or ("*",)), name="mrds.zip", into=into, **more)]
    except DataError:
        assert not into.exists() or list(into.iterdir()) == []
        assert {p.name for p in path.parent.rglob("*") if p.is_file()} <= {path.name, "secret"}
        raise


def test_what_is_wanted_is_unpacked_side_by_side_once(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", ("data/Roads.SHP", NOISE), ("data/roads.dbf", b"dbf"), ("readme.txt", b"x"), ("data/", b""))
    files = unpacked(path, "*.shp", "*.dbf", name="a.zip", into=tmp_path / "into")
    assert [file.name for file in files] == ["Roads.SHP", "roads.dbf"] and files[0].read_bytes() == NOISE
    assert len({file.parent for file in files}) == 1 and {p.stem for p in files[0].parent.parent.iterdir()} == {files[0].parent.name}
    before = files[0].stat().st_mtime_ns
    again = unpacked(path, "*.dbf", "*.shp", name="a.zip", into=tmp_path / "into")
    assert again == files and files[0].stat().st_mtime_ns == before
    path.unlink()
    packed(path, ("data/Roads.SHP", NOISE[::-1]))
    assert unpacked(path, "*.shp", "*.dbf", name="a.zip", into=tmp_path / "into")[0].read_bytes() == NOISE[::-1]


def test_a_pattern_may_name_the_folder(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", ("old/roads.shp", b"old"), ("new/roads.shp", b"new"))
    with pytest.raises(DataError, match=r"mrds.zip: 'roads.shp' is met by several files named 'roads.shp'; say the folder in the pattern too"):
        taken(path, "roads.shp")
    assert unpacked(path, "new/*.shp", name="a", into=tmp_path)[0].read_bytes() == b"new"


def test_an_archive_without_the_file_lists_what_it_holds(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", *((f"part{i}.csv", b"1") for i in range(10)))
    with pytest.raises(DataError, match=r"holds no 'mrds.csv' \(there are: part0.csv, .*part7.csv and 2 more\); it may be another file"):
        taken(path, "mrds.csv")


ESCAPES = [
    "../evil.csv", "a/../../evil.csv", "/etc/evil.csv", "a/./evil.csv", "C:/evil.csv", "c:evil.csv", "a//evil.csv", "..", "a\\..\\..\\evil.csv",
    "ok.csv\0/../evil",
]  # fmt: skip


@pytest.mark.parametrize("name", ESCAPES)
def test_no_entry_leads_out_whatever_is_asked_for(tmp_path: Path, name: str) -> None:
    entry = zipfile.ZipInfo("x")
    entry.filename = name  # ZipInfo(name) itself would mend some of them
    path = packed(tmp_path / "a.zip", ("good.csv", b"1"), (entry, b"evil"))
    with pytest.raises(DataError, match=r"mrds.zip: entry .* leads out of the folder it is unpacked in; .* nothing of it is used"):
        taken(path, "good.csv")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    (tmp_path / "secret").write_text("secret")
    entry = zipfile.ZipInfo("link.csv")
    entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16
    with pytest.raises(DataError, match=r"entry 'link.csv' is a link or a device, no file"):
        taken(packed(tmp_path / "a.zip", (entry, b"../../secret")))


def test_a_name_that_stands_twice_is_refused_in_any_writing(tmp_path: Path) -> None:
    for one, other in (("a.csv", "a.csv"), ("a.csv", "A.CSV"), ("caf\u00e9.csv", "cafe\u0301.csv"), ("a", "a/")):
        with pytest.raises(DataError, match=r"stands in the archive twice; which one is meant cannot be told"):
            taken(packed(tmp_path / "a.zip", (one, b"1"), (other, b"2")))


def test_a_name_of_control_characters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has a name that is no text"):
        taken(packed(tmp_path / "a.zip", ("a\x1b[2J.csv", b"1")))


def test_a_bomb_is_refused_by_what_it_promises(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", ("zeros.csv", bytes(30_000_000)))
    assert path.stat().st_size < 40_000
    with pytest.raises(DataError, match=r"entry 'zeros.csv' promises 30,000,000 bytes from 29,\d+, more than 200 to 1"):
        taken(path)


def edited(path: Path, central: dict[int, bytes], local: dict[int, bytes] | None = None) -> Path:
    """The archive with bytes of its first directory record, and of its first local header, replaced."""
    body = bytearray(path.read_bytes())
    at = body.index(b"PK\1\2")
    for offset, value in central.items():
        body[at + offset : at + offset + len(value)] = value
    for offset, value in (local or {}).items():
        body[offset : offset + len(value)] = value
    path.write_bytes(body)
    return path


def test_a_bomb_that_understates_its_size_is_cut_and_refused(tmp_path: Path) -> None:
    path = edited(packed(tmp_path / "a.zip", ("zeros.csv", bytes(30_000_000))), {24: struct.pack("<I", 1000)}, {22: struct.pack("<I", 1000)})
    with pytest.raises(DataError, match=r"mrds.zip: cannot be read as a ZIP archive \(Bad CRC-32"):
        taken(path)


def test_an_entry_that_ends_early_is_refused(tmp_path: Path) -> None:
    path = edited(packed(tmp_path / "a.zip", ("a.csv", NOISE)), {24: struct.pack("<I", 60_000)}, {22: struct.pack("<I", 60_000)})
    with pytest.raises(DataError, match=r"entry 'a.csv' does not hold the 60,000 bytes it promises; it is damaged"):
        taken(path)


def test_a_stored_entry_of_two_sizes_is_refused(tmp_path: Path) -> None:
    path = edited(packed(tmp_path / "a.zip", ("a.csv", b"12345"), method=zipfile.ZIP_STORED), {24: struct.pack("<I", 5000)})
    with pytest.raises(DataError, match=r"is stored as it is, and promises 5,000 bytes from 5"):
        taken(path)


def test_entries_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    """As in a bomb of many entries over one kernel: the second record points to where the first one's bytes lie."""
    path = packed(tmp_path / "a.zip", ("a.csv", NOISE), ("b.csv", NOISE))
    body = bytearray(path.read_bytes())
    second = body.index(b"PK\1\2", body.index(b"PK\1\2") + 4)
    body[second + 42 : second + 46] = struct.pack("<I", 10)
    path.write_bytes(body)
    with pytest.raises(DataError, match=r"entries of the archive share bytes or point behind its end; it is forged or cut short"):
        taken(path)


def test_an_encrypted_entry_and_an_odd_method_are_refused(tmp_path: Path) -> None:
    made = packed(tmp_path / "a.zip", ("a.csv", NOISE))
    with pytest.raises(DataError, match=r"entry 'a.csv' is encrypted"):
        taken(edited(made, {8: b"\1"}, {6: b"\1"}))
    with pytest.raises(DataError, match=r"is packed by method 9, which is not read here"):
        taken(edited(packed(tmp_path / "a.zip", ("a.csv", NOISE)), {10: b"\x09"}, {8: b"\x09"}))


def test_damage_inside_is_noticed_by_the_checksum(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", ("a.csv", NOISE), method=zipfile.ZIP_STORED)
    body = bytearray(path.read_bytes())
    body[10_000] ^= 1
    path.write_bytes(body)
    with pytest.raises(DataError, match=r"cannot be read as a ZIP archive \(Bad CRC-32 for file 'a.csv'\)"):
        taken(path)


@pytest.mark.parametrize("body", [b"<html>moved</html>", b"", NOISE])
def test_what_is_no_archive_is_told(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(body)
    with pytest.raises(DataError, match=r"mrds.zip: cannot be read as a ZIP archive \(File is not a zip file\); it is damaged, cut short or another kind"):
        taken(tmp_path / "a.zip")


def test_an_archive_cut_short_is_told(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", ("a.csv", NOISE))
    path.write_bytes(path.read_bytes()[:30_000])
    with pytest.raises(DataError, match="cannot be read as a ZIP archive"):
        taken(path)


def test_the_limits_of_size_and_number_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "a.zip", ("a.csv", NOISE), ("b.csv", b"1"))
    with pytest.raises(DataError, match=r"'a.csv' would take 50,000 bytes, the limit is 49,999; unpack it by hand and give the file"):
        taken(path, "a.csv", max_bytes=49_999)
    with monkeypatch.context() as patched:
        patched.setattr(archive, "MOST_ENTRIES", 1)
        with pytest.raises(DataError, match=r"holds 2 entries, the limit is 1; unpack it by hand and give the file that is meant"):
            taken(path, "a.csv")
    assert taken(path, "b.csv", max_bytes=1) == ["b.csv"]


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"a.zip: cannot be unpacked in file \(.*\); free some space or give another folder"):
        unpacked(packed(tmp_path / "a.zip", ("a.csv", b"1")), "*.csv", name="a.zip", into=tmp_path / "file")
