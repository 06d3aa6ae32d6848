"""Files of a network of `transformers` -> its tensors; a folder of them -> the one file kept of a repository."""

import json
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from kinema.models.hub_files import HEADER_CONFIG, HEADER_PROCESSOR, describe_folder, folder_files
from kinema.models.loading.tensors import read_torch_file, tensors_of
from kinema.words import HUB_WEIGHTS


def folder_tensors(folder: Path) -> dict[str, Tensor]:
    """All tensors of a folder as `save_pretrained` writes it, whatever number of files they are spread over."""
    files = [path for path in folder_files(folder).values() if path.suffix in (".safetensors", ".bin")]
    found: dict[str, Tensor] = {}
    for path in files:
        found |= read_tensors(path)
    return found


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of one file; nothing is unpickled."""
    return tensors_of(read_torch_file(path, expected=HUB_WEIGHTS), where=str(path))


def pack_folder(folder: Path, out: Path) -> None:
    """Write what a folder has into one file: tensors, and in its header configuration and processor."""
    description = describe_folder(folder)
    header = {HEADER_CONFIG: json.dumps(description.config), HEADER_PROCESSOR: json.dumps(description.processor)}
    tensors = {key: value.contiguous().clone() for key, value in folder_tensors(folder).items()}
    save_file(tensors, out, metadata={"format": "pt", **header})
