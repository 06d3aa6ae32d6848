"""Labels and groups of a list -> the subset of each video, and what to tell the user about it."""

import pandas as pd

from kinema.annotations.dialect import ORDER
from kinema.annotations.grouping import no_group
from kinema.annotations.leaks import divided
from kinema.annotations.split import split_by_group
from kinema.words import unscored

# When a test part is drawn unasked. The 95 % interval of an accuracy on 50 videos is at most 14 points to either side
# (1.96 * sqrt(0.5 * 0.5 / 50)), and 8 at an accuracy of 0.9; with fewer it says little, and training misses them more.
TEST_VIDEOS = 50
TEST_VIDEOS_PER_CLASS = 5  # on average
TEST_GROUPS = 3  # videos of one group are right or wrong together
SHOWN = 5  # classes in a line


def check_fractions(val_fraction: float, test_fraction: float) -> None:
    """ValueError where these parts of all videos leave none for training."""
    if not 0 <= val_fraction + test_fraction < 1 or min(val_fraction, test_fraction) < 0:
        raise ValueError(
            f"--val-fraction {val_fraction:g} and --test-fraction {test_fraction:g} leave no training videos"
        )


def draw_subsets(
    labels: pd.Series,
    groups: pd.Series,
    *,
    val_fraction: float,
    test_fraction: float | None,
    seed: int,
    given: pd.Series | None = None,
) -> tuple[pd.Series, list[str]]:
    """A subset for every video, by whole groups and with each class's share, and lines for the user.

    `test_fraction` None draws a test part where there is enough for one (`too_few_for_testing` says why not) and no
    validation or testing is `given`. Where `given` has subsets, only those that it lacks are drawn, from what is
    training or missing in it. ValueError where a part that is asked for cannot be drawn.
    """
    check_fractions(val_fraction, test_fraction or 0.0)
    given = pd.Series(pd.NA, index=labels.index, dtype="string") if given is None else given
    lines = []
    if test_fraction is None:
        test_fraction = 0.0
        if not given.isin(["validation", "testing"]).any():
            test_fraction, line = _default_test(labels, groups, val_fraction)
            lines = [line]
    fractions = {"testing": test_fraction, "validation": val_fraction}
    fractions = {subset: fraction for subset, fraction in fractions.items() if not (given == subset).any()}
    free = given.isna() | (given == "training")
    drawn = split_by_group(labels[free], groups[free], fractions=fractions, seed=seed)
    lost = [subset for subset, fraction in fractions.items() if fraction > 0 and not (drawn == subset).any()]
    if lost:
        raise ValueError(
            f"no {' and no '.join(lost)} videos: each class has one video, or one group, only. "
            "Add videos, read other groups with --group, or set the fraction to 0."
        )
    return drawn.reindex(labels.index).fillna(given), lines


def kept_together(rows: pd.DataFrame) -> pd.Series:
    """What lies in one subset: the group of each row, else its file where rows are parts of one; else missing.

    `rows` has `path`, the file, and `group`. Parts of one file show the same scene, whether or not somebody said so.
    """
    several = rows["path"].duplicated(keep=False)
    of_file = rows.groupby("path")["group"].transform("first").where(several)
    return rows["group"].fillna(of_file).fillna(("file " + rows["path"]).where(several))


def share_for_testing(num_videos: int) -> float:
    """The part of the videos that is for testing: 100 videos, but not more than a fifth and not less than a tenth."""
    return min(0.2, max(0.1, 100 / max(1, num_videos)))


def too_few_for_testing(labels: pd.Series, groups: pd.Series) -> str | None:
    """Why there is not enough for a test part; None where there is.

    Enough is: `TEST_VIDEOS` in it, `TEST_VIDEOS_PER_CLASS` a class on average, `TEST_GROUPS` groups in it (a video
    without one is its own), and three groups of each class, one for every subset.
    """
    share = share_for_testing(len(labels))
    wanted = max(TEST_VIDEOS, TEST_VIDEOS_PER_CLASS * labels.nunique())
    units = groups.where(groups.notna(), pd.Series(range(len(groups)), index=groups.index).astype("str") + " alone")
    of_class = units.groupby(labels).nunique()
    if int(share * len(labels)) < wanted:
        return f"it would have {int(share * len(labels))} of {len(labels)} videos, and {wanted} are wanted"
    if share * units.nunique() < TEST_GROUPS:
        return f"it would have less than {TEST_GROUPS} of {units.nunique()} groups"
    if of_class.min() < len(ORDER):
        return f"class '{of_class.idxmin()}' has {of_class.min()} groups, and each subset needs one"
    return None


def told(rows: pd.DataFrame, redraw: str) -> list[str]:
    """What to mind of a split, a line each; `rows` has `label`, `subset`, `group`, and `redraw` is a command."""
    lines = [no_group(redraw)] if rows["group"].isna().all() else []
    found = divided(rows["group"], rows["subset"])
    if found:
        lines.append(
            f"{len(found)} groups lie in more than one subset, such as '{found[0]}': scores will be too good; "
            f"`{redraw}` draws subsets by whole groups"
        )
    labels = set(rows["label"].dropna())
    for subset in ORDER:
        of_subset = rows["label"][rows["subset"] == subset].dropna()
        lacking = sorted(labels - set(of_subset))
        if lacking and (len(of_subset) or subset == "training"):
            lines.append(f"{len(lacking)} classes have no {subset} video: {', '.join(lacking[:SHOWN])}")
    scored = rows["label"].notna() & rows["subset"].isin(["validation", "testing"])
    return lines if scored.any() else [*lines, unscored(("testing", "validation"), redraw)]


def counts(rows: pd.DataFrame) -> str:
    """`31 videos of 2 classes; 25 training, 6 validation`."""
    numbers = rows["subset"].value_counts()
    each = ", ".join(f"{numbers[subset]} {subset}" for subset in ORDER if subset in numbers)
    return f"{len(rows)} videos of {rows['label'].nunique()} classes; {each}"


def _default_test(labels: pd.Series, groups: pd.Series, val_fraction: float) -> tuple[float, str]:
    share = share_for_testing(len(labels))
    why = too_few_for_testing(labels, groups)
    if not why and val_fraction + share > 0.5:
        why = f"less than half of the videos would be left for training beside --val-fraction {val_fraction:g}"
    if why:
        return 0.0, f"no test part is drawn: {why}; --test-fraction {share:g} draws one nevertheless"
    return share, f"a test part is drawn, {100 * share:.3g} % of the videos; --test-fraction 0 draws none"
