"""Names of videos -> the group they were cut from."""

import pandas as pd
import pytest

from kinema.annotations.groups import groups_of

CASES = {
    "v_ApplyEyeMakeup_g08_c01": "v_ApplyEyeMakeup_g08",
    "v_HandStandPushups_g01_c02": "v_HandStandPushups_g01",
    "Punch/v_Punch_g03_c01": "v_Punch_g03",
    "-0aBcDeFgHi_000000_000010": "-0aBcDeFgHi",
    "a_b_000123-_1234567_1234577": "a_b_000123-",
    "TrumanShow_wave_f_nm_np1_fr_med_26": "TrumanShow_wave",
    "April_09_brush_hair_u_nm_np1_ba_goo_0": "April_09_brush_hair",
    "April_09_sword_exercise_u_nm_np1_ba_goo_0": "April_09_sword_exercise",
    "(HQ)_Rock_Climbing_-_Dan_Osman_climb_stairs_f_cm_np1_le_med_2": "(HQ)_Rock_Climbing_-_Dan_Osman_climb_stairs",
    "#20_Rhythm.x_cartwheel_l_cm_np2_ri_bad_11": "#20_Rhythm.x_cartwheel",
    "person01_boxing_d1_uncomp": "person01",
    "person25_walking_d4": "person25",
    # says nothing
    "clip_0001": None,
    "v_Punch_g03": None,
    "short_000000_000010": None,
    "person01": None,
    "wave_f_nm_np1_fr_med_26": None,
    "": None,
}


def test_groups_are_read_from_names():
    videos = pd.Series([*CASES, None], index=range(5, len(CASES) + 6))
    found = groups_of(videos)
    assert found.index.equals(videos.index)
    assert [value if isinstance(value, str) else None for value in found] == [*CASES.values(), None]
    assert groups_of(pd.Series([], dtype="str")).empty


@pytest.mark.real
@pytest.mark.parametrize("split", [1, 2, 3])
def test_no_group_of_ucf101_lies_on_both_sides_of_an_official_split(shared, split):
    sides = []
    for kind in ("train", "test"):
        lines = (shared / f"annotations/ucf101_lf/{kind}list0{split}.txt").read_text().splitlines()
        groups = groups_of(pd.Series([line.split(".avi")[0] for line in lines]))
        assert groups.notna().all()
        sides.append(set(groups))
    assert not sides[0] & sides[1]
    assert {len(side) // 101 for side in sides} == {7, 18}


@pytest.mark.real
@pytest.mark.parametrize("split", [1, 2, 3])
def test_no_group_of_hmdb51_lies_on_both_sides_of_an_official_split(shared, split):
    for path in sorted((shared / "annotations/hmdb51").glob(f"*_test_split{split}.txt")):
        label = path.name.removesuffix(f"_test_split{split}.txt")
        rows = [line.rsplit(" ", 1) for line in path.read_text().replace(" \n", "\n").splitlines()]
        groups = groups_of(pd.Series([name.removesuffix(".avi") for name, _ in rows]))
        assert groups.str.endswith(f"_{label}").all()
        sides = {kind: set(groups[[used == kind for _, used in rows]]) for kind in "12"}
        assert not sides["1"] & sides["2"]
