"""The specification of the executable names every library that PyInstaller would not find whole by itself."""

from __future__ import annotations

import ast
import functools
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SPEC = ast.parse((ROOT / "packaging" / "lathe.spec").read_text("utf-8"))
LISTS = [p for p in sorted(ROOT.glob("requirements*.txt")) if p.name != "requirements-dev.txt"]


def spec_value(name: str) -> Any:
    """What the specification gives to a name, or to an argument of its ``Analysis``."""
    for node in ast.walk(SPEC):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return ast.literal_eval(node.value)
        if isinstance(node, ast.keyword) and node.arg == name and isinstance(node.value, ast.List):
            return ast.literal_eval(node.value)
    raise AssertionError(name)


def distributions() -> dict[str, Path]:
    """Name of every requirement, as it is written, to the list that has it."""
    found: dict[str, Path] = {}
    for path in LISTS:
        for line in path.read_text("utf-8").splitlines():
            if match := re.match(r"([A-Za-z0-9][\w.-]*)", line):
                found[match[1]] = path
    return found


@functools.cache
def modules() -> dict[str, set[str]]:
    """Normalised distribution to the modules that it installs."""
    found: dict[str, set[str]] = {}
    for module, names in metadata.packages_distributions().items():
        for name in names:
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), set()).add(module)
    return found


@functools.cache
def imported() -> tuple[set[str], set[str]]:
    """Modules of others that are imported when a module of ours is, and those that are imported within functions."""
    early: set[str] = set()
    anywhere: set[str] = set()
    for path in (ROOT / "src").rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        top = set(map(id, tree.body))
        for node in ast.walk(tree):
            names = (
                [a.name for a in node.names] if isinstance(node, ast.Import)
                else [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            )  # fmt: skip
            anywhere |= {n.partition(".")[0] for n in names}
            if id(node) in top:
                early |= {n.partition(".")[0] for n in names}
    return early, anywhere - early


@pytest.mark.parametrize("name", sorted(distributions()))
def test_what_is_imported_late_is_in_the_specification(name: str) -> None:
    late: dict[str, str] = spec_value("LATE")
    installs = modules().get(re.sub(r"[-_.]+", "-", name).lower())
    if installs is None:
        pytest.skip(f"{name} is not installed here")
    early, within = imported()
    if installs & within or not installs & (early | within):  # within functions, or by other libraries alone
        known = {n.lower(): module for n, module in late.items()} | dict.fromkeys(spec_value("VERSIONS"), "")
        assert name.lower() in known, (
            f"{name} of {distributions()[name].name} is missing in LATE of packaging/lathe.spec"
        )
        assert known[name.lower()] in installs | {""}


def test_the_optional_lists_are_taken_whole() -> None:
    late = {n.lower() for n in spec_value("LATE")}
    for name, path in distributions().items():
        if path.name != "requirements.txt":
            assert name.lower() in late, f"{name} of {path.name}"


def test_nothing_that_is_needed_is_left_out() -> None:
    assert not set(spec_value("excludes")) & set(spec_value("LATE").values())
