"""What a user names -> the networks in it, ready to be run: each file by each library that takes it."""

import hashlib
import importlib
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import openvino as ov

from kinema.inference.benchmark.machine import default_precision
from kinema.inference.benchmark.rounds import Run
from kinema.inference.description import Description
from kinema.inference.predictors.onnxruntime import onnxruntime_predictor, read_onnx
from kinema.inference.predictors.openvino import openvino_predictor, read_openvino
from kinema.inference.predictors.predictor import Predictor
from kinema.inference.scorers import ENCODER, STREAMING, ClipScorer, streaming_scorers
from kinema.inference.spec import InputSpec

OPENVINO, ONNXRUNTIME, PYTORCH = "OpenVINO", "ONNX Runtime", "PyTorch"
FILES = ("model.xml", "int8/model.xml", "model.onnx", "model.pth")  # in a folder of results
STREAMS = (f"{STREAMING}/{ENCODER}", f"int8/{STREAMING}/{ENCODER}")
F32, INT8 = "f32", "int8"
SEED = 0  # of the pixels, which no time depends on


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A network that is measured; `run` makes one pass, which gives `batch` answers. Names as in `Measurement`."""

    file: str
    runtime: str
    precision: str
    is_default: bool
    is_stream: bool
    batch: int
    run: Run


@dataclass(kw_only=True)
class Named:
    """A model that a user named: the contestants, the files of whole networks for OpenVINO, and what is left out."""

    path: Path
    model_name: str = ""
    spec: InputSpec | None = None
    contestants: list[Contestant] = field(default_factory=list)
    for_videos: list[tuple[str, Path, str]] = field(default_factory=list)  # name, path, precision
    sha256: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Options:
    """`batch` clips at once beside single ones; threads of each library, None: as many as it chooses."""

    batch: int
    threads: int | None


def named_model(path: Path, options: Options) -> Named:
    """What can be measured of a file, or of all files in a folder; ValueError where there is nothing, or no model."""
    found = Named(path=path)
    for file in _files(path):
        name = file.name if path == file else file.relative_to(path).as_posix()
        _add(found, file, name, options)
    if not found.contestants:
        raise ValueError("; ".join(found.left_out))
    return found


def _files(path: Path) -> Sequence[Path]:
    if path.is_dir():
        there = [path / name for name in (*FILES, *STREAMS) if (path / name).is_file()]
        if not there:
            raise ValueError(f"{path}: no {', '.join(FILES)} in it; expected a folder results/DATASET/MODEL")
        return there
    if not path.is_file():
        raise ValueError(f"{path}: no such file; expected the model.xml of results/DATASET/MODEL, or that folder")
    if path.suffix not in (".xml", ".onnx", ".pth") or path.name == ENCODER:
        raise ValueError(f"{path}: expected a model.xml, a model.onnx, a model.pth, or the folder that has them")
    return [path]


def _add(found: Named, file: Path, name: str, options: Options) -> None:
    needed = {".onnx": ("onnxruntime", ONNXRUNTIME), ".pth": ("torch", PYTORCH)}.get(file.suffix)
    if needed and not _is_there(needed[0]):
        found.left_out.append(f"{file} is left out, since {needed[1]} is not installed")
        return
    add = _add_stream if file.name == ENCODER else {".xml": _add_ir, ".onnx": _add_onnx, ".pth": _add_pth}[file.suffix]
    add(found, file, name, options)
    found.sha256[name] = hashlib.sha256(file.read_bytes()).hexdigest()


def _is_there(package: str) -> bool:
    try:
        importlib.import_module(package)
    except ImportError:
        return False
    return True


def _add_ir(found: Named, file: Path, name: str, options: Options) -> None:
    network, metadata = read_openvino(file)
    about = Description.from_metadata(metadata, where=file)
    _describe(found, about.model_name, about.spec)
    is_int8 = any(operation.get_type_name() == "FakeQuantize" for operation in network.get_ops())
    default = INT8 if is_int8 else default_precision()
    found.for_videos.append((name, file, default))
    # float32 where the device would choose another one; what is quantised is for the device alone
    for precision in (default,) if default in (INT8, F32) else (default, F32):
        is_default = precision == default

        def predictor(network: ov.Model = network, hint: str | None = None if is_default else precision) -> Predictor:
            return openvino_predictor(network, precision=hint, threads=options.threads)

        wanted = {"file": name, "runtime": OPENVINO, "precision": precision, "is_default": is_default}
        found.contestants += _of_clips(predictor, about.spec, options, **wanted)


def _add_onnx(found: Named, file: Path, name: str, options: Options) -> None:
    session, metadata = read_onnx(file, threads=options.threads)
    about = Description.from_metadata(metadata, where=file)
    _describe(found, about.model_name, about.spec)
    wanted = {"file": name, "runtime": ONNXRUNTIME, "precision": F32, "is_default": True}
    found.contestants += _of_clips(lambda: onnxruntime_predictor(session), about.spec, options, **wanted)


def _add_pth(found: Named, file: Path, name: str, options: Options) -> None:
    # by name: these are no part of the client
    torch = importlib.import_module("torch")
    checkpoints = importlib.import_module("kinema.models.loading.checkpoint")
    predictors = importlib.import_module("kinema.evaluation.predictors")
    if options.threads:
        torch.set_num_threads(options.threads)
    model = checkpoints.load_checkpoint(file).model
    _describe(found, model.name, model.spec)
    wanted = {"file": name, "runtime": PYTORCH, "precision": F32, "is_default": True}
    predict = predictors.torch_predictor(model, device="cpu")
    found.contestants += _of_clips(lambda: predict, model.spec, options, **wanted)


def _add_stream(found: Named, file: Path, name: str, options: Options) -> None:
    network, metadata = read_openvino(file)
    about = Description.from_metadata(metadata, where=file)
    _describe(found, about.model_name, about.spec)
    # where the model would be that it lies beside
    model_path = file.parents[1] / FILES[0]
    scorers = streaming_scorers(model_path, about.spec, precision=None, threads=options.threads, exact=False)
    scorer = scorers() if scorers else None
    if scorer is None:
        found.left_out.append(f"{file.parent} is left out, since it has no decoder.xml")
        return
    is_int8 = any(operation.get_type_name() == "FakeQuantize" for operation in network.get_ops())
    found.contestants.append(
        Contestant(
            file=name.removesuffix(ENCODER),
            runtime=OPENVINO,
            precision=INT8 if is_int8 else default_precision(),
            is_default=True,
            is_stream=True,
            batch=1,
            run=_next_frame(scorer, about.spec),
        )
    )


def _next_frame(scorer: ClipScorer, spec: InputSpec) -> Run:
    """One more frame of a stream, and what the clip that ends with it shows."""
    frames = _pixels(spec.num_frames, spec)
    for frame in frames:
        scorer.push(frame)

    def run() -> np.ndarray:
        scorer.push(frames[0])
        return scorer.logits()

    return run


def _of_clips(predictor: Callable[[], Predictor], spec: InputSpec, options: Options, **wanted) -> Iterator[Contestant]:
    """Of single clips and of a batch; each has a network of its own, which is then made for clips of one shape."""
    for batch in sorted({1, options.batch}):
        clips = np.stack([_pixels(spec.num_frames, spec)] * batch)

        def run(predict: Predictor = predictor(), clips: np.ndarray = clips) -> np.ndarray:  # noqa: B008
            return predict(clips)

        yield Contestant(**wanted, is_stream=False, batch=batch, run=run)


def _pixels(num_frames: int, spec: InputSpec) -> np.ndarray:
    shape = (num_frames, spec.channels, spec.size, spec.size)
    return np.random.default_rng(SEED).integers(0, 256, shape, np.uint8)


def _describe(found: Named, model_name: str, spec: InputSpec) -> None:
    """The first file tells; others in its folder are of the same model."""
    found.model_name, found.spec = found.model_name or model_name, found.spec or spec
