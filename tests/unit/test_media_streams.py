"""Which video stream of a file that has several becomes the frames: in every storage the same, and as people ask."""

import subprocess

import pytest
from media_corpus import MEDIA, make_video

from kinema.experiment.data_sections import Media
from kinema.media.ffmpeg import find_ffmpeg
from kinema.media.probe import MediaError, probe
from kinema.media.recipe import recipe_of

SIZES = [(64, 48), (96, 48), (48, 96)]  # of the streams, by which they are told apart
DEFAULT = ["-disposition:v", "0", "-disposition:v:{}", "default"]


@pytest.fixture
def several(corpus):
    """A file of three video streams behind one of sound; `options` go to ffmpeg."""

    def make(name: str, *options: str):
        sources = ["-f", "lavfi", "-t", "0.3", "-i", "anullsrc"]
        for number, size in enumerate(SIZES):
            sources += ["-i", make_video(corpus.root / f"{number}.mp4", size=size, frames=4 + number)]
        maps = ["-map", "0", "-map", "1", "-map", "2", "-map", "3", "-c:v", "copy", "-c:a", "aac"]
        path = corpus.videos / name
        subprocess.run([find_ffmpeg(), "-loglevel", "error", *sources, *maps, *options, path], check=True)
        return path

    return make


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.mov"])
@pytest.mark.parametrize(("default", "chosen"), [(0, 0), (1, 1), (2, 2), (None, 0)])
def test_the_default_stream_is_taken_else_the_first(several, name, default, chosen):
    marks = DEFAULT[:2] if default is None else [text.format(default) for text in DEFAULT]
    about = probe(several(name, *marks))
    assert (about.width, about.height, about.stream) == (*SIZES[chosen], chosen + 1)


@pytest.mark.slow
@pytest.mark.parametrize("modality", ["rgb", "flow"])
@pytest.mark.parametrize("storage", ["packed", "frames", "video"])
def test_the_stream_that_was_probed_is_the_one_that_is_decoded(corpus, several, storage, modality):
    several("a.mkv", *[text.format(1) for text in DEFAULT])
    fewer = 1 if modality == "flow" else 0
    for stream, chosen in ((None, 1), (0, 0), (1, 1), (2, 2)):
        media = Media(storage=storage, modality=modality, short_side=None, stream=stream)
        corpus.write("a", media)
        row = corpus.rows()["a"]
        assert (row["width"], row["height"], row["num_frames"]) == (*SIZES[chosen], 4 + chosen - fewer)
        assert len(corpus.frames(row)) == 4 + chosen - fewer


def test_a_transport_stream_without_a_default_gives_the_first(corpus, several):
    several("a.mpg", "-f", "mpegts")
    corpus.write("a", Media(short_side=None))
    assert corpus.rows()["a"]["width"] == SIZES[0][0]
    corpus.write("a", Media(short_side=None, stream=2))
    assert corpus.rows()["a"]["width"] == SIZES[2][0]


def test_a_cover_picture_is_no_stream(corpus):
    cover, target = corpus.root / "cover.png", corpus.videos / "a.mp4"
    source = ["-f", "lavfi", "-i", "color=size=320x320", "-frames:v", "1"]
    subprocess.run([find_ffmpeg(), "-loglevel", "error", *source, cover], check=True)
    video = make_video(corpus.root / "video.mp4", size=SIZES[0])
    maps = ["-map", "1", "-map", "0", "-c", "copy", "-disposition:v:0", "attached_pic", "-disposition:v:1", "0"]
    subprocess.run([find_ffmpeg(), "-loglevel", "error", "-i", video, "-i", cover, *maps, target], check=True)
    corpus.write("a", Media(short_side=None))
    row = corpus.rows()["a"]
    assert (row["width"], row["num_frames"]) == (SIZES[0][0], 6)
    with pytest.raises(MediaError, match=r"no such video stream: media.stream = 1, counted from 0; the file has 1$"):
        probe(target, stream=1)


def test_a_file_without_that_stream_has_failed_and_the_others_go_on(corpus, several):
    several("a.mkv")
    make_video(corpus.videos / "b.mp4")
    corpus.write("ab", Media(stream=2))
    rows = corpus.rows()
    assert rows["a"]["status"] == "ok"
    assert (rows["b"]["status"], rows["b"]["reason"]) == ("failed", "no such video stream")
    assert rows["b"]["detail"] == "media.stream = 2, counted from 0; the file has 1"


def test_another_stream_is_another_recipe():
    named = {recipe_of(MEDIA.model_copy(update={"stream": stream})) for stream in (None, 0, 1)}
    assert len(named) == 3
    assert recipe_of(Media()) == "packed-256px-q4"


@pytest.mark.real
def test_of_two_real_streams_that_both_claim_to_be_the_default_the_first_is_taken(shared):
    path = shared / "real" / "odd" / "nasa_13013.mp4"
    assert [probe(path, stream=number).width for number in (None, 0, 1)] == [320, 320, 480]
