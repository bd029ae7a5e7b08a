"""YAML in which no key is written twice: of two sections the last would win, without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


class WrittenTwice(yaml.MarkedYAMLError):
    """A key that a map has two times."""


class _Loader(yaml.SafeLoader):
    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """As it is written: what is merged into a map (<<) comes later, and may be written anew."""
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            line = key.start_mark.line + 1
            if key.value in lines:
                raise WrittenTwice(
                    problem=f"{key.value} is written twice, in lines {lines[key.value]} and "
                    f"{line}: put what both say into one"
                )
            lines[key.value] = line
        return node


def read(path: Path) -> Any:
    """The content of `path`. Raises yaml.YAMLError, of which WrittenTwice is one, or OSError."""
    with path.open("rb") as file:
        return yaml.load(file, _Loader)
