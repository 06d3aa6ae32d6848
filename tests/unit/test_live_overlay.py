"""The panel of `kinema demo`: what is drawn, in frames of any size, with any labels."""

import cv2
import numpy as np
import pytest

from kinema.inference.live_demo import text
from kinema.inference.live_demo.overlay import FIRST, GROUND, MARK, OTHERS, Panel
from kinema.inference.prediction import Scored

SHORT = ("wave", "push", "point", "hug")
LONG = ("playing a very long traditional string instrument outdoors with friends", "pick up", "open", "shut")
OF_THE_WORLD = ("走路并打开门", "открывать дверь", "ανοίγω την πόρτα", "Tür öffnen")
SURE, UNSURE = (0.9, 0.06, 0.03, 0.01), (0.4, 0.3, 0.2, 0.1)
SIZES = [(240, 320), (1080, 1920), (1920, 1080), (96, 128), (32, 48), (320, 90), (16, 16)]

needs_font = pytest.mark.skipif(not hasattr(cv2, "FontFace"), reason="fonts came with OpenCV 5")


@pytest.fixture(params=[pytest.param("font", marks=needs_font), "ascii"])
def font(request, monkeypatch):
    """With the fonts of OpenCV 5, and without, as in OpenCV 4."""
    monkeypatch.setattr(text, "_font", lambda: cv2.FontFace("sans") if request.param == "font" else None)
    for cached in (text.width, text.fitted):
        cached.cache_clear()
    yield request.param
    for cached in (text.width, text.fitted):
        cached.cache_clear()


def seen(labels, probabilities, threshold=0.6):
    numbers = np.array(probabilities)
    return Scored(probabilities=numbers, ranking=numbers, labels=labels, threshold=threshold)


def drawn(labels, probabilities=SURE, *, size=(240, 320), top=3, threshold=0.6, waiting=""):
    frame = np.full((*size, 3), 128, np.uint8)
    answer = None if probabilities is None else seen(labels, probabilities, threshold)
    Panel(labels, top=top, threshold=threshold).draw(frame, answer, waiting=waiting)
    return frame


def box(frame):
    """Rows and columns of what is drawn: from, to."""
    changed = (frame != 128).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


@pytest.mark.parametrize("labels", [SHORT, LONG, OF_THE_WORLD], ids=["short", "long", "world"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_a_panel_is_inside_the_frame_whatever_its_size(font, labels, size):
    frame = drawn(labels, size=size)
    top, bottom, left, right = box(frame)
    assert 0 < top < bottom < size[0] or size[0] < 40
    assert 0 < left < right < size[1]
    if min(size) >= 90:
        ground = (np.abs(frame.astype(int) - GROUND).max(axis=2) < 3).sum()
        assert ground > 100, "bars are there"
        assert (frame.min(axis=2) > 230).sum() > 20, "and white text"


def columns_of(frame, colour):
    """In the first row of pixels that has this colour, how many do."""
    match = (frame == colour).all(axis=2)
    return int(match[match.any(axis=1)][0].sum())


@pytest.mark.parametrize("probability", [0.7, 0.95])
def test_bars_are_as_long_as_classes_are_probable(probability):
    frame = drawn(("", "", "", ""), (probability, 0.03, 0.01, 0.01), threshold=None)
    first, others = columns_of(frame, FIRST), columns_of(frame, OTHERS)
    whole = first + columns_of(frame, GROUND)
    assert first == pytest.approx(probability * whole, abs=1)
    assert others == pytest.approx(0.03 * whole, abs=1)


def test_no_answer_looks_different_and_the_threshold_is_marked():
    sure, unsure = drawn(SHORT), drawn(SHORT, UNSURE)
    assert (sure == FIRST).all(axis=2).any()
    assert not (unsure == FIRST).all(axis=2).any(), "nothing is answered"
    assert (unsure == MARK).all(axis=2).any()
    assert not (drawn(SHORT, threshold=None) == MARK).all(axis=2).any()


def test_the_panel_stands_still():
    labels = ("a", "a class with a longer name")
    panels = [drawn(labels, numbers) for numbers in ((0.9, 0.1), (0.1, 0.9))]
    assert box(panels[0]) == box(panels[1])
    assert not np.array_equal(*panels)


def test_before_the_first_answer_it_says_what_it_waits_for():
    waiting, nothing = drawn(SHORT, None, waiting="5 of 16 frames"), drawn(SHORT, None)
    assert box(waiting) == box(nothing)
    assert not np.array_equal(waiting, nothing)
    assert box(waiting)[1] < box(drawn(SHORT))[1]


@pytest.mark.parametrize("bold", [False, True])
def test_text_is_as_wide_as_it_says_and_cut_to_fit(font, bold):
    for words in ("wave", "W" * 30, LONG[0]):
        image = np.zeros((60, 2000, 3), np.uint8)
        text.put(image, words, (10, 40), size=24, colour=(255, 255, 255), bold=bold)
        columns = np.flatnonzero(image.any(axis=(0, 2)))
        assert columns[-1] - 10 == pytest.approx(text.width(words, size=24, bold=bold), abs=6)
        for most in (0, 20, 60, 200, 5000):
            shown = text.fitted(words, size=24, bold=bold, most=most)
            assert text.width(shown, size=24, bold=bold) <= most
            assert shown in ("", words) or (shown.endswith("...") and words.startswith(shown[:-3].rstrip()))
    assert text.fitted("wave", size=24, bold=bold, most=5000) == "wave"


def test_labels_are_drawn_in_one_line(font):
    assert text.drawable("open\nthe\t door ") == "open the door"
    assert text.drawable("Tür öffnen 走路") == ("Tür öffnen 走路" if font == "font" else "Tur offnen ??")


@needs_font
def test_letters_of_other_scripts_are_not_question_marks():
    def pixels(words):
        image = np.zeros((40, 200, 3), np.uint8)
        text.put(image, words, (5, 30), size=20, colour=(255, 255, 255))
        return image

    for sign in "éЖω走ドאع한":
        assert not np.array_equal(pixels(sign), pixels("?")), sign
