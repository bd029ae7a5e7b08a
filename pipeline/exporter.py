"""What the exporters of all formats share."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from edge.errors import EdgeError

INPUT_NAME = "image"
OUTPUT_NAME = "logits"


class ExportError(EdgeError, RuntimeError):
    """A module that cannot be exported as it was asked for."""


@contextmanager
def quiet(loggers: Sequence[str], environment: Mapping[str, str] = {}) -> Iterator[None]:
    """Silence exporters, which tell of every deprecation inside themselves: Python's warnings,
    what `loggers` say below an error, and what listens to variables of the `environment`."""
    chatty = [logging.getLogger(name) for name in loggers]
    levels = [logger.level for logger in chatty]
    before = {name: os.environ.get(name) for name in environment}
    try:
        for logger in chatty:
            logger.setLevel(logging.ERROR)
        os.environ.update(environment)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(chatty, levels, strict=True):
            logger.setLevel(level)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def first_line(error: Exception) -> str:
    """What is wrong, without the pages that exporters add to it."""
    return (str(error) or repr(error)).splitlines()[0]
