"""Frames on a screen, by OpenCV."""

import os
import subprocess
import sys

import cv2
import numpy as np

TRIAL = "import cv2; cv2.namedWindow('kinema'); cv2.waitKey(1); cv2.destroyAllWindows()"
TRIAL_SECONDS = 30
KEYS = (27, ord("q"))  # Esc


def check_window() -> None:
    """ValueError where none can be opened; a process of its own tries, since some libraries end theirs for it."""
    reason = _reason()
    if reason:
        raise ValueError(f"--show: no window can be opened here: {reason}; leave it out, or write a file, -o out.mp4")


def _reason() -> str | None:
    if any(line.split() == ["GUI:", "NONE"] for line in cv2.getBuildInformation().splitlines()):
        return "this opencv-python is one without windows (headless)"
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
        return "there is no display, DISPLAY is not set"
    try:
        done = subprocess.run(
            [sys.executable, "-c", TRIAL], capture_output=True, text=True, timeout=TRIAL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"the display does not answer within {TRIAL_SECONDS} s"
    if done.returncode == 0:
        return None
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return said[0][:200] if said else "the display cannot be used"


class Window:
    """Shows frames, until somebody closes it or presses q or Esc."""

    def __init__(self, title: str):
        self._title = title
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        self._is_sized = False

    def show(self, frame: np.ndarray) -> None:
        """The next frame, uint8 (H, W, 3), BGR."""
        if not self._is_sized:
            cv2.resizeWindow(self._title, frame.shape[1], frame.shape[0])
            self._is_sized = True
        cv2.imshow(self._title, frame)

    def is_open(self) -> bool:
        """Ask for keys, too: this keeps the window alive."""
        pressed = cv2.waitKey(1) & 0xFF
        return pressed not in KEYS and cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1

    def close(self) -> None:
        """Take it away."""
        cv2.destroyAllWindows()
