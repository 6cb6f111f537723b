"""A region whose data come from a real server: fetched once, said where from in provenance, and mapped offline ever after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from pipeline.cli import app
from tests import tiny
from tests.servers import web as webs
from tests.servers.web import Web

REMOTE = {"dem": "dem.tif", "occurrences": "occurrences.csv"}


@pytest.fixture
def web() -> Iterator[Web]:
    with webs.serving() as web:
        yield web


def region(root: Path, web: Web, **more: dict[str, Any]) -> Path:
    """The region tiny, two of whose sources are addresses."""
    tiny.make(root)
    path = root / "configs" / "regions" / "tiny.yaml"
    said = yaml.safe_load(path.read_text())
    for key, name in REMOTE.items():
        web.files[f"/{name}"] = (root / name).read_bytes()
        (root / name).unlink()
        said["sources"][key] |= {"path": f"{web.url(f'/{name}')}?token=secret", "licence": "CC BY 4.0", "citation": f"Somebody's {key}"} | more.get(key, {})
    path.write_text(yaml.safe_dump(said, sort_keys=False))
    return root


def prospect(root: Path, *said: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    monkeypatch.chdir(root)
    return CliRunner().invoke(app, list(said))


def test_offline_says_at_once_all_that_is_missing_and_needs_no_server_once_it_was_fetched(
    tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = region(tmp_path, web)
    bare = prospect(root, "map", "tiny", "--offline", monkeypatch=monkeypatch)
    assert bare.exit_code == 2 and web.asked == [] and not (root / "outputs").exists()
    address = f"http://127.0.0.1:{web.port}"
    assert f"error: offline, and not on the shelf: dem: {address}/dem.tif, occurrences: {address}/occurrences.csv; run once without" in bare.stderr
    assert prospect(root, "map", "tiny", monkeypatch=monkeypatch).exit_code == 0
    sent = web.bytes_sent()
    assert sent == sum(map(len, web.files.values()))
    assert prospect(root, "plan", "tiny", monkeypatch=monkeypatch).exit_code == 0 and web.bytes_sent() == sent  # asked about, not sent
    asked = len(web.asked)
    said = prospect(root, "map", "tiny", "--offline", monkeypatch=monkeypatch)
    assert said.exit_code == 0 and "nothing changed" in said.output and len(web.asked) == asked

    provenance = json.loads((root / "outputs" / "tiny" / "provenance.json").read_text())
    (dem,) = [one for one in provenance["inputs"] if one["source"] == "dem"]
    assert dem["from"] == f"{address}/dem.tif" and dem["version"].startswith('"') and dem["bytes"] == len(web.files["/dem.tif"])
    assert dem["licence"] == "CC BY 4.0" and dem["citation"] == "Somebody's dem" and len(dem["sha256"]) == 64
    (faults,) = [one for one in provenance["inputs"] if one["source"] == "faults"]
    assert faults["from"] == "a file" and faults["version"] == "not named"
    assert set(provenance["run"]["fetched"]) == {f"{address}/dem.tif", f"{address}/occurrences.csv"}
    assert "attribution: the text below must go with the map: dem (CC-BY), occurrences (CC-BY)" in provenance["uses"]
    assert "Somebody's dem (CC-BY)" in provenance["attribution"]
    assert "secret" not in json.dumps(provenance) and "fetched" not in json.dumps({**provenance, "run": {}})
