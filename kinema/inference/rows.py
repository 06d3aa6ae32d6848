"""What a model says of videos -> rows of an output: dictionaries of plain JSON types, all with the same keys."""

from typing import TYPE_CHECKING, Any

from kinema.inference.prediction import ClipPrediction, Prediction, Scored

if TYPE_CHECKING:
    from kinema.inference.timeline import Segment, Timeline

Row = dict[str, Any]
VIDEO_COLUMNS = (
    *("video", "status", "reason", "clip", "start", "end", "answer", "label", "confidence", "threshold", "top"),
    *("fps", "taken_at_fps"),
)
TIMELINE_COLUMNS = ("video", "status", "reason", "start", "end", "answer", "confidence", "fps", "taken_at_fps")
NONE = "none"  # the answer of tables and lists where the model is not sure enough


def rows_of(source: str, prediction: Prediction, *, top: int, each_clip: bool) -> list[Row]:
    """One row of a video, or one of each of its clips."""
    sampling = prediction.sampling
    common = {"video": source, "status": "ok", "reason": None}
    pace = {"fps": sampling.fps, "taken_at_fps": sampling.taken_at}
    if not each_clip:
        place = {"clip": None, "start": None, "end": None}
        return [common | place | _answer(prediction, top) | pace]
    return [
        common | {"clip": number} | _span(clip) | _answer(clip, top) | pace
        for number, clip in enumerate(prediction.clips)
    ]


def failed_row(source: str, reason: str) -> Row:
    """Of a video that cannot be used."""
    return {"video": source, "status": "failed", "reason": reason}


def timeline_rows(source: str, found: "Timeline") -> list[Row]:
    """One row of each segment."""
    common = {"video": source, "status": "ok", "reason": None}
    pace = {"fps": found.sampling.fps, "taken_at_fps": found.sampling.taken_at}
    return [
        {**common, **_span(segment), "answer": segment.label, "confidence": segment.confidence, **pace}
        for segment in found.segments
    ]


def _span(part: "ClipPrediction | Segment") -> Row:
    return {"start": round(part.start, 3), "end": round(part.end, 3)}


def _answer(scored: Scored, top: int) -> Row:
    classes = [{"label": label, "probability": probability} for label, probability in scored.top(top)]
    answer = {"answer": scored.answer, "label": scored.label, "confidence": scored.confidence}
    return answer | {"threshold": scored.threshold, "top": classes}
