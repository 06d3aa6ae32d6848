"""Damage of source videos: what is cut, overwritten or lost is noticed nearly everywhere, whole files never are."""

import re
from functools import partial
from pathlib import Path

import pytest
from everyday import mostly_slow
from media_corpus import MEDIA, copy_packets, encode_noise, make_video

from kinema.media import damage
from kinema.media.damage import DOUBTS, WORDS
from kinema.media.ffmpeg import DecodeError, find_ffmpeg, jpeg_stream
from kinema.media.packets import Packets

PLACES = 17
# `storage: video` makes its own time stamps whatever those of the file
VIDEO = MEDIA.model_copy(update={"storage": "video"})
X264 = {"preset": "ultrafast", "g": 10}
X265 = {"crf": 12, "preset": "ultrafast", "x265-params": "log-level=none:keyint=10"}
MPEG = {"qmin": 3, "qmax": 3, "g": 10}
FAST_START = {"movflags": "faststart"}

# name: codec and how it is encoded
KINDS = {
    "mpeg4.avi": partial(encode_noise, codec="mpeg4", **MPEG),
    "mpeg4_b.avi": partial(encode_noise, codec="mpeg4", bf=2, **MPEG),
    "msmpeg4.avi": partial(encode_noise, codec="msmpeg4", **MPEG),
    "mjpeg.avi": partial(encode_noise, codec="mjpeg", pix_fmt="yuvj420p", qmin=3, qmax=3),
    "mjpeg_sound.avi": partial(encode_noise, codec="mjpeg", pix_fmt="yuvj420p", sound=True, qmin=3, qmax=3),
    "h264.avi": partial(encode_noise, codec="libx264", **X264),
    "wmv2.wmv": partial(encode_noise, codec="wmv2", **MPEG),
    "msmpeg4.wmv": partial(encode_noise, codec="msmpeg4", **MPEG),
    "mpeg1.mpg": partial(encode_noise, codec="mpeg1video", container="mpeg", **MPEG),
    "mpeg2.mpg": partial(encode_noise, codec="mpeg2video", container="vob", **MPEG),
    "mpeg2.ts": partial(encode_noise, codec="mpeg2video", container="mpegts", **MPEG),
    "h264.ts": partial(encode_noise, codec="libx264", container="mpegts", **X264),
    "hevc.ts": partial(encode_noise, codec="libx265", container="mpegts", **X265),
    "flv1.flv": partial(encode_noise, codec="flv1", **MPEG),
    "h264.flv": partial(encode_noise, codec="libx264", **X264),
    "h263.3gp": partial(encode_noise, codec="h263", size=(176, 144), muxer=FAST_START, **MPEG),
    "mpeg4.3gp": partial(encode_noise, codec="mpeg4", muxer=FAST_START, **MPEG),
    "mpeg4.mp4": partial(encode_noise, codec="mpeg4", muxer=FAST_START, **MPEG),
    "mpeg4.mkv": partial(encode_noise, codec="mpeg4", bf=2, **MPEG),
    "h264.mp4": partial(encode_noise, codec="libx264", muxer=FAST_START, **X264),
    "h264_fragments.mp4": partial(
        encode_noise, codec="libx264", muxer={"movflags": "frag_keyframe+empty_moov"}, **X264
    ),
    "h264.mkv": partial(encode_noise, codec="libx264", **X264),
    "hevc.mp4": partial(encode_noise, codec="libx265", muxer=FAST_START, **X265),
    "hevc.mkv": partial(encode_noise, codec="libx265", **X265),
    "vp8.ogv": partial(encode_noise, codec="libvpx", container="ogg", deadline="realtime", g=10, b=2_000_000),
    "vp9.webm": partial(encode_noise, codec="libvpx-vp9", deadline="realtime", g=10, b=2_000_000, **{"cpu-used": 8}),
    "dv.avi": partial(encode_noise, codec="dvvideo", frames=4, size=(720, 576)),
    "gif.gif": partial(encode_noise, codec="gif", pix_fmt="rgb8"),
    "ffv1.mkv": partial(encode_noise, codec="ffv1", slicecrc=1, level=3),
}


