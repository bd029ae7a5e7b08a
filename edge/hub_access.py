"""Which hub to ask as an operator, and with which token: four variables of the environment.

`EDGEFACET_HUB` is its URL, `EDGEFACET_HUB_TOKEN_FILE` a file with the token that `facet hub
add-operator` showed, `EDGEFACET_HUB_CA` the certificate authority to trust instead of the system's,
and `EDGEFACET_HUB_INSECURE=1` allows plain HTTP outside of the local network.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import EdgeError, MissingExtra

if TYPE_CHECKING:
    import httpx

    from edge.hub_client import Operator

HUB = "EDGEFACET_HUB"
TOKEN_FILE = "EDGEFACET_HUB_TOKEN_FILE"
CA = "EDGEFACET_HUB_CA"
INSECURE = "EDGEFACET_HUB_INSECURE"


class NoAccess(EdgeError, ValueError):
    """A hub that cannot be asked as things are set."""


@dataclass(frozen=True)
class HubAccess:
    """A hub, and how an operator is let in."""

    url: str
    token_file: Path
    ca: Path | None = None
    insecure: bool = False

    @classmethod
    def of(cls, environ: Mapping[str, str] = os.environ) -> HubAccess | None:
        """As the environment says; None where it names no hub. Raises NoAccess."""
        url, token_file = environ.get(HUB), environ.get(TOKEN_FILE)
        if not url:
            return None
        if not token_file:
            raise NoAccess(
                f"{HUB} is set and {TOKEN_FILE} is not: write what `facet hub add-operator` "
                "showed into a file that only you can read, and name it there"
            )
        ca = environ.get(CA)
        insecure = environ.get(INSECURE, "").lower() in ("1", "true", "yes")
        return cls(url, Path(token_file).expanduser(), Path(ca) if ca else None, insecure)

    def open(self, transport: httpx.BaseTransport | None = None) -> Operator:
        """A client of the hub, as a context manager; `transport` replaces the network.

        Raises BadAddress for an address or a token that must not be used, and MissingExtra.
        """
        from edge.agent.address import HubAddress, read_token

        try:
            from edge.hub_client import Operator
        except ModuleNotFoundError as error:
            raise MissingExtra(
                f"to ask a hub takes the package {error.name}: pip install 'edgefacet[agent]'"
            ) from error
        address = HubAddress(self.url, self.ca, self.insecure)
        return Operator(address, read_token(self.token_file), transport=transport)
