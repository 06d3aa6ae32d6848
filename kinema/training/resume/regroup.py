"""A resume point of so many processes -> one that another number of processes goes on from.

A step is what the recipe calls one: `batch_size` clips over all processes. Where gradients of several steps are added
up, processes that are many make some of these steps at once, as one batch of Lightning's. Points count in steps, so
that the later one has the larger number, whoever wrote it.
"""

from dataclasses import dataclass
from typing import Any

from kinema.experiment.model_sections import Training
from kinema.training.world import World

FIELDS = ("ready", "started", "processed", "completed")


@dataclass(frozen=True)
class Steps:
    """How many steps a batch, a move of the optimizer and an epoch have."""

    a_batch: int
    a_move: int
    an_epoch: int

    @classmethod
    def of(cls, training: Training, world: World, *, num_clips: int) -> "Steps":
        """Of a training that so many processes do together."""
        share = world.share(training)
        a_batch = training.accumulate // share.accumulate
        return cls(a_batch, training.accumulate, -(-num_clips // min(training.batch_size, num_clips)))

    @property
    def batches_an_epoch(self) -> int:
        """Of Lightning's."""
        return -(-self.an_epoch // self.a_batch)

    def of_epoch(self, loader: dict[str, int]) -> int:
        """Steps of its epoch that a loader's state stands behind; the last batch of an epoch may have fewer."""
        return min(loader["batches"] * self.a_batch, self.an_epoch)

    def since_the_start(self, loader: dict[str, int]) -> int:
        """The same, with those of the epochs before."""
        return loader["epoch"] * self.an_epoch + self.of_epoch(loader)


def regroup(loops: dict[str, Any], extra: dict[str, Any], steps: Steps) -> None:
    """Change Lightning's counts and ours, in place, from the batches of who wrote a point to those of `steps`.

    Steps since the last move of the optimizer are made again: their gradients are of other batches.
    """
    before, loader = extra["steps_a_batch"], extra["loader"]
    if before == steps.a_batch:
        return
    done = min(loader["batches"] * before, steps.an_epoch)
    if done < steps.an_epoch:
        done -= done % steps.a_move
        extra["gradients"] = {}
    batches = -(-done // steps.a_batch)
    progress = loops["fit_loop"]["epoch_loop.batch_progress"]
    # a point is written while its last batch is not yet completed
    late = {name: progress["current"][name] - progress["current"]["ready"] for name in FIELDS}
    for count, start in (("current", 0), ("total", loader["epoch"] * steps.batches_an_epoch)):
        progress[count] |= {name: start + batches + late[name] for name in FIELDS}
    extra |= {"loader": {"epoch": loader["epoch"], "batches": batches}, "steps_a_batch": steps.a_batch}
