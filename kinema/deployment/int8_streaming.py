"""model.pth -> int8/streaming/encoder.xml and decoder.xml: those of streaming/ quantised.

The two are quantised each by itself and judged together; the first recipe that passes is taken.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from kinema.deployment.about import ModelFiles, describe
from kinema.deployment.calibration_inputs import calibration_clips, decoder_inputs, encoder_inputs
from kinema.deployment.int8 import LEAST_CLIPS
from kinema.deployment.int8_files import remove_int8, write_int8
from kinema.deployment.judge import Judge
from kinema.deployment.openvino_model import parity_sample
from kinema.deployment.parts import export_parts
from kinema.deployment.streaming import stream_networks, stream_predictor
from kinema.deployment.trials import Part, Trials
from kinema.digests import file_digest
from kinema.experiment.config import Settings
from kinema.inference.predictors.openvino import compiled_network
from kinema.inference.predictors.predictor import Predictor
from kinema.inference.predictors.streaming import Encoded, encoder_frames
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.models.made_of import remove_what_is_of_another


@dataclass(frozen=True)
class Int8StreamingFiles:
    """What is shipped; the .bin of each IR lies beside its .xml. The record is there without a model as well."""

    encoder_path: Path
    decoder_path: Path
    labels_path: Path
    record_path: Path


def export_int8_streaming(
    *, model: ModelFiles, clips_path: Path, settings: Settings, shipped: Int8StreamingFiles, threads: int
) -> None:
    """Write the two quantised networks and how they came to be. InputError where no recipe gives ones that pass."""
    remove_what_is_of_another(model.checkpoint_path)
    xml_paths = [shipped.encoder_path, shipped.decoder_path]
    remove_int8(xml_paths, shipped.labels_path, shipped.record_path)
    trained = load_checkpoint(model.checkpoint_path)
    judge = Judge.of(trained, model, clips_path=clips_path, settings=settings, threads=threads)
    about = describe(trained, model, clips_path=clips_path)
    deployment = settings.deployment
    encoder, decoder = stream_networks(export_parts(trained.model)[1:], opset=deployment.opset)
    with tempfile.TemporaryDirectory(prefix="kinema-int8-") as name:
        folder = Path(name)
        clips, frames, embeddings = (folder / f"{what}.npy" for what in ("clips", "frames", "embeddings"))
        count = calibration_clips(clips_path, trained.model, count=deployment.int8.calibration_clips, out=clips)
        seen = encoder.inputs[0].shape[1] // trained.model.spec.channels
        exact = compiled_network(encoder, precision="f32", threads=threads)
        encoder_inputs(clips, exact, seen=seen, out=frames)
        decoder_inputs(clips, exact, seen=seen, out=embeddings)
        one = encoder_frames(np.load(clips, mmap_mode="r")[0], seen=seen)[0]
        trials = Trials(
            parts=[Part("encoder", encoder, frames), Part("decoder", decoder, embeddings)],
            predictor_of=partial(_predictor, threads=threads),
            step_of=partial(_step, frame=one, embeddings=np.load(embeddings)[:1], threads=threads),
            judge=judge,
            sample=parity_sample(clips_path, trained.model, count=max(LEAST_CLIPS, deployment.parity_clips)),
            settings=deployment.int8,
            weights=deployment.weights,
            folder=folder,
        )
        write_int8(
            trials.run(),
            trials,
            about=about,
            num_calibration_clips=count,
            model=file_digest(model.checkpoint_path),
            xml_paths=xml_paths,
            record_path=shipped.record_path,
            labels_path=shipped.labels_path,
        )


def _predictor(paths: Sequence[Path], *, threads: int) -> Predictor:
    return stream_predictor(paths[0], paths[1], None, threads=threads)


def _step(paths: Sequence[Path], *, frame: np.ndarray, embeddings: np.ndarray, threads: int) -> Callable[[], object]:
    """What one frame more costs: a pass of the encoder and one of the decoder."""
    encoder, decode = (compiled_network(path, threads=threads) for path in paths)
    encode = Encoded(encoder)
    return lambda: (encode(frame), np.array(decode([embeddings])[0]))
