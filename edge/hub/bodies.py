"""Bodies of requests: counted and timed while they come in, before anything parses them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeVar

import anyio
from fastapi import Request
from pydantic import BaseModel, ValidationError

from edge.errors import first_problem
from edge.hub.errors import Malformed, SlowBody, TooLarge
from edge.hub.settings import Limits

_Model = TypeVar("_Model", bound=BaseModel)


async def chunks(request: Request, max_bytes: int, limits: Limits) -> AsyncIterator[bytes]:
    """The body, with or without a length in front. Raises TooLarge, SlowBody."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    stream = request.stream()
    size_bytes = 0
    began_s = anyio.current_time()
    while True:
        # A pause is forgiven, and a slow link; one byte a pause is neither.
        late_s = began_s + limits.pause_s + size_bytes / limits.slowest_bytes_per_s
        silent_s = anyio.current_time() + limits.pause_s
        with anyio.CancelScope(deadline=min(late_s, silent_s)) as waiting:
            chunk = await anext(stream, None)
        if waiting.cancelled_caught:
            raise SlowBody(_too_slow(limits, silent=silent_s <= late_s))
        if chunk is None:
            return
        size_bytes += len(chunk)
        if size_bytes > max_bytes:
            raise _too_large(max_bytes)
        yield chunk


async def whole(request: Request, max_bytes: int, limits: Limits) -> bytes:
    """The body in memory. Raises TooLarge, SlowBody."""
    return b"".join([chunk async for chunk in chunks(request, max_bytes, limits)])


def parsed(model: type[_Model], body: bytes) -> _Model:
    """`body` as JSON of `model`. Raises Malformed."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        name = model.__name__
        raise Malformed(f"not a {name}: {first_problem(error, name)}") from error
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not a {model.__name__}: {error}") from error


def described(model: type[BaseModel]) -> dict[str, Any]:
    """What OpenAPI says of a route that reads its body by itself; `with_schemas` completes it."""
    schema = {"$ref": f"#/components/schemas/{_name(model.__name__)}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def with_schemas(document: dict[str, Any], models: list[type[BaseModel]]) -> dict[str, Any]:
    """An OpenAPI document, complete with the schemas that `described` refers to."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for model in models:
        template = f"#/components/schemas/{_name('{model}')}"
        schema = model.model_json_schema(ref_template=template)
        parts = schema.pop("$defs", {})
        schemas |= {_name(name): part for name, part in {model.__name__: schema, **parts}.items()}
    return document


def _name(model: str) -> str:
    """Apart from what answers hold: there every field is present."""
    return f"{model}Request"


def _too_slow(limits: Limits, *, silent: bool) -> str:
    if silent:
        return f"nothing of the body came for {limits.pause_s:g} s: send it again"
    return (
        f"the body came at less than {limits.slowest_bytes_per_s:g} bytes a second: send it again"
    )


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"larger than {max_bytes} bytes, the most that is taken here")
