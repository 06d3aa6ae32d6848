"""The fixed table of sines that tells a frame's embedding its place in the clip."""

import torch
from torch import Tensor


def position_table(length: int, width: int) -> Tensor:
    """Rows (length, width): row 0 zeros, row p sin (even) and cos (odd columns j) of p / 10000^(2 (j // 2) / width)."""
    columns = torch.arange(width)
    wavelength = 10000 ** (2 * (columns // 2).double() / width)
    angles = torch.arange(length).double()[:, None] / wavelength
    table = torch.where(columns % 2 == 0, angles.sin(), angles.cos())
    table[0] = 0
    return table.float()
