"""One training step with channels_last weights against the default layout, in turn in one run; prints the ratio.

python benchmarks/train_step.py [--model efficientnet_lite0_vtn] [--size 96] [--rounds 7]
"""

import argparse
import statistics
import time

import torch
import torch.nn.functional as F

from kinema.config import Clip, Network, Training
from kinema.models.registry import create_model
from kinema.training.task import create_optimizer, freeze_batch_norm


def prepare(name: str, size: int, memory_format: torch.memory_format):
    """A function that trains one step on eight clips of eight random frames."""
    clip, network = Clip(length=8, size=size), Network(encoder_weights="none")
    model = create_model(name, num_classes=6, clip=clip, network=network).train().to(memory_format=memory_format)
    freeze_batch_norm(model.encoder)
    recipe = Training()
    groups = model.param_groups(lr=recipe.lr, encoder_lr_factor=1.0, weight_decay=recipe.weight_decay)
    optimizer = create_optimizer(groups, recipe)
    clips, labels = torch.randint(0, 255, (8, 8, 3, size, size), dtype=torch.uint8), torch.randint(0, 6, (8,))

    def step() -> None:
        F.cross_entropy(model(clips), labels).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def seconds(step) -> float:
    started_at = time.perf_counter()
    step()
    return time.perf_counter() - started_at


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="efficientnet_lite0_vtn")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    steps = [prepare(arguments.model, arguments.size, kind) for kind in (torch.channels_last, torch.contiguous_format)]
    pairs = [tuple(seconds(step) for step in steps) for _ in range(arguments.rounds + 2)][2:]
    ratio = statistics.median(last / default for last, default in pairs)
    last, default = (statistics.median(column) for column in zip(*pairs, strict=True))
    times = f"channels_last {last:.2f} s, default {default:.2f} s"
    print(f"{arguments.model} {arguments.size} px: {times}, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
