from pathlib import Path

import pytest


@pytest.fixture
def root():
    """The project's root."""
    return Path(__file__).parents[2]
