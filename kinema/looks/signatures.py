"""Pictures of videos -> signatures: what the bundled encoder sees in them, small enough to keep for every video."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from kinema.looks.squares import NUM_PICTURES
from kinema.models.encoders import create_encoder

ENCODER = "efficientnet_lite0"
TEXTURE, PARTS = 2, 6  # blocks whose maps are used: of 40 channels, 8 pixels apart; of 320, 32 pixels apart


@dataclass(frozen=True)
class Signatures:
    """Of V videos, each of T pictures, float16.

    `texture` (V, T, 80) and `parts` (V, T, 640): means and standard deviations of early and late maps over the picture.
    `layout` (V, 25, 320): the late map at each place, its median over the pictures: what stands still.
    """

    texture: np.ndarray
    parts: np.ndarray
    layout: np.ndarray

    def __len__(self) -> int:
        return len(self.layout)

    def take(self, rows: Sequence[int]) -> Self:
        """Those of some videos."""
        return type(self)(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @classmethod
    def joined(cls, several: Sequence[Self]) -> Self:
        """Those of all, one behind the other."""
        return cls(
            **{field.name: np.concatenate([getattr(one, field.name) for one in several]) for field in fields(cls)}
        )


class Signer(nn.Module):
    """The encoder up to its last block, with the weights that come with pip."""

    def __init__(self) -> None:
        super().__init__()
        encoder = create_encoder(ENCODER, "bundled")
        self.mean, self.std = encoder.mean, encoder.std
        self.stem = nn.Sequential(encoder.body.conv_stem, encoder.body.bn1)
        self.blocks = encoder.body.blocks[: PARTS + 1]
        self.eval().to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (N, H, W, 3) R, G, B -> early maps (N, 40, H/8, W/8) and late maps (N, 320, H/32, W/32)."""
        mean, std = (torch.tensor(values).mul(255).view(1, 3, 1, 1) for values in (self.mean, self.std))
        maps = self.stem((pictures.permute(0, 3, 1, 2).float() - mean) / std)
        found = {}
        for number, block in enumerate(self.blocks):
            maps = found[number] = block(maps)
        return found[TEXTURE], found[PARTS]

    @torch.inference_mode()
    def sign(self, pictures: np.ndarray) -> Signatures:
        """Signature of one video from its pictures, uint8 (T, H, W, 3) R, G, B."""
        early, late = self(torch.from_numpy(np.ascontiguousarray(pictures)))
        layout = late.median(dim=0).values.flatten(1).T
        values = {"texture": _moments(early), "parts": _moments(late), "layout": layout}
        return Signatures(**{name: value.half().numpy()[None] for name, value in values.items()})


def _moments(maps: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, 2 C)."""
    return torch.cat([maps.mean(dim=(2, 3)), maps.std(dim=(2, 3), correction=0)], dim=1)


assert NUM_PICTURES % 2, "the median of an even number of pictures would be one of the two in the middle"
