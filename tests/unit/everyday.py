"""Which of many alike cases are run every day."""

from collections.abc import Iterable
from typing import Any

import pytest


def mostly_slow(values: Iterable[Any], *, everyday: Iterable[Any]) -> list[Any]:
    """Parameters of a test: all values, those that are not among `everyday` marked `slow`."""
    values, everyday = list(values), list(everyday)
    assert all(value in values for value in everyday)
    return [value if value in everyday else pytest.param(value, marks=pytest.mark.slow) for value in values]
