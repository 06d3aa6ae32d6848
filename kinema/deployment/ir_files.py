"""An IR on disk: model.xml and the model.bin of the same conversion, or neither."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kinema.files import atomic_path


@contextmanager
def new_ir(xml: Path) -> Iterator[Path]:
    """A temporary .xml path, moved onto `xml` with the .bin beside it when the block ends well.

    The IR that was there goes first, and the new .xml comes last: whoever finds an .xml finds its own weights.
    """
    remove_ir(xml)
    try:
        with atomic_path(xml) as temporary, atomic_path(_weights(xml)) as weights:
            assert weights == _weights(temporary), "writers of IRs put the weights there"
            yield temporary
    except BaseException:
        remove_ir(xml)
        raise


def copy_ir(source: Path, target: Path, *, digests: dict[str, str]) -> None:
    """Copy an IR; ValueError, and no IR, where the copy has other `ir_digests` than these."""
    with new_ir(target) as temporary:
        shutil.copyfile(_weights(source), _weights(temporary))
        shutil.copyfile(source, temporary)
        check_digests(temporary, digests, name=source)


def check_digests(xml: Path, expected: dict[str, str], *, name: Path) -> None:
    """ValueError where an IR, called `name` in the text, has other digests than expected."""
    for suffix, found in ir_digests(xml).items():
        if found != expected.get(suffix):
            raise ValueError(
                f"{name.with_suffix(f'.{suffix}')}: not the IR that was compared with PyTorch: its SHA-256 is "
                f"{found[:16]}..., in parity.json {str(expected.get(suffix))[:16]}...; delete it and run again, which "
                "converts anew"
            )


def ir_digests(xml: Path) -> dict[str, str]:
    """SHA-256 of both files, by `xml` and `bin`, as `sha256sum` prints it."""
    digests = {}
    for path in (xml, _weights(xml)):
        with path.open("rb") as file:
            digests[path.suffix.lstrip(".")] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def remove_ir(xml: Path) -> None:
    """Remove both files, the .xml first."""
    xml.unlink(missing_ok=True)
    _weights(xml).unlink(missing_ok=True)


def _weights(xml: Path) -> Path:
    return xml.with_suffix(".bin")
