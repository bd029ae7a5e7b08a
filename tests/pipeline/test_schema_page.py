import json
from pathlib import Path

import pytest

from edge.manifest import Manifest
from pipeline import schema_page

ROOT = Path(__file__).parents[2]


def test_the_committed_schema_is_that_of_the_code():
    committed = (ROOT / schema_page.PAGE).read_text(encoding="utf-8")
    assert committed == schema_page.page(), "the manifest changed: make docs"


def test_it_accepts_what_it_should(tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    schema_page.write(tmp_path / "schema.json")
    schema = json.loads((tmp_path / "schema.json").read_text())
    family = json.loads((ROOT / "tests/edge/data/family_v1_upgraded.json").read_text())
    jsonschema.validate(family, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**family, "version": 1}, schema)


def test_every_field_is_explained():
    """In docs/family.md, in its own chapter."""
    text = (ROOT / "docs/family.md").read_text().split("## family.json")[1]
    schema = Manifest.model_json_schema()
    fields = {*schema["properties"]}
    fields |= {name for of in schema["$defs"].values() for name in of["properties"]}
    assert {name for name in fields if f"`{name}`" not in text} == set()
