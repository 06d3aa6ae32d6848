"""Small networks of transformers as `save_pretrained` leaves them: folders that tests train and export."""

import json
from pathlib import Path

import torch
from torch import nn

MEAN, STD = [0.5, 0.4, 0.3], [0.2, 0.25, 0.3]
PROCESSOR = {"do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": MEAN, "image_std": STD}
SMALL = {"num_hidden_layers": 2, "num_attention_heads": 2}


def save_videomae(folder: Path, **config) -> nn.Module:
    """A classifier of three classes, for clips of 4 frames of 32 pixels unless told otherwise."""
    from transformers import VideoMAEConfig, VideoMAEForVideoClassification

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "image_size": 32, "num_frames": 4, "num_labels": 3}
    network = VideoMAEForVideoClassification(VideoMAEConfig(**{**SMALL, **sizes, **config}))
    network.fc_norm.weight.data.uniform_(0.5, 1.5)
    return saved(network, folder, "preprocessor_config.json")


def save_vjepa2(folder: Path, **config) -> nn.Module:
    """An encoder with its predictor, for the same clips."""
    return saved(vjepa2(**config), folder, "video_preprocessor_config.json")


def vjepa2(**config) -> nn.Module:
    from transformers import VJEPA2Config, VJEPA2Model

    torch.manual_seed(0)
    predictor = {"pred_hidden_size": 24, "pred_num_attention_heads": 2, "pred_num_hidden_layers": 1}
    sizes = {"hidden_size": 24, "crop_size": 32, "frames_per_clip": 4}
    return VJEPA2Model(VJEPA2Config(**{**SMALL, **predictor, **sizes, **config})).eval()


def saved(network: nn.Module, folder: Path, processor: str) -> nn.Module:
    network.eval().save_pretrained(folder)
    (folder / processor).write_text(json.dumps(PROCESSOR))
    return network
