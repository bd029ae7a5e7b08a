from __future__ import annotations

from pathlib import Path

import pytest

from edge.agent.address import BadAddress
from edge.hub_access import HubAccess, NoAccess


def test_without_a_hub_there_is_none() -> None:
    assert HubAccess.of({}) is None
    assert HubAccess.of({"EDGEFACET_HUB": "", "EDGEFACET_HUB_TOKEN_FILE": "t"}) is None


def test_the_environment_names_hub_token_and_authority() -> None:
    environ = {
        "EDGEFACET_HUB": "https://hub.example",
        "EDGEFACET_HUB_TOKEN_FILE": "/etc/token",
        "EDGEFACET_HUB_CA": "/etc/ca.pem",
        "EDGEFACET_HUB_INSECURE": "1",
    }
    expected = HubAccess("https://hub.example", Path("/etc/token"), Path("/etc/ca.pem"), True)
    assert HubAccess.of(environ) == expected


def test_a_hub_without_a_token_is_told() -> None:
    with pytest.raises(NoAccess, match="EDGEFACET_HUB_TOKEN_FILE is not: write what `facet hub"):
        HubAccess.of({"EDGEFACET_HUB": "https://hub.example"})


def test_a_token_is_not_sent_in_the_clear(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    with pytest.raises(BadAddress, match="in the clear"):
        HubAccess("http://hub.example", tmp_path / "token").open()


def test_a_token_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadAddress, match="token: no token: No such file"):
        HubAccess("http://localhost", tmp_path / "token").open()
