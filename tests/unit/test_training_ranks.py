"""Two processes that train together do what one does with the joint batch, and count every clip once."""

import lightning as L
import pytest
import torch
from corpus import CLIP
from torch.utils.data import DataLoader, Dataset

from kinema.clips import sampling
from kinema.clips.sampling import EpochSampler, RankSampler
from kinema.experiment.model_sections import Network, Training
from kinema.models.registry import create_model
from kinema.training.task import RecognitionTask, gathered

NETWORK = Network(encoder_weights="none", embedding=32, num_blocks=1, num_heads=2, feedforward=32, dropout=0)
NUM_CLIPS = 8
VIDEOS = [0, 0, 1, 1, 2, 2, 3]  # of the validation clips: an odd number, so that one comes twice to two processes


class Clips(Dataset):
    """Random clips in memory; an item of the training has its epoch with it."""

    def __init__(self, videos):
        self.videos = videos

    def __len__(self):
        return len(self.videos)

    def __getitem__(self, item):
        row = item[1] if isinstance(item, tuple) else item
        clip = torch.randint(0, 256, (4, 3, 48, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(row))
        return {"clip": clip, "label": self.videos[row] % 3, "video": self.videos[row], "row": row}


def trained(num_processes):
    """Weights before and after two steps on 4 clips each, and the accuracies of the validation."""
    torch.manual_seed(0)
    model = create_model("test_efficientnet_vtn", num_classes=3, clip=CLIP, network=NETWORK)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    recipe = Training(lr=0.1, optimizer="sgd", schedule="constant", warmup_fraction=0, freeze_batch_norm=True)
    training, validation = Clips(range(NUM_CLIPS)), Clips(VIDEOS)
    trainer = L.Trainer(
        accelerator="cpu",
        devices=num_processes,
        strategy="ddp_spawn" if num_processes > 1 else "auto",
        max_epochs=1,
        use_distributed_sampler=False,
        gradient_clip_val=recipe.gradient_clip,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(
        RecognitionTask(model, training=recipe, videos=list(range(NUM_CLIPS))),
        DataLoader(training, batch_size=4 // num_processes, sampler=EpochSampler(NUM_CLIPS, seed=1)),
        DataLoader(validation, batch_size=2, sampler=RankSampler(len(VIDEOS))),
    )
    metrics = {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("val_")}
    return before, model.state_dict(), metrics


@pytest.mark.slow
def test_two_processes_do_what_one_does_with_the_joint_batch():
    before, expected, expected_metrics = trained(1)
    _, found, metrics = trained(2)
    moved = {name for name in before if not torch.equal(before[name], expected[name])}
    assert {"encoder.body.conv_stem.weight", "decoder.fc.weight"} <= moved
    for name in before:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-6)
    assert metrics == pytest.approx(expected_metrics)
    assert 0 < metrics["val_clip_top1"] < 1, "else clips that are counted twice would not show"


@pytest.mark.parametrize(("length", "num_ranks"), [(7, 2), (8, 2), (1, 3), (5, 3)])
def test_every_process_gets_as_many_clips_and_each_is_counted_once(length, num_ranks, monkeypatch):
    parts = []
    for rank in range(num_ranks):
        monkeypatch.setattr(sampling, "num_ranks_and_rank", lambda rank=rank: (num_ranks, rank))
        rows = torch.tensor(list(RankSampler(length)))
        assert len(rows) == len(RankSampler(length)) == -(-length // num_ranks)
        parts.append((rows * 10, rows))
    (values,) = gathered(parts)
    assert values.tolist() == [10 * row for row in range(length)]
