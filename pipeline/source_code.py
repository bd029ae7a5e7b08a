"""The code that makes something, as a part of the key under which the store keeps it.

Comments, docstrings and layout make nothing: to change them throws no hours of work away.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Callable
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from models import blocks, cell_blocks, depthwise, pointwise

Source: TypeAlias = ModuleType | Callable[..., Any]

BLOCKS: tuple[Source, ...] = (blocks, cell_blocks, depthwise, pointwise)  # that build a block


@cache
def made_by(sources: tuple[Source, ...], packages: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Parts of a key: the versions of `packages`, and a digest of the code of `sources`, which are
    functions, modules, and packages with all modules in them.

    It is read once per process, so that a file keeps its name while what makes it runs.
    """
    versions = [f"{package} {metadata.version(package)}" for package in packages]
    texts = "\n".join(essence(text) for source in sources for text in _texts(source))
    return (*versions, hashlib.sha256(texts.encode()).hexdigest())


def essence(text: str) -> str:
    """The code of a module or a function without comments, docstrings and layout."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [part for part in node.body if not _is_text(part)]
    return ast.unparse(tree)


def _is_text(statement: ast.stmt) -> bool:
    """Whether it is a string that nobody uses, as docstrings are."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _texts(source: Source) -> list[str]:
    if not isinstance(source, ModuleType):
        return [textwrap.dedent(inspect.getsource(source))]
    assert source.__file__ is not None, source
    file = Path(source.__file__)
    files = sorted(file.parent.rglob("*.py")) if hasattr(source, "__path__") else [file]
    return [one.read_text(encoding="utf-8") for one in files]
