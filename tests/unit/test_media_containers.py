"""Only files that hold all of a video are opened: others are refused before anything that they name is."""

import contextlib
import socket
import struct
import subprocess

import cv2
import numpy as np
import pytest
from media_corpus import MEDIA, make_video

from kinema.media.containers import SELF_CONTAINED
from kinema.media.ffmpeg import find_ffmpeg, jpeg_stream
from kinema.media.probe import MediaError, probe
from kinema.media.sizes import probe_within_limits

REFUSED = "not a self-contained video"
# how a container is made by ffmpeg, from pictures of 320 x 240 pixels
CONTAINERS = {
    "a.mp4": "-f mp4",
    "fragments.mp4": "-f mp4 -movflags frag_keyframe+empty_moov",
    "b.mov": "-f mov",
    "c.3gp": "-f 3gp -c:v h263 -s 176x144",
    "d.m4v": "-f m4v -c:v mpeg4",
    "e.mkv": "-f matroska",
    "f.webm": "-f webm -deadline realtime",
    "g.avi": "-f avi",
    "h.wmv": "-f asf",
    "i.flv": "-f flv",
    "j.ts": "-f mpegts",
    "k.m2ts": "-f mpegts -mpegts_m2ts_mode 1",
    "l.mpg": "-f mpeg",
    "m.vob": "-f vob",
    "n.m2v": "-f mpeg2video",
    "o.h264": "-f h264",
    "p.hevc": "-f hevc",
    "q.ivf": "-f ivf -c:v libvpx -deadline realtime",
    "r.ogv": "-f ogg -c:v libtheora",
    "s.gif": "-f gif",
    "t.apng": "-f apng",
    "u.mjpeg": "-f mjpeg",
    "v.nut": "-f nut",
    "w.rm": "-f rm -c:v rv10 -s 176x144",
    "x.mxf": "-f mxf -c:v mpeg2video",
    "y.y4m": "-f yuv4mpegpipe",
    "z.swf": "-f swf -c:v flv1",
    "wtv.wtv": "-f wtv",
    "dv.dv": "-f dv -s 720x576 -pix_fmt yuv420p",
    "gxf.gxf": "-f gxf -c:v mpeg2video -s 720x576 -pix_fmt yuv420p",
}


@pytest.mark.slow
def test_every_usual_container_is_opened_whatever_its_extension(corpus):
    source = ["-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=0.4"]
    for name, options in CONTAINERS.items():
        path = corpus.videos / f"{name}.mp4"
        subprocess.run([find_ffmpeg(), *source, *options.split(), path], check=True)
    corpus.write(list(CONTAINERS), workers=2)
    found = {name: (row["status"], row["reason"], row["num_frames"]) for name, row in corpus.rows().items()}
    # Theora, Flash and DV files lack a frame at an end
    assert {name: state[:2] for name, state in found.items()} == dict.fromkeys(CONTAINERS, ("ok", None))
    assert all(number in (9, 10) for _, _, number in found.values()), found


@pytest.fixture
def server():
    """A port of this machine that nothing may connect to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.accept()


def concat(target: str) -> bytes:
    return f"ffconcat version 1.0\nfile '{target}'\n".encode()


def hls(target: str) -> bytes:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n".encode()


def dash(target: str) -> bytes:
    representation = f'<Representation id="1" bandwidth="1"><BaseURL>{target}</BaseURL></Representation>'
    return (
        '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT1S" '
        'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4">'
        f"{representation}</AdaptationSet></Period></MPD>"
    ).encode()


def sdp(target: str) -> bytes:
    port = target.rpartition(":")[2].partition("/")[0]
    media = f"m=video {port if port.isdigit() else 5004} RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:{target}\r\n"
    return f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n{media}".encode()


def vobsub(target: str) -> bytes:
    return b"# VobSub index file, v7 (do not modify this line!)\nid: en, index: 0\ntimestamp: 00:00:00:000, filepos: 0"


def imf(target: str) -> bytes:
    return f'<?xml version="1.0"?><CompositionPlaylist xmlns="x"><Id>{target}</Id></CompositionPlaylist>'.encode()


LEADING = (concat, hls, dash, sdp, vobsub, imf)


@pytest.fixture
def targets(corpus, server):
    """Where a file may lead: a neighbour, a file outside of the folder, this machine's network."""
    make_video(corpus.videos / "neighbour.mp4")
    outside = make_video(corpus.root / "outside.mp4")
    host = f"127.0.0.1:{server.getsockname()[1]}"
    return [
        "neighbour.mp4",
        "../outside.mp4",
        str(outside),
        f"http://{host}/a.mp4",
        f"tcp://{host}",
        f"rtsp://{host}/a",
    ]


@pytest.mark.parametrize("content", LEADING, ids=lambda make: make.__name__)
@pytest.mark.parametrize("extension", ["mp4", "mkv", "avi"])
def test_a_file_that_leads_elsewhere_is_refused_and_nothing_that_it_names_opened(corpus, targets, content, extension):
    for number, target in enumerate(targets):
        (corpus.videos / f"bad{number}.{extension}").write_bytes(content(target))
    make_video(corpus.videos / "good.mp4")
    names = [f"bad{number}" for number in range(len(targets))]
    corpus.write(["good", *names])
    rows = corpus.rows()
    assert rows.pop("good")["status"] == "ok"
    assert rows.keys() == set(names)
    # a build that lacks the format does not know it at all
    assert {(row["status"], row["reason"]) for row in rows.values()} <= {
        ("failed", REFUSED),
        ("failed", "not a media file"),
    }
    if content in (concat, sdp):
        format = {"concat": "concat", "sdp": "sdp"}[content.__name__]
        assert {row["reason"] for row in rows.values()} == {REFUSED}
        assert {row["detail"] for row in rows.values()} == {f"ffmpeg calls its format {format}"}


