"""The name in a list -> the file that it means: as written, as the path it comes to, in another form, or a hint."""

import os
import unicodedata
from pathlib import Path

import pytest

from kinema.media.extensions import may_be_video, split_extension
from kinema.media.names import Finder, Name

ROOT = Path("videos")


def found(files, *texts, others=()):
    """What the finder says of the first name, in a list of all of them; `clip|.mp4` has an extension."""
    names = [Name(*text.split("|")) for text in (*texts, *others)]
    return Finder(sorted(files), lambda: iter(names), root=ROOT).find(names[0])


@pytest.mark.parametrize(
    ("files", "name", "claiming"),
    [
        (["a/clip.mp4"], "clip", ["a/clip.mp4"]),
        (["a/clip.mp4", "b/clip.mp4"], "clip", ["a/clip.mp4", "b/clip.mp4"]),
        (["a/clip.mp4", "b/clip.mp4"], "b/clip", ["b/clip.mp4"]),
        (["a/clip.mp4", "c/a/clip.mp4"], "a/clip", ["a/clip.mp4"]),
        (["a/clip.mp4", "ba/clip.mp4"], "a/clip", ["a/clip.mp4"]),
        # an extension in the list names that file
        (["clip.avi", "clip.mp4"], "clip|.mp4", ["clip.mp4"]),
        (["clip.avi", "clip.MP4"], "clip|.mp4", ["clip.MP4"]),
        (["clip.MP4", "clip.mp4"], "clip|.mp4", ["clip.mp4"]),
        (["clip.avi", "clip.mp4"], "clip.mp4", ["clip.mp4"]),
        (["a/clip.avi", "a/clip.mp4", "b/clip.mp4"], "clip|.mp4", ["a/clip.mp4", "b/clip.mp4"]),
        # it is there under another one, or under one more
        (["clip.mkv"], "clip|.avi", ["clip.mkv"]),
        (["clip.MTS"], "clip|.mp4", ["clip.MTS"]),
        (["clip.mkv"], "clip.avi", ["clip.mkv"]),
        (["clip.ts.mp4"], "clip|.ts", ["clip.ts.mp4"]),
        (["clip.mp4.mp4", "clip.mp4"], "clip.mp4|.mp4", ["clip.mp4.mp4"]),
        # what people have most comes first
        (["clip.flv", "clip.gif", "clip.mp4"], "clip", ["clip.mp4", "clip.flv", "clip.gif"]),
        # unknown extensions, and none
        (["clip.dav"], "clip.dav", ["clip.dav"]),
        (["clip.dav"], "clip", ["clip.dav"]),
        (["clip.dav"], "clip|.mp4", ["clip.dav"]),
        (["clip"], "clip", ["clip"]),
        (["v.1", "v.2"], "v.2", ["v.2"]),
        (["d.x/clip"], "d.x/clip", ["d.x/clip"]),
        (["clip.dav", "clip.mp4"], "clip", ["clip.mp4"]),
        (["clip.dav", "clip.mp4"], "clip.dav", ["clip.dav"]),
        (["scene.264.mp4", "scene.265.mp4"], "scene.265", ["scene.265.mp4"]),
    ],
)
def test_a_name_as_it_is_written(files, name, claiming):
    answer = found(files, name)
    assert (answer.files, answer.hint, answer.is_as_written) == (claiming, None, True)


@pytest.mark.parametrize(
    "name",
    [
        "./sub/clip",
        "sub//clip",
        "x/../sub/clip",
        "sub/./clip",
        "sub\\clip",
        ".\\sub\\clip",
        "/sub/clip",
        "videos/sub/clip",
        "./videos/sub/clip",
        "videos\\sub\\clip",
        os.path.abspath("videos/sub/clip"),  # noqa: PTH100
        "sub/clip/",
    ],
)
def test_a_path_that_comes_to_the_file(name):
    for extension in ("", "|.mp4", "|.avi"):
        answer = found(["other/clip.mp4", "sub/clip.mp4"], name + extension)
        assert (answer.files, answer.hint, answer.is_as_written) == (["sub/clip.mp4"], None, False)


