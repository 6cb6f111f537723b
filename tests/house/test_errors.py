"""Every error a user can meet is met by some test that knows its words."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FAMILY = {"ProspectError", "ConfigError", "DataError", "StoreError", "ResourceError"}
ENOUGH = 12  # characters in a row: fewer would match by chance
HOLE = "\0"


def written(node: ast.AST) -> str:
    """The words of an expression of text, a hole for each value put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(written(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return written(node.left) + written(node.right)
    if isinstance(node, ast.IfExp):
        return HOLE.join((written(node.body), written(node.orelse)))
    return HOLE


def raised(root: Path = ROOT) -> dict[str, str]:
    """Where an error of the family is raised with words of its own, "file:line" to those words."""
    found = {}
    for path in sorted((root / "pipeline").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            call = node.exc if isinstance(node, ast.Raise) else None
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in FAMILY and call.args:
                said = written(call.args[0])
                if any(len(part.strip()) >= ENOUGH for part in said.split(HOLE)):
                    found[f"{path.relative_to(root).as_posix()}:{node.lineno}"] = said
    return found


def expected(root: Path = ROOT) -> set[str]:
    """Every run of ENOUGH characters in the texts that tests compare with, docstrings apart, regular expressions made plain."""
    runs: set[str] = set()
    for path in sorted((root / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
                runs |= _runs(re.sub(r"\\([^\w\s])", r"\1", node.value))
    return runs


def met(said: str, runs: set[str]) -> bool:
    """Whether the words between two holes hold a run some test asks for."""
    return any(_runs(part) & runs for part in said.split(HOLE))


def _runs(text: str) -> set[str]:
    return {text[i : i + ENOUGH] for i in range(len(text) - ENOUGH + 1)}


def unmet(errors: dict[str, str], runs: set[str]) -> list[str]:
    """The places whose words no test asks for."""
    return [f"{place}: {said.replace(HOLE, '...')[:110]}" for place, said in errors.items() if not met(said, runs)]


def test_every_error_is_raised_by_some_test_that_matches_its_words() -> None:
    assert unmet(raised(), expected()) == []


def test_an_error_no_test_knows_is_named(tmp_path: Path) -> None:
    for folder in ("pipeline", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "pipeline" / "a.py").write_text('def f(n):\n    raise DataError(f"{n} layers do not fit; drop some")\n')
    (tmp_path / "tests" / "test_a.py").write_text('x = "layers do fit"\n')
    assert unmet(raised(tmp_path), expected(tmp_path)) == ["pipeline/a.py:2: ... layers do not fit; drop some"]
    (tmp_path / "tests" / "test_a.py").write_text('x = "layers do not fit; .*"\n')
    assert unmet(raised(tmp_path), expected(tmp_path)) == []
