"""docs/features.md is what the features say of themselves."""

from __future__ import annotations

from pathlib import Path

from pipeline import registry
from pipeline.screen import gallery

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


def test_the_page_of_features_has_not_drifted_from_the_code() -> None:
    assert PAGE.read_text(encoding="utf-8") == gallery.text(), "docs/features.md is stale; run `make schema`"


def test_every_feature_stands_on_the_page_with_its_unit_and_all_its_parameters() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in registry.words("features"):
        section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        for parameter in registry.parameters(registry.find("features", name)).model_fields:
            assert f"- `{parameter}`" in section, (name, parameter)
        row = next(line for line in page.splitlines() if line.startswith(f"| [{name}]"))
        assert row.count(" | ") >= 5 and registry.declared(registry.find("features", name)).summary.replace("|", "") in row.replace("\\|", "")
