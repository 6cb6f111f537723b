"""Whether a recipe's code may have changed its answer: a hash of its syntax and of all it imports, beside its EPOCH.

`python -m tests.house.epochs` records recipes that are new or whose EPOCH was raised. `--same-answer` records the rest
too, and is the author's word that no number changed.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RECORD = Path(__file__).with_name("epochs.json")
FOLDERS = ("features", "sources", "models", "publishers", "stages")
# what binds, keys and moves recipes and computes nothing: a change there is told by the tests of the shell
SHELL = (
    "archive", "aside", "asset", "blocks", "bundle", "cli", "client", "cluster", "config", "cube", "errors", "fetch", "files", "flow", "graph",
    "inventory", "ledger", "look", "node", "pace", "planning", "ranged", "recipe", "registry", "screen", "shelf", "tasks", "threads", "turns",
)  # fmt: skip
FORMS_ONLY = ("kind", "type_comment", "type_params")  # fields that one Python version writes and another does not


def recipes(root: Path = ROOT) -> dict[str, Path]:
    """Every recipe file, `features.slope` and so on: those of the plug-in and stage folders that say an EPOCH."""
    files = sorted(path for folder in FOLDERS for path in (root / "pipeline" / folder).glob("*.py"))
    return {f"{path.parent.name}.{path.stem}": path for path in files if epoch(path) is not None}


def epoch(path: Path) -> int | None:
    """The EPOCH a file says."""
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if _is_epoch(statement):
            return int(ast.literal_eval(statement.value))  # type: ignore[attr-defined]
    return None


def digest(path: Path, root: Path = ROOT) -> str:
    """A hash of a file's syntax tree and of those of all it imports within pipeline, the shell apart; docstrings and comments do not count."""
    seen: dict[str, Any] = {}
    waiting = [path]
    while waiting:
        at = waiting.pop()
        name = at.relative_to(root).as_posix()
        if name not in seen:
            tree = ast.parse(at.read_text(encoding="utf-8"))
            seen[name] = _said(tree) if not (files := _beside(at)) else [_said(tree), files]
            waiting += _imported(tree, root)
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:24]


def now(root: Path = ROOT) -> dict[str, dict[str, Any]]:
    """Epoch and hash of every recipe as it stands."""
    return {name: {"epoch": epoch(path), "hash": digest(path, root)} for name, path in recipes(root).items()}


def complaints(recorded: dict[str, dict[str, Any]], found: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Recipe to what is wrong with its record; empty when all is well."""
    said = dict.fromkeys(recorded.keys() - found.keys(), "is recorded and gone; run `make epochs`")
    for name, here in found.items():
        held = recorded.get(name)
        if held is None:
            said[name] = "is new; run `make epochs`"
        elif here["epoch"] < held["epoch"]:
            said[name] = f"has EPOCH {here['epoch']}, lower than the {held['epoch']} recorded; an EPOCH only rises"
        elif here["epoch"] > held["epoch"]:
            said[name] = "has a new EPOCH; run `make epochs`"
        elif here["hash"] != held["hash"]:
            said[name] = (
                "computes with other code than recorded: raise its EPOCH if any number can change and run `make epochs`, "
                "or record it with `python -m tests.house.epochs --same-answer`"
            )
    return said


def recorded() -> dict[str, dict[str, Any]]:
    """What was recorded last."""
    held: dict[str, dict[str, Any]] = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
    return held


def main(same_answer: bool) -> int:
    """Record what may be recorded; 1 when something may not."""
    held, found = recorded(), now()
    wrong = {name for name, here in found.items() if name in held and here["epoch"] < held[name]["epoch"]}
    wrong |= set() if same_answer else {n for n, here in found.items() if n in held and here != held[n] and here["epoch"] == held[n]["epoch"]}
    kept = {name: held[name] if name in wrong else here for name, here in found.items()}
    RECORD.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    for name, said in complaints(kept, found).items():
        print(f"{name} {said}")
    return 1 if wrong else 0


def _imported(tree: ast.AST, root: Path) -> list[Path]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    ours = (name.split(".")[1:] for name in names if name.startswith("pipeline."))
    files = (root.joinpath("pipeline", *parts).with_suffix(".py") for parts in ours if parts and parts[0] not in SHELL)
    return sorted(path for path in files if path.is_file())


def _beside(path: Path) -> dict[str, str]:
    """What a page is made of beside code: the files of a plug-in's own package that are laid out or run elsewhere."""
    return {p.name: p.read_text(encoding="utf-8") for p in sorted(path.parent.iterdir()) if p.suffix in {".html", ".css", ".js"}}


def _said(node: Any) -> Any:
    if isinstance(node, list):
        return [_said(item) for item in node]
    if not isinstance(node, ast.AST):
        return node if isinstance(node, str | int | bool) or node is None else repr(node)
    return [type(node).__name__, dict(_fields(node))]


def _fields(node: ast.AST) -> Iterator[tuple[str, Any]]:
    for name, value in ast.iter_fields(node):
        if name in FORMS_ONLY or value is None or value == []:
            continue
        if name == "body" and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield name, _said([s for i, s in enumerate(value) if not (i == 0 and _is_docstring(s)) and not _is_epoch(s)])
        else:
            yield name, _said(value)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)


def _is_epoch(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign) and [getattr(target, "id", "") for target in statement.targets] == ["EPOCH"]


if __name__ == "__main__":
    sys.exit(main("--same-answer" in sys.argv[1:]))
