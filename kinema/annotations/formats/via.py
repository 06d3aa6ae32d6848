"""VIA (VGG Image Annotator) JSON, version 3 for videos and version 2 for pictures -> a listing.

Version 3: a segment `z` of two seconds is a part of its video, none is the whole; `av` has the value of each attribute,
by the number of its option where it has options. Version 2: `file_attributes` of a picture in the folder of its video,
or of a video. `field` names the attribute where several are set.
"""

from pathlib import Path
from typing import Any

from kinema.annotations.formats.json_files import a_list, a_number, a_text, an_object, read_json_file
from kinema.annotations.formats.listing import Listing, chosen
from kinema.annotations.formats.media_names import has_video_extension, path_of
from kinema.annotations.formats.tagged_frames import TaggedFrames
from kinema.experiment.data_sections import Annotations

CHECKBOX = 2  # the type of an attribute that may have several values, told by commas


def read_via(file: Path, settings: Annotations, listing: Listing) -> None:
    """Whole videos or parts of them."""
    with listing.noting():
        project = an_object(read_json_file(file), "at the top")
        if "file" in project and "metadata" in project:
            _read_videos(project, settings.field, listing)
        else:
            _read_pictures(project, settings.field, listing)


def _read_videos(project: dict[str, Any], field: str | None, listing: Listing) -> None:
    attributes = an_object(project.get("attribute"), "attribute")
    views = an_object(project.get("view"), "view")
    notes = an_object(project["metadata"], "metadata")
    names = {
        number: str(an_object(about, f"attribute.{number}").get("aname", number))
        for number, about in attributes.items()
    }
    set_ = [names[number] for note in notes.values() for number in _set_values(note, names)]
    wanted = chosen(set_, field, what="attributes")
    labelled = set()
    for key, note in notes.items():
        place = f"metadata.{key}"
        with listing.noting():
            view = str(an_object(note, place).get("vid"))
            video = _video(view, views, project, place)
            number = next((number for number in _set_values(note, names) if names[number] == wanted), None)
            if number is None:
                listing.leave_out(f"notes do not set {wanted or 'any attribute'} and are left out", place)
            elif _add_note(video, _label(note["av"][number], attributes[number], place), note, place, listing):
                labelled.add(view)
    for view in set(views) - labelled:
        with listing.noting():
            listing.add(_video(view, views, project, f"view.{view}"), None, f"view.{view}")


def _set_values(note: Any, names: dict[str, str]) -> list[str]:
    values = note.get("av") if isinstance(note, dict) else None
    return [
        number
        for number, value in (values if isinstance(values, dict) else {}).items()
        if number in names and value not in ("", None)
    ]


def _video(view: str, views: dict[str, Any], project: dict[str, Any], place: str) -> str:
    files = an_object(project["file"], "file")
    numbers = an_object(views.get(view), f"view.{view}").get("fid_list") or []
    about = files.get(str(numbers[0])) if numbers else None
    if not isinstance(about, dict):
        raise ValueError(f"{place}: view {view} has no file")
    return path_of(a_text(about.get("fname") or about.get("src"), f"file.{numbers[0]}.fname"))


def _label(value: Any, attribute: dict[str, Any], place: str) -> str:
    text = str(value)
    options = an_object(attribute.get("options") or {}, f"attribute.{attribute.get('aname')}.options")
    if attribute.get("type") == CHECKBOX and "," in text:
        raise ValueError(f"{place}: several values ({text}) of {attribute.get('aname')}; a model gives one")
    return str(options.get(text, text))


def _add_note(video: str, label: str, note: dict[str, Any], place: str, listing: Listing) -> bool:
    """Add a segment or a whole video; a moment, or a region in a picture, is neither."""
    times = [a_number(time, f"{place}.z") for time in a_list(note.get("z") or [], f"{place}.z")]
    if note.get("xy") or len(times) == 1:
        listing.leave_out("regions and single moments are no labels of a video and are left out", place)
        return False
    if len(times) > 2:
        raise ValueError(f"{place}.z: {len(times)} times; expected none, or begin and end in seconds")
    start, end = times or (None, None)
    listing.add(video, label, place, start=start, end=end)
    return True


def _read_pictures(project: dict[str, Any], field: str | None, listing: Listing) -> None:
    pictures = an_object(project.get("_via_img_metadata", project), "_via_img_metadata")
    values = {
        key: an_object(an_object(about, key).get("file_attributes") or {}, f"{key}.file_attributes")
        for key, about in pictures.items()
    }
    set_ = [name for found in values.values() for name, value in found.items() if _picked(value)]
    wanted = chosen(set_, field, what="file attributes")
    frames = TaggedFrames(listing)
    for key, about in pictures.items():
        with listing.noting():
            name = path_of(a_text(about.get("filename"), f"{key}.filename"))
            labels = _picked(values[key].get(wanted or ""))
            if about.get("regions"):
                listing.leave_out("pictures have regions, which are no labels of a video and are left out", key)
            if not has_video_extension(name):
                frames.picture(name, labels, place=key)
            elif len(labels) > 1:
                raise ValueError(f"{key}: several values ({', '.join(labels)}) of {wanted}; a model gives one")
            else:
                listing.add(name, next(iter(labels), None), key)
    frames.finish()


def _picked(value: Any) -> list[str]:
    """Values of an attribute: its text, or what is ticked."""
    if isinstance(value, dict):
        return [name for name, is_ticked in value.items() if is_ticked]
    return [str(value)] if value not in ("", None) else []