def test_an_absolute_path_through_a_link_to_the_folder(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for root in ("real", "link"):
        finder = Finder(["a/b.mp4"], lambda: [Name(f"{tmp_path}/real/a/b")], root=tmp_path / root)
        assert finder.find(Name(f"{tmp_path}/real/a/b")).files == ["a/b.mp4"]


@pytest.mark.parametrize("name", ["café", "한글", "ἀ", "Å"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_the_same_characters_in_another_form(name, form):
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    file = unicodedata.normalize(form, f"{name}/{name}.mp4")
    for listed in (name, f"{name}/{name}", f"./{name}//{name}"):
        answer = found([file, "x.mp4"], unicodedata.normalize(other, listed))
        assert (answer.files, answer.is_as_written) == ([file], False)
        answer = found([file, "x.mp4"], unicodedata.normalize(form, listed))
        assert answer.files == [file]


def test_the_file_that_is_written_so_comes_before_its_twin():
    twins = [unicodedata.normalize(form, "é.mp4") for form in ("NFC", "NFD")]
    for twin in twins:
        assert found(twins, twin.removesuffix(".mp4")).files == [twin]


def test_a_name_that_two_files_look_like_is_not_guessed():
    # the list has a third form: one letter composed, the other not
    twins = [unicodedata.normalize(form, "éé.mp4") for form in ("NFC", "NFD")]
    answer = found(twins, "e\u0301é")
    assert not answer.files
    assert answer.hint.startswith("several files look the same: ")
    assert answer.hint.endswith("; rename all but one")
    assert all(code in answer.hint for code in (r"[e\u0301e\u0301.mp4]", r"[\xe9\xe9.mp4]"))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Clip.mp4", "clip"),
        ("clip.mp4", "CLIP|.MP4"),
        ("brush_hair.mp4", "brush hair"),
        ("clip .mp4", "clip"),
        ("a/clip.mp4", "b/clip"),
        ("a/clip.mp4", "C:\\films\\b\\clip"),
        ("a/clip.mp4", "/elsewhere/clip"),
        ("ﬁlm.mp4", "film"),
        ("clip.mp4", "clip.xyz"),
    ],
)
def test_what_only_looks_like_it_is_a_hint(file, name):
    answer = found([file, "unlike.mp4"], name)
    assert (answer.files, answer.hint) == ([], f"this looks like it: '{file}'; write the name as the file has it")


def test_many_hints_are_few_words():
    answer = found([f"{number}/clip.mp4" for number in range(9)], "x/clip")
    assert "'0/clip.mp4', '1/clip.mp4', '2/clip.mp4' and 6 more;" in answer.hint


def test_what_is_unlike_all_files_has_no_hint():
    assert found(["a.mp4"], "b") == ([], None, True)


def test_a_file_that_the_list_tells_apart_stands_for_no_other():
    answer = found(["a/clip.mp4"], "clip.avi", others=["clip.mp4"])
    assert (answer.files, answer.hint) == ([], "'a/clip.mp4' is there, and is another video of the list")
    assert found(["a/clip.mp4"], "clip.mp4", others=["clip.avi"]).files == ["a/clip.mp4"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((f"clip{extension}", True) for extension in (".mp4", ".MTS", ".m2ts", ".3gp", ".flv", ".ts", ".gif", ".OGV")),
        *((f"clip{extension}", True) for extension in (".vob", ".mpg", ".dav", ".264", "")),
        *((f"clip{extension}", False) for extension in (".txt", ".CSV", ".json", ".jpg", ".wav", ".mp4.part", ".zip")),
        ("._clip.mp4", True),
        (".gitignore", False),
        (".DS_Store", False),
    ],
)
def test_which_names_are_listed(name, expected):
    assert may_be_video(name) is expected


@pytest.mark.parametrize(
    ("path", "parts"),
    [("a/b.MP4", ("a/b", ".MP4")), ("a.b/c", ("a.b/c", "")), ("a.b.c", ("a.b", ".c")), (".mp4", ("", ".mp4"))],
)
def test_the_extension_is_that_of_the_last_part(path, parts):
    assert split_extension(path) == parts
