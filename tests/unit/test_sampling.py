"""The pace of a video: by number at the rate of the training, by time at another."""

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from kinema.deployment.frame_rates import training_rates
from kinema.inference import load
from kinema.inference.clips import read_clips
from kinema.inference.description import Description
from kinema.inference.frame_rates import FrameRates
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.model import Model
from kinema.inference.picture_folder import PictureFolder
from kinema.inference.sampling import Clock, Sampling, num_taken, sampling_of, taken, taken_evenly
from kinema.inference.spec import InputSpec
from kinema.inference.video import Video

RATES = FrameRates(median=25, low=25, high=25)
SPEC = InputSpec(num_frames=4, stride=2, size=32, mean=(0, 0, 0), std=(1, 1, 1))
TICKS = 90_000


def picture_of(number):
    """Grey that says which frame it is, of up to 110."""
    return np.full((64, 64, 3), 20 + 2 * number, np.uint8)


def numbered_video(path, times):
    """A file whose frames say their number and come at these times, in seconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=round(1 / np.median(np.diff(times))), options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, TICKS)
        for number, seconds in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture_of(number), format="rgb24")
            frame.pts, frame.time_base = round(seconds * TICKS), Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def read(path, rates=RATES, num_clips=1):
    """Which frames of such a video are in its clips, (N, T), and the clips."""
    video = Video(path, frames=FrameSpec(short_side=32))
    found = read_clips(video, SPEC, num_clips=num_clips, rates=rates)
    grey = np.array([frame.mean() for frame in video.read(range(video.num_frames))])
    assert (np.diff(grey) > 0).all()
    return np.abs(found.pixels.mean(axis=(2, 3, 4))[..., None] - grey).argmin(axis=-1), found


def uneven(count=100, seconds=2.0):
    """Times of frames that come at random distances."""
    steps = np.random.default_rng(0).uniform(0.5, 1.5, count)
    return np.concatenate([[0], np.cumsum(steps)[:-1]]) / steps.sum() * seconds


@pytest.mark.parametrize("times", [np.arange(100) / 60, uneven()], ids=["60 fps", "uneven"])
def test_a_video_of_another_rate_is_taken_by_time(tmp_path, times):
    numbers, found = read(numbered_video(tmp_path / "a.mp4", times), num_clips=3)
    assert found.sampling == Sampling(pytest.approx((len(times) - 1) / times[-1], rel=0.02), 25)
    first = times[numbers[:, :1]]
    # the clips begin at frames of a video of 25 frames a second, and go on by 2 of them
    wanted = np.round(first * 25) / 25 + np.arange(4) * 2 / 25
    nearest = np.abs(times[None, None] - wanted[..., None]).argmin(axis=-1)
    distance = np.abs(times[numbers] - wanted) - np.abs(times[nearest] - wanted)
    assert distance.max() < 1e-4, "no frame is nearer than the one that was taken"
    assert np.ptp(first) > 1


def test_a_video_of_fewer_frames_a_second_repeats_some(tmp_path):
    numbers, found = read(numbered_video(tmp_path / "a.mp4", np.arange(20) / 10))
    # 50 frames at 25 a second, the clip in the middle begins with number 21, at 0.84 s
    assert numbers.tolist() == [[8, 9, 10, 11]]
    assert found.sampling == Sampling(pytest.approx(10, rel=0.01), 25)
    numbers, found = read(numbered_video(tmp_path / "b.mp4", np.arange(10) / 5))
    assert numbers.tolist() == [[4, 5, 5, 5]]


@pytest.mark.parametrize("fps", [25, 24, 26])
@pytest.mark.parametrize("rates", [RATES, None], ids=str)
def test_frames_of_the_rate_of_the_training_are_counted(tmp_path, fps, rates):
    numbers, found = read(numbered_video(tmp_path / "a.mp4", np.arange(50) / fps), rates)
    assert found.sampling.taken_at is None
    assert numbers.tolist() == [[21, 23, 25, 27]]


def test_uneven_frames_of_about_that_rate_are_counted_too(tmp_path):
    numbers, _ = read(numbered_video(tmp_path / "a.mp4", uneven(50, 2.0)))
    assert numbers.tolist() == [[21, 23, 25, 27]]


def test_without_rates_frames_are_counted_at_any_pace(tmp_path):
    numbers, found = read(numbered_video(tmp_path / "a.mp4", np.arange(60) / 60), None)
    assert numbers.tolist() == [[26, 28, 30, 32]]
    assert found.sampling.in_words == "60 frames a second"


def test_clips_say_when_they_begin_and_end(tmp_path):
    _, found = read(numbered_video(tmp_path / "a.mp4", np.arange(50) / 25), num_clips=2)
    assert found.seconds == pytest.approx(np.array([[0, 0.32], [42 / 25, 2]]), abs=0.001)


@pytest.mark.parametrize(
    ("fps", "taken_at"), [(60, 27), (32, 27), (31, None), (24, None), (23, 27), (10, 27), (None, None)]
)
def test_rates_that_the_training_saw_are_no_other_pace(fps, taken_at):
    assert sampling_of(fps, FrameRates(median=27, low=25, high=30)) == Sampling(fps, taken_at)


def test_the_words_name_both_rates():
    assert Sampling(59.94, 25).in_words == "59.94 frames a second, taken at 25 as in training"
    assert Sampling(None).in_words == "frame rate unknown"


def test_taken_frames_are_as_many_as_the_time_has():
    assert taken(np.arange(60) / 60, 25).tolist()[:4] == [0, 2, 5, 7]
    assert len(taken(np.arange(60) / 60, 25)) == 25
    assert taken(np.arange(5) / 5, 10).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_time_goes_on_where_recordings_are_joined():
    clock = Clock()
    assert [clock.at(stamp) for stamp in (5.0, 5.5, 0.0, 0.5, 900.0, 899.9)] == [0, 0.5, 1.0, 1.5, 2.0, 2.0]


def test_pictures_without_times_are_counted(tmp_path):
    for number in range(60):
        Image.fromarray(picture_of(number)).save(tmp_path / f"image_{number + 1:05d}.png")
    folder = PictureFolder(tmp_path, frames=FrameSpec(short_side=32, fps=10))
    found = read_clips(folder, SPEC, num_clips=1, rates=RATES)
    assert folder.num_frames == 60
    assert found.pixels[0].mean(axis=(1, 2, 3)) == pytest.approx([72, 76, 80, 84], abs=1.5)
    assert found.sampling == Sampling(None)


# What travels


def test_rates_are_those_that_videos_have():
    assert FrameRates.of([25] * 30 + [30] * 60 + [60] * 3) == FrameRates(median=30, low=25, high=30)
    assert FrameRates.of([]) is None


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ("[]", "expected the keys"),
        ('{"median": 25, "low": 30, "high": 31}', "expected 0 < low <= median <= high"),
        ('{"median": 25, "low": 0, "high": 31}', "expected 0 < low <= median <= high"),
        ('{"median": "25", "low": 25, "high": 31}', "expected 0 < low <= median <= high"),
        ('{"median": 25}', "missing keys high, low"),
    ],
)
def test_rates_that_were_edited_are_refused(values, match):
    description = Description("a_vtn", ("wave",), SPEC, "1.0", frame_rates=RATES)
    assert Description.from_metadata(description.to_metadata(), where="m") == description
    with pytest.raises(ValueError, match=f"^m.xml: .*{match}"):
        Description.from_metadata(description.to_metadata() | {"frame_rates": values}, where="m.xml")


def test_a_model_says_the_rates_of_its_training_videos(shipped, prepared):
    with pa.memory_map(str(prepared / "0000.arrow")) as file:
        (rate,) = set(pa.ipc.open_file(file).read_all()["fps"].drop_null().to_pylist())
    expected = FrameRates(median=rate, low=rate, high=rate)
    assert training_rates(prepared / "clips.parquet") == expected
    assert load(shipped.root / "model.xml").description.frame_rates == expected


def test_a_prediction_says_how_its_frames_were_taken(shipped, prepared, caplog):
    model = load(shipped.root)
    video = min((prepared / "videos").rglob("*.mp4"))
    assert model.predict(video).sampling.taken_at is None
    slow = FrameRates(median=2, low=2, high=2)
    slower = Model(replace(model.description, frame_rates=slow), model.network)
    with caplog.at_level("INFO", logger="kinema.inference"):
        assert slower.predict(video).sampling.taken_at == 2
    assert f"{video}: 7 frames a second, taken at 2 as in training" in caplog.text


def test_a_model_that_was_trained_in_time_takes_every_video_in_time(tmp_path):
    assert sampling_of(25.0, RATES, clip_fps=12.5) == Sampling(25.0, 12.5)
    assert sampling_of(None, RATES, clip_fps=12.5) == Sampling(None)
    video = Video(numbered_video(tmp_path / "v.mp4", np.arange(100) / 50), frames=FrameSpec(short_side=32))
    in_time = replace(SPEC, fps=12.5)
    for rates in (RATES, None):
        found = read_clips(video, in_time, num_clips=1, rates=rates)
        assert found.sampling.taken_at == 12.5
    assert found.seconds[0].tolist() == pytest.approx([0.64, 1.22]), "from frame 32 to 60, the eighth of 12.5 a second"
    assert InputSpec.from_dict(in_time.to_dict()) == in_time
    assert "fps" not in SPEC.to_dict(), "what knows of none stays as it was"
    with pytest.raises(ValueError, match=r"input spec: fps is 0, expected a number in \(0, 1000\] or null"):
        replace(SPEC, fps=0)


@pytest.mark.parametrize("rate", [12.0, 15.0, 25.0, 30_000 / 1001, 50.0, 60.0])
@pytest.mark.parametrize("fps", [5.0, 12.5, 24.0, 25.0])
def test_frames_at_a_constant_rate_are_those_by_their_times(rate, fps):
    for number in range(2, 130):
        times = np.arange(number) / rate
        expected = taken(times, fps)
        assert num_taken(number / rate, fps) == len(expected)
        found = taken_evenly(np.arange(len(expected)), num_frames=number, rate=rate, fps=fps)
        assert found.tolist() == expected.tolist()
