"""Quantises one network by NNCF, as a program: python nncf_process.py NETWORK CLIPS RECIPE WEIGHTS OUT.

It is run in a process of its own (`kinema.deployment.recipes`): NNCF keeps state, sets up logging for all, and its
memory is given back only when the process ends. Nothing else imports it.
"""

import sys
from typing import Any

import numpy as np
import openvino as ov

RECURRENT = ("LSTMSequence", "LSTMCell", "GRUSequence", "GRUCell", "RNNSequence", "RNNCell")


def options_of(recipe: str) -> dict[str, Any]:
    """Arguments of `nncf.quantize` for a recipe of `deployment.int8.recipes`."""
    import nncf

    mixed = {"preset": nncf.QuantizationPreset.MIXED}
    transformer = {"model_type": nncf.ModelType.TRANSFORMER}
    smooth = nncf.AdvancedSmoothQuantParameters(matmul=-1)  # a negative number: not at all
    return {
        "performance": {"preset": nncf.QuantizationPreset.PERFORMANCE},
        "mixed": mixed,
        "transformer": transformer,
        "unsmoothed": {
            **transformer,
            "advanced_parameters": nncf.AdvancedQuantizationParameters(smooth_quant_alphas=smooth),
        },
        "float_recurrent": {**mixed, "ignored_scope": nncf.IgnoredScope(types=list(RECURRENT), validate=False)},
        "convolutions": {
            **mixed,
            "ignored_scope": nncf.IgnoredScope(types=["MatMul", *RECURRENT], validate=False),
        },
    }[recipe]


def main(network_path: str, clips_path: str, recipe: str, weights: str, out: str) -> None:
    """Write the quantised IR of a network, of which the inputs (N, ...) in a .npy file are given one at a time.

    A batch of one: NNCF takes statistics over a batch as a whole otherwise. Records have several inputs, in order.
    """
    import nncf

    clips = np.load(clips_path, mmap_mode="r")
    inputs = nncf.Dataset(clips, given)
    network = ov.Core().read_model(network_path)
    quantised = nncf.quantize(network, inputs, subset_size=len(clips), **options_of(recipe))
    ov.save_model(quantised, out, compress_to_fp16=weights == "float16")


def given(clip: Any) -> Any:
    """What a network takes of one row of the file."""
    names = clip.dtype.names
    return [np.array(clip[name][None]) for name in names] if names else np.array(clip[None])


if __name__ == "__main__":
    main(*sys.argv[1:])
