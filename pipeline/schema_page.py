"""docs/family.schema.json: the JSON Schema of ``family.json``, from the classes that read it."""

from __future__ import annotations

import json
from pathlib import Path

from edge.files import write_atomic
from edge.manifest import Manifest

PAGE = Path("docs/family.schema.json")
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def page() -> str:
    """The file's content."""
    schema = {"$schema": DRAFT, **Manifest.model_json_schema()}
    return json.dumps(schema, indent=1) + "\n"


def write(path: Path) -> None:
    """Write it."""
    write_atomic(path, page())
