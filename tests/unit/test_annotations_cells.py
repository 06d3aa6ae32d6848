"""Tables of odd types and encodings: read as what they mean, or one line that says what is there and what to do."""

import datetime
import decimal
import gzip
import io
import json
import pickle
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kinema.annotations.convert import convert
from kinema.experiment.data_sections import Annotations

TEXT = "video,label,subset\nv,café,train\nw,b,train\n"


def converted(file, unit="seconds"):
    """Entries of a table."""
    convert([file], settings=Annotations(path=str(file), unit=unit), out=file.with_name("annotation.json"))
    return json.loads(file.with_name("annotation.json").read_text())["database"]


@pytest.fixture
def of_columns(tmp_path):
    """Entries of a Parquet table with these columns."""

    def convert_columns(unit="seconds", **columns):
        table = {"video": ["v", "w"], "label": ["a", "b"], "subset": ["train", "train"], **columns}
        pq.write_table(pa.table(table), tmp_path / "list.parquet")
        return converted(tmp_path / "list.parquet", unit)

    return convert_columns


@pytest.mark.parametrize(
    ("start", "seconds"),
    [
        (pa.array([1, None], pa.duration("s")), 1),
        (pa.array([1500, None], pa.duration("ms")), 1.5),
        (pa.array([1_500_000, None], pa.duration("us")), 1.5),
        (pa.array([1_500_000_000, None], pa.duration("ns")), 1.5),
        (pa.array([1_500_000_000, None], pa.duration("ns")).dictionary_encode(), 1.5),
        (pa.array([datetime.time(0, 0, 1, 500_000), None], pa.time64("us")), 1.5),
        (pa.array([1500, None], pa.time32("ms")), 1.5),
        (pa.array([1.5, None], pa.float32()), 1.5),
        (pa.array([np.float16(1.5), None], pa.float16()), 1.5),
        (pa.array([decimal.Decimal("1.50"), None]), 1.5),
        (pa.array([1, None], pa.int8()), 1),
        (pa.array([1, None], pa.uint64()).dictionary_encode(), 1),
        (pa.array(["1.5", None], pa.large_string()), 1.5),
        (pa.array(["1.5", ""], pa.string_view()), 1.5),
    ],
    ids=lambda value: str(getattr(value, "type", value)),
)
def test_seconds_of_every_type(of_columns, start, seconds):
    found = of_columns(start=start, end=pa.array([62, None], pa.duration("s")))
    assert list(found) == [f"v_{seconds}s_62s", "w"]
    assert (found[f"v_{seconds}s_62s"]["start"], found[f"v_{seconds}s_62s"]["end"]) == (seconds, 62)


def test_a_table_of_pandas_timedelta(tmp_path):
    rows = pd.DataFrame({"video": ["v", "w"], "label": ["a", "b"], "subset": pd.Categorical(["train", "train"])})
    rows = rows.assign(start=pd.to_timedelta(["1s", None]), end=pd.array([2, None], dtype="Int64"))
    rows.to_parquet(tmp_path / "list.parquet")
    assert list(converted(tmp_path / "list.parquet")) == ["v_1s_2s", "w"]
    rows.to_csv(tmp_path / "list.csv", index=False)  # has it as `0 days 00:00:01`
    assert list(converted(tmp_path / "list.csv")) == ["v_1s_2s", "w"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:00:01.5", 1.5), ("0 days 00:00:01.500000", 1.5), ("1 day, 0:00:01", 86401), ("2:01:00", 7260)],
)
def test_seconds_that_are_written_as_a_time(tmp_path, text, seconds):
    (tmp_path / "list.csv").write_text(f'video,label,subset,start,end\nv,a,train,0.5,\nw,b,train,"{text}",\n')
    assert list(converted(tmp_path / "list.csv")) == ["v_0.5s_end", f"w_{seconds}s_end"]


@pytest.mark.parametrize("text", ["1:30", "00:60:00", "-1 days +23:59:59", "00:00:01:00", "1h"])
def test_other_times_are_no_seconds(tmp_path, text):
    (tmp_path / "list.csv").write_text(f"video,label,subset,start,end\nv,a,train,{text},\n")
    with pytest.raises(ValueError, match=r"list\.csv row 2: start '.*' is no number of seconds \(video 'v'\)"):
        converted(tmp_path / "list.csv")


def test_a_time_is_no_number_of_frames(of_columns, tmp_path):
    durations = pa.array([1, 2], pa.duration("s"))
    with pytest.raises(ValueError, match="column start") as error:
        of_columns(unit="frames", start=durations)
    assert str(error.value).endswith(
        "list.parquet: column start: it holds durations (duration[s]), while unit: frames counts frames from 0; "
        "write whole numbers, or set unit: seconds"
    )
    (tmp_path / "list.csv").write_text("video,label,subset,start,end\nv,a,train,00:00:01,\n")
    with pytest.raises(ValueError, match="start '00:00:01' is no number of frames"):
        converted(tmp_path / "list.csv", "frames")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"start": pa.array([0, 1], pa.timestamp("us"))}, r"column start: it holds points in time \(timestamp\[us\]\)"),
        ({"start": pa.array([0, 1], pa.date32())}, r"column start: it holds points in time \(date32"),
        (
            {"start": pa.array([True, False])},
            r"column start: it holds true and false \(bool\); expected numbers",
        ),
        ({"label": pa.array([1, 2], pa.duration("s"))}, r"column label: it holds durations .*; expected text"),
        ({"video": pa.array([b"\xff", b"w"])}, r"column video: it does not hold text or numbers \(Invalid UTF8"),
        ({"video": pa.array(["v\0", "w"])}, r"column video: a cell holds a NUL character"),
        ({"start": pa.array([-1, 1], pa.duration("s"))}, r"row 2: start '-1' is no number of seconds"),
    ],
)
def test_columns_of_another_kind_are_told_in_a_line(of_columns, columns, message):
    with pytest.raises(ValueError, match=message) as error:
        of_columns(**columns)
    assert "\n" not in str(error.value)


