"""What the next plan of the shards would find: new, changed and lost videos, and the shards that hold them."""

import ast
import json
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from kinema.annotations.convert import convert
from kinema.dry_run.jobs import DryRun, Job
from kinema.experiment.data_sections import Annotations
from kinema.media.listing import known_tokens
from kinema.media.plan import manifest_path, plan_shards


class Row(NamedTuple):
    """What is compared of a video in a manifest."""

    is_found: bool
    line: int


@dataclass(kw_only=True)
class Changed:
    """How the manifests of a corpus will differ from those that are there; numbers of videos."""

    new: int = 0  # listed and found, and in no manifest so far
    other: int = 0  # another file, another place of it or another part of it
    gone: int = 0  # no longer listed, or no longer found
    missing: int = 0  # listed, and found nowhere
    shards: dict[str, float] = field(default_factory=dict)  # those that will be made: fraction of videos to decode

    def told(self, *, with_missing: bool = True) -> str:
        """In words."""
        kinds = {"new": self.new, "changed": self.other, "gone": self.gone}
        texts = [f"{number:,} {kind}" for kind, number in kinds.items() if number]
        noun = "video" if self.new + self.other + self.gone == 1 else "videos"
        text = f"{', '.join(texts)} {noun}" if texts else "the same videos"
        return f"{text}, {self.missing:,} listed but found nowhere" if with_missing and self.missing else text


def changed_videos(plan: Job, found: DryRun) -> Changed | None:
    """What a job of rule plan would find; None where that cannot be told now: its videos are made in this run."""
    if plan.inputs.get("rendered"):
        return None
    params = {name: ast.literal_eval(text) for name, text in plan.params.items()}
    with tempfile.TemporaryDirectory(prefix="kinema-plan-") as folder, _silence():
        try:
            lists = [_as_it_will_be(Path(path), found, Path(folder)) for path in plan.inputs["annotations"]]
            out = Path(folder) / "next" / "plan.json"
            plan_shards(
                lists,
                video_folder=params["videos"],
                num_shards=params["num_shards"],
                with_labels=params["with_labels"],
                out=out,
                known_path=known_tokens(params["videos"]),
            )
            return _compared(Path(plan.outputs[0]), out, params["num_shards"])
        except (ValueError, OSError):
            return None  # the job itself will say what is wrong


def _as_it_will_be(path: Path, found: DryRun, folder: Path) -> Path:
    """A list in the one dialect, as it is or as its job will make it."""
    for number, job in enumerate(found.jobs):
        if job.is_needed and str(path) in job.outputs:
            out = folder / f"{number}.json"
            settings = Annotations.model_validate_json(ast.literal_eval(job.params["settings"]))
            convert([Path(one) for one in job.inputs["lists"]], settings=settings, out=out)
            return out
    return path


def _compared(now_path: Path, next_path: Path, num_shards: int) -> Changed:
    before: dict[str, Row] = {}
    after: dict[str, Row] = {}
    changed = Changed()
    for shard in (f"{number:04d}" for number in range(num_shards)):
        old, new = _rows(manifest_path(now_path, shard)), _rows(manifest_path(next_path, shard))
        if old != new:
            here = [video_id for video_id, row in new.items() if row.is_found]
            again = [video_id for video_id in here if new[video_id] != old.get(video_id)]
            changed.shards[shard] = len(again) / max(1, len(here))
        after |= new
    for path in manifest_path(now_path, "").parent.glob("*.jsonl"):  # those of more shards than now, too
        before |= _rows(path)
    found, known = ({video_id for video_id, row in rows.items() if row.is_found} for rows in (after, before))
    changed.missing = len(after) - len(found)
    changed.new, changed.gone = len(found - known), len(known - found)
    changed.other = sum(before[video_id] != after[video_id] for video_id in found & known)
    return changed


def _rows(path: Path) -> dict[str, Row]:
    """The videos of a manifest; of their lines the hash, as there may be hundreds of thousands."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    rows = ((json.loads(line), hash(line)) for line in lines)
    return {row["id"]: Row(row["path"] is not None, line) for row, line in rows}


@contextmanager
def _silence() -> Iterator[None]:
    """What a list's job and rule plan warn of they will tell themselves."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
