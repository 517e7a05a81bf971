"""The program's own files, parsed once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("kernel", "psychometrics", "item_templates", "qbank", "blueprints", "exam_delivery", "certification", "web")


@cache
def python_files() -> tuple[Path, ...]:
    """Return every Python file of the program."""
    return tuple(file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py")))


@cache
def tree(file: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def short(file: Path) -> str:
    """Return a path as people write it."""
    return file.relative_to(ROOT).as_posix()


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return every function of a file."""
    return (node for node in ast.walk(tree(file)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def calls(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Return the dotted name and line of every call below a node."""
    for found in ast.walk(node):
        if isinstance(found, ast.Call):
            yield dotted(found.func), found.lineno


def dotted(node: ast.AST) -> str:
    """Return ``a.b.c`` for a chain of attributes; a part that is no name counts as empty."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
