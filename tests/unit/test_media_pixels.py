"""Pictures become frames as they are meant to be seen: pixel shape, HDR, interlacing."""

import random
import re
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from media_corpus import MEDIA, make_video

from kinema.experiment.data_sections import Media
from kinema.media.ffmpeg import find_ffmpeg, grey_stream, jpeg_size, jpeg_stream
from kinema.media.inputs import Segment
from kinema.media.probe import probe
from kinema.media.shown import scaled_size

FULL_SIZE = MEDIA.model_copy(update={"short_side": None, "jpeg_quality": 2})
UNTOUCHED = {"square_pixels": False, "tone_map": "off", "deinterlace": "off"}
STORAGES = [{"storage": "packed"}, {"storage": "frames"}, {"storage": "video", "video_quality": 1}]


def made(path: Path, source: str, *options: object) -> Path:
    """A file of ffmpeg's picture generators."""
    command = [find_ffmpeg(), "-nostdin", "-y", "-v", "error", "-f", "lavfi", "-i", source, *options, path]
    subprocess.run(list(map(str, command)), check=True)
    return path


def frames_as_jpegs(path: Path, media: Media, **of_segment) -> list[bytes]:
    segment = Segment.of(of_segment, probe(path))
    return list(jpeg_stream(path, media=media, ffmpeg=find_ffmpeg(), segment=segment))


def frames_of(path: Path, media: Media = FULL_SIZE, **of_segment) -> np.ndarray:
    """Frames (T, H, W, 3), R, G, B."""
    jpegs = frames_as_jpegs(path, media, **of_segment)
    return np.stack([cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB) for jpeg in jpegs])


def test_the_documentation_says_how_a_client_gets_the_same_frames(tmp_path, monkeypatch):
    page = Path(__file__).resolve().parents[2] / "docs" / "pixels.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "video.mp4")
    names: dict = {}
    exec(code, names)
    last = frames_of(tmp_path / "video.mp4", Media())[-1][..., ::-1]
    assert names["frame"].shape == last.shape
    assert np.abs(names["frame"].astype(int) - last).mean() < 2


# Pixel shape


