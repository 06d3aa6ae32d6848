"""ActivityNet's JSON, and others of its form -> a listing.

    {"database": {id: {"subset": "training", "annotations": [{"segment": [start, end], "label": ...}, ...]}, ...}}

Segments are seconds. Without `database` the whole object is one, and the subset is that of the file. The official files
are called `v_<id>.mp4`: `prefix: v_`.
"""

from pathlib import Path
from typing import Any

from kinema.annotations.formats.json_files import a_list, a_number, a_text, an_object, read_json_file
from kinema.annotations.formats.listing import Listing
from kinema.experiment.data_sections import Annotations


def read_activitynet(file: Path, settings: Annotations, listing: Listing) -> None:
    """Parts of untrimmed videos."""
    with listing.noting():
        content = an_object(read_json_file(file), "at the top")
        database = an_object(content.get("database", content), "database")
        for name, about in database.items():
            with listing.noting():
                _add(name, an_object(about, f"database.{name}"), settings.prefix, listing)


def _add(name: str, about: dict[str, Any], prefix: str, listing: Listing) -> None:
    place = f"database.{name}"
    video, subset = prefix + name, about.get("subset")
    annotations = a_list(about.get("annotations") or [], f"{place}.annotations")
    if not annotations:
        listing.add(video, None, place, subset=subset)
    for number, annotation in enumerate(annotations):
        where = f"{place}.annotations[{number}]"
        label = a_text(an_object(annotation, where).get("label"), f"{where}.label")
        segment = a_list(annotation.get("segment"), f"{where}.segment")
        if len(segment) != 2:
            raise ValueError(f"{where}.segment: {len(segment)} numbers; expected begin and end in seconds")
        start, end = (a_number(time, f"{where}.segment") for time in segment)
        if end <= start:
            listing.leave_out("segments end before they begin, or at once, and are left out", where)
            continue
        listing.add(video, label, where, start=start, end=end, subset=subset)
