"""The ONNX graph that passed gate 1 -> int8/model.xml, by the first recipe of NNCF that passes the gate of answers."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import openvino as ov

from kinema.deployment.about import ModelFiles, describe
from kinema.deployment.calibration_inputs import calibration_clips
from kinema.deployment.int8_files import remove_int8, write_int8
from kinema.deployment.judge import Judge
from kinema.deployment.openvino_model import parity_sample
from kinema.deployment.trials import Part, Trials
from kinema.deployment.verify import ConvertedFiles, ir_predictor
from kinema.digests import file_digest
from kinema.experiment.config import Settings
from kinema.inference.predictors.predictor import Predictor
from kinema.models.loading.checkpoint import load_checkpoint

LEAST_CLIPS = 2  # of one, nothing shows whether a network looks at its input


@dataclass(frozen=True)
class Int8Files:
    """What is shipped; model.bin lies beside model.xml. The record is there without a model as well."""

    xml_path: Path
    record_path: Path


def export_int8(
    *,
    converted: ConvertedFiles,
    model: ModelFiles,
    clips_path: Path,
    settings: Settings,
    shipped: Int8Files,
    threads: int,
) -> None:
    """Write the quantised network and how it came to be. InputError where no recipe gives one that passes.

    It starts from weights of float32, whatever `deployment.weights` is.
    """
    remove_int8([shipped.xml_path], shipped.record_path)
    converted.check()
    trained = load_checkpoint(model.checkpoint_path)
    judge = Judge.of(trained, model, clips_path=clips_path, settings=settings, threads=threads)
    about = describe(trained, model, clips_path=clips_path)
    deployment = settings.deployment
    with tempfile.TemporaryDirectory(prefix="kinema-int8-") as name:
        folder = Path(name)
        inputs_path = folder / "clips.npy"
        count = calibration_clips(clips_path, trained.model, count=deployment.int8.calibration_clips, out=inputs_path)
        sample = parity_sample(clips_path, trained.model, count=max(LEAST_CLIPS, deployment.parity_clips))
        trials = Trials(
            parts=[Part("model", ov.convert_model(converted.onnx_path), inputs_path)],
            predictor_of=partial(_predictor, threads=threads),
            step_of=partial(_step, clip=sample.clips[:1], threads=threads),
            judge=judge,
            sample=sample,
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
            xml_paths=[shipped.xml_path],
            record_path=shipped.record_path,
        )


def _predictor(paths: Sequence[Path], *, threads: int) -> Predictor:
    return ir_predictor(paths[0], None, threads=threads)


def _step(paths: Sequence[Path], *, clip: np.ndarray, threads: int) -> Callable[[], object]:
    """An answer for one clip."""
    return partial(_predictor(paths, threads=threads), clip)
