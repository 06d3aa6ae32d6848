"""The files of a small random network on its way to model.xml."""

import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from corpus import CLIP
from lively import enliven

from kinema.clips.table import ClipIndex
from kinema.deployment.about import ModelFiles
from kinema.deployment.int8 import Int8Files, export_int8
from kinema.deployment.int8_streaming import Int8StreamingFiles, export_int8_streaming
from kinema.deployment.modelapi import ModelApiFiles, export_modelapi
from kinema.deployment.onnx_model import export_onnx
from kinema.deployment.openvino_model import convert
from kinema.deployment.parity_sample import parity_clips
from kinema.deployment.streaming import StreamingFiles, export_streaming
from kinema.deployment.verify import ConvertedFiles, ShippedFiles, verify
from kinema.evaluation.evaluate import EvaluationFiles, evaluate
from kinema.evaluation.schema import PREDICTIONS
from kinema.experiment.config import Settings
from kinema.experiment.model_sections import Deployment, Network
from kinema.models.loading.checkpoint import save_checkpoint
from kinema.models.registry import create_model
from kinema.records.evaluation import Evaluation, SubsetScores

NETWORK = Network(encoder_weights="none")
ORDERED = Network(encoder_weights="none", embedding=32, num_blocks=1, num_heads=2, feedforward=32)
SETTINGS = Settings.model_validate({"evaluation": {"batch_size": 4}})


@dataclass
class Deployed:
    """The files of a model on its way to model.xml."""

    root: Path
    clips_path: Path
    clip = CLIP

    def verify(self, settings=SETTINGS):
        names = ("model.onnx", "model.xml", "labels.txt", "verification.json")
        shipped = ShippedFiles(*self.paths(*names))
        verify(converted=self.converted, shipped=shipped, settings=settings, **self.scored)

    def modelapi(self, settings=SETTINGS):
        shipped = ModelApiFiles(*self.paths("modelapi/model.xml", "modelapi/verification.json"))
        export_modelapi(converted=self.converted, shipped=shipped, settings=settings, **self.scored)

    def streaming(self, settings=SETTINGS):
        names = ("encoder.xml", "decoder.xml", "labels.txt", "verification.json")
        shipped = StreamingFiles(*self.paths(*(f"streaming/{name}" for name in names)))
        export_streaming(shipped=shipped, settings=settings, **self.scored)

    def int8(self, settings=SETTINGS):
        shipped = Int8Files(*self.paths("int8/model.xml", "int8/quantization.json"))
        export_int8(converted=self.converted, shipped=shipped, settings=settings, **self.scored)

    def int8_streaming(self, settings=SETTINGS):
        names = ("encoder.xml", "decoder.xml", "labels.txt", "quantization.json")
        shipped = Int8StreamingFiles(*self.paths(*(f"int8/streaming/{name}" for name in names)))
        export_int8_streaming(shipped=shipped, settings=settings, **self.scored)

    def export(self, opset=20):
        export_onnx(checkpoint_path=self.root / "model.pth", out=self.root / "converted/model.onnx", opset=opset)

    def paths(self, *names):
        return [self.root / name for name in names]

    @property
    def converted(self):
        return ConvertedFiles(*self.paths("converted/model.onnx", "converted/model.xml", "parity.json"))

    @property
    def scored(self):
        names = ("model.pth", "evaluation.json", "predictions.parquet", "calibration.json")
        return {"model": ModelFiles(*self.paths(*names)), "clips_path": self.clips_path, "threads": 2}

    def convert(self, **changes):
        convert(
            onnx_path=self.root / "converted/model.onnx",
            checkpoint_path=self.root / "model.pth",
            clips_path=self.clips_path,
            settings=Deployment(**changes),
            shipped_path=self.root / "model.xml",
            xml_path=self.root / "converted/model.xml",
            parity_path=self.root / "parity.json",
        )

    def read(self, name):
        return json.loads((self.root / name).read_text())

    def change(self, name, **values):
        (self.root / name).write_text(json.dumps(self.read(name) | values))

    def scores(self) -> SubsetScores:
        """What the evaluation says of the reported subset."""
        return Evaluation.read(self.root / "evaluation.json").scores

    def rescore(self, **values):
        """Change the scores of the reported subset."""
        subsets = self.read("evaluation.json")["subsets"]
        subsets["validation"] |= values
        self.change("evaluation.json", subsets=subsets)

    def rewrite(self, change):
        """Change the rows of predictions.parquet."""
        rows = pq.read_table(self.root / "predictions.parquet").to_pylist()
        table = pa.Table.from_pylist(change(rows) or rows, schema=PREDICTIONS)
        pq.write_table(table, self.root / "predictions.parquet")

    def refused(self, match):
        """Refused by gate 2, with one line, and nothing of a model is left."""
        with pytest.raises(ValueError, match=match) as error:
            self.verify()
        assert "\n" not in str(error.value)
        left = {path.name for path in self.root.iterdir()}
        assert not left & {"model.xml", "model.bin", "model.onnx", "labels.txt", "verification.json"}, left


def make_deployed(
    root: Path,
    prepared: Path,
    *,
    name: str = "mobilenetv2_baseline",
    network: Network = NETWORK,
    is_lively: bool = False,
) -> Deployed:
    """A random network on the six validation videos, evaluated, exported and through gate 1; see `enliven`."""
    deployed = make_scored(root, prepared, name=name, network=network, is_lively=is_lively)
    deployed.export()
    deployed.convert()
    return deployed


def make_scored(root: Path, prepared: Path, *, name: str, network: Network, is_lively: bool = False) -> Deployed:
    """The same before its export."""
    deployed = Deployed(root, prepared / "clips.parquet")
    torch.manual_seed(0)
    labels = ClipIndex.load(deployed.clips_path, subset="validation", clip=CLIP).labels
    model = create_model(name, num_classes=len(labels), clip=CLIP, network=network)
    if is_lively:
        enliven(model, parity_clips(deployed.clips_path, model, count=18))
    save_checkpoint(deployed.root / "model.pth", model, labels=labels, settings={})
    evaluate(
        checkpoint_path=deployed.root / "model.pth",
        clips_path=deployed.clips_path,
        settings=SETTINGS,
        out=EvaluationFiles.inside(deployed.root),
        threads=2,
    )
    return deployed
