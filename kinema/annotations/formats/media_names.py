"""How tools name a media file (a path, an address, an upload) -> the name of the video."""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable
from urllib.parse import parse_qs, unquote, urlsplit

from kinema.media.extensions import VIDEO_EXTENSIONS, split_extension

UPLOAD = re.compile(r"^(?:.*/)?upload/\d+/")  # of Label Studio: /data/upload/<project>/<8 hexadecimal digits>-<name>
UPLOAD_CODE = re.compile(r"^[0-9a-f]{8}-")
OF_OBJECTS = ("s3", "s3a", "gs", "gcs", "az", "azure-blob", "abfs", "abfss")
DRIVE = re.compile(r"^[A-Za-z]:[\\/]")


def path_of(place: str) -> str:
    """The path in an address such as `s3://bucket/a/b.mp4`, `file:///C:/a.mp4` or `/data/local-files/?d=a/b.mp4`.

    A path stays one, with `/` between folders; the code in front of an upload of Label Studio goes.
    """
    text = forward(place.strip())
    scheme, is_address, rest = text.partition("://")
    if is_address and scheme.lower() in OF_OBJECTS:  # keys may hold anything
        key = rest.partition("/")[2]
        return f"/{key.partition('?')[0] if _has_query(key) else key}"
    if is_address and scheme.lower() == "file":
        return f"/{unquote(rest).removeprefix('localhost/').lstrip('/')}"
    if not (is_address or _has_query(text) or UPLOAD.match(text)):
        return text
    parts = urlsplit(text)
    if "local-files" in parts.path and (named := parse_qs(parts.query).get("d")):
        return "/" + forward(named[0])  # below a folder of the server
    path = unquote(parts.path)
    if UPLOAD.match(path):
        return UPLOAD_CODE.sub("", posixpath.basename(path))
    return path


def forward(path: str) -> str:
    """A path of Windows with `/` between folders; any other one as it is."""
    return path.replace("\\", "/") if DRIVE.match(path) or ("\\" in path and "/" not in path) else path


def _has_query(text: str) -> bool:
    """Whether a path has one of an address behind it; other names may have a question mark."""
    path, mark, _ = text.partition("?")
    return bool(mark) and ("local-files" in path or (has_video_extension(path) and not has_video_extension(text)))


def is_rooted(path: str) -> bool:
    """Whether a path is of the machine, or the server, on which somebody labelled, which says nothing here."""
    return path.startswith("/") or bool(DRIVE.match(path)) or "://" in path


def has_video_extension(name: str) -> bool:
    """Whether a name ends as those of videos do."""
    return split_extension(name)[1].lower() in VIDEO_EXTENSIONS


def short_names(paths: Iterable[str]) -> dict[str, str]:
    """Rooted paths by what they are called here: the file name, with as many folders as tell them apart."""
    paths = list(paths)
    rooted = [path for path in paths if is_rooted(path)]
    short = {path: path for path in paths}
    depth, open_ = 1, rooted
    while open_:
        tails = {path: "/".join(path.strip("/").split("/")[-depth:]) for path in open_}
        counts = Counter(tails.values())
        short.update(tails)
        open_ = [path for path in open_ if counts[tails[path]] > 1 and path.strip("/").count("/") >= depth]
        depth += 1
    return short
