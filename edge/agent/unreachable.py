"""Why a call did not reach the hub, in words that say what to change."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import httpx

from edge.text import printable

_OTHER_NAME = (62, 64)  # of OpenSSL: the host, the address is not the certificate's
_OTHER_TIME = (9, 10)  # not valid yet, not any more
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")


def why(error: httpx.RequestError, url: str) -> str:
    """What to tell of the hub at `url` that gave no answer."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = printable(cause.verify_message).rstrip(".")
            return f"the hub at {url} is not trusted: {reason}: {_advice(cause.verify_code)}"
        if isinstance(cause, ssl.SSLError) and cause.reason in _NO_TLS:
            return f"what answers at {url} speaks no TLS: is its address http://?"
    said = printable(str(error)) or type(error).__name__
    hung_up = isinstance(error, httpx.RemoteProtocolError | httpx.ReadError)
    doubt = " (is its address https://?)" if hung_up and url.startswith("http://") else ""
    return f"the hub at {url} is away: {said}{doubt}"


def _advice(code: int) -> str:
    if code in _OTHER_NAME:
        return "call it by a name that is in its certificate"
    if code in _OTHER_TIME:
        return "set the clock here, or renew its certificate"
    return "give the certificate of the authority that signed it, with --ca FILE"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
