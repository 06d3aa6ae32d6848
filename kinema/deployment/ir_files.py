"""An IR on disk: model.xml and the model.bin of the same conversion, or neither."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kinema.files import atomic_path


@contextmanager
def new_ir(xml_path: Path) -> Iterator[Path]:
    """A temporary .xml path, moved onto `xml_path` with the .bin beside it when the block ends well.

    The IR that was there goes first, and the new .xml comes last: whoever finds an .xml finds its own weights.
    """
    remove_ir(xml_path)
    try:
        with atomic_path(xml_path) as temporary, atomic_path(weights_path(xml_path)) as weights:
            assert weights == weights_path(temporary), "writers of IRs put the weights there"
            yield temporary
    except BaseException:
        remove_ir(xml_path)
        raise


def check_digests(paths: Iterable[Path], expected: dict[str, str]) -> None:
    """ValueError where one of these files is not the one that gate 1 saw."""
    for path in paths:
        here, there = sha256(path), expected.get(path.name, "nothing")
        if here != there:
            raise ValueError(
                f"{path}: not the file that was compared with PyTorch: its SHA-256 is {here[:16]}..., in parity.json "
                f"{there[:16]}...; delete it and run again, which converts anew"
            )


def digests_of(paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of files by their names."""
    return {path.name: sha256(path) for path in paths}


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_ir(xml_path: Path) -> None:
    """Remove both files, the .xml first."""
    xml_path.unlink(missing_ok=True)
    weights_path(xml_path).unlink(missing_ok=True)


def weights_path(xml_path: Path) -> Path:
    """The .bin that belongs to an .xml."""
    return xml_path.with_suffix(".bin")
