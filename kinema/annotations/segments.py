"""Part of a video: [start, end) in seconds or frames -> an id of its own and the numbers as JSON has them.

The id is `<video>_<start><unit>_<end><unit>`, the unit being `s` or `f`, with no more digits than needed:
`match1_0s_12.5s`, `match1_300f_450f`, and `match1_12.5s_end` up to the end of the file. So one moment has one spelling,
seconds are never taken for frames, and two data sets that share a corpus name the same part alike.
"""

import pandas as pd

from kinema.annotations.rows import each_distinct

SUFFIX = {"seconds": "s", "frames": "f"}
SHORTEST = {"seconds": 1e-6, "frames": 1}  # numbers have so many digits


def with_segments(rows: pd.DataFrame) -> pd.DataFrame:
    """`id`, `video`, `start`, `end`, `unit` for rows with `video`, `unit` and the numbers `start`, `end` (or missing).

    A row without both numbers is the whole file: its id is the video's name, and it has no other of these columns.
    """
    part = rows["start"].notna() | rows["end"].notna()
    start, end = (each_distinct(rows[name].astype("float64"), _shortest) for name in ("start", "end"))
    suffix = rows["unit"].map(SUFFIX)
    name = rows["video"] + "_" + start.fillna("0") + suffix + "_" + (end + suffix).fillna("end")
    return rows.assign(
        id=name.where(part, rows["video"]),
        video=rows["video"].where(part),
        start=start,
        end=end,
        unit=rows["unit"].where(part),
    )


def _shortest(number: float) -> str:
    """A number to the microsecond without trailing zeros, valid as JSON."""
    return f"{number:.6f}".rstrip("0").rstrip(".")
