"""A list in a text file -> its bytes, which are UTF-8; of any other file what it is, and what to do."""

import io
import zipfile
from pathlib import Path

import pyarrow as pa

PACKED = (".gz", ".bz2", ".zst", ".lz4")  # unpacked while they are read
HEAD_BYTES = 32  # of the first line, which is ASCII as a rule
_AS_UTF8 = "save it as UTF-8 text"
_AS_CSV = "save it as CSV (UTF-8)"
_UNPACK = "unpack it"
# how a file begins, what it is then, and what to do; the first that fits
_KINDS = (
    (b"\xff\xfe\0\0", "UTF-32 text", _AS_UTF8),
    (b"\0\0\xfe\xff", "UTF-32 text", _AS_UTF8),
    (b"\xff\xfe", "UTF-16 text", _AS_UTF8),
    (b"\xfe\xff", "UTF-16 text", _AS_UTF8),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook", _AS_CSV),
    (b"PAR1", "a Parquet file", "name it .parquet"),
    (b"ARROW1", "an Arrow or Feather file", "save it as CSV (UTF-8) or Parquet"),
    (b"version https://git-lfs", "a pointer of Git LFS in the place of the file", "fetch the file: git lfs pull"),
    (b"SQLite format 3\0", "an SQLite database", _AS_CSV),
    (b"%PDF", "a PDF document", _AS_CSV),
    (b"\x1f\x8b", "compressed by gzip", _UNPACK),
    (b"BZh", "compressed by bzip2", _UNPACK),
    (b"\xfd7zXZ", "compressed by xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", _UNPACK),
    (b"7z\xbc\xaf", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"signature:datumaro_binary", "Datumaro's binary form", "export it in Datumaro's JSON form, `datumaro`"),
    (b"MATLAB 5.0 MAT-file", "a MATLAB file", _AS_CSV),
    (b"MATLAB 7.3 MAT-file", "a MATLAB file", _AS_CSV),
    (b"\x89HDF\r\n", "an HDF5 file", _AS_CSV),
    *((b"\x80" + bytes([protocol]), "a pickle of Python", _AS_CSV) for protocol in range(2, 6)),
)
_ZIP = b"PK\x03\x04"
_OF_WORKBOOKS = ("xl/", "mimetype")  # what an Excel or OpenDocument workbook has in it


def read_utf8(file: Path) -> bytes:
    """The bytes of a text file, a byte order mark included; a name such as `list.csv.gz` has it unpacked.

    ValueError says in a line what is there instead of UTF-8 text.
    """
    content = _unpacked(file)
    if b"\r" in content and b"\n" not in content:  # lines of the old Macintosh, which Excel still writes
        content = content.replace(b"\r", b"\n")
    if kind := kind_of(content):
        raise ValueError(f"{file}: this is {kind[0]}; {kind[1]}")
    if not content.isascii():
        _check_utf8(file, content)
    if (position := content.find(0)) >= 0:
        line = content.count(b"\n", 0, position) + 1
        raise ValueError(f"{file} line {line}: a NUL byte, which no text holds; {_AS_UTF8}")
    return content


def kind_of(content: bytes) -> tuple[str, str] | None:
    """What a file is that is no UTF-8 text, and what to do; None where its first bytes do not tell."""
    if content.startswith(_ZIP):
        return ("an Excel or OpenDocument workbook", _AS_CSV) if _is_workbook(content) else ("a zip archive", _UNPACK)
    found = next((kind[1:] for kind in _KINDS if content.startswith(kind[0])), None)
    return found or _without_mark(content[:HEAD_BYTES])


def _is_workbook(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(name.startswith(_OF_WORKBOOKS) for name in archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError):  # cut off, say: its end lists what is in it
        return False


def _without_mark(head: bytes) -> tuple[str, str] | None:
    """UTF-16 and UTF-32 without a byte order mark: nearly every second or fourth byte of a Western text is zero."""
    zeros = [head[start::4].count(0) * 4 > 0.8 * len(head) for start in range(4)]
    if sum(zeros) == 3:
        return "UTF-32 text", _AS_UTF8
    if zeros in ([True, False, True, False], [False, True, False, True]):
        return "UTF-16 text", _AS_UTF8
    return None


def _unpacked(file: Path) -> bytes:
    if file.suffix.lower() not in PACKED:
        return file.read_bytes()
    try:
        with pa.input_stream(str(file), compression="detect") as stream:
            return stream.read()
    except OSError as error:
        raise ValueError(f"{file}: cannot be unpacked: {' '.join(str(error).split())}") from None


def _check_utf8(file: Path, content: bytes) -> None:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{file} line {line}: not UTF-8 text ({error.reason}); save the file as UTF-8") from None
