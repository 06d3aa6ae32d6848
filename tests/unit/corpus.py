"""How the small corpus of these tests is indexed."""

from kinema.clips.index import build_index
from kinema.config import Clip

CLIP = Clip(length=4, stride=2, size=48, num_val_clips=3)


def build(root, *, allowed):
    build_index(
        annotation=root / "annotation.json",
        shards=[root / "0000.parquet", root / "0001.parquet"],
        clip=CLIP,
        max_failed_fraction=allowed,
        report=root / "report.json",
        out=root / "clips.parquet",
    )
