"""summary.csv of a sweep -> a sentence."""

import csv
import io
from collections.abc import Mapping, Sequence

from kinema.outcome.score import fraction

CHOSEN = {
    "validation": "chosen on the validation subset",
    "crossval": "chosen by cross-validation of the training and validation videos",
}


def rows_of(text: str) -> list[dict[str, str]]:
    """The lines of the file, the best combination first."""
    return list(csv.DictReader(io.StringIO(text)))


def best_in_words(rows: Sequence[Mapping[str, str]]) -> str:
    """Which combination is the best, how good it is, and on what that was judged. KeyError where that is not known."""
    best, number = rows[0], int(rows[0]["num_videos"])
    accuracy, low, high = (fraction(float(best[key]), number) for key in ("video_top1", "low", "high"))
    like = sum(row["rank"] == best["rank"] for row in rows) - 1
    also = f", and {like} more with as many right" if like else ""
    kind = "validation videos" if best["choose_on"] == "validation" else "videos"
    return (
        f"{best['model']} is the best of {len(rows)}{also}: {accuracy} of {number:,} {kind} right (95 % interval {low} "
        f"to {high}); {CHOSEN[best['choose_on']]}, testing videos had no say"
    )
