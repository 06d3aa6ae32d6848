"""A small server of KServe's protocol v2 over HTTP, with tensors as raw bytes: what clients of a model server meet.

It reads a model repository as OpenVINO Model Server does (config.json, paths relative to it, the highest version) and
answers with the networks in it. Of `rt_info` it tells `model_info`, as that server does; it knows nothing of kinema.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import openvino as ov
from loopback import running

TYPES = {"UINT8": (ov.Type.u8, np.uint8), "FP32": (ov.Type.f32, np.float32)}
MODEL = re.compile(r"/v2/models/([^/]+)(?:/versions/(\d+))?(?:/(ready|infer))?")
HEADER = "Inference-Header-Content-Length"


class ModelServer(ThreadingHTTPServer):
    """Serves the models of a config.json; `asked` has the method and path of each request."""

    daemon_threads = True

    def __init__(self, config_path: Path, core: ov.Core) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.networks: dict[str, tuple[str, ov.Model, ov.CompiledModel]] = {}
        for entry in json.loads(config_path.read_text())["model_config_list"]:
            name, base_path = entry["config"]["name"], config_path.parent / entry["config"]["base_path"]
            versions = [path for path in base_path.iterdir() if path.name.isdecimal()]
            newest = max(versions, key=lambda path: int(path.name))
            (xml_path,) = newest.glob("*.xml")
            network = core.read_model(xml_path)
            self.networks[name] = (newest.name, network, core.compile_model(network, "CPU"))

    @property
    def address(self) -> str:
        return f"localhost:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        found = self._model("ready", None)
        if found and self.path.endswith("/ready"):
            self._send(b"")
        elif found:
            self._send(json.dumps(metadata(*found)).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not (found := self._model("infer")):
            return
        length = int(self.headers[HEADER]) if HEADER in self.headers else len(body)
        asked, raw = json.loads(body[:length]), body[length:]
        try:
            (given,) = (tensor(one, raw) for one in asked["inputs"])
            answer = found[3](given)
        except (ValueError, RuntimeError) as error:
            self._send(json.dumps({"error": str(error)}).encode(), status=400)
            return
        self._answer(found, answer[0], is_binary=asked.get("parameters", {}).get("binary_data_output", False))

    def _model(self, *kinds: str | None) -> tuple[str, str, ov.Model, ov.CompiledModel] | None:
        self.server.asked.append(f"{self.command} {self.path}")
        match = MODEL.fullmatch(self.path)
        name = unquote(match[1]) if match and match[3] in kinds else ""
        if name not in self.server.networks:
            self._send(json.dumps({"error": "Model with requested name is not found"}).encode(), status=404)
            return None
        return name, *self.server.networks[name]

    def _answer(self, found: tuple, values: np.ndarray, *, is_binary: bool) -> None:
        name, version, network, _ = found
        output = {"name": network.outputs[0].any_name, "shape": values.shape, "datatype": "FP32"}
        if is_binary:
            output["parameters"] = {"binary_data_size": values.nbytes}
        else:
            output["data"] = values.ravel().tolist()
        head = json.dumps({"model_name": name, "model_version": version, "outputs": [output]}).encode()
        self._send(head + (values.tobytes() if is_binary else b""), length=len(head) if is_binary else None)

    def _send(self, content: bytes, *, status: int = 200, length: int | None = None) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header(HEADER, str(length))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Nothing to the terminal."""


def metadata(name: str, version: str, network: ov.Model, _: ov.CompiledModel) -> dict:
    """What is told of a model."""
    kinds = {kind: name for name, (kind, _) in TYPES.items()}
    tensors = [
        [
            {
                "name": port.any_name,
                "datatype": kinds[port.element_type],
                "shape": [-1 if size.is_dynamic else size.get_length() for size in port.partial_shape],
            }
            for port in ports
        ]
        for ports in (network.inputs, network.outputs)
    ]
    info = {key: value.astype(str) for key, value in network.get_rt_info("model_info").astype(dict).items()}
    about = {"name": name, "versions": [version], "platform": "OpenVINO"}
    return about | {"inputs": tensors[0], "outputs": tensors[1], "rt_info": {"model_info": info}}


def tensor(described: dict, raw: bytes) -> np.ndarray:
    """A tensor of a request: the bytes behind the JSON, or its data in JSON."""
    kind = TYPES[described["datatype"]][1]
    if "data" in described:
        return np.reshape(np.array(described["data"], kind), described["shape"])
    if described["parameters"]["binary_data_size"] != len(raw):
        raise ValueError("Invalid content size of tensor data")
    return np.frombuffer(raw, kind).reshape(described["shape"])


@contextmanager
def model_server(config_path: Path, core: ov.Core) -> Iterator[ModelServer]:
    """A server that runs as long as the block."""
    with running(ModelServer(config_path, core)) as server:
        yield server
