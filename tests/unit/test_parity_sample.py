"""The clips on which an exported network is compared with the trained one."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from corpus import CLIP

from kinema.clips.table import VIDEO_SCHEMA, write_clips
from kinema.deployment.parity_sample import parity_clips
from kinema.experiment.model_sections import Network
from kinema.models.registry import create_model


def test_parity_is_measured_on_clips_that_need_no_label_and_no_evaluation(prepared, tmp_path):
    model = create_model("mobilenetv2_baseline", num_classes=6, clip=CLIP, network=Network(encoder_weights="none"))
    clips = parity_clips(prepared / "clips.parquet", model, count=4)
    assert (clips.shape, clips.dtype) == ((4, 4, 3, 48, 48), np.uint8)
    rows = pq.read_table(prepared / "clips.parquet", filters=[("subset", "=", "training"), ("clip", "=", 0)])
    rows = rows.select(VIDEO_SCHEMA.names).replace_schema_metadata()
    unlabelled = pa.array([None] * len(rows), pa.string()), pa.array([-1] * len(rows), pa.int32())
    for subset, labels in (("training", None), ("testing", unlabelled)):
        table = rows.set_column(rows.column_names.index("subset"), "subset", pa.array([subset] * len(rows)))
        for name, column in zip(("label", "label_index"), labels or (), strict=False):
            table = table.set_column(table.column_names.index(name), VIDEO_SCHEMA.field(name), column)
        path = tmp_path / subset / "clips.parquet"
        write_clips(table.cast(VIDEO_SCHEMA), path, labels=[f"class {position}" for position in range(6)], clip=CLIP)
        found = parity_clips(path, model, count=3)
        assert found.shape[0] == 3
        assert np.array_equal(found, parity_clips(path, model, count=3))
    centred = parity_clips(tmp_path / "training/clips.parquet", model, count=100)
    assert len(centred) == len(rows)
