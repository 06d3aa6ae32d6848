"""model.xml -> serving/, a model repository of OpenVINO Model Server: the verified files and a config.json.

The server looks for numbered versions in the folder of a model, and for models in config.json, whose paths are relative
to it: the folder can be copied and mounted anywhere. The IR has no layout attribute, as the server knows none with T.
"""

import logging
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from kinema.deployment.ir_files import new_ir, sha256, weights_path
from kinema.input_error import InputError
from kinema.models.made_of import remove_served
from kinema.records.json_file import write_json
from kinema.records.verification import Verification

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServedFiles:
    """What the server is given: `xml_path` is <folder of config.json>/<any name>/<version>/model.xml."""

    config_path: Path
    xml_path: Path
    verification_path: Path


def export_serving(*, xml_path: Path, verification_path: Path, served: ServedFiles) -> None:
    """Copy the IR that passed the gates; config.json, by which the server finds it, comes last.

    InputError where it is not the one of verification.json. Then nothing is left.
    """
    model_folder = xml_path.parent
    remove_served(model_folder)
    verified = Verification.read(verification_path)
    digests = {}
    with new_ir(served.xml_path) as temporary:
        for path, copy in ((xml_path, temporary), (weights_path(xml_path), weights_path(temporary))):
            shutil.copyfile(path, copy)
            digests[path.name] = sha256(copy)
            if digests[path.name] != verified.sha256.get(path.name):
                raise InputError(
                    f"{path}: not the file that passed the gates: its SHA-256 is {digests[path.name][:16]}..., in "
                    f"{verification_path.name} {verified.sha256.get(path.name, 'nothing')[:16]}...; delete it and run "
                    "snakemake for it"
                )
    replace(verified, sha256=digests).write(served.verification_path)
    name = served_name(model_folder.name)
    base_path = served.xml_path.parent.parent.relative_to(served.config_path.parent)
    write_json(served.config_path, {"model_config_list": [{"config": {"name": name, "base_path": str(base_path)}}]})
    log.info("%s: served as %s", served.config_path, name)


def served_name(model: str) -> str:
    """The name of a model in addresses: what means something else there, or in shells, becomes a hyphen."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", model)
