"""Arrows between the packages point one way: no two of them import each other, by whatever detour."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "drift_cli"
SPLIT = ("studies", "commands")  # each folder of theirs is a package by itself


def package(parts: tuple[str, ...]) -> str:
    """Of a module below drift_cli: its package, or the module itself where it stands alone."""
    return "/".join(parts[:2]) if len(parts) > 2 and parts[0] in SPLIT else parts[0] if parts else "the root"


def imported(file: Path) -> Iterator[tuple[str, ...]]:
    """What a file imports of the project, wherever it does; but not for type checkers alone."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for_types = {
        id(below)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for below in ast.walk(node)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.ImportFrom)
            and id(node) not in for_types
            and (node.module or "").startswith("drift_cli")
        ):
            parts = tuple((node.module or "").split("."))[1:]
            for name in node.names:
                below = ROOT.joinpath(*parts, name.name)
                yield (*parts, name.name) if below.is_dir() or below.with_suffix(".py").is_file() else parts


def arrows(files: list[Path]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for file in files:
        own = package(file.relative_to(ROOT).with_suffix("").parts)
        others = {package(parts) for parts in imported(file)} - {own, "the root"}
        found.setdefault(own, set()).update(others)
    return found


@cache
def every_arrow() -> dict[str, set[str]]:
    return arrows(FILES)


FILES = [file for file in ROOT.rglob("*.py") if file != ROOT / "__init__.py"]  # which names what is public, lazily


def test_no_two_packages_import_each_other() -> None:
    TopologicalSorter(every_arrow()).prepare()  # raises CycleError with the cycle


def test_a_cycle_is_found() -> None:
    with pytest.raises(CycleError):
        TopologicalSorter(every_arrow() | {"errors": {"shell"}}).prepare()


@pytest.mark.parametrize("generic", ["report", "shell", "config", "command", "training", "runs"])
def test_what_serves_every_command_knows_none_by_name(generic: str) -> None:
    assert not {other for other in every_arrow()[generic] if other.split("/")[0] in SPLIT}
