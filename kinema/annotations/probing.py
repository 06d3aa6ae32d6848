"""Files whose names do not tell whether they are videos -> those whose content says that they are."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kinema.job import progress
from kinema.media.extensions import AMBIGUOUS, VIDEO_EXTENSIONS, extension_of
from kinema.media.probe import probe
from kinema.media.remote.address import is_remote

TIMEOUT_SECONDS = 10.0
THREADS = 8


def movies(root: Path | str, files: Sequence[str]) -> tuple[list[str], list[str]]:
    """The videos among files below `root`, and the others; only headers are read, and only where a name says little.

    A `.ts` is a recording or TypeScript; what has an extension of nothing known may be anything. Behind an address
    the name alone counts.
    """
    if is_remote(root):
        known = [file for file in files if extension_of(file) in VIDEO_EXTENSIONS]
        return known, sorted({*files} - {*known})
    root = Path(root)
    unclear = [file for file in files if extension_of(file) not in VIDEO_EXTENSIONS - AMBIGUOUS]
    unclear = [file for file in unclear if not (root / file).is_dir()]  # of pictures
    with ThreadPoolExecutor(THREADS, thread_name_prefix="probe") as pool:
        probed = pool.map(lambda file: _is_video(root / file), unclear)
        shown = progress(probed, description="probing files", total=len(unclear)) if unclear else probed
        refused = {file for file, is_video in zip(unclear, shown, strict=True) if not is_video}
    return [file for file in files if file not in refused], [file for file in unclear if file in refused]


def _is_video(path: Path) -> bool:
    try:
        probe(path, timeout_seconds=TIMEOUT_SECONDS)
    except Exception:  # PyAV has some of its own for odd files, and one must not end all
        return False
    return True
