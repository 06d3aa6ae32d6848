"""What square pixels, tone mapping and deinterlacing cost, and how frames look with and without them.

    python benchmarks/pixels.py [--rounds 5] [--pictures docs/images]

Processor time of ffmpeg for a frame of generated videos, JPEG encoding included; the least of the rounds counts.
With `--pictures` it draws the pictures of docs/pixels.md instead.
"""

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

import cv2
import numpy as np

from kinema.experiment.data_sections import Media
from kinema.media.ffmpeg import find_ffmpeg, jpeg_stream
from kinema.media.inputs import Segment
from kinema.media.probe import probe

NUM_FRAMES = 50
WOVEN = "tinterlace=mode=interleave_top,setfield=tff"
TO_HDR = (
    "zscale=min=bt709:pin=bt709:tin=bt709:t=linear:p=bt2020:npl=203,format=gbrpf32le,"
    "zscale=t={curve}:m=bt2020nc:r=tv:npl=203,format=yuv420p10le"
)
HEVC = "libx265 -preset ultrafast -b:v 15M -x265-params log-level=0"
SOURCES = {  # size, rate, filters, encoder
    "HDR (PQ), HEVC 1920 x 1080": ("1920x1080", 25, TO_HDR.format(curve="smpte2084"), HEVC),
    "HDR (HLG), HEVC 1920 x 1080": ("1920x1080", 25, TO_HDR.format(curve="arib-std-b67"), HEVC),
    "interlaced, H.264 1440 x 1080": (
        "1440x1080",
        50,
        f"{WOVEN},format=yuv420p",
        "libx264 -preset veryfast -b:v 20M -flags +ildct -x264-params tff=1",
    ),
    "interlaced, MPEG-2 720 x 576": ("720x576", 50, f"{WOVEN},format=yuv420p", "mpeg2video -b:v 6M -flags +ildct+ilme"),
    "anamorphic, H.264 1440 x 1080": (
        "1440x1080",
        25,
        "setsar=4/3,format=yuv420p",
        "libx264 -preset veryfast -b:v 20M",
    ),
    "ordinary, MPEG-4 AVI 320 x 240": ("320x240", 25, "format=yuv420p", "mpeg4 -q:v 4"),
}
OFF = {"square_pixels": False, "tone_map": "off", "deinterlace": "off"}


def frames_of(path: Path, media: Media) -> list[bytes]:
    """The JPEG files of a video."""
    return list(jpeg_stream(path, media=media, ffmpeg=find_ffmpeg(), segment=Segment.of({}, probe(path))))


def processor_ms(path: Path, media: Media) -> float:
    """Milliseconds of processor time that a frame takes."""
    before = os.times()
    num_frames = len(frames_of(path, media))
    after = os.times()
    return (
        1000
        * (after.children_user + after.children_system - before.children_user - before.children_system)
        / num_frames
    )


def measure(folder: Path, rounds: int) -> None:
    """Print the cost of each generated video, with the settings and without."""
    for number, (name, (size, rate, filters, encoder)) in enumerate(SOURCES.items()):
        path = folder / f"{number}.{'avi' if 'AVI' in name else 'mkv'}"
        source = f"testsrc2=s={size}:r={rate},noise=alls=8:allf=t,{filters}"
        command = [find_ffmpeg(), "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", str(NUM_FRAMES)]
        subprocess.run([*command, "-c:v", *encoder.split(), str(path)], check=True)
        for short_side in (256, None):
            spent: list[tuple[float, float]] = []
            for _ in range(rounds):
                on, off = Media(short_side=short_side), Media(short_side=short_side, **OFF)
                spent.append((processor_ms(path, on), processor_ms(path, off)))
            with_it, without = (min(column) for column in zip(*spent, strict=True))
            shown = "full size" if short_side is None else f"{short_side} px"
            print(f"{name:31s} {shown:9s}  {with_it:6.2f} ms, without {without:6.2f} ms: {with_it / without:.2f}")


