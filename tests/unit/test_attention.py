"""Attention at the precision that clients get."""

import numpy as np
import openvino as ov
import pytest
import torch
from torch import nn

from kinema.inference.predictors.openvino import compiled_network, core
from kinema.models.attention import attend

pytestmark = pytest.mark.slow

WIDTH, BF16_ROUNDING = 64, 0.05


class Attending(nn.Module):
    """Attention among the frames of a clip (B, T, E), between two layers, as it is in a network."""

    def __init__(self, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        q, k, v = (part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1))
        return self.out(x + attend(q, k, v, scale=0.5).transpose(1, 2).flatten(2))


@pytest.mark.skipif(
    "BF16" not in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"), reason="a processor without bfloat16"
)
@pytest.mark.parametrize(("num_frames", "num_heads"), [(8, 8), (4, 4), (16, 8)])
def test_exported_attention_at_bfloat16_is_as_exact_as_bfloat16(num_frames, num_heads, tmp_path):
    torch.manual_seed(0)
    network, clips = Attending(num_heads).eval(), torch.randn(2, num_frames, WIDTH)
    torch.onnx.export(network, (clips,), tmp_path / "network.onnx", dynamo=True, verbose=False)
    with torch.inference_mode():
        expected = network(clips).numpy()
    found = compiled_network(ov.convert_model(tmp_path / "network.onnx"), precision="bf16")([clips.numpy()])[0]
    assert np.abs(found - expected).max() < BF16_ROUNDING * np.abs(expected).max()


def test_attention_is_the_same_where_it_is_exported():
    q, k, v = (torch.randn(2, 4, length, 8) for length in (3, 5, 5))
    exported = torch.export.export(_Plain(), (q, k, v)).module()
    torch.testing.assert_close(exported(q, k, v), attend(q, k, v, scale=0.3))


class _Plain(nn.Module):
    def forward(self, q, k, v):
        return attend(q, k, v, scale=0.3)
