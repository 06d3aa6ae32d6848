"""Signatures of all videos of a set -> which of them look alike.

Three cosines are averaged: the nearest two pictures by texture and colour, the nearest two by their parts, and what
stands still, place by place. Each is taken of vectors that were centred and whitened over the set itself, so that what
all its videos share, a room or a camera, counts for nothing. Whitening is held back for directions of little variance
(`SHRINKAGE`), without which small sets lose their pairs.
"""

from collections.abc import Iterator

import numpy as np

from kinema.looks.signatures import Signatures

# Chosen on 120 real clips of 20 scenes in two places and on 238 copies and cuts of real clips (benchmarks/looks.py):
# 97 of 100 pairs above it are of one scene there, all of them are of one clip here.
THRESHOLD = 0.6
SHRINKAGE = 0.3
NUM_TEXTURE, NUM_PARTS, NUM_LAYOUT = 48, 64, 64  # directions that are kept
VIDEOS_AT_ONCE = 128
FEWEST = 4  # videos; what three have in common cannot be told from what they look like


def pairs(signatures: Signatures, *, threshold: float = THRESHOLD) -> Iterator[tuple[int, int, float]]:
    """Pairs of videos that look alike, the first number below the second, with their likeness, at most 1."""
    if len(signatures) < FEWEST:
        return
    texture = _whitened(signatures.texture, NUM_TEXTURE)
    parts = _whitened(signatures.parts, NUM_PARTS)
    layout = _whitened(signatures.layout, NUM_LAYOUT).reshape(len(signatures), -1)
    num_places = signatures.layout.shape[1]
    for start in range(0, len(signatures), VIDEOS_AT_ONCE):
        rows = slice(start, start + VIDEOS_AT_ONCE)
        still = layout[rows] @ layout[start:].T / num_places
        scores = (_nearest(texture[rows], texture[start:]) + _nearest(parts[rows], parts[start:]) + still) / 3
        for one, other in np.argwhere(np.triu(scores > threshold, 1)):
            yield start + int(one), start + int(other), float(scores[one, other])


def clusters(number: int, alike: Iterator[tuple[int, int, float]]) -> np.ndarray:
    """(number,) the lowest member of the cluster of each video: those joined by a chain of pairs are one."""
    lowest = np.arange(number)

    def root(video: int) -> int:
        while lowest[video] != video:
            lowest[video] = lowest[lowest[video]]
            video = int(lowest[video])
        return video

    for one, other, _ in alike:
        first, second = sorted((root(one), root(other)))
        lowest[second] = first
    return np.array([root(video) for video in range(number)])


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
