"""The benchmark.json in a model's folder -> how long its model.xml takes for a clip, and on which machine."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from kinema.input_error import InputError
from kinema.records.benchmark import Benchmark, Measurement

log = logging.getLogger(__name__)
BENCHMARK, MODEL = "benchmark.json", "model.xml"
RUNTIME, PACKAGE = "OpenVINO", "openvino"


@dataclass(frozen=True, kw_only=True)
class Latency:
    """`seconds` of one clip, by OpenVINO at its default precision; `measured_on` is a machine and what it ran."""

    seconds: float
    measured_on: str


def read_latency(folder: Path) -> Latency | None:
    """None where nothing was measured; where it was of another model.xml, or cannot be read, with a warning."""
    path = folder / BENCHMARK
    if not path.is_file():
        return None
    try:
        found = Benchmark.read(path)
    except InputError as error:  # the scores stand without it
        log.warning("%s", error)
        return None
    measurement = _usual(found, folder / MODEL)
    if measurement is None:
        again = f"run `kinema benchmark {folder} --output {path}` again"
        log.warning("%s: is not of the %s beside it; %s", path, MODEL, again)
        return None
    machine = found.machine
    threads = f", {machine.threads} threads" if machine.threads else ""
    return Latency(
        seconds=measurement.seconds.median,
        measured_on=f"{machine.cpu}, {machine.num_cores} cores{threads}, {measurement.precision}, "
        f"{RUNTIME} {found.versions.get(PACKAGE, 'unknown')}",
    )


def _usual(found: Benchmark, model_path: Path) -> Measurement | None:
    """Of single clips by the model.xml that lies here now."""
    if not model_path.is_file():
        return None
    sha256 = hashlib.sha256(model_path.read_bytes()).hexdigest()
    for model in found.models:
        for one in model.measurements if model.sha256.get(MODEL) == sha256 else []:
            is_usual = one.is_default and not one.is_stream and one.batch == 1
            if is_usual and (one.file, one.runtime) == (MODEL, RUNTIME):
                return one
    return None
