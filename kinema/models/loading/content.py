"""What is inside a model.pth: every entry of it checked, and compared with the digest that it was written with."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from torch import Tensor

from kinema import __version__
from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.inference.spec import InputSpec
from kinema.models.loading.tensors import check_plain_tensors, read_torch_file
from kinema.words import explained, shown

FORMAT = "kinema-checkpoint"  # how a file says that it is one of ours
FORMAT_VERSION = 1
WIDTHS = ("embedding", "feedforward", "hidden", "kernel")  # settings of a network that are an axis of its tensors


class Content(BaseModel):
    """The entries of a model.pth, beside its format and digest."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    kinema_version: str
    model: str = Field(pattern=r"^\S+$")
    num_classes: int = Field(ge=1, strict=True)
    labels: list[str] = Field(strict=True)
    input: InputSpec
    clip: Clip
    network: Network
    architecture: dict[str, Any] | None = None
    settings: dict[str, Any]
    state_dict: dict[str, Tensor]

    @field_validator("input", mode="before")
    @classmethod
    def _spec(cls, values: Any) -> InputSpec:
        return values if isinstance(values, InputSpec) else InputSpec.from_dict(values)

    @field_validator("state_dict", mode="before")
    @classmethod
    def _tensors(cls, values: Any) -> Any:
        check_plain_tensors(values)
        return values

    @model_validator(mode="after")
    def _entries_agree(self) -> "Content":
        """That sizes are those of the tensors is checked before anything is built: memory for others may not exist."""
        if len(self.labels) != self.num_classes:
            raise ValueError(f"{len(self.labels)} labels for {self.num_classes} classes")
        spec, clip = self.input, self.clip
        if (spec.num_frames, spec.stride, spec.size) != (clip.length, clip.stride, clip.size):
            raise ValueError(
                f"its input is {spec.clip_in_words}, its clips are {clip.length} frames, stride {clip.stride}, "
                f"{clip.size} px"
            )
        defaults = Network()
        largest = max((size for tensor in self.state_dict.values() for size in tensor.shape), default=0)
        sizes = {"num_classes": (self.num_classes, largest)}
        sizes |= {key: (getattr(self.network, key), max(largest, getattr(defaults, key))) for key in WIDTHS}
        sizes["num_blocks"] = (self.network.num_blocks, max(len(self.state_dict), defaults.num_blocks))
        sizes |= _architecture_sizes(self.architecture or {}, largest, len(self.state_dict))
        for key, (value, limit) in sizes.items():
            if value > limit:
                raise ValueError(f"{key} is {value}, but its tensors are no larger than {limit}")
        return self


def _architecture_sizes(architecture: dict[str, Any], largest: int, count: int) -> dict[str, tuple[int, int]]:
    """Sizes of a network of transformers that its tensors limit, with the limit."""
    limits = dict.fromkeys(("hidden_size", "intermediate_size", "patch_size"), largest) | {"num_hidden_layers": count}
    given = {key: architecture[key] for key in limits if isinstance(architecture.get(key), int)}
    return {key: (value, limits[key]) for key, value in given.items()}


def is_ours(content: Any) -> bool:
    """Whether what was read from a file says that it is a model.pth."""
    return isinstance(content, Mapping) and isinstance(content.get("format"), str) and content["format"] == FORMAT


def sealed(entries: Mapping[str, Any]) -> dict[str, Any]:
    """What to save: the entries with format and digest."""
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, **entries}
    return content | {"digest": content_digest(content)}


def checked(content: Mapping[str, Any], *, where: str) -> Content:
    """The entries of what `is_ours`; ValueError in one line where one is odd, or is not what was written.

    Files of versions that wrote no digest are read without it.
    """
    version = content.get("format_version")
    if not isinstance(version, int) or version != FORMAT_VERSION:
        raise ValueError(
            f"{where}: checkpoint format {shown(version)}, this is kinema {__version__}, which reads format "
            f"{FORMAT_VERSION}; it was written by kinema {shown(content.get('kinema_version'))}, use that version"
        )
    try:
        entries = Content.model_validate({key: value for key, value in content.items() if isinstance(key, str)})
        digest = content_digest(content)
    except ValidationError as error:
        raise ValueError(f"{where}: a damaged or edited checkpoint: {explained(error.errors())}") from None
    except (TypeError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{where}: a damaged or edited checkpoint: an entry is no plain value: {reason}") from None
    if "digest" in content and not (isinstance(content["digest"], str) and content["digest"] == digest):
        raise ValueError(
            f"{where}: a damaged or edited checkpoint: its content is not what was written; copy it anew, or delete it "
            "and train again"
        )
    return entries


def read_content(path: Path, *, expected: str) -> Content:
    """The entries of a model.pth; ValueError for any other file."""
    content = read_torch_file(path, expected=expected)
    if not is_ours(content):
        raise ValueError(f"{path}: not {expected}; checkpoints of the reference: `kinema import-checkpoint`")
    return checked(content, where=str(path))


def content_digest(content: Mapping[str, Any]) -> str:
    """Digest of all entries but `digest`: plain values as JSON; name, type, shape and bytes of every tensor."""
    plain = {key: value for key, value in content.items() if key not in ("state_dict", "digest")}
    total = hashlib.blake2b(json.dumps(plain, sort_keys=True).encode(), digest_size=16)
    for name, tensor in content["state_dict"].items():
        total.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        total.update(tensor.detach().cpu().flatten().view(torch.uint8).numpy())
    return total.hexdigest()
