"""Which videos lie in a folder, and whether each is still the one it was: by content, and cheaply."""

import logging
import os
import shutil
import socket
import time
from pathlib import Path

import pytest

from kinema.media import samples, walk
from kinema.media.listing import known_tokens, list_videos, listing_digest
from kinema.media.samples import UNREADABLE

LARGE = samples.WHOLE_BYTES * 4


class Folder:
    """A folder of files and the memory of their tokens."""

    def __init__(self, root: Path):
        self.root, self.known = root / "videos", root / "work" / "files.tsv"
        self.root.mkdir()

    def write(self, name: str, content: bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def digest(self) -> str:
        return listing_digest(self.root, known=self.known)

    def token(self, name: str) -> str:
        return list_videos(self.root, known=self.known)[name].token

    def opened(self, monkeypatch) -> list[str]:
        """Names of the files that a listing looks into."""
        seen = []
        sample = samples.sample_of

        def noted(root, relative):
            seen.append(relative)
            return sample(root, relative)

        with monkeypatch.context() as patched:
            patched.setattr(samples, "sample_of", noted)
            list_videos(self.root, known=self.known)
        return sorted(seen)

    def grow_old(self) -> None:
        """As if the files had been listed long after they were written."""
        list_videos(self.root, known=self.known)
        later = time.time_ns() + 10**10
        os.utime(self.known, ns=(later, later))


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(tmp_path)


def replace(path: Path, content: bytes, *, by_another_file: bool) -> None:
    """Other bytes under the old time stamps."""
    stamps = path.stat()
    if by_another_file:
        path.with_name("new").write_bytes(content)
        path.with_name("new").replace(path)
    else:
        path.write_bytes(content)
    os.utime(path, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))


def test_added_removed_and_replaced_videos_are_noticed(folder):
    assert listing_digest(folder.root / "none") == "absent"
    folder.write("a.mp4", b"a")
    second = folder.write("b.mp4", b"b")
    seen = [folder.digest()]
    folder.write("a.mp4", b"c")
    seen.append(folder.digest())
    second.unlink()
    seen.append(folder.digest())
    folder.write("c/b.mp4", b"b")
    seen.append(folder.digest())
    assert len(set(seen)) == 4
    folder.write("notes.txt", b"")
    assert folder.digest() == seen[-1]


@pytest.mark.parametrize("size", [10, LARGE])
@pytest.mark.parametrize("by_another_file", [True, False])
def test_a_replaced_file_of_equal_size_and_old_time_stamps_is_noticed(folder, size, by_another_file):
    path = folder.write("a.mp4", b"a" * size)
    before = folder.digest()
    folder.grow_old()
    replace(path, b"a" * (size - 1) + b"b", by_another_file=by_another_file)
    assert folder.digest() != before


def test_new_time_stamps_of_a_copy_change_nothing(folder, tmp_path):
    for name in ("a.mp4", "deep/b.mkv"):
        folder.write(name, name.encode() * LARGE)
    before = folder.digest()
    (tmp_path / "copy").mkdir()
    copy = Folder(tmp_path / "copy")
    shutil.copytree(folder.root, copy.root, copy_function=shutil.copy, dirs_exist_ok=True)
    assert copy.digest() == before  # where the memory was lost
    copy.known.unlink()
    shutil.copy(folder.known, copy.known)
    assert copy.digest() == before


def test_a_touched_file_has_another_token_until_it_is_copied(folder):
    """It may have been edited between the blocks that are looked at."""
    path = folder.write("a.mp4", b"a" * LARGE)
    before = folder.token("a.mp4")
    os.utime(path, ns=(5, 5))
    touched = folder.token("a.mp4")
    assert touched != before
    assert folder.token("a.mp4") == touched
    path.chmod(0o600)  # a new time of change, but nothing was written
    assert folder.token("a.mp4") == touched
    folder.known.unlink()
    assert folder.token("a.mp4") == before


def test_an_unchanged_file_is_not_opened(folder, monkeypatch):
    folder.write("a.mp4", b"a")
    folder.write("b.mp4", b"b")
    assert folder.opened(monkeypatch) == ["a.mp4", "b.mp4"]
    # written within one tick of the clock: what is known of them may be of what they were before
    assert folder.opened(monkeypatch) == ["a.mp4", "b.mp4"]
    folder.grow_old()
    assert folder.opened(monkeypatch) == []
    folder.write("b.mp4", b"c")
    folder.write("c.mp4", b"c")
    assert folder.opened(monkeypatch) == ["b.mp4", "c.mp4"]


def test_the_first_and_the_last_byte_of_a_large_file_are_looked_at():
    blocks = list(samples._blocks(LARGE + 1))
    assert (blocks[0][0], sum(blocks[-1])) == (0, LARGE + 1)
    assert len(blocks) == 16
    assert list(samples._blocks(5)) == [(0, 5)]


