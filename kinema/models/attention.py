"""Attention as every network here computes it, and as it can be exported."""

# B = clips, A = attention heads, Q = queries, L = tokens that are looked at, D = width of a head

import torch
import torch.nn.functional as F
from torch import Tensor


def attend(q_BAQD: Tensor, k_BALD: Tensor, v_BALD: Tensor, *, scale: float) -> Tensor:
    """Queries (B, A, Q, D), keys and values (B, A, L, D) -> (B, A, Q, D): softmax(q k^T scale) v.

    Where a network is exported, clips and heads are one axis. With two of them OpenVINO's CPU plugin computes attention
    in one kernel, which at bfloat16 gives wrong values wherever Q equals A: 8 frames and 8 heads, say (so in 2026.4.1).
    """
    if not (torch.compiler.is_exporting() or torch.jit.is_tracing()):
        return F.scaled_dot_product_attention(q_BAQD, k_BALD, v_BALD, scale=scale)
    q_NQD, k_NLD, v_NLD = (part.flatten(0, 1) for part in (q_BAQD, k_BALD, v_BALD))
    weights_NQL = (q_NQD @ k_NLD.transpose(1, 2) * scale).softmax(-1)
    return (weights_NQL @ v_NLD).unflatten(0, (-1, q_BAQD.shape[1]))
