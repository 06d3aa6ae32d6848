"""What is remembered of the files of a folder, so that one that is as it was is not looked into again.

The Snakefile imports this module: it needs the standard library only.
"""

import logging
import os
from dataclasses import dataclass, field
from pathlib import Path

from kinema.digests import ABSENT
from kinema.files import atomic_path
from kinema.media.pictures import is_unchanged
from kinema.media.samples import UNREADABLE

log = logging.getLogger(__name__)
UNSETTLED_NS = 2 * 10**9  # a file that was younger than this when it was listed may have changed unseen since


@dataclass(frozen=True, slots=True)
class Memory:
    """Remembered tokens: a line `inode, size, mtime_ns, ctime_ns, token` by relative path.

    Plain strings, because a Kinetics-size corpus has hundreds of thousands.
    """

    lines: dict[str, str] = field(default_factory=dict)
    listed_ns: int = 0  # when they were looked into

    @classmethod
    def read(cls, path: Path | None) -> "Memory":
        """What a file remembers, but for damaged lines; nothing of a missing or unreadable one."""
        if path is None:
            return cls()
        lines = {}
        try:
            with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as file:
                for line in file:
                    state, _, relative = line.rpartition("\t")
                    # a line that was cut off would give a wrong path
                    if state.count("\t") == 4 and relative.endswith("\n"):
                        lines[relative[:-1]] = state
            return cls(lines, path.stat().st_mtime_ns)
        except OSError:
            return cls()

    def of_unchanged(self, states: dict[str, str]) -> dict[str, str]:
        """Tokens of the files that are as they were."""
        tokens = {}
        for relative, state in states.items():
            known, _, token = self.lines.get(relative, "").rpartition("\t")
            if known == state and self._is_settled(state):
                tokens[relative] = token
        return tokens

    def of_folder(self, relative: str, folder: str, status: os.stat_result) -> str | None:
        """The state of a folder of pictures that is as it was, without reading it."""
        known = self.lines.get(relative, "").rpartition("\t")[0]
        return known if known and is_unchanged(folder, status, known) and self._is_settled(known) else None

    def token(self, relative: str, state: str, sample: str) -> str:
        """The token of a file by its sample and what is remembered of it."""
        if relative not in self.lines or sample in (ABSENT, UNREADABLE):
            return sample
        inode, size, mtime, _, token = self.lines[relative].split("\t")
        now = state.split("\t")
        if [inode, size] == now[:2] and mtime != now[2]:
            return f"{sample}-{int(now[2]):x}"
        # a copy, or another owner: the sample decides
        return token if token.partition("-")[0] == sample else sample

    def renew(self, path: Path, lines: dict[str, str], listed_ns: int) -> None:
        """Write what there is to remember now, if it differs; a project that cannot be written to goes on without."""
        # a name that would break a line is not remembered, and neither is what may be readable the next time
        lines = {
            relative: line
            for relative, line in lines.items()
            if "\n" not in relative and "\t" not in relative and not line.endswith(UNREADABLE)
        }
        if lines == self.lines and all(map(self._is_settled, lines.values())):
            return
        try:
            with atomic_path(path) as temporary:
                with temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
                    file.writelines(f"{line}\t{relative}\n" for relative, line in lines.items())
                os.utime(temporary, ns=(listed_ns, listed_ns))
        except OSError as error:
            log.info("%s: cannot be written (%s); every file is looked into again the next time", path, error)

    def _is_settled(self, line: str) -> bool:
        return int(line.split("\t")[3]) < self.listed_ns - UNSETTLED_NS


NOTHING_KNOWN = Memory()
