"""A video's name -> the group it was cut from, where the name says so.

Videos of one group (a person, a film, a recording) look alike: a model that trained on one of them and is scored on
another scores too well. A group therefore belongs in one subset.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# HMDB-51 separates source, label and properties by underscores; sources and these labels hold some themselves
_HMDB_LABELS = (
    "brush_hair|climb_stairs|draw_sword|fall_floor|flic_flac|kick_ball|ride_bike|ride_horse|shake_hands|shoot_ball|"
    "shoot_bow|shoot_gun|swing_baseball|sword_exercise|[a-z]+"
)
_PATTERNS = (
    r"(?P<ucf>v_[^_/]+_g[0-9]{2})_c[0-9]{2}",  # v_ApplyEyeMakeup_g08_c01: the class and its group
    r"(?P<kinetics>[A-Za-z0-9_-]{11})_[0-9]{6,}_[0-9]{6,}",  # <youtube id>_<start>_<end>: the whole video
    rf"(?P<hmdb>[^/]+?_(?:{_HMDB_LABELS}))_[fuhl]_[cn]m_np[0-9]+_(?:ba|fr|le|ri)_(?:bad|med|goo)_[0-9]+",  # film, class
    r"(?P<kth>person[0-9]{2})_[a-z]+_d[0-9](?:_uncomp)?",  # the person
)
# what Python and RE2, Arrow's engine, read alike
_NAME = rf"^(?:.*/)?(?:{'|'.join(_PATTERNS)})$"


def groups_of(video_ids: "pd.Series") -> "pd.Series":
    """The groups in names of UCF-101, Kinetics, HMDB-51 or KTH, folders before them left aside; missing in others.

    UCF-101: class and group, `v_Punch_g03`; Kinetics: the YouTube id; HMDB-51: film and class, because its official
    splits keep a film together within a class only; KTH: the person.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    # linear in the length of a name, and 100 times as fast as pandas' own `extract` on names that nearly match
    parts = pc.extract_regex(pa.array(video_ids, pa.string()), _NAME)
    # at most one of the named groups is not empty
    groups = pc.binary_join_element_wise(*parts.flatten(), "")
    return pd.Series(groups.to_numpy(zero_copy_only=False), index=video_ids.index, dtype="string", name="group")
