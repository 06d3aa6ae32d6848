"""What a model was scored on, and whether two models were scored on the same: videos and classes decide, not dates."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

DEFAULT_VIEWS = "the centre of each clip"


@dataclass(frozen=True, kw_only=True, eq=False)
class Scored:
    """Videos that were scored, or could be: their names (V,), sorted, and the class of each (V,), both of text.

    `num_clips` is the largest number of clips of a video, `views` says what of each clip was scored, empty where that
    is as by default, and `content` is a digest of what is in the videos; None where that is not known.
    """

    subset: str
    classes: tuple[str, ...]
    videos: np.ndarray
    labels: np.ndarray
    num_clips: int | None
    views: str | None
    content: str | None


def obstacle(found: Scored, reference: Scored) -> str | None:
    """Why an accuracy on the one says nothing about one on the other; None where they are the same videos.

    What only one of the two knows is not compared.
    """
    if found.subset != reference.subset:
        return f"scored on {found.subset} videos, not on {reference.subset} videos"
    if found.classes != reference.classes:
        return _other_classes(found.classes, reference.classes)
    if not np.array_equal(found.videos, reference.videos):
        return _other_videos(found.videos, reference.videos)
    if number := int((found.labels != reference.labels).sum()):
        return f"scored on another version of the list: {_videos(number)} had another class"
    if None not in (found.num_clips, reference.num_clips) and found.num_clips != reference.num_clips:
        return f"scored on other clips: {found.num_clips} of a video, not {reference.num_clips}"
    if None not in (found.views, reference.views) and found.views != reference.views:
        return f"scored on other views: {found.views or DEFAULT_VIEWS}, not {reference.views or DEFAULT_VIEWS}"
    if None not in (found.content, reference.content) and found.content != reference.content:
        return "scored on another version of the videos: the names are the same, the contents are not"
    return None


def choose_reference(
    candidates: Sequence[Scored], indexed: Callable[[str], Scored | None]
) -> tuple[Scored, str | None]:
    """What the ranking is of, and in what it differs from the clip index as it is now; None where it does not.

    The videos that the index has now come before older ones, then what most models were scored on, then testing
    videos, then the larger number. `indexed` gives the videos of a subset that could be scored; None without an index.

    Of a model that does not know the contents of its videos, those of the index are taken, else those that most models
    know: it is alike to each, which does not make these alike to each other.
    """

    def outdated(one: Scored) -> str | None:
        now = indexed(one.subset)
        return None if now is None else obstacle(one, now)

    def worth(one: Scored) -> tuple[bool, int, bool, int]:
        alike = sum(obstacle(other, one) is None for other in candidates)
        return outdated(one) is None, alike, one.subset == "testing", len(one.videos)

    chosen = max(candidates, key=worth)
    now, difference = indexed(chosen.subset), outdated(chosen)
    known = Counter(one.content for one in candidates if one.content and obstacle(one, chosen) is None)
    contents = [
        chosen.content,
        now.content if now and difference is None else None,
        *(key for key, _ in known.most_common(1)),
    ]
    return replace(chosen, content=next(filter(None, contents), None)), difference


def _other_classes(found: tuple[str, ...], reference: tuple[str, ...]) -> str:
    if len(found) != len(reference):
        return f"scored on another version of the list: {len(found)} classes, not {len(reference)}"
    number = len(set(found) - set(reference))
    what = f"{number} of its {len(found)} classes are others" if number else "its classes are in another order"
    return f"scored on another version of the list: {what}"


def _other_videos(found: np.ndarray, reference: np.ndarray) -> str:
    missing, more = len(np.setdiff1d(reference, found)), len(np.setdiff1d(found, reference))
    parts = [f"{missing:,} of the {len(reference):,} missing"] if missing else []
    parts += [f"{_videos(more)} more"] if more else []
    return f"scored on another version of the list: {' and '.join(parts)}"


def _videos(number: int) -> str:
    return f"{number:,} video{'' if number == 1 else 's'}"
