"""What stands beside the scoring of many videos: their numbers, the Parquet file, and the page without pictures.

    python benchmarks/page.py [--classes 400] [--videos 20000] [--clips 10]

Scores are drawn (tests/made_up_models.py), which is not counted. Prints seconds of processor time and, of files, MB.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from made_up_models import drawn_scores, make_model, sections

from kinema.report.confusion import counts_of
from kinema.report.model_page import model_page
from kinema.report.model_records import read_records
from kinema.report.verdict import verdict_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", type=int, default=400)
    parser.add_argument("--videos", type=int, default=20_000)
    parser.add_argument("--clips", type=int, default=10, help="of a video")
    arguments = parser.parse_args()
    labels = [f"a class with a long name {number:03}" for number in range(arguments.classes)]
    began = time.process_time()
    scored = drawn_scores("testing", labels, arguments.videos, right=0.7, num_clips=arguments.clips)
    print(f"scores are drawn, and averaged once: {time.process_time() - began:.1f} s")
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "results/drawn/efficientnet_lite0_vtn"
        began = time.process_time()
        make_model(folder, labels, [scored])
        told("evaluation.json and predictions.parquet", began, folder / "predictions.parquet")
        began = time.process_time()
        records = read_records(folder, sections=json.loads(sections()), failed=())
        page = model_page(records, verdict_of(records, counts_of(scored_classes(records))))
        (folder / "index.html").write_text(page, encoding="utf-8")
        told("the page", began, folder / "index.html")


def scored_classes(records):
    return records.evaluation.scores.classes


def told(what: str, began: float, path: Path) -> None:
    print(f"{what}: {time.process_time() - began:.1f} s, {path.name} {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
