"""A folder `streaming` on disk -> encoder and decoder, ready to run."""

from dataclasses import dataclass
from pathlib import Path

import openvino as ov

from kinema.inference.clips import check_modality
from kinema.inference.description import Description
from kinema.inference.predictors.openvino import compiled_network, core, read_openvino
from kinema.inference.scorers import DECODER, ENCODER, STREAMING, frames_seen, take_clips_of

WEIGHTS = ".bin"
KINDS = (".xml", WEIGHTS, ".onnx")


@dataclass(frozen=True)
class StreamModel:
    """What a model is, and its two networks; the encoder sees `frames_seen` frames at once, each with those before."""

    description: Description
    encoder: ov.CompiledModel
    decoder: ov.CompiledModel

    @property
    def frames_seen(self) -> int:
        """1; 2 of a model of differences."""
        return frames_seen(self.encoder, self.description.spec)

    @property
    def carries(self) -> bool:
        """Whether the encoder takes what it gave with the frame before."""
        return len(self.encoder.inputs) > 1

    @property
    def num_embeddings(self) -> int:
        """That the decoder takes."""
        return self.decoder.inputs[0].shape[1]


def load_stream(path: Path, *, device: str = "CPU", threads: int | None = None) -> StreamModel:
    """Encoder and decoder of the folder `streaming`, of a file in it, or of what lies beside it.

    ValueError, one line, where there are none, or where they are of no model for this.
    """
    folder = _folder(path)
    encoder, about = read_openvino(folder / ENCODER)
    decoder, about_decoder = read_openvino(folder / DECODER)
    description = Description.from_metadata(about, where=folder / ENCODER)
    if _identity(Description.from_metadata(about_decoder, where=folder / DECODER)) != _identity(description):
        raise ValueError(f"{folder}: {ENCODER} and {DECODER} are of two models; copy the folder anew")
    check_modality(description.spec)
    if not take_clips_of(encoder, decoder, spec=description.spec):
        raise ValueError(f"{folder}: {ENCODER} and {DECODER} take other frames than they say; make them anew")
    try:
        networks = [compiled_network(network, device=device, threads=threads) for network in (encoder, decoder)]
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        there = ", ".join(core().available_devices)
        raise ValueError(f"--device {device}: OpenVINO cannot use it ({reason:.200}); there are {there}") from None
    return StreamModel(description, *networks)


def _identity(description: Description) -> tuple[object, ...]:
    return description.model_name, description.labels, description.spec, description.digests


def _folder(path: Path) -> Path:
    if not path.exists():
        raise ValueError(f"{path}: no such file or folder; expected the folder {STREAMING} of results/DATASET/MODEL")
    if path.is_file() and path.suffix not in KINDS:
        raise ValueError(f"{path}: no exported model; expected the folder {STREAMING} of results/DATASET/MODEL")
    here = path if path.is_dir() else path.parent
    for folder in (here, here / STREAMING):
        if all((folder / name).is_file() for name in (ENCODER, DECODER)):
            return folder
    target = here.parent if here.name == STREAMING else here
    raise ValueError(
        f"{path}: no {ENCODER} and {DECODER} there or in {STREAMING}/ beside it; `snakemake --cores all "
        f"{target / STREAMING / ENCODER}` makes them of models with an encoder of frames (..._vtn, _lstm, _baseline); "
        "`kinema predict` takes the others"
    )
