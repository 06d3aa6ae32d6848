"""An OpenVINO network -> the two files of an IR."""

from pathlib import Path
from typing import Literal

import openvino as ov
from openvino.passes import ConstantFolding, Manager


def save_ir(network: ov.Model, xml_path: Path, *, weights: Literal["float16", "float32"] = "float32") -> None:
    """Write an IR; weights of float32 as float16, or all as they are.

    What does not depend on the input is computed before weights become float16. OpenVINO's CPU plugin would do that in
    the first inference and let a later step write into the result: a recurrent network with a static batch would begin
    each inference with what the last one left it in (seen in 2026.4.1).
    """
    if weights == "float16":
        fold_constants(network)
    ov.save_model(network, xml_path, compress_to_fp16=weights == "float16")


def fold_constants(network: ov.Model) -> None:
    """Compute once and for all what does not depend on the input; not for one with INT8 weights, which would go."""
    passes = Manager()
    passes.register_pass(ConstantFolding())
    passes.run_passes(network)