@pytest.mark.slow
@pytest.mark.parametrize("content", LEADING, ids=lambda make: make.__name__)
@pytest.mark.parametrize("name", ["a.mp4", "a.m3u8", "a.mpd", "a.sdp", "a.idx", "a.xml", "a.ffconcat"])
def test_neither_library_follows_it_under_any_name(corpus, targets, content, name):
    for number, target in enumerate(targets):
        path = corpus.videos / f"{number}{name}"
        path.write_bytes(content(target))
        with pytest.raises(MediaError):
            probe(path, timeout_seconds=20)
        with pytest.raises(MediaError, match=r"whitelist|Invalid"):
            list(jpeg_stream(path, media=MEDIA, ffmpeg=find_ffmpeg()))


def test_without_the_list_it_would_be_followed(corpus, monkeypatch):
    """So that the tests above can fail."""
    make_video(corpus.videos / "neighbour.mp4", frames=4)
    path = corpus.videos / "a.mp4"
    path.write_bytes(concat("neighbour.mp4"))
    monkeypatch.setattr("kinema.media.inputs.SELF_CONTAINED", {})
    assert len(list(jpeg_stream(path, media=MEDIA, ffmpeg=find_ffmpeg()))) == 4


def write_pictures(folder, extension: str) -> None:
    _, data = cv2.imencode(extension, np.full((48, 64, 3), 90, np.uint8))
    for number in (1, 2, 3):
        (folder / f"secret_{number:03d}{extension}").write_bytes(data.tobytes())


@pytest.mark.parametrize("extension", [".png", ".jpg"])
@pytest.mark.parametrize("name", ["secret_%03d", "secret_*", "secret_00?"])
def test_a_name_is_no_pattern_of_other_names(corpus, extension, name):
    write_pictures(corpus.videos, extension)
    path = corpus.videos / f"{name}{extension}"
    path.write_bytes(b"nothing")
    with pytest.raises(MediaError, match=f"{REFUSED}: ffmpeg calls its format image2"):
        probe_within_limits(path, media=MEDIA, ffmpeg=find_ffmpeg())
    with contextlib.suppress(MediaError):
        assert not list(jpeg_stream(path, media=MEDIA, ffmpeg=find_ffmpeg()))


@pytest.mark.parametrize("extension", ["mp4", "mkv", "avi"])
def test_a_pattern_inside_a_list_is_not_followed(corpus, extension):
    write_pictures(corpus.videos, ".png")
    (corpus.videos / f"a.{extension}").write_bytes(concat("secret_%03d.png"))
    corpus.write("a")
    assert corpus.rows()["a"]["reason"] == REFUSED


def test_pictures_that_lie_in_another_file_are_not_fetched(corpus, monkeypatch):
    """QuickTime may keep them elsewhere and name that file in an alias."""
    content = make_video(corpus.videos / "media.mov", container="mov").read_bytes()
    at = content.index(b"dref")
    size = int.from_bytes(content[at - 4 : at], "big")
    alias = alias_to("media.mov")
    new = struct.pack(">I4sIII4sI", 28 + len(alias), b"dref", 0, 1, 12 + len(alias), b"alis", 0) + alias
    grown = bytearray(content[: at - 4] + new + content[at - 4 + size :])
    for kind in (b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        place = grown.rindex(kind, 0, at) - 4
        grown[place : place + 4] = struct.pack(">I", int.from_bytes(grown[place : place + 4], "big") + len(new) - size)
    path = corpus.videos / "a.mov"
    path.write_bytes(grown)
    corpus.write("a")
    assert corpus.rows()["a"]["status"] == "failed"
    # the alias is a good one, so that this test can fail
    monkeypatch.setattr("kinema.media.inputs.SELF_CONTAINED", SELF_CONTAINED | {"enable_drefs": "1"})
    assert len(list(jpeg_stream(path, media=MEDIA, ffmpeg=find_ffmpeg()))) == 6


def alias_to(name: str) -> bytes:
    """A record of classic Mac OS that names a file in the same folder."""
    record = bytearray(150)
    record[4:6] = struct.pack(">H", 150)
    record[50 : 51 + len(name)] = bytes([len(name)]) + name.encode()
    record[130:134] = struct.pack(">hh", 1, 1)
    path = name.encode() + b"\0" * (len(name) % 2)
    return bytes(record) + struct.pack(">hH", 2, len(name)) + path + struct.pack(">hH", -1, 0)


def test_names_of_formats_are_none_that_lead_elsewhere():
    allowed = SELF_CONTAINED["format_whitelist"].split(",")
    leading = (
        "concat hls dash sdp rtsp rtp sap image2 image2pipe imf vobsub mlv dvdvideo libcdio avisynth lavfi svg_pipe"
    )
    assert not {*leading.split(), "webm_dash_manifest", "vapoursynth"} & set(allowed)
    assert len(set(allowed)) == len(allowed) > 200
