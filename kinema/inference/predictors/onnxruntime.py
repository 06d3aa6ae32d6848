"""A model.onnx as a predictor, by ONNX Runtime, which is the extra `onnxruntime`."""

from pathlib import Path
from typing import Any

import numpy as np

from kinema.inference.predictors.predictor import INPUT, OUTPUT, Form, Predictor, Sizes
from kinema.words import missing_package


def onnxruntime_predictor(network: Path | Any, *, threads: int | None = None) -> Predictor:
    """Predictor of an ONNX file, or of a session of one, on the CPU at float32."""
    session = _session(network, threads) if isinstance(network, Path) else network

    def predict(clips: np.ndarray) -> np.ndarray:
        return session.run([OUTPUT], {INPUT: clips})[0]

    return predict


def read_onnx(path: Path, *, threads: int | None = None) -> tuple[Any, dict[str, str]]:
    """A session of a model.onnx and its metadata; ValueError where it is no ONNX file."""
    session = _session(path, threads)
    return session, dict(session.get_modelmeta().custom_metadata_map)


def onnxruntime_form(session: Any) -> Form:
    """Shapes of what a network takes and gives."""
    return Form(*([_sizes(one.shape) for one in ports] for ports in (session.get_inputs(), session.get_outputs())))


def _sizes(shape: list[int | str | None]) -> Sizes:
    return [size if isinstance(size, int) else None for size in shape]  # others have a name, or none


def _session(path: Path, threads: int | None) -> Any:
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise ValueError(f"{missing_package(str(path), 'onnxruntime', 'onnxruntime')}; or use model.xml") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own classes, which share no base
        reason = " ".join(str(error).split())
        raise ValueError(f"{path}: ONNX Runtime cannot read it ({reason}); copy it anew") from None
