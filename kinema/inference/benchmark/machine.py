"""What times depend on beside the model: the processor, what else it does, and the versions of the libraries."""

import importlib.metadata
import os
import platform
from pathlib import Path

from kinema import __version__
from kinema.inference.predictors.openvino import core
from kinema.records.benchmark import Machine

CPU_INFO = Path("/proc/cpuinfo")
FLAGS = (  # x86, then ARM
    *("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8"),
    *("asimd", "asimdhp", "asimddp", "bf16", "i8mm", "sve", "sve2"),
)
LIBRARIES = ("av", "numpy", "onnxruntime", "opencv-python", "openvino", "torch")
BUSY = 0.3  # of a core


def machine(threads: int | None) -> Machine:
    """Tell of the one that this runs on."""
    return Machine(
        cpu=" ".join(str(core().get_property("CPU", "FULL_DEVICE_NAME")).split()),
        num_cores=num_cores(),
        flags=_flags(),
        precision=default_precision(),
        threads=threads,
        load=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    )


def num_cores() -> int:
    """Logical cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_precision() -> str:
    """What OpenVINO computes in where nothing is asked for."""
    return str(core().get_property("CPU", "INFERENCE_PRECISION_HINT").get_type_name())  # such as bf16, f32


def versions() -> dict[str, str]:
    """Of Python, kinema and what is installed of the libraries that compute."""
    found = {"python": platform.python_version(), "kinema": __version__}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def busy_line(found: Machine) -> str | None:
    """A warning where other programs compute; None where the machine is quiet, or does not say."""
    if found.load is None or found.load <= BUSY:
        return None
    return (
        f"Other programs compute (load {found.load:g} on {found.num_cores} cores): times are too long, and speeds less "
        "sure; measure again when the machine is quiet"
    )


def _flags() -> list[str]:
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    of_cores = (line.partition(":")[2].split() for line in lines if line.lower().startswith(("flags", "features")))
    listed = next(of_cores, [])
    return [flag for flag in FLAGS if flag in listed]
