"""The hub's page as a browser shows it: valid, accessible, on a desk and on a phone."""

from __future__ import annotations

import pytest

from tests.browser.test_page import check
from tests.browser.test_page import pytestmark as pytestmark  # the same tools must be there


@pytest.fixture(scope="module", params=["empty", "busy"])
def found(request, tmp_path_factory):
    for package, extra in (("fastapi", "hub"), ("sqlalchemy", "hub"), ("httpx", "agent")):
        pytest.importorskip(package, reason=f"needs the extra {extra}")
    from edge.hub.page import render
    from edge.hub.settings import Settings
    from tests.edge.hub.made_up import World, busy

    folder = tmp_path_factory.mktemp("browser")
    world = World(Settings(state=folder / "hub", synchronous="NORMAL"))
    if request.param == "busy":
        busy(world, folder)
    html = render(world.hub)
    world.hub.close()
    return check(html, folder)


def test_the_html_is_valid(found):
    assert found["html"] == []


def test_every_view_is_accessible_quiet_and_as_wide_as_the_screen(found):
    for view in found["views"]:
        grave = [v for v in view["violations"] if v["impact"] in ("serious", "critical")]
        assert (view["console_errors"], view["requests"], grave) == ([], [], [])
        assert view["scroll_width"] == view["width"]
    assert {(view["width"], view["scheme"]) for view in found["views"]} == {
        *((1280, "light"), (1280, "dark"), (360, "light"), (360, "dark"))
    }
