"""Parts of a network -> groups of its parameters for an optimizer, each with learning rate and weight decay.

Biases and norms (1-D) have no weight decay.
"""

from collections.abc import Iterable
from typing import Any

from timm.optim import param_groups_layer_decay
from torch import nn


def plain_groups(name: str, part: nn.Module, *, lr: float, weight_decay: float) -> list[dict[str, Any]]:
    """Groups of a part that learns at one rate: matrices, then vectors; without those that are empty or frozen."""
    parameters = [p for p in part.parameters() if p.requires_grad]
    matrices = [p for p in parameters if p.ndim > 1]
    vectors = [p for p in parameters if p.ndim <= 1]
    groups = [
        {"name": name, "params": matrices, "lr": lr, "weight_decay": weight_decay},
        {"name": f"{name}_1d", "params": vectors, "lr": lr, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def layered_groups(
    bodies: Iterable[nn.Module], *, lr: float, layer_decay: float, weight_decay: float
) -> list[dict[str, Any]]:
    """Groups of encoders whose last layer learns at `lr`, each one before at `layer_decay` of the next one's rate.

    What a layer is, and in which order, is timm's to say; ValueError where it finds one layer alone.
    """
    groups = []
    for body in bodies:
        found = param_groups_layer_decay(body, weight_decay=weight_decay, layer_decay=layer_decay)
        if len({group["lr_scale"] for group in found}) < 2:
            raise ValueError(
                f"training.layer_decay is {layer_decay}, but timm knows no order of this encoder's layers; set it to "
                "1, or choose one of timm's encoders"
            )
        for group in found:
            name = "encoder" if group["weight_decay"] else "encoder_1d"
            groups.append({"name": name, "lr": lr * group.pop("lr_scale"), **group})
    return groups