@pytest.fixture(scope="session")
def sources(tmp_path_factory):
    """A whole file of a kind, made once."""
    folder = tmp_path_factory.mktemp("sources")

    def source(name: str) -> Path:
        path = folder / name
        return path if path.exists() else KINDS[name](path)

    return source


def noticed(corpus, spoilt: dict[str, bytes]) -> set[str]:
    """Which of the files do not pass for whole ones."""
    for name, data in spoilt.items():
        (corpus.videos / f"{name}.mp4").write_bytes(data)
    corpus.write(list(spoilt), VIDEO, workers=2)
    rows = corpus.rows()
    for row in rows.values():
        assert row["status"] == "failed" or row["truncated"] == (row["detail"] is not None)
    return {name for name, row in rows.items() if row["status"] == "failed" or row["truncated"]}


CUT = [name for name in KINDS if name not in ("mpeg4_b.avi", "mpeg4.mp4", "dv.avi", "ffv1.mkv")]
EVERYDAY = ("mpeg4.avi", "h264.avi", "mpeg2.ts", "h264.mp4", "h264.mkv", "hevc.mp4", "vp9.webm")


@pytest.mark.slow
@pytest.mark.parametrize("name", mostly_slow(CUT, everyday=EVERYDAY))
def test_a_cut_file_is_noticed_wherever_it_is_cut(corpus, sources, name):
    data = sources(name).read_bytes()
    cut = {str(place): data[: len(data) * place // (PLACES + 1)] for place in range(1, PLACES + 1)}
    assert len(noticed(corpus, cut)) >= PLACES - 1


# MJPEG with sound: where zeros hide the end of a picture it looks like those of many cameras
ZEROS = ["mpeg4.avi", "mpeg4_b.avi", "mjpeg.avi", "h264.avi", "hevc.mkv", "hevc.mp4", "h264.mp4", "h264.mkv"]
OTHER_ZEROS = ["mpeg4.mkv", "mpeg2.ts", "mpeg2.mpg", "vp8.ogv", "vp9.webm", "ffv1.mkv"]


@pytest.mark.parametrize("name", mostly_slow([*ZEROS, *OTHER_ZEROS], everyday=["h264.mp4", "h264.mkv", "mpeg2.ts"]))
def test_zeros_inside_a_file_are_noticed_wherever_they_are(corpus, sources, name):
    data = sources(name).read_bytes()
    num_zeros = max(len(data) // 150, 200)
    spoilt = {}
    for place in range(1, PLACES + 1):
        start = len(data) * place // (PLACES + 1)
        spoilt[str(place)] = data[:start] + bytes(num_zeros) + data[start + num_zeros :]
    assert len(noticed(corpus, spoilt)) >= PLACES - 1


LOST = {
    "mpeg4.avi": partial(encode_noise, codec="mpeg4", **MPEG),
    "mpeg4.mkv": partial(encode_noise, codec="mpeg4", bf=2, **MPEG),
    "mpeg2.mkv": partial(encode_noise, codec="mpeg2video", bf=2, **MPEG),
    "h264.mp4": partial(encode_noise, codec="libx264", preset="veryfast", g=10),
    "h264.mkv": partial(encode_noise, codec="libx264", preset="veryfast", g=10, bf=0),
    "hevc.mkv": partial(encode_noise, codec="libx265", **X265),
    "vp9.webm": partial(encode_noise, codec="libvpx-vp9", deadline="realtime", g=10, **{"cpu-used": 8}),
    "wmv2.wmv": partial(encode_noise, codec="wmv2", **MPEG),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", mostly_slow(LOST, everyday=["h264.mkv", "wmv2.wmv"]))
def test_a_lost_key_frame_is_noticed_whichever_it_is(corpus, tmp_path, name):
    whole = LOST[name](tmp_path / name, frames=195)
    spoilt = {}
    for lost in range(2, PLACES + 2):
        path = copy_packets(
            whole, tmp_path / f"lost_{name}", lambda _, keys, packet, lost=lost: not packet.is_keyframe or keys != lost
        )
        spoilt[str(lost)] = path.read_bytes()
    assert len(noticed(corpus, spoilt)) >= PLACES - 1
    assert not noticed(corpus, {"whole": whole.read_bytes()})


def cut_in_half(data: bytes) -> list[bytes]:
    return [data[: len(data) // 2]]


def zeros_inside(data: bytes) -> list[bytes]:
    """With 200 zeros, in one of many places."""
    places = range(len(data) // 20, len(data) - 200, len(data) // 20)
    return [data[:place] + bytes(200) + data[place + 200 :] for place in places]


def bits_flipped(data: bytes) -> list[bytes]:
    """With one byte flipped, in one of many places."""
    places = range(len(data) // 20, len(data), len(data) // 20)
    return [data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :] for place in places]


def bytes_missing(data: bytes) -> list[bytes]:
    """Without 200 bytes, in one of many places."""
    places = range(len(data) // 20, len(data) - 200, len(data) // 20)
    return [data[:place] + data[place + 200 :] for place in places]


# what says it, and how it was spoilt
SAID = {
    "invalid data found|decoding error": ("h264.mp4", zeros_inside),
    "error submitting packet to decoder": ("dv.avi", cut_in_half),
    "error while decoding": ("h264.ts", zeros_inside),
    "corrupt decoded frame": ("mpeg4.avi", cut_in_half),
    "partial file": ("mpeg4.3gp", cut_in_half),
    "ended prematurely": ("h264.mkv", cut_in_half),
    r"error y=\d+ x=\d+": ("mjpeg.avi", bits_flipped),
    "LZW decode failed": ("gif.gif", cut_in_half),
    r"\bCRC mismatch!": ("vp8.ogv", bits_flipped),
    "slice CRC mismatch": ("ffv1.mkv", bits_flipped),
    r"Packet mismatch \d+": ("flv1.flv", zeros_inside),
    "invalid as first byte of an EBML number": ("ffv1.mkv", zeros_inside),
    "exceeds containing master element": ("h264.mkv", bytes_missing),
}


def test_every_word_of_damage_has_a_file_that_brings_it_about():
    assert SAID.keys() == set(WORDS)


@pytest.mark.slow
@pytest.mark.parametrize("word", SAID)
def test_ffmpeg_says_it_of_a_damaged_file(sources, tmp_path, monkeypatch, word):
    """By that word alone."""
    name, spoil = SAID[word]
    monkeypatch.setattr(damage, "DAMAGE", re.compile(word, re.IGNORECASE))
    monkeypatch.setattr(damage, "DOUBTS", {})
    said = []
    for data in spoil(sources(name).read_bytes()):
        (tmp_path / name).write_bytes(data)
        try:
            sum(1 for _ in jpeg_stream(tmp_path / name, media=MEDIA, ffmpeg=find_ffmpeg()))
        except DecodeError as error:
            said.append(error.detail)
    assert any(re.search(word, detail, re.IGNORECASE) for detail in said)


WHOLE = {
    "open_group.mkv": ("libx264", {"preset": "veryfast", "g": 10, "x264-params": "open-gop=1"}),
    "open_group_hevc.mkv": ("libx265", X265),
    "hidden.webm": ("libvpx", {"auto-alt-ref": 1, "lag-in-frames": 20, "b": 100_000}),
    "hidden_vp9.webm": ("libvpx-vp9", {"lag-in-frames": 20, "b": 100_000, "cpu-used": 5}),
    "refreshed.mp4": ("libx264", {"preset": "veryfast", "g": 10, "x264-params": "intra-refresh=1:bframes=0"}),
    "references.mp4": ("libx264", {"g": 10, "refs": 5, "bf": 5, "b-pyramid": "normal", "weightp": 2}),
    "padded.ts": ("libx264", {"x264-params": "nal-hrd=cbr:vbv-maxrate=900:vbv-bufsize=900:bitrate=900"}),
    "lossless.mkv": ("libx264", {"qp": 0}),
    "constant.mpg": ("mpeg2video", {"b": 1_000_000, "minrate": 1_000_000, "maxrate": 1_000_000, "bufsize": 300_000}),
    "still.wmv": ("wmv2", {"qmin": 31, "qmax": 31}),
    "xvid.avi": ("mpeg4", {"bf": 2}),
    "huffman.avi": ("mjpeg", {"huffman": "optimal"}),
    "raw.avi": ("rawvideo", {}),
    "prores.mov": ("prores_ks", {}),
    "one.mp4": ("libx264", {"frames": 1}),
    "one.avi": ("mpeg4", {"frames": 1}),
    "one.ts": ("libx264", {"frames": 1}),
}
PIXELS = {"mjpeg": "yuvj420p", "prores_ks": "yuv422p10le"}
CONTAINERS = {"ts": "mpegts", "mpg": "vob"}


@pytest.mark.slow
def test_whole_files_are_not_marked(corpus, sources, tmp_path):
    files = {name: sources(name) for name in KINDS}
    for name, (codec, options) in WHOLE.items():
        how = {"container": CONTAINERS.get(name.rpartition(".")[2]), "pix_fmt": PIXELS.get(codec, "yuv420p")}
        files[name] = encode_noise(tmp_path / name, codec, **how, **options)
    assert not noticed(corpus, {name: path.read_bytes() for name, path in files.items()})


@pytest.mark.real
@pytest.mark.slow
def test_real_whole_files_are_not_marked(shared, corpus):
    ids = []
    for folder in ("kth", "hmdb51", "ucf101", "kinetics_tiny", "ut_interaction"):
        for path in sorted((shared / "real" / folder).rglob("*.*")):
            if path.suffix in (".avi", ".mp4"):
                ids.append(f"v{len(ids)}")
                (corpus.videos / f"{ids[-1]}.mp4").symlink_to(path)
    corpus.write(ids, VIDEO, workers=2)
    assert len(ids) == 144
    assert {(row["status"], row["truncated"], row["detail"]) for row in corpus.rows().values()} == {("ok", False, None)}


# times in fiftieths of a second
UNEVEN = {
    "slow_motion": [*range(0, 60, 2), *range(60, 100), *range(100, 160, 2)],
    "bursts": [50 * (number // 5) + 2 * (number % 5) for number in range(60)],
    "pause": [*range(0, 40, 2), *range(300, 340, 2)],
    "left_out": [2 * number for number in range(100) if number % 7 != 3],
    "left_out_key": [2 * number for number in range(100) if number != 40],
    "late": [2 * number + (number == 30) for number in range(60)],
    "negative": [2 * number - 20 for number in range(60)],
}


@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts", "flv"])
def test_uneven_times_are_no_damage(corpus, container):
    for name, times in UNEVEN.items():
        options = {"frames": len(times), "times": times, "container": container, "preset": "ultrafast", "g": "20"}
        make_video(corpus.videos / f"{name}.mp4", **options)
    corpus.write(list(UNEVEN), VIDEO)
    assert {(row["status"], row["truncated"], row["detail"]) for row in corpus.rows().values()} == {("ok", False, None)}


@pytest.mark.parametrize("name", ["mpeg2.ts", "h264.ts", "hevc.ts", "mpeg2.mpg", "mpeg1.mpg"])
def test_joined_recordings_are_whole(corpus, sources, name):
    data = sources(name).read_bytes()
    assert not noticed(corpus, {"joined": data * 2})
    assert corpus.rows()["joined"]["num_frames"] == 100


@pytest.mark.parametrize("name", ["mpeg2.ts", "h264.ts", "hevc.ts"])
def test_a_recording_of_a_broadcast_begins_anywhere(corpus, sources, name):
    data = sources(name).read_bytes()
    assert not noticed(corpus, {"excerpt": data[188 * 20 :]})
    assert 30 < corpus.rows()["excerpt"]["num_frames"] < 50


def test_lost_transport_packets_are_noticed(corpus, sources):
    data = sources("h264.ts").read_bytes()
    places = [188 * (len(data) * place // (PLACES + 1) // 188) for place in range(1, PLACES + 1)]
    spoilt = {str(place): data[:place] + data[place + 188 * 3 :] for place in places}
    assert len(noticed(corpus, spoilt)) == PLACES


@pytest.mark.parametrize("name", ["h264.mkv", "h264.mp4", "hevc.mkv", "mpeg2.mkv"])
def test_a_file_that_lacks_its_first_key_frame_is_marked(corpus, sources, tmp_path, name):
    source = sources(name) if name in KINDS else LOST[name](tmp_path / name)
    path = copy_packets(source, tmp_path / f"late_{name}", lambda number, keys, packet: number > 2)
    assert noticed(corpus, {"late": path.read_bytes()})


@pytest.mark.parametrize("name", ["h264.mkv", "hevc.mkv", "mpeg2.mkv", "mpeg4.avi", "h264.ts"])
def test_a_file_that_begins_at_an_open_group_of_pictures_is_whole(corpus, sources, tmp_path, name):
    source = sources(name) if name in KINDS else LOST[name](tmp_path / name)
    container = "mpegts" if name.endswith(".ts") else None
    path = copy_packets(source, tmp_path / f"open_{name}", lambda number, keys, packet: keys > 1, container=container)
    assert not noticed(corpus, {"open": path.read_bytes()})


@pytest.mark.parametrize(
    ("name", "behind"),
    [("h264.mp4", b"SEFT" + bytes(60)), ("mpeg4.avi", b"more"), ("h264.flv", b""), ("wmv2.wmv", b"more")],
)
def test_what_lies_behind_a_video_is_none_of_it(corpus, sources, name, behind):
    assert not noticed(corpus, {"longer": sources(name).read_bytes() + behind})


def test_an_avi_whose_length_was_never_written_is_no_cut_one(corpus, sources):
    data = bytearray(sources("mpeg4.avi").read_bytes())
    for name in (b"RIFF", b"movi"):
        place = data.index(name) + (4 if name == b"RIFF" else -4)
        data[place : place + 4] = b"\xff" * 4
    data[48:52] = bytes(4)  # frames
    assert not noticed(corpus, {"live": bytes(data)})


def test_a_few_short_scans_are_damage_and_many_the_habit_of_a_camera():
    packets = Packets(stamps=[number / 25 for number in range(100)], keys=list(range(100)))
    assert not packets.explain({"scan": 5}, 100)
    assert packets.explain({"scan": 99}, 100)
    assert packets.explain({"scan": 5}, None)  # of a part of the video


def test_doubts_are_no_damage_of_their_own():
    remarks = damage.Remarks()
    for line in ("Could not find ref with POC 7", "Packet corrupt (stream = 0, dts = 1).", "mmco: unref short failure"):
        remarks.add(line)
    assert (remarks.damage, remarks.doubts) == ("", {"reference": 1, "packet": 1})
    assert DOUBTS.keys() == {"reference", "packet", "scan"}


def test_damaged_videos_are_dropped_if_that_is_wanted(corpus, sources):
    """And only they are decoded again when one changes one's mind."""
    data = sources("mpeg4.avi").read_bytes()
    (corpus.videos / "cut.mp4").write_bytes(data[: len(data) // 2])
    (corpus.videos / "whole.mp4").write_bytes(data)
    assert corpus.write(["cut", "whole"])["decoded"] == 2
    kept = corpus.rows()["cut"]
    assert kept["truncated"]
    drop = MEDIA.model_copy(update={"damaged": "drop"})
    assert corpus.write(["cut", "whole"], drop) == {"kept": 1, "decoded": 0, "failed": 1, "missing": 0}
    row = corpus.rows()["cut"]
    assert (row["status"], row["reason"], row["detail"]) == ("failed", "damaged", kept["detail"])
    assert corpus.write(["cut", "whole"], drop)["kept"] == 2
    assert corpus.write(["cut", "whole"]) == {"kept": 1, "decoded": 1, "failed": 0, "missing": 0}
    assert corpus.rows()["cut"]["frames_digest"] == kept["frames_digest"]
