"""A batch of clips and labels -> one whose clips are blended with each other (mixup) or have a box of another (cutmix).

It runs after loading, on the device. Numbers are drawn from torch's generator of the CPU, which is seeded every step.
"""

import torch
from torch import Tensor
from torchvision.transforms import v2
from torchvision.tv_tensors import Video

from kinema.config import Training


class ClipMixer:
    """Mixes as the recipe says; without mixup and cutmix a batch stays as it is."""

    def __init__(self, settings: Training, *, num_classes: int):
        kinds = ((v2.MixUp, settings.mixup_alpha), (v2.CutMix, settings.cutmix_alpha))
        self.mixers = [kind(alpha=alpha, num_classes=num_classes) for kind, alpha in kinds if alpha > 0]

    def __call__(self, clips: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 clips (B, T, C, H, W), labels (B,) -> the same, mixed, and the share of each class (B, K)."""
        if not self.mixers:
            return clips, labels
        mixer = self.mixers[int(torch.randint(len(self.mixers), ()))]
        # float, as shares are fractions; pixels again, since that is what every network takes
        mixed, shares = mixer(Video(clips.float()), labels)
        return mixed.as_subclass(Tensor).round().to(torch.uint8), shares