def archive_of(name) -> bytes:
    with zipfile.ZipFile(content := io.BytesIO(), "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "<annotations/>")
    return content.getvalue()


def workbook() -> bytes:
    return archive_of("xl/workbook.xml")


def parquet() -> bytes:
    pq.write_table(pa.table({"video": ["v"]}), content := io.BytesIO())
    return content.getvalue()


@pytest.mark.parametrize("malformed", ["", "x,y\n"], ids=["whole", "with a malformed line"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("utf-16", r"list\.csv: this is UTF-16 text; save it as UTF-8 text"),
        ("utf-16-le", r"list\.csv: this is UTF-16 text"),
        ("utf-16-be", r"list\.csv: this is UTF-16 text"),
        ("utf-32", r"list\.csv: this is UTF-32 text"),
        ("utf-32-le", r"list\.csv: this is UTF-32 text"),
        ("latin-1", r"list\.csv line 2: not UTF-8 text \(.*\); save the file as UTF-8"),
        (workbook(), r"list\.csv: this is an Excel or OpenDocument workbook; save it as CSV"),
        (archive_of("annotations.xml"), r"list\.csv: this is a zip archive; unpack it"),
        (archive_of("annotations.xml")[:40], r"list\.csv: this is a zip archive; unpack it"),
        (b"Rar!\x1a\x07\1\0" + bytes(99), r"list\.csv: this is a RAR archive; unpack it"),
        (pickle.dumps([{"frame_dir": "v", "label": 1}]), r"list\.csv: this is a pickle of Python; save it as CSV"),
        (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", r"list\.csv: this is a MATLAB file; save it as CSV"),
        (b"MATLAB 7.3 MAT-file, Platform: GLNXA64", r"list\.csv: this is a MATLAB file; save it as CSV"),
        (b"\x89HDF\r\n\x1a\n" + bytes(99), r"list\.csv: this is an HDF5 file; save it as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), r"list\.csv: this is an old Excel workbook; save it as CSV"),
        # without its time, which would give the test another name in each worker
        (gzip.compress(TEXT.encode(), mtime=0), r"list\.csv: this is compressed by gzip; unpack it"),
        (parquet(), r"list\.csv: this is a Parquet file; name it \.parquet"),
        (TEXT.encode() + b"w\0x,b,val\n", r"list\.csv line 4: a NUL byte, which no text holds"),
        (b"a" * 200_000, r"list\.csv: cannot be read as a table: field larger than field limit"),
    ],
)
def test_files_that_are_no_utf8_text_are_told_in_a_line(tmp_path, capfd, content, message, malformed):
    file = tmp_path / "list.csv"
    file.write_bytes(content + malformed.encode() if isinstance(content, bytes) else (TEXT + malformed).encode(content))
    with pytest.raises(ValueError, match=message) as error:
        converted(file)
    assert "\n" not in str(error.value)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("content", [b"", TEXT.encode(), workbook(), parquet()[:-20]])
def test_a_parquet_file_that_is_none_is_told_in_a_line(tmp_path, content):
    (tmp_path / "list.parquet").write_bytes(content)
    with pytest.raises(ValueError, match=r"list\.parquet: cannot be read as a table: ") as error:
        converted(tmp_path / "list.parquet")
    assert "\n" not in str(error.value)


def test_a_packed_table_is_unpacked_where_its_name_says_so(tmp_path):
    (tmp_path / "list.csv").write_text(TEXT)
    expected = converted(tmp_path / "list.csv")
    (tmp_path / "list.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    assert converted(tmp_path / "list.csv.gz") == expected
    (tmp_path / "list.tsv.gz").write_bytes(gzip.compress(TEXT.replace(",", "\t").encode()))
    assert converted(tmp_path / "list.tsv.gz") == expected
    (tmp_path / "list.csv.gz").write_text(TEXT)
    with pytest.raises(ValueError, match=r"list\.csv\.gz: cannot be unpacked: "):
        converted(tmp_path / "list.csv.gz")


def test_lists_of_lines_and_json_are_judged_alike(tmp_path):
    (tmp_path / "ids.txt").write_bytes("abc\n".encode("utf-16"))
    (tmp_path / "list.csv").write_text("label,youtube_id,time_start,time_end,split\nx,abc,0,10,train\n")
    files = [tmp_path / "ids.txt", tmp_path / "list.csv"]
    settings = Annotations(format="mini_kinetics", path=[str(file) for file in files])
    with pytest.raises(ValueError, match=r"ids\.txt: this is UTF-16 text"):
        convert(files, settings=settings, out=tmp_path / "annotation.json")
    (tmp_path / "list.json").write_bytes("{}".encode("utf-16"))
    settings = Annotations(format="json", path=str(tmp_path / "list.json"))
    with pytest.raises(ValueError, match=r"list\.json: this is UTF-16 text"):
        convert([tmp_path / "list.json"], settings=settings, out=tmp_path / "annotation.json")
