"""Every error a user can meet is met by some test that knows its words."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FAMILY = {"ProspectError", "ConfigError", "DataError", "StoreError", "ResourceError"}
ENOUGH = 8  # letters in a row: less would match by chance
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


def expected(root: Path = ROOT) -> list[str]:
    """Every run of words that a test's `match=` or `in` asks for."""
    asked: list[str] = []
    for path in sorted((root / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                plain = re.sub(r"\\([^\w\s])", r"\1", node.value)
                asked += [run.strip() for run in re.split(r"\.\*|\\[dwWs]\+?|\[[^\]]*\]|[|()?^$]", plain)]
    return [run for run in dict.fromkeys(asked) if len(run) >= ENOUGH]


def met(said: str, runs: list[str]) -> bool:
    """Whether a run lies in the words between two holes, or holds them all (then it names a value too)."""
    parts = [part for part in said.split(HOLE) if len(part.strip()) >= ENOUGH]
    return any(run in part or part.strip() in run for part in parts for run in runs)


def unmet(errors: dict[str, str], runs: list[str]) -> list[str]:
    """The places whose words no test asks for."""
    return [f"{place}: {said.replace(HOLE, '...')[:110]}" for place, said in errors.items() if not met(said, runs)]


def test_every_error_is_raised_by_some_test_that_matches_its_words() -> None:
    assert unmet(raised(), expected()) == []


def test_an_error_no_test_knows_is_named(tmp_path: Path) -> None:
    for folder in ("pipeline", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "pipeline" / "a.py").write_text('def f(n):\n    raise DataError(f"{n} layers are too many; drop some")\n')
    (tmp_path / "tests" / "test_a.py").write_text('x = "match=layers are too few"\n')
    assert unmet(raised(tmp_path), expected(tmp_path)) == ["pipeline/a.py:2: ... layers are too many; drop some"]
    (tmp_path / "tests" / "test_a.py").write_text('x = "layers are too many; .*"\n')
    assert unmet(raised(tmp_path), expected(tmp_path)) == []
