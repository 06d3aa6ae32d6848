"""What the shards of pictures and those of their optical flow say of a video -> one row a video.

Frame i of the flow is the motion from picture i to the next. A clip of both has picture i beside frame i of the flow,
so the last picture, which no motion follows, is in none.
"""

from collections.abc import Hashable, Iterator

import pandas as pd

FLOW = "_of_flow"  # behind the names of columns of the flow
UNLIKE = "pictures and flow differ"


def paired(pictures: pd.DataFrame, flow: pd.DataFrame) -> pd.DataFrame:
    """Rows of the tables of shards, of the videos that both have; `flow_shard` is the table of the flow.

    A video is ok where both are and the flow is that of its pictures. Where one of them is not, it is dropped for the
    reason of that one, and `detail` says which. Frames are counted as a clip has them, bytes are those of both.
    """
    both = pictures.merge(flow, on="video", suffixes=("", FLOW), validate="one_to_one")
    is_ok, flow_is_ok = both["status"] == "ok", both[f"status{FLOW}"] == "ok"
    unlike = is_ok & flow_is_ok & _are_unlike(both)
    # damage is that of the pictures, as a rule
    detail = both["detail"].astype(object).where(both["detail"].notna(), both[f"detail{FLOW}"].astype(object))
    told = dict([*_dropped(both, is_ok, flow_is_ok), *_numbers(both[unlike])])
    both["detail"] = pd.Series(told, dtype=object).reindex(both.index).where(both.index.isin(list(told)), detail)
    for name in ("status", "reason"):
        both[name] = both[name].where(~is_ok, both[f"{name}{FLOW}"])
    both.loc[unlike, ["status", "reason"]] = ["failed", UNLIKE]
    for name in ("num_frames", "duration_seconds", "is_even", "times_digest"):
        both[name] = both[f"{name}{FLOW}"]
    both["num_bytes"] += both[f"num_bytes{FLOW}"]
    both["frames_digest"] = both["frames_digest"].str.cat(both[f"frames_digest{FLOW}"], sep="+")
    both["truncated"] = (both["truncated"] == True) | (both[f"truncated{FLOW}"] == True)  # noqa: E712  null unless ok
    both["flow_shard"] = both[f"shard{FLOW}"]
    return both[[*pictures.columns, "flow_shard"]]


def _are_unlike(both: pd.DataFrame) -> pd.Series:
    """Whether the flow is of another number of pictures, or of another file."""
    return (both["num_frames"] != both[f"num_frames{FLOW}"] + 1) | (both["content"] != both[f"content{FLOW}"])


def _numbers(unlike: pd.DataFrame) -> Iterator[tuple[Hashable, str]]:
    for row, pictures, flow in zip(unlike.index, unlike["num_frames"], unlike[f"num_frames{FLOW}"], strict=True):
        yield row, f"{pictures:.0f} pictures, {flow:.0f} frames of flow"


def _dropped(both: pd.DataFrame, is_ok: pd.Series, flow_is_ok: pd.Series) -> Iterator[tuple[Hashable, str]]:
    """What is to be said of videos that are not dropped for one and the same reason, by their rows."""
    reason, of_flow = (both[f"reason{ending}"].fillna(both[f"status{ending}"]) for ending in ("", FLOW))
    rows = both.index[~(is_ok & flow_is_ok) & (reason != of_flow)]
    details = (both.loc[rows, f"detail{ending}"].fillna("").tolist() for ending in ("", FLOW))
    for row, own, flow in zip(rows, *details, strict=True):
        if is_ok[row]:
            texts = ["flow alone", flow]
        elif flow_is_ok[row]:
            texts = ["pictures alone", own]
        else:
            texts = [own, f"flow: {of_flow[row]}", flow]
        yield row, "; ".join(filter(None, texts))
