"""A part of a JPEG file: the same pixels as of the whole picture, from less data; whatever wrote the file."""

import cv2
import numpy as np
import pytest
import simplejpeg

from kinema.media.jpeg import RESTART, cut_rows, decode
from kinema.media.layout import START, TRANSPOSED

SAMPLINGS = {name: getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{name}") for name in ("411", "420", "422", "440", "444")}
FLAGS = {"BGR": cv2.IMREAD_COLOR, "GRAY": cv2.IMREAD_GRAYSCALE}


def picture(height, width, *, channels=3, seed=0):
    """Smooth colours with noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (5, 6, channels), np.uint8)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).reshape(height, width, channels)
    return np.clip(image + rng.normal(0, 12, image.shape), 0, 255).astype(np.uint8).squeeze()


def encoded(image, *, sampling="420", rows=1, quality=85, transposed=False):
    """A JPEG file with a marker after every so many rows of MCUs, or without markers."""
    stored = cv2.transpose(image) if transposed else image
    mcu = 8 if image.ndim == 2 else {"411": 32, "420": 16, "422": 16, "440": 8, "444": 8}[sampling]
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLINGS[sampling]]
    options += [cv2.IMWRITE_JPEG_RST_INTERVAL, rows * -(-stored.shape[1] // mcu)]
    data = cv2.imencode(".jpg", stored, options)[1].tobytes()
    return TRANSPOSED + data[len(START) :] if transposed else data


def whole(jpeg, colours="BGR"):
    """As OpenCV reads it, by the Exif tag."""
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), FLAGS[colours])


def random_box(rng, height, width):
    box_height, box_width = (int(rng.integers(1, side + 1)) for side in (height, width))
    top, left = int(rng.integers(0, height - box_height + 1)), int(rng.integers(0, width - box_width + 1))
    return {"top": top, "left": left, "height": box_height, "width": box_width}


def cut(image, box):
    return image[box["top"] : box["top"] + box["height"], box["left"] : box["left"] + box["width"]]


@pytest.mark.slow
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("sampling", [*SAMPLINGS, "grey"])
def test_a_box_has_the_pixels_of_the_whole_picture(sampling, transposed):
    rng = np.random.default_rng(1)
    channels, colours = (1, "GRAY") if sampling == "grey" else (3, "BGR")
    form = {} if sampling == "grey" else {"sampling": sampling}
    for seed in range(40):
        height, width = (int(side) for side in rng.integers(1, 300, 2))
        image = picture(height, width, channels=channels, seed=seed).reshape(height, width, *[3] * (channels == 3))
        jpeg = encoded(image, rows=int(rng.integers(1, 4)), transposed=transposed, **form)
        expected = whole(jpeg, colours)
        assert expected.shape[:2] == (height, width)
        assert np.array_equal(decode(jpeg, colours), expected)
        for _ in range(8):
            box = random_box(rng, height, width)
            assert np.array_equal(decode(jpeg, colours, box), cut(expected, box)), (height, width, box)


def test_what_lies_above_and_below_is_not_decoded():
    jpeg = encoded(picture(448, 256))
    data, first = cut_rows(jpeg, 96, 320)
    assert first == 80
    assert whole(bytes(data)).shape == (256, 256, 3)
    assert len(data) < 0.65 * len(jpeg)
    data, first = cut_rows(jpeg, 447, 448)
    assert (first, whole(bytes(data)).shape[0]) == (432, 16)


@pytest.mark.parametrize("position", [0, 17, 200, 430])
def test_a_cut_file_is_sound(position):
    """A strict decoder finds nothing to complain of: markers are numbered from 0 again."""
    data, _ = cut_rows(encoded(picture(448, 256)), position, position + 18)
    simplejpeg.decode_jpeg(data, strict=True)


def foreign():
    """Files that cannot be cut, by what they are."""
    image = picture(120, 200)
    options = [cv2.IMWRITE_JPEG_RST_INTERVAL, 13]
    plain, progressive = [], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, *options]
    jpegs = {
        name: cv2.imencode(".jpg", image, form)[1].tobytes()
        for name, form in {"no markers": plain, "progressive": progressive, "markers": options}.items()
    }
    jpegs["markers inside rows"] = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_RST_INTERVAL, 4])[1].tobytes()
    jpegs["turned by another tag"] = TRANSPOSED.replace(b"\1\0\5", b"\1\0\6") + jpegs["markers"][2:]
    return jpegs


@pytest.mark.parametrize("kind", list(foreign()))
def test_any_other_file_is_decoded_whole(kind):
    jpeg = foreign()[kind]
    image = whole(jpeg)
    box = {"top": 50, "left": 60, "height": 40, "width": 30}
    assert np.array_equal(decode(jpeg, "BGR", box), cut(image, box))
    assert (len(cut_rows(jpeg, 50, 60)[0]) < len(jpeg)) == (kind == "markers")


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8 no picture \xff\xd9", TRANSPOSED + b"\xff\xd9"])
@pytest.mark.parametrize("box", [None, {"top": 0, "left": 0, "height": 1, "width": 1}])
def test_what_is_no_jpeg_file_is_an_error(data, box):
    with pytest.raises(OSError, match="no JPEG"):
        decode(data, "BGR", box)


def test_a_box_outside_of_the_picture_is_an_error():
    for transposed in (False, True):
        jpeg = encoded(picture(40, 60), transposed=transposed)
        with pytest.raises(OSError, match="does not hold the box"):
            decode(jpeg, "BGR", {"top": 30, "left": 0, "height": 20, "width": 10})


@pytest.mark.parametrize("transposed", [False, True])
def test_damage_is_an_error(transposed):
    """Not a grey area: what is lost in a frame is said."""
    jpeg = encoded(picture(200, 300), transposed=transposed)
    box = {"top": 0, "left": 0, "height": 200, "width": 300}
    lost = jpeg.index(b"\xff\xd2")
    for damaged in (
        jpeg[: len(jpeg) // 2] + jpeg[-2:],
        jpeg[:2000] + bytes(800) + jpeg[2800:],
        jpeg[:lost] + jpeg[lost + 2 :],
    ):
        for part in (None, box):
            with pytest.raises(OSError, match="no JPEG"):
                decode(damaged, "BGR", part)
    decode(jpeg, "BGR", box)


def test_a_lost_restart_marker_moves_no_rows():
    """Rows behind it would be taken for those above them."""
    jpeg = encoded(picture(200, 300))
    box = {"top": 150, "left": 0, "height": 50, "width": 300}
    positions = [marker.start() for marker in RESTART.finditer(jpeg)]
    assert len(positions) == 12
    for position in positions:
        with pytest.raises(OSError, match="no JPEG"):
            decode(jpeg[:position] + jpeg[position + 2 :], "BGR", box)
