import ast
import hashlib
from pathlib import Path

import pytest
from pydantic import ValidationError

from edge import hub_api
from edge.hub_api import Report


def test_the_id_of_a_report_is_that_of_its_content():
    text = '{"boot_id":null,"failures":[],"order":null,"records":[]}'
    report = Report.model_validate_json(text)
    assert report.to_json() == text
    assert report.id == hashlib.sha256(text.encode()).hexdigest()
    assert Report(boot_id="b").id != report.id
    assert Report().id == report.id


@pytest.mark.parametrize(
    "data",
    [{"x": 1}, {"order": "A" * 64}, {"boot_id": "a b"}, {"records": None}, {"failures": [{}]}],
)
def test_the_models_are_closed(data):
    with pytest.raises(ValidationError):
        Report.model_validate(data)


def test_it_needs_pydantic_alone():
    nodes = ast.walk(ast.parse(Path(hub_api.__file__).read_text()))
    modules = {
        *(n.module for n in nodes if isinstance(n, ast.ImportFrom)),
        *(a.name for n in nodes if isinstance(n, ast.Import) for a in n.names),
    }
    outside = {name for name in modules if not name.startswith("edge.")}
    assert outside <= {"__future__", "hashlib", "json", "typing", "pydantic"}
