"""Schemathesis makes up calls from the OpenAPI document: none of them is answered by a 5xx."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings


def test_no_call_is_answered_by_a_5xx(world):
    schemathesis = pytest.importorskip("schemathesis", reason="needs the extra dev")
    tokens = [world.device().token, world.operator().token]
    schema = schemathesis.openapi.from_dict(world.client.app.openapi())
    schema.app = world.client.app
    tried = set()

    def check(case):
        for token in tokens:
            headers = {"Authorization": f"Bearer {token}"}
            answer = case.call(headers=headers)
            tried.add((case.method, case.path, answer.status_code))
            assert answer.status_code < 500, answer.text

    for found in schema.get_all_operations():
        settings(
            max_examples=15, database=None, deadline=None, suppress_health_check=list(HealthCheck)
        )(given(case=found.ok().as_strategy())(check))()
    assert len({(method, path) for method, path, _ in tried}) == 13
