"""What several commands of a client check of their options before they read a model."""

import argparse
from collections.abc import Iterable


def check_least(arguments: argparse.Namespace, name: str, least: int) -> None:
    """ValueError where the option is given and less."""
    value = getattr(arguments, name)
    if value is not None and value < least:
        raise ValueError(f"--{name} {value}: expected {least} or more")


def check_seconds(arguments: argparse.Namespace, names: Iterable[str]) -> None:
    """ValueError where one of these options is given and no time; `smooth` may be 0."""
    for name in names:
        value = getattr(arguments, name)
        # an average over 0 seconds is a single answer
        if value is not None and not (0 < value < 1e6 or (name == "smooth" and value == 0)):
            raise ValueError(f"--{name} {value:g}: expected a number of seconds above 0")


def check_threshold(arguments: argparse.Namespace) -> None:
    """ValueError where a threshold is given and no probability."""
    if arguments.threshold is not None and not 0 <= arguments.threshold <= 1:
        raise ValueError(f"--threshold {arguments.threshold:g}: expected a number from 0 to 1")
