"""The fixed table of sines that tells a frame's embedding its place in the clip."""

import torch
from torch import Tensor, nn


class Positions(nn.Module):
    """Rows of the table for clips of any length; those of `length` are kept, and no part of a checkpoint."""

    table: Tensor

    def __init__(self, length: int, width: int):
        super().__init__()
        self.register_buffer("table", position_table(length, width), persistent=False)

    def forward(self, length: int) -> Tensor:
        """The first rows (length, width)."""
        if length <= len(self.table):
            return self.table[:length]
        return position_table(length, self.table.shape[1]).to(self.table)


def position_table(length: int, width: int) -> Tensor:
    """Rows (length, width): row 0 zeros, row p sin (even) and cos (odd columns j) of p / 10000^(2 (j // 2) / width)."""
    columns = torch.arange(width)
    wavelength = 10000 ** (2 * (columns // 2).double() / width)
    angles = torch.arange(length).double()[:, None] / wavelength
    table = torch.where(columns % 2 == 0, angles.sin(), angles.cos())
    table[0] = 0
    return table.float()