def shaped(path: Path, size: tuple[int, int], aspect: Fraction, *, turned: bool = False) -> Path:
    """Two small pictures with pixels of a shape, shown turned by 90 degrees or not."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.sample_aspect_ratio = stream.codec_context.sample_aspect_ratio = aspect
        if turned:
            stream.set_display_rotation(90)
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((*size[::-1], 3), np.uint8))))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("seed", range(60))
def test_sizes_are_told_before_decoding(tmp_path, seed):
    rng = random.Random(seed)
    size = rng.randint(16, 150), rng.randint(16, 150)
    aspect = rng.choice([Fraction(rng.randint(8, 40), rng.randint(8, 40)), Fraction(1), Fraction(64, 45)])
    media = MEDIA.model_copy(update={"short_side": rng.choice([None, rng.randint(16, 200)])})
    turned = bool(seed % 2)
    video = shaped(tmp_path / "a.mp4", size, aspect, turned=turned)
    assert (probe(video).pixel_aspect or 1) == aspect
    height, width = jpeg_size(frames_as_jpegs(video, media)[0])
    shown, shown_aspect = (size[::-1], 1 / aspect) if turned else (size, aspect)
    upright = replace(probe(video), width=shown[0], height=shown[1], pixel_aspect=shown_aspect)
    assert (width, height) == scaled_size(upright, media)
    assert width / height == pytest.approx(shown[0] * shown_aspect / shown[1], rel=2 / min(width, height))
    if media.short_side is None:
        assert width >= shown[0] - 1
        assert height >= shown[1] - 1
    else:
        assert min(width, height) == media.short_side // 2 * 2


@pytest.mark.parametrize("modality", ["rgb", "flow"])
@pytest.mark.parametrize("storage", STORAGES, ids=lambda changes: changes["storage"])
def test_frames_have_the_shape_in_which_the_video_is_shown(corpus, storage, modality):
    shaped(corpus.videos / "wide.mp4", (64, 32), Fraction(2))
    shaped(corpus.videos / "tall.mp4", (64, 32), Fraction(2), turned=True)
    changes = storage | {"modality": modality}
    corpus.write(["wide", "tall"], MEDIA.model_copy(update=changes))
    rows = corpus.rows()
    assert {name: (row["width"], row["height"]) for name, row in rows.items()} == {"wide": (128, 32), "tall": (32, 128)}
    assert corpus.frames(rows["wide"])[0].shape[1:] == (32, 128)
    corpus.write(["wide"], MEDIA.model_copy(update=changes | {"square_pixels": False}))
    assert corpus.frames(corpus.rows()["wide"])[0].shape[1:] == (32, 64)


@pytest.mark.parametrize(
    ("stored", "aspect", "shown"),
    [
        ((720, 576), "16/15", (768, 576)),  # DV PAL
        ((720, 480), "8/9", (720, 540)),  # DV NTSC: not narrower, but higher
        ((720, 576), "64/45", (1024, 576)),
        ((1440, 1080), "4/3", (1920, 1080)),  # HDV
        ((98, 51), "1/1", (98, 50)),
    ],
    ids=str,
)
def test_no_stored_pixel_is_given_up_where_the_size_is_kept(tmp_path, stored, aspect, shown):
    size = {"width": stored[0], "height": stored[1], "pixel_aspect": Fraction(aspect)}
    assert scaled_size(replace(probe(make_video(tmp_path / "a.mp4")), **size), FULL_SIZE) == shown


@pytest.mark.parametrize("name", ["a.avi", "a.mpg", "a.mkv", "a.ts", "a.flv"])
def test_a_shape_that_only_the_codec_knows_counts(tmp_path, name):
    codec = "mpeg2video" if name == "a.mpg" else "libx264"
    video = made(tmp_path / name, "testsrc=s=72x56:d=0.2", "-vf", "setsar=2/1,setdar=16/9", "-c:v", codec)
    assert jpeg_size(frames_as_jpegs(video, MEDIA)[0]) == (32, 56)


def test_the_container_is_believed_rather_than_the_codec(tmp_path):
    inner = made(tmp_path / "a.mp4", "testsrc=s=64x32:d=0.2", "-vf", "setsar=2/1", "-c:v", "libx264")
    command = [find_ffmpeg(), "-v", "error", "-i", inner, "-c", "copy", "-aspect", "3:1", tmp_path / "b.mp4"]
    subprocess.run(command, check=True)
    assert jpeg_size(frames_as_jpegs(tmp_path / "b.mp4", MEDIA)[0]) == (32, 96)


@pytest.mark.parametrize("aspect", ["20", "1/20", "0"])
def test_an_implausible_shape_is_left_aside_and_said(corpus, aspect, caplog):
    shaped(corpus.videos / "a.mp4", (64, 48), Fraction(aspect))
    corpus.write("a")
    row = corpus.rows()["a"]
    assert (row["status"], row["height"], row["width"]) == ("ok", 32, 42)
    said = f"pixels of the shape {aspect} are implausible and taken as square" if aspect != "0" else None
    assert row["detail"] == said
    assert (f"a: {said}" in caplog.text) == (said is not None)


def test_a_shape_that_changes_in_mid_stream_changes_nothing(corpus):
    parts = [
        made(corpus.root / f"{index}.ts", "testsrc=s=64x48:d=0.4", "-vf", f"setsar={aspect}", "-c:v", "libx264")
        for index, aspect in enumerate(["2/1", "1/1", "1/2"])
    ]
    (corpus.videos / "a.mpg").write_bytes(b"".join(part.read_bytes() for part in parts))  # whatever its extension says
    corpus.write("a", MEDIA.model_copy(update={"storage": "video"}))  # equal time stamps, which this storage keeps
    row = corpus.rows()["a"]
    assert (row["num_frames"], row["height"], row["width"]) == (30, 32, 86)
    assert {frame.shape for frame in corpus.frames(row)} == {(3, 32, 86)}


def test_limits_count_shown_pixels(corpus):
    shaped(corpus.videos / "a.mp4", (640, 16), Fraction(4))
    corpus.write("a", Media(short_side=512))
    row = corpus.rows()["a"]
    assert (row["status"], row["reason"]) == ("failed", "too large")
    assert "frames of 81920 x 512" in row["detail"]


# HDR

BT709_TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
BT2020_LUMA = np.array([0.2627, 0.6780, 0.0593])
DARK, GREY, WHITE = (51, 51, 51), (128, 128, 128), (255, 255, 255)
SKIN, SKY = (150, 110, 90), (50, 100, 170)
PATCH = 32


def pq(nits: np.ndarray) -> np.ndarray:
    """Light (N, 3) of a display to values 0..1: the inverse of SMPTE ST 2084."""
    light = (nits / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * light) / (1 + 18.6875 * light)) ** 78.84375


def hlg(nits: np.ndarray) -> np.ndarray:
    """The same for HLG on a display of 1000 nits: ITU-R BT.2100."""
    light = nits / 1000
    scene = light * np.maximum(light @ BT2020_LUMA, 1e-6)[:, None] ** (1 / 1.2 - 1)
    bright = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)


CURVES = {"smpte2084": pq, "arib-std-b67": hlg}


def patches(path: Path, curve: str, colours, *, frames: int = 2, tagged: bool = True) -> Path:
    """An HDR video of square patches that look as these R, G, B of an SDR video do, whose white has 203 nits."""
    nits = (np.array(colours) / 255) ** 2.4 * 203 @ BT709_TO_BT2020.T
    values = CURVES[curve](nits)
    luma = values @ BT2020_LUMA
    chroma = (values[:, 2] - luma) / 1.8814, (values[:, 0] - luma) / 1.4746
    planes = [64 + 876 * luma, *(512 + 896 * part for part in chroma)]
    sides = (PATCH, PATCH // 2, PATCH // 2)
    raw = b"".join(
        np.tile(np.repeat(np.round(plane).astype("<u2"), side), (side, 1)).tobytes()
        for plane, side in zip(planes, sides, strict=True)
    )
    tags = ["-color_trc", curve, "-color_primaries", "bt2020", "-colorspace", "bt2020nc", "-color_range", "tv"]
    size = ["-s", f"{PATCH * len(colours)}x{PATCH}"]
    read = ["-f", "rawvideo", "-pix_fmt", "yuv420p10le", *size, *(tags if tagged else []), "-i", "pipe:0"]
    encode = ["-c:v", "libx265", "-x265-params", "lossless=1:log-level=0"]
    subprocess.run([find_ffmpeg(), "-y", "-v", "error", *read, *encode, path], input=raw * frames, check=True)
    return path


def colours_in(frame: np.ndarray) -> list[tuple[int, ...]]:
    """The mean R, G, B of each patch of a frame (H, W, 3)."""
    parts = frame.reshape(PATCH, -1, PATCH, 3)[8:-8, :, 8:-8].astype(float)
    return [tuple(int(value) for value in part.round()) for part in parts.mean((0, 2))]


@pytest.mark.parametrize("curve", CURVES)
def test_hdr_video_looks_as_its_sdr_twin(tmp_path, curve):
    video = patches(tmp_path / "a.mp4", curve, [DARK, GREY, SKIN, SKY, WHITE])
    dark, grey, skin, sky, white = colours_in(frames_of(video)[0])
    for seen, meant in ((dark, DARK), (grey, GREY), (skin, SKIN), (sky, SKY)):
        assert seen == pytest.approx(meant, abs=4)
    assert white == pytest.approx((218, 218, 218), abs=4)  # room for what is brighter than white
    pale = colours_in(frames_of(video, FULL_SIZE.model_copy(update={"tone_map": "off"}))[0])
    assert np.abs(np.subtract(pale, [dark, grey, skin, sky, white])).max() > 20


def test_what_is_brighter_than_white_is_still_told_apart(tmp_path):
    video = patches(tmp_path / "a.mp4", "smpte2084", [(255 * factor,) * 3 for factor in (1, 1.3, 1.6, 1.9)])
    levels = [colour[1] for colour in colours_in(frames_of(video)[0])]
    assert np.diff(levels).min() >= 4
    assert levels[-1] > 250


@pytest.mark.parametrize("storage", STORAGES, ids=lambda changes: changes["storage"])
def test_every_storage_maps_hdr(corpus, storage):
    patches(corpus.videos / "a.mp4", "smpte2084", [GREY, SKIN])
    corpus.write("a", FULL_SIZE.model_copy(update=storage))
    (frame, _) = corpus.frames(corpus.rows()["a"])
    assert colours_in(frame.numpy().transpose(1, 2, 0)) == pytest.approx(np.array([GREY, SKIN]), abs=6)


def test_flow_sees_mapped_light(tmp_path):
    video = patches(tmp_path / "a.mp4", "smpte2084", [DARK, GREY])
    segment = Segment.of({}, probe(video))
    (grey, _) = grey_stream(video, media=FULL_SIZE, ffmpeg=find_ffmpeg(), segment=segment)
    assert [grey[8:24, 8:24].mean(), grey[8:24, 40:56].mean()] == pytest.approx([51, 128], abs=4)


def test_what_does_not_call_itself_hdr_is_not_mapped(tmp_path):
    video = patches(tmp_path / "a.mp4", "smpte2084", [GREY], tagged=False)
    assert frames_as_jpegs(video, FULL_SIZE) == frames_as_jpegs(video, FULL_SIZE.model_copy(update=UNTOUCHED))


def test_tags_of_the_pictures_may_lack_what_the_container_says(tmp_path):
    inner = patches(tmp_path / "a.mp4", "smpte2084", [SKIN], tagged=False)
    tags = ["-color_trc", "smpte2084", "-color_primaries", "unknown", "-colorspace", "unknown"]
    subprocess.run([find_ffmpeg(), "-v", "error", "-i", inner, "-c", "copy", *tags, tmp_path / "b.mkv"], check=True)
    assert probe(tmp_path / "b.mkv").transfer == 16
    assert colours_in(frames_of(tmp_path / "b.mkv")[0]) == [pytest.approx(SKIN, abs=4)]


def test_an_ffmpeg_without_the_filters_is_told_of(corpus):
    poor = corpus.root / "poor"
    poor.write_text(
        f'#!/bin/bash\nffmpeg="{find_ffmpeg()}"\n'
        '[[ "$*" == *-filters ]] && { "$ffmpeg" -hide_banner -filters | grep -v zscale; exit; }\n'
        'exec "$ffmpeg" "$@"\n'
    )
    poor.chmod(0o755)
    patches(corpus.videos / "hdr.mp4", "arib-std-b67", [GREY])
    make_video(corpus.videos / "sdr.mp4")
    corpus.write(["hdr", "sdr"], ffmpeg=poor)
    rows = corpus.rows()
    assert (rows["hdr"]["status"], rows["hdr"]["reason"]) == ("failed", "no tone mapping")
    assert f"HDR (arib-std-b67) and {poor} lacks the filter zscale. Set `ffmpeg`" in rows["hdr"]["detail"]
    assert rows["sdr"]["status"] == "ok"
    assert corpus.write(["hdr", "sdr"])["decoded"] == 1  # by another ffmpeg
    assert corpus.rows()["hdr"]["status"] == "ok"
    corpus.write(["hdr", "sdr"], MEDIA.model_copy(update={"tone_map": "off"}), ffmpeg=poor)
    assert corpus.rows()["hdr"]["status"] == "ok"


# Interlacing

PERIOD, STEP, NUM_FRAMES = 48, 8, 8
INTERLACED = {
    "a.mp4": ["libx264", "-flags", "+ildct", "-x264-params", "tff=1", "-crf", 8],
    "a.mpg": ["mpeg2video", "-flags", "+ildct+ilme", "-q:v", 2],
    "a.avi": ["dvvideo"],  # the header leaves the order of fields open
    "b.avi": ["mpeg4", "-flags", "+ildct+ilme", "-q:v", 2],
}


def woven(path: Path) -> Path:
    """Stripes that move by STEP pixels from field to field of 50 a second, two fields a picture."""
    fields = "bottom" if "dvvideo" in INTERLACED[path.name] else "top"
    stripes = f"geq=lum='if(lt(mod(X+{STEP}*N,{PERIOD}),{PERIOD // 2}),40,200)':cb=128:cr=128"
    weave = f"tinterlace=mode=interleave_{fields},setfield={fields[0]}ff"
    source = f"nullsrc=s=720x576:r=50,{stripes},{weave},setsar=1"
    return made(path, source, "-frames:v", NUM_FRAMES, "-pix_fmt", "yuv420p", "-c:v", *INTERLACED[path.name])


def comb(frames: np.ndarray) -> float:
    """Mean difference of rows (T, H, W) to the mean of their neighbours: none, where each frame shows one moment."""
    rows = frames.astype(float)
    return float(np.abs(rows[:, 1:-1] - (rows[:, :-2] + rows[:, 2:]) / 2).mean())


@pytest.mark.parametrize("name", INTERLACED)
def test_an_interlaced_picture_becomes_one_moment(tmp_path, name):
    video = woven(tmp_path / name)
    assert probe(video).may_be_interlaced
    off = FULL_SIZE.model_copy(update={"deinterlace": "off"})
    after, before = frames_of(video)[..., 1], frames_of(video, off)[..., 1]
    assert len(after) == len(before) == NUM_FRAMES
    assert comb(before) > 15
    assert comb(after) < 3
    for number in (0, 3, NUM_FRAMES - 1):  # the first field of each picture, not a mix of two
        columns = (np.arange(720) + STEP * 2 * number) % PERIOD
        inside = (np.minimum(columns, PERIOD - columns) > 3) & (np.abs(columns - PERIOD // 2) > 3)
        meant = np.where(columns < PERIOD // 2, 28, 214)  # of the full range
        assert np.abs(after[number].mean(0) - meant)[inside].max() < 12


@pytest.mark.slow
@pytest.mark.parametrize("storage", STORAGES, ids=lambda changes: changes["storage"])
def test_every_storage_is_deinterlaced(corpus, storage):
    woven(corpus.videos / "a.mpg")
    combs = {}
    for deinterlace in ("auto", "off"):
        corpus.write("a", FULL_SIZE.model_copy(update=storage | {"deinterlace": deinterlace}))
        row = corpus.rows()["a"]
        assert row["num_frames"] == NUM_FRAMES
        combs[deinterlace] = comb(np.stack([frame[0].numpy() for frame in corpus.frames(row)]))
    assert combs["auto"] < combs["off"] / 4


def test_flow_is_of_moments(tmp_path):
    video = woven(tmp_path / "a.mpg")
    segment = Segment.of({}, probe(video))
    assert comb(np.stack(list(grey_stream(video, media=FULL_SIZE, ffmpeg=find_ffmpeg(), segment=segment)))) < 3


def test_a_part_of_an_interlaced_video(tmp_path):
    video = woven(tmp_path / "a.mp4")
    part = frames_of(video, start=2, end=5, unit="frames")
    assert len(part) == 3
    assert comb(part[..., 1]) < 3
    assert len(frames_of(video, FULL_SIZE.model_copy(update={"fps": 12.5}))) == NUM_FRAMES // 2


@pytest.mark.parametrize("size", [(64, 48), (2, 64), (64, 2)], ids=str)
def test_progressive_pictures_stay_as_they_are(tmp_path, size):
    """Of a codec whose header leaves it open, so that the filter is there; it refuses the smallest pictures."""
    video = made(tmp_path / "a.avi", f"testsrc=s={size[0]}x{size[1]}:d=0.4", "-c:v", "mpeg4", "-pix_fmt", "yuv420p")
    assert probe(video).may_be_interlaced
    untouched = FULL_SIZE.model_copy(update=UNTOUCHED)
    assert frames_as_jpegs(video, FULL_SIZE) == frames_as_jpegs(video, untouched)
    assert len(frames_as_jpegs(video, untouched)) == 10


@pytest.mark.real
@pytest.mark.parametrize("source", ["hmdb51", "ucf101", "kinetics_tiny"])
def test_ordinary_videos_are_stored_as_without_these_settings(shared, source):
    video = min((shared / "real" / source).rglob("*.*"), key=lambda path: path.stat().st_size or 1e9)
    while video.is_dir():
        video = min(video.iterdir())
    assert frames_as_jpegs(video, Media()) == frames_as_jpegs(video, Media(**UNTOUCHED))
