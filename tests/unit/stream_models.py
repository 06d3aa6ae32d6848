"""A folder `streaming` with a model of three labels that knows how bright a clip is; no training is needed for it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as opset

from kinema.inference.description import Description
from kinema.inference.frame_rates import FrameRates
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.predictors.openvino import add_metadata
from kinema.inference.spec import InputSpec

SPEC = InputSpec(num_frames=4, stride=2, size=32, mean=(0, 0, 0), std=(1, 1, 1))
LABELS = ("dark", "middle", "bright")
RATES = FrameRates(median=25, low=25, high=25)
DESCRIPTION = Description("grey_vtn", LABELS, SPEC, "1.0", FrameSpec(short_side=32), frame_rates=RATES)


def stream_model(folder: Path, *, seen: int = 1, **changes) -> Path:
    """The folder, which is made; `changes` are of the description. Of two frames seen the later one counts."""
    about = replace(DESCRIPTION, **changes)
    folder.mkdir(parents=True)
    channels = about.spec.channels
    frames = opset.parameter([1, seen * channels, 32, 32], np.uint8)
    means = opset.reduce_mean(opset.convert(frames, "f32"), [2, 3])
    later = opset.gather(means, np.arange(channels * (seen - 1), channels * seen), np.int64(1))
    embeddings = opset.parameter([1, SPEC.num_frames + 1 - seen, channels], np.float32)
    level = opset.divide(opset.reduce_mean(embeddings, [1, 2], keep_dims=True), np.float32(256 / 3))
    off = opset.abs(opset.subtract(opset.squeeze(level, [1]), np.array([[0.5, 1.5, 2.5]], np.float32)))
    networks = {
        "encoder": ov.Model([later], [frames]),
        "decoder": ov.Model([opset.multiply(off, np.float32(-20))], [embeddings]),
    }
    for name, network in networks.items():
        add_metadata(network, about.to_metadata(), labels=about.labels)
        ov.save_model(network, folder / f"{name}.xml")
    return folder
