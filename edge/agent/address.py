"""Where the hub is, how it proves that, and the token: what must be right before a word is sent."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from edge.errors import EdgeError

# Names that never leave the local network: RFC 6761, RFC 6762, RFC 8375, and ICANN's .internal
_LOCAL_NAMES = ("localhost", ".localhost", ".local", ".home.arpa", ".internal")
_MAX_TOKEN_CHARACTERS = 512


class BadAddress(EdgeError, ValueError):
    """A hub that must not be called, or a token that cannot be one."""


@dataclass(frozen=True)
class HubAddress:
    """`url` of a hub, and the file of the certificate authority to trust instead of the system's.

    Raises BadAddress for anything but HTTPS, or HTTP inside the local network.
    """

    url: str
    ca: Path | None = None
    insecure: bool = False  # HTTP to anywhere

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise BadAddress(f"{self.url!r} is no URL: {error}") from error
        if parts.scheme not in ("http", "https") or not host:
            raise BadAddress(f"{self.url!r} is no hub: give its URL, https://HOST[:PORT]")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise BadAddress("the URL of a hub has neither a user nor a query: leave them out")
        if parts.scheme == "http" and not self.insecure and not is_local(host):
            raise BadAddress(
                f"{self.url} would send the token in the clear over the Internet: "
                "use https://, or --insecure if you know the network in between"
            )

    @property
    def is_encrypted(self) -> bool:
        """Whether nobody in between reads along."""
        return urlsplit(self.url).scheme == "https"

    def ssl_context(self) -> ssl.SSLContext:
        """Trusts the system's authorities or `ca` alone. Raises BadAddress for a bad file."""
        if self.ca is None:
            return ssl.create_default_context()
        try:
            return ssl.create_default_context(cafile=self.ca)
        except OSError as error:
            raise BadAddress(
                f"{self.ca} holds no certificate authority: {error.strerror or error}"
            ) from error


def is_local(host: str) -> bool:
    """Whether `host` is an address or a name of this machine or of the local network."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        name = host.lower().rstrip(".")
        return name.endswith(_LOCAL_NAMES[1:]) or name == _LOCAL_NAMES[0]
    return address.is_private or address.is_loopback or address.is_link_local


def read_token(path: Path) -> str:
    """The token in a file of one line. Raises BadAddress."""
    try:
        with path.open(encoding="ascii") as file:
            token = file.read(_MAX_TOKEN_CHARACTERS + 2).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadAddress(f"{path}: no token: {getattr(error, 'strerror', error)}") from error
    if not token or not token.isprintable() or " " in token or len(token) > _MAX_TOKEN_CHARACTERS:
        raise BadAddress(f"{path} holds no token: write what `facet hub add-device` showed into it")
    return token