@pytest.mark.parametrize(
    "damage",
    [
        lambda known: known.unlink(),
        lambda known: known.write_bytes(known.read_bytes()[:-9]),
        lambda known: known.write_bytes(b"\xff\0\n\n\t\t\t\t\t\n" + known.read_bytes()[7:]),
        lambda known: known.write_bytes(bytes(500)),
        lambda known: (known.unlink(), known.mkdir()),
    ],
    ids=["lost", "cut off", "damaged", "zeros", "not writable"],
)
def test_a_spoilt_memory_only_costs_time(folder, damage):
    for number in range(20):
        folder.write(f"v{number}.mp4", str(number).encode())
    before = folder.digest()
    damage(folder.known)
    assert folder.digest() == before
    assert folder.digest() == before


def test_odd_names_are_remembered_or_looked_into_again(folder, monkeypatch):
    names = ["tab\there.mp4", "line\nbreak.mp4", "😀.mp4", "percent%20.mp4", os.fsdecode(b"latin\xe9.mp4"), " .mp4"]
    for name in names:
        folder.write(name, name.encode("utf-8", "surrogateescape"))
    before = folder.digest()
    folder.grow_old()
    assert set(list_videos(folder.root, known=folder.known)) == set(names)
    assert folder.digest() == before
    assert folder.opened(monkeypatch) == ["line\nbreak.mp4", "tab\there.mp4"]


def test_the_memory_of_a_folder_lies_in_the_project():
    assert known_tokens("data/a") == known_tokens(Path("data/a")) != known_tokens("data/b")
    assert known_tokens("data/a").parts[:2] == ("work", "files")


def test_what_is_no_file_is_left_out_and_told(folder, caplog):
    folder.write("good.mp4", b"x")
    folder.write("deep/good.mp4", b"x")
    (folder.root / "self.mp4").symlink_to("self.mp4")
    (folder.root / "dangling.mp4").symlink_to("nowhere.mp4")
    (folder.root / "deep" / "up").symlink_to(folder.root)
    (folder.root / "deep" / "far").symlink_to(folder.root.parent)
    folder.root.parent.joinpath("beside.mp4").write_bytes(b"x")
    (folder.root / "deep" / "this").symlink_to(".")
    (folder.root / "one").symlink_to("other")
    (folder.root / "other").symlink_to("one")
    os.mkfifo(folder.root / "fifo.mp4")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(folder.root / "socket.mp4"))
    server.close()
    with caplog.at_level(logging.WARNING):
        assert list(list_videos(folder.root)) == ["deep/good.mp4", "good.mp4"]
    text = "\n".join(caplog.messages)
    for reason in (
        "links to themselves: 'one', 'other', 'self.mp4'",
        "links that lead nowhere: 'dangling.mp4'",
        "neither files nor folders: 'fifo.mp4', 'socket.mp4'",
        "links to a folder that is listed already: 'deep/this/', 'deep/up/'",
        "links to a folder above this one: 'deep/far/'",
    ):
        assert f"{folder.root}: left out, {reason}" in text
    caplog.clear()
    list_videos(folder.root)
    assert not caplog.messages  # once in a run of Snakemake


def test_files_of_no_known_extension_are_listed_and_watched(folder):
    folder.write("clip.dav", b"x")
    folder.write("clip", b"x")
    folder.write("clip.txt", b"x")
    folder.write(".hidden", b"x")
    assert list(list_videos(folder.root, known=folder.known)) == ["clip", "clip.dav"]
    before = folder.digest()
    folder.write("clip.dav", b"y")
    assert folder.digest() != before


def test_what_is_remembered_of_files_holds_when_more_of_them_are_listed(folder, monkeypatch):
    folder.write("a.mp4", b"a")
    folder.write("b.MTS", b"b")
    with monkeypatch.context() as patched:
        patched.setattr(walk, "may_be_video", lambda name: name.endswith(".mp4"))
        folder.grow_old()
    assert folder.opened(monkeypatch) == ["b.MTS"]


def test_what_cannot_be_read_or_vanishes_is_told(folder, caplog, monkeypatch):
    folder.write("closed/a.mp4", b"x")
    folder.write("b.mp4", b"x")
    folder.write("gone.mp4", b"x")
    scandir, sample = os.scandir, samples.sample_of

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    def vanish(root, relative):
        (folder.root / "gone.mp4").unlink(missing_ok=True)
        return sample(root, relative)

    monkeypatch.setattr(walk.os, "scandir", refuse)
    monkeypatch.setattr(samples, "sample_of", vanish)
    assert list(list_videos(folder.root)) == ["b.mp4"]
    assert "unreadable (Permission denied): 'closed/'" in caplog.text
    assert "gone while they were listed: 'gone.mp4'" in caplog.text


def test_an_unreadable_file_is_looked_into_until_it_can_be_read(folder, monkeypatch):
    folder.write("a.mp4", b"x")
    monkeypatch.setattr(samples, "sample_of", lambda root, relative: UNREADABLE)
    assert folder.token("a.mp4") == UNREADABLE
    monkeypatch.undo()
    assert folder.token("a.mp4") not in (UNREADABLE, "")


def test_many_names_are_told_in_few_words(folder, caplog):
    for number in range(9):
        (folder.root / f"{number}.mp4").symlink_to("nowhere")
    list_videos(folder.root)
    assert "'0.mp4', '1.mp4', '2.mp4', '3.mp4', '4.mp4' and 4 more" in caplog.text
