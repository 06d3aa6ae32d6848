"""An IR on disk: model.xml and the model.bin of the same conversion, or neither."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kinema.files import atomic_path
from kinema.records.parity import IrDigests


@contextmanager
def new_ir(xml_path: Path) -> Iterator[Path]:
    """A temporary .xml path, moved onto `xml_path` with the .bin beside it when the block ends well.

    The IR that was there goes first, and the new .xml comes last: whoever finds an .xml finds its own weights.
    """
    remove_ir(xml_path)
    try:
        with atomic_path(xml_path) as temporary, atomic_path(_weights(xml_path)) as weights:
            assert weights == _weights(temporary), "writers of IRs put the weights there"
            yield temporary
    except BaseException:
        remove_ir(xml_path)
        raise


def copy_ir(source_path: Path, target_path: Path, *, digests: IrDigests) -> None:
    """Copy an IR; ValueError, and no IR, where the copy has other `ir_digests` than these."""
    with new_ir(target_path) as temporary:
        shutil.copyfile(_weights(source_path), _weights(temporary))
        shutil.copyfile(source_path, temporary)
        check_digests(temporary, digests, named_path=source_path)


def check_digests(xml_path: Path, expected: IrDigests, *, named_path: Path) -> None:
    """ValueError where an IR, which the text calls by `named_path`, has other digests than expected."""
    found = ir_digests(xml_path)
    for path, here, there in (
        (named_path, found.xml, expected.xml),
        (_weights(named_path), found.bin, expected.bin),
    ):
        if here != there:
            raise ValueError(
                f"{path}: not the IR that was compared with PyTorch: its SHA-256 is {here[:16]}..., in parity.json "
                f"{there[:16]}...; delete it and run again, which converts anew"
            )


def ir_digests(xml_path: Path) -> IrDigests:
    """SHA-256 of both files."""
    return IrDigests(xml=_sha256(xml_path), bin=_sha256(_weights(xml_path)))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_ir(xml_path: Path) -> None:
    """Remove both files, the .xml first."""
    xml_path.unlink(missing_ok=True)
    _weights(xml_path).unlink(missing_ok=True)


def _weights(xml_path: Path) -> Path:
    return xml_path.with_suffix(".bin")
