"""The ways of quantising a network: which are for it, and each as a process of its own."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import openvino as ov

from kinema.deployment import nncf_process
from kinema.deployment.nncf_process import RECURRENT

log = logging.getLogger(__name__)
ATTENTION = ("ScaledDotProductAttention", "Softmax")
CONVOLUTIONS = ("Convolution", "GroupConvolution")
# What a recipe is for: types of operations, and what they are called. The others are for every network.
WANTED: dict[str, tuple[Iterable[str], str]] = {
    "transformer": ((*ATTENTION, *RECURRENT), "attention and no recurrent layer"),
    "unsmoothed": ((*ATTENTION, *RECURRENT), "attention and no recurrent layer"),
    "float_recurrent": (RECURRENT, "recurrent layer"),
    "convolutions": (CONVOLUTIONS, "convolution"),
}
BAR = "\N{BOX DRAWINGS HEAVY HORIZONTAL}"  # of which progress is drawn
SILENT = {"NNCF_CI": "1"}  # it reports its use to its makers otherwise


class FailedRecipe(Exception):
    """NNCF could not do it; the message is its own, in one line."""


def obstacle(recipe: str, networks: Sequence[ov.Model]) -> str | None:
    """Why a recipe is nothing for networks that are quantised together; None where it is something."""
    present = {operation.get_type_name() for network in networks for operation in network.get_ops()}
    types, name = WANTED.get(recipe, (present, ""))
    if not present & set(types):
        return f"the network has no {name}"
    if recipe == "convolutions" and not present & {"MatMul", *RECURRENT}:
        return "the network has convolutions only, which mixed quantises"
    return None


def leaves_alone(recipe: str, network: ov.Model) -> bool:
    """Whether a recipe quantises nothing of this network, which is one of several."""
    return recipe == "convolutions" and obstacle(recipe, [network]) == "the network has no convolution"


def quantise(network_path: Path, inputs_path: Path, *, recipe: str, weights: str, out: Path) -> None:
    """Write the IR of a network as a recipe makes it. FailedRecipe where NNCF fails.

    `inputs_path` is a .npy file of what the network is given, (N, ...). What is left at float32 is stored as `weights`.
    """
    # -P: its folder has modules that are called as others are
    command = [sys.executable, "-P", nncf_process.__file__, network_path, inputs_path, recipe, weights, out]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=os.environ | SILENT, check=False)
    said = [line for line in f"{done.stdout}{done.stderr}".splitlines() if BAR not in line]
    log.info("NNCF, recipe %s: %s", recipe, "\n".join(said))
    if done.returncode or not out.is_file():
        last = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
        raise FailedRecipe(f"NNCF: {' '.join(last.split())}")
