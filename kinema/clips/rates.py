"""Frame rates of a data set -> how long its videos last, and a warning where clips by number span unlike times."""

import pandas as pd

from kinema.records.dataset_report import DatasetReport

MOST_APART = 1.5  # highest frame rate to the lowest: more is another pace


def of_rates(report: DatasetReport) -> str:
    """That clips of a stride by number span unlike times, and what to do; nothing where they do not.

    Of clips that are taken in time, that this is not exact.
    """
    rates = report.frame_rates
    if report.clip_fps is not None and report.untimed:
        return (
            f"When the frames of {report.untimed:,} videos are shown is not known, because their pictures change form "
            "or an earlier kinema prepared them, or ffmpeg lacks a filter: `clip.fps` takes them as if that were at a "
            "constant rate. `media.fps`, by which ffmpeg resamples them all as it decodes them anew, is exact"
        )
    if rates is None or report.clip_fps is not None or rates.high <= MOST_APART * rates.low:
        return ""
    return (
        f"The videos have {rates.low:.4g} to {rates.high:.4g} frames a second, and clip.stride counts frames: a clip "
        f"of one spans {rates.high / rates.low:.1f} times as long as of another. `clip: {{fps: {rates.median:.4g}}}` "
        "looks at all of them at one rate"
    )


def seconds_of(videos: pd.DataFrame) -> pd.Series:
    """How long each video lasts, NaN where neither its rate nor its duration is known.

    By the frames that are there; only where their rate is unknown by what the file says.
    """
    of_frames = videos["seconds"].fillna(videos["num_frames"] / videos["fps"].astype("float64"))
    return of_frames.fillna(videos["duration_seconds"]).astype("float64")
