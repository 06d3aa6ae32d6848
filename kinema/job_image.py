"""The image that jobs run in with `--sdm apptainer`: it must be there before anything runs."""

from collections.abc import Iterable
from pathlib import Path

from kinema.input_error import InputError


def check_image(path: str, methods: Iterable[str]) -> None:
    """Refuse a run whose jobs are to run in the image `path` where that file is not there.

    `methods` are the ways of deploying software that were asked for, as in `--sdm`.
    """
    if "apptainer" in methods and not Path(path).exists():
        raise InputError(
            f"--sdm apptainer: {path} is not there. `apptainer build {path} {Path(path).with_suffix('.def')}` makes it "
            "in a clone of kinema; one that lies elsewhere can be linked there"
        )
