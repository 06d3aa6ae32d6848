"""A random number generator -> one drawn scene: the frames of a motion and, read backwards, those of its twin.

Three motions, each with a name for either direction of time. Every frame of a scene occurs in both of its twins, so
nothing in a single frame can tell them apart; only the order can.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

# forwards, backwards
TWINS = (("grow", "shrink"), ("open", "close"), ("split", "merge"))
CLASSES = tuple(sorted(name for pair in TWINS for name in pair))
FPS = 7
FRAME_SIZES = ((120, 160), (120, 176), (144, 176), (128, 128), (160, 120))  # height, width
# Two and four more than the 8 neighbouring frames of a clip: the centred clip of a video is then that of its twin read
# backwards, frame for frame, and a model that averages frames cannot tell them apart even by accident.
NUM_FRAMES = (10, 12)
SUBPIXEL_BITS = 4  # fractional bits of the coordinates that OpenCV draws at
SUPERSAMPLING = 1 << SUBPIXEL_BITS

Draw = Callable[[np.ndarray, float], None]


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """What all frames of a scene share: background (H, W, 3) uint8, and the colour of what moves."""

    background: np.ndarray
    colour: tuple[float, float, float]
    rim: tuple[float, float, float]

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return self.background.shape[0]

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return self.background.shape[1]


def draw_scene(pair: tuple[str, str], rng: np.random.Generator) -> np.ndarray:
    """Frames (T, H, W, 3), uint8 RGB, of a motion in the direction of the pair's first name."""
    canvas = _canvas(rng)
    draw = {"grow": _growing, "open": _opening, "split": _splitting}[pair[0]](canvas, rng)
    distractor = _swaying_square(canvas, rng)
    states = _states(int(rng.choice(NUM_FRAMES)), rng)
    frames = np.repeat(canvas.background[None], len(states), axis=0)
    for index, (frame, state) in enumerate(zip(frames, states, strict=True)):
        draw(frame, state)
        distractor(frame, index / FPS)
    return _with_noise(frames, rng)


def _states(num_frames: int, rng: np.random.Generator) -> np.ndarray:
    """Rising states in [0, 1], over half of that range, in a course of time that is its own mirror image."""
    rise = rng.uniform(0.55, 0.85)
    start = rng.uniform(0, 1 - rise)
    time = np.linspace(0, 1, num_frames)
    smoothness = rng.uniform(0, 0.8)
    return start + rise * ((1 - smoothness) * time + smoothness * time**2 * (3 - 2 * time))


def _canvas(rng: np.random.Generator) -> Canvas:
    height, width = FRAME_SIZES[rng.integers(len(FRAME_SIZES))]
    colour = rng.uniform(40, 255, 3)
    base = rng.uniform(20, 200, 3)
    while np.abs(colour - base).max() < 90:  # what moves must be seen
        base = rng.uniform(20, 200, 3)
    texture = np.zeros((height, width, 3), np.float32)
    for cells, strength in ((4, 26), (12, 14), (40, 7)):
        grid = rng.normal(0, strength, (cells, cells, 3)).astype(np.float32)
        texture += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    background = np.clip(base + texture, 0, 255).astype(np.uint8)
    return Canvas(background=background, colour=_colour(colour), rim=_colour(colour * 0.55))


def _colour(values: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = (float(round(value)) for value in values)
    return red, green, blue


def _growing(canvas: Canvas, rng: np.random.Generator) -> Draw:
    """A turned ellipse or polygon whose size runs over a factor of six, by equal ratios."""
    short = min(canvas.height, canvas.width)
    largest, smallest = 0.46 * short, 0.077 * short
    centre = np.array([canvas.width, canvas.height]) * rng.uniform(0.4, 0.6, 2)
    corners = int(rng.choice([3, 4, 5, 32]))
    angles = rng.uniform(0, 2 * math.pi) + np.arange(corners) * 2 * math.pi / corners
    shape = np.stack([np.cos(angles), np.sin(angles) * rng.uniform(0.75, 1)], axis=1)

    def draw(frame: np.ndarray, state: float) -> None:
        _polygon(frame, centre + shape * smallest * (largest / smallest) ** state, canvas)

    return draw


def _opening(canvas: Canvas, rng: np.random.Generator) -> Draw:
    """Two panels that slide apart, sideways or up and down, and leave a gap in the middle."""
    size = np.array([canvas.width, canvas.height], float)
    axis = int(rng.integers(2))
    middle = size[axis] * rng.uniform(0.44, 0.56)
    low, high = size[1 - axis] * rng.uniform(0.04, 0.16), size[1 - axis] * rng.uniform(0.84, 0.96)

    def draw(frame: np.ndarray, state: float) -> None:
        half_gap = size[axis] * (0.01 + 0.39 * state)
        for near, far in ((middle - half_gap, -20.0), (middle + half_gap, size[axis] + 20.0)):
            corners = np.array([[near, low], [far, low], [far, high], [near, high]])
            _polygon(frame, corners if axis == 0 else corners[:, ::-1], canvas)

    return draw


def _splitting(canvas: Canvas, rng: np.random.Generator) -> Draw:
    """Two blobs that move apart along a random line, one the other's mirror image."""
    short = min(canvas.height, canvas.width)
    radius = short * rng.uniform(0.13, 0.18)
    centre = np.array([canvas.width, canvas.height]) * rng.uniform(0.45, 0.55, 2)
    angle = rng.uniform(0, math.pi)
    direction = np.array([math.cos(angle), math.sin(angle)])

    def draw(frame: np.ndarray, state: float) -> None:
        for side in (-1, 1):
            _disc(frame, centre + side * direction * short * (0.02 + 0.38 * state), radius, canvas.colour)

    return draw


def _swaying_square(canvas: Canvas, rng: np.random.Generator) -> Draw:
    """A small square that swings to and fro; a swing backwards in time is a swing."""
    centre = np.array([canvas.width, canvas.height]) * rng.uniform(0.1, 0.9, 2)
    reach = rng.uniform(-0.12, 0.12, 2) * canvas.width
    half = rng.uniform(3, 6)
    phase, turns_per_second = rng.uniform(0, 2 * math.pi), rng.uniform(0.6, 1.6)
    colour = _colour(rng.uniform(0, 255, 3))
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half

    def draw(frame: np.ndarray, seconds: float) -> None:
        position = centre + reach * math.sin(phase + 2 * math.pi * turns_per_second * seconds)
        cv2.fillPoly(frame, [_fixed_point(square + position)], colour, cv2.LINE_AA, SUBPIXEL_BITS)

    return draw


def _polygon(frame: np.ndarray, corners: np.ndarray, canvas: Canvas) -> None:
    points = _fixed_point(corners)
    cv2.fillPoly(frame, [points], canvas.colour, cv2.LINE_AA, SUBPIXEL_BITS)
    cv2.polylines(frame, [points], True, canvas.rim, 2, cv2.LINE_AA, SUBPIXEL_BITS)


def _disc(frame: np.ndarray, centre: np.ndarray, radius: float, colour: tuple[float, float, float]) -> None:
    x, y = (int(value) for value in _fixed_point(centre))
    cv2.circle(frame, (x, y), round(radius * SUPERSAMPLING), colour, -1, cv2.LINE_AA, SUBPIXEL_BITS)


def _fixed_point(points: np.ndarray) -> np.ndarray:
    return np.round(points * SUPERSAMPLING).astype(np.int32)


def _with_noise(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Frames with fresh noise on each, which has no direction in time."""
    noise = rng.integers(-5, 6, frames.shape, dtype=np.int16)
    return np.clip(frames + noise, 0, 255).astype(np.uint8)
