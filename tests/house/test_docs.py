"""The documentation builds, its links lead somewhere, and its code is code. That its commands run is tests/world/test_commands.py."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pipeline import registry
from pipeline.config import load
from tests import tiny

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """Every fenced block of a language, with the page it stands on."""
    for page in (ROOT / "README.md", *PAGES):
        for found in re.finditer(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            yield page.name, found[1]


def test_the_site_builds_without_a_warning_and_without_an_address_outside(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    named = {page for entry in yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"] for page in entry.values()}
    assert {page.name for page in PAGES} == named
    for page in PAGES:
        told = (tmp_path / "site" / f"{page.stem}.html").read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe|link)\b[^>]*?(?:src|href)=\"(https?:[^\"]*)\"", told)
        assert loaded == [], f"{page.name} loads from elsewhere"


def test_every_file_a_page_names_is_there() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for path in re.findall(r"`((?:configs|pipeline|tests|notebooks|docs|sample_data)/[\w./]+\.\w+)`", text):
            known = path == "pipeline/features/curvature.py" or (page.name in ("raster.md", "region.md") and path.startswith("configs/regions/"))
            assert known or (ROOT / path).exists(), f"{page.name} names {path}"


def test_yaml_on_the_pages_is_configuration_the_program_takes(tmp_path: Path) -> None:
    known = set(json.loads((ROOT / "configs" / "schema.json").read_text())["properties"])
    for page, text in blocks("yaml"):
        said = yaml.safe_load(text)
        assert isinstance(said, dict), page
        assert set(said) <= known or set(said) <= {"curvature"}, (page, sorted(set(said) - known))
        for section, kind in (("features", "features"), ("sources", "sources")):
            for name, use in said.get(section, {}).items():
                assert use.get("use", name) in registry.words(kind), (page, name)


def test_a_whole_region_on_a_page_loads(tmp_path: Path) -> None:
    tiny.make(tmp_path)
    whole = [text for page, text in blocks("yaml") if page == "region.md" and "name: my_belt" in text]
    assert len(whole) == 1
    (tmp_path / "configs" / "regions" / "my_belt.yaml").write_text(whole[0])
    config = load("my_belt", root=tmp_path).config
    assert config.region.cell_m == 500
    assert set(config.features) == {"slope", "magnetic_relief", "distance_to_faults"}


def test_python_on_the_pages_compiles() -> None:
    found = list(blocks("python"))
    assert len(found) >= 3
    for page, text in found:
        compile(text, page, "exec")


def test_the_feature_on_the_page_is_the_readmes() -> None:
    shown = {page: text for page, text in blocks("python") if "def curvature" in text}
    assert set(shown) == {"README.md", "extending.md"}
    assert len(set(shown.values())) == 1


def test_manifests_name_what_the_program_takes() -> None:
    cluster = {doc["kind"]: doc for doc in yaml.safe_load_all((ROOT / "docs" / "deploy" / "kubernetes.yaml").read_text())}
    claim = cluster["PersistentVolumeClaim"]["metadata"]["name"]
    spec = cluster["DaskCluster"]["spec"]
    worker = spec["worker"]["spec"]
    assert worker["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim
    assert worker["containers"][0]["volumeMounts"][0]["name"] == worker["volumes"][0]["name"]
    ports = {port["name"] for port in spec["scheduler"]["spec"]["containers"][0]["ports"]}
    assert {port["targetPort"] for port in spec["scheduler"]["service"]["ports"]} == ports
    assert cluster["DaskAutoscaler"]["spec"]["cluster"] == cluster["DaskCluster"]["metadata"]["name"]
    for role in ("worker", "scheduler"):
        args = spec[role]["spec"]["containers"][0]["args"]
        told = subprocess.run([sys.executable, "-m", args[0], args[1], "--help"], capture_output=True, text=True, check=True).stdout
        assert [word for word in args if word.startswith("--") and word not in told] == []
