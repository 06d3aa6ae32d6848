"""File names -> which may be videos. Only a first look: what a file really is, its content decides.

The Snakefile imports this module: it needs the standard library only.
"""


def _extensions(*texts: str) -> frozenset[str]:
    return frozenset(f".{word}" for text in texts for word in text.split())


# These come first where several files differ in the extension only: the others are often previews or originals.
COMMON = _extensions("avi m4v mkv mov mp4 mpeg mpg webm wmv")
# Of videos, and left out of the name in a table. None is a number: a name like `scene.264` has no extension.
VIDEO_EXTENSIONS = COMMON | _extensions(
    "3g2 3gp 3gpp amv apng asf divx dv f4v flv gif h264 h265 hevc ivf m1v m2p m2t m2ts m2v mjpeg mjpg mk3d mod mpe",
    "mpv mts mxf nut ogm ogv qt rm rmvb tod tp trp ts vob wtv xvid y4m",
)
# Those that files of programs and of music have as well.
AMBIGUOUS = _extensions("mod mts rm tp ts")
# What lies beside videos and is none.
OTHER_FILES = _extensions(
    # texts, tables, subtitles
    "ass bib cfg conf csv description doc docx htm html idx ini json jsonl log lrc md nfo ods odt pdf ppt pptx rst rtf",
    "sbv srt ssa sub tab tex toml tsv ttml txt vtt xls xlsx xml yaml yml",
    # pictures, sound
    "avif bmp dng exr heic heif ico jfif jp2 jpe jpeg jpg pbm pgm png pnm ppm psd svg tga thm tif tiff webp",
    "aac ac3 aif aiff amr flac m4a mid midi mp3 oga opus wav wma",
    # archives, data, models
    "7z arrow bz2 db feather flo gz h5 hdf5 mat npy npz onnx parquet pickle pkl pt pth rar sqlite tar tfrecord tgz xz",
    "zip zst",
    # programs, what is half loaded, what cameras write beside
    "bat c cpp css h ipynb java js m py sh tsx aria2 bak crdownload lock md5 part sha1 sha256 swp temp tmp torrent url",
    "ytdl bdm bup cpi gpx ifo mpl xmp",
)


def split_extension(path: str) -> tuple[str, str]:
    """A path without the extension of its last part, and that extension as it is written, or an empty text."""
    dot = path.rfind(".")
    return (path[:dot], path[dot:]) if dot > path.rfind("/") else (path, "")


def extension_of(name: str) -> str:
    """The extension of a file name in lower case, `.mp4`, or an empty text."""
    dot = name.rfind(".")
    return name[dot:].lower() if dot >= 0 else ""


def may_be_video(name: str) -> bool:
    """Whether a file of this name is listed: one of a video, or of no known kind unless it is hidden."""
    extension = extension_of(name)
    return extension in VIDEO_EXTENSIONS or not (extension in OTHER_FILES or name.startswith("."))


def in_words() -> str:
    """The extensions for an error."""
    return " ".join(sorted(extension[1:] for extension in COMMON)) + " and others"
