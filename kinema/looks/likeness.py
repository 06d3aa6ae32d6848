"""Signatures of all videos of a set -> which of them look alike.

Three cosines are averaged: the nearest two pictures by texture and colour, the nearest two by their parts, and what
stands still, place by place. Each is taken of vectors that were centred and whitened over the set itself, so that what
all its videos share, a room or a camera, counts for nothing. Whitening is held back for directions of little variance
(`SHRINKAGE`), without which small sets lose their pairs.

Most pairs of a set are of two sources, so their likenesses tell what chance gives in it: videos look alike that are
further above the median than `SPREADS` times the spread, within `BOUNDS`. How these were chosen, and what they find on
real clips and on copies of such, is in benchmarks/README.md.
"""

from collections.abc import Iterator

import numpy as np

from kinema.looks.signatures import Signatures
from kinema.looks.squares import FEWEST

SPREADS, BOUNDS = 5.5, (0.35, 0.6)
NORMAL = 1.4826  # standard deviations in the median distance from the median of a normal distribution
SHRINKAGE = 0.3
NUM_TEXTURE, NUM_PARTS, NUM_LAYOUT = 48, 64, 64  # directions that are kept
VIDEOS_AT_ONCE = 128
SAMPLE = 400  # videos whose pairs tell the spread

Pairs = Iterator[tuple[int, int, float]]
"""Numbers of two videos, the first the lower one, and their likeness, at most 1."""


class Likeness:
    """How much the videos of a set look alike, by number."""

    def __init__(self, signatures: Signatures):
        self._num_videos, num_places = signatures.layout.shape[:2]
        self._texture = _whitened(signatures.texture, NUM_TEXTURE)
        self._parts = _whitened(signatures.parts, NUM_PARTS)
        self._layout = _whitened(signatures.layout, NUM_LAYOUT).reshape(self._num_videos, -1) / num_places**0.5
        self.threshold = self._threshold()

    def scores(self, rows: np.ndarray | slice, columns: np.ndarray | slice) -> np.ndarray:
        """(M, N) likenesses of some videos and others."""
        still = self._layout[rows] @ self._layout[columns].T
        of_pictures = (_nearest(vectors[rows], vectors[columns]) for vectors in (self._texture, self._parts))
        return (sum(of_pictures) + still) / 3

    def pairs(self) -> Pairs:
        """The pairs above the threshold; none where there are fewer than `FEWEST` videos."""
        starts = range(0, self._num_videos, VIDEOS_AT_ONCE) if self._num_videos >= FEWEST else ()
        for start in starts:
            scores = self.scores(slice(start, start + VIDEOS_AT_ONCE), slice(start, None))
            for one, other in np.argwhere(np.triu(scores > self.threshold, 1)):
                yield start + int(one), start + int(other), float(scores[one, other])

    def _threshold(self) -> float:
        chosen = np.random.default_rng(0).permutation(self._num_videos)[:SAMPLE]
        if len(chosen) < 2:
            return BOUNDS[1]
        scores = self.scores(chosen, chosen)[np.triu_indices(len(chosen), 1)]
        middle = np.median(scores)
        spread = NORMAL * np.median(np.abs(scores - middle))
        return float(np.clip(middle + SPREADS * spread, *BOUNDS))


def _nearest(some: np.ndarray, all_of_them: np.ndarray) -> np.ndarray:
    """Unit vectors (M, T, C) and (N, T, C) -> (M, N) highest cosine of two pictures."""
    (num_some, num_pictures, size), number = some.shape, len(all_of_them)
    cosines = some.reshape(-1, size) @ all_of_them.reshape(-1, size).T
    return cosines.reshape(num_some, num_pictures, number, num_pictures).max(axis=(1, 3))


def _whitened(vectors: np.ndarray, num_directions: int) -> np.ndarray:
    """(V, T, C) -> unit vectors (V, T, D): in the directions of most variance, brought to about the same variance."""
    flat = vectors.astype(np.float32).reshape(-1, vectors.shape[-1])
    flat -= flat.mean(axis=0)
    variances, directions = np.linalg.eigh(flat.T @ flat / len(flat))
    variances, directions = np.maximum(variances[::-1], 0)[:num_directions], directions[:, ::-1][:, :num_directions]
    found = flat @ (directions / np.sqrt(variances + SHRINKAGE * variances.mean() + np.finfo(np.float32).tiny))
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return found.reshape(*vectors.shape[:-1], -1)