def scene(moment: float, *, height: int = 360, width: int = 640) -> np.ndarray:
    """Light (H, W, 3), R, G, B of BT.709 in units of white: a wheel rolls below a sun that is brighter than white."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    sky = np.stack([0.10 + 0.25 * rows / height, 0.22 + 0.25 * rows / height, 0.55 + 0.1 * rows / height], -1)
    ground = np.stack([0.10 + 0.02 * np.sin(columns / 9), 0.16 + 0.03 * np.sin(columns / 9), 0.05 + 0 * columns], -1)
    light = np.where((rows > 0.78 * height)[..., None], ground, sky).astype(np.float32)
    glow = np.exp(-((columns - 0.78 * width) ** 2 + (rows - 0.22 * height) ** 2) / (0.06 * width) ** 2)
    light += 3.5 * glow[..., None] * np.array([1, 0.85, 0.5], np.float32)
    centre, radius = (int(0.25 * width + 230 * moment), int(0.56 * height)), int(0.22 * height)
    cv2.circle(light, centre, radius, (0.02, 0.02, 0.02), 9, cv2.LINE_AA)
    for angle in np.arange(8) * np.pi / 4 + 230 * moment / radius:
        rim = (int(centre[0] + radius * np.cos(angle)), int(centre[1] + radius * np.sin(angle)))
        cv2.line(light, centre, rim, (0.5, 0.06, 0.04), 5, cv2.LINE_AA)
    return light


def encoded(path: Path, pictures: list[np.ndarray], filters: str, encoder: str) -> Path:
    """A video of linear light (H, W, 3)."""
    height, width, _ = pictures[0].shape
    raw = b"".join(picture[..., [1, 2, 0]].transpose(2, 0, 1).astype("<f4").tobytes() for picture in pictures)
    read = ["-f", "rawvideo", "-pix_fmt", "gbrpf32le", "-s", f"{width}x{height}", "-r", "50", "-i", "pipe:0"]
    command = [find_ffmpeg(), "-v", "error", *read, "-vf", filters, "-c:v", *encoder.split(), str(path)]
    subprocess.run(command, input=raw, check=True)
    return path


def draw(folder: Path, out: Path) -> None:
    """Write the pictures of docs/pixels.md, each without the setting at the left and with it at the right."""
    out.mkdir(parents=True, exist_ok=True)
    light = [scene(index / 50) for index in range(8)]
    linear = "zscale=tin=linear:pin=bt709:npl=203"
    sdr = f"{linear}:t=bt709:p=bt709:m=bt709:r=tv,format=yuv420p"
    dark = [np.minimum(picture, 1) for picture in light]
    x264 = "libx264 -crf 12"
    videos = {
        "square": encoded(folder / "a.mkv", dark, f"{sdr},scale=360:360,setsar=16/9", x264),
        "hdr": encoded(
            folder / "b.mkv",
            light,
            f"{linear}:t=smpte2084:p=bt2020:m=bt2020nc:r=tv,format=yuv420p10le",
            "libx265 -crf 12 -x265-params log-level=0",
        ),
        "moment": encoded(folder / "c.mkv", dark, f"{sdr},{WOVEN}", f"{x264} -flags +ildct -x264-params tff=1"),
    }
    for name, path in videos.items():
        pair = [frames_of(path, Media(short_side=None, jpeg_quality=2, **changes))[2] for changes in (OFF, {})]
        before, after = (cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) for jpeg in pair)
        if name == "moment":  # the lines are thin
            before, after = (
                cv2.resize(part[110:290, 70:310], None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
                for part in (before, after)
            )
        picture = np.hstack([before, np.full((len(before), 12, 3), 255, np.uint8), after])
        cv2.imwrite(str(out / f"pixels_{name}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 82])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=Path, help="draw into this folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.pictures:
            draw(Path(folder), arguments.pictures)
        else:
            measure(Path(folder), arguments.rounds)


if __name__ == "__main__":
    main()
