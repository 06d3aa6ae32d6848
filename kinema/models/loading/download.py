"""Published weights of an encoder -> a file of the project, and a record of where they come from.

timm's, and networks of transformers, come from the Hugging Face hub, or from the mirror or the cache that the hub's own
variables name (HF_ENDPOINT, HF_HUB_OFFLINE, HF_HOME, HF_HUB_CACHE). A few of timm's, and torchvision's, come from an
address of their own, or from torch's cache (TORCH_HOME). What is in such a cache is not downloaded again, and without
network it is taken as it is.
"""

import hashlib
import logging
import re
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlparse

import timm
import torch
import torchvision
from huggingface_hub import ModelCard, constants, hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError, OfflineModeIsEnabled
from huggingface_hub.utils import get_session
from safetensors.torch import save_file

from kinema.files import atomic_path
from kinema.input_error import InputError
from kinema.media.remote.address import without_secrets
from kinema.models.hub_files import CONFIG, LIBRARY, PROCESSORS, WEIGHTS, listed_files, source_named
from kinema.models.loading.hub_tensors import pack_folder
from kinema.models.names import WEIGHTS_ENDINGS
from kinema.records.weights import Published, Weights
from kinema.words import ways_to_repository, ways_to_weights

log = logging.getLogger(__name__)

HUB_FILES = ("model.safetensors", "pytorch_model.bin")  # the first one that a repository has
HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.")  # by torch's custom the beginning of the file's SHA-256
TIMEOUT_SECONDS = 20.0  # without an answer


@dataclass(frozen=True)
class _Found:
    """A published file in a cache of the user's."""

    path: Path
    published: Published


def download_weights(path: Path, record_path: Path) -> None:
    """Bring the weights for `weights/<library>/<name>.<ending>` there, whole or not at all; write their record.

    A file that its record fits is kept, and nothing is asked of the network. InputError where they cannot be had.
    """
    library, name = path.parent.name, path.stem
    if path.suffix != (ending := WEIGHTS_ENDINGS[library]):
        raise InputError(f"{path}: what {library} publishes is kept as {ending}; name {path.with_suffix(ending)}")
    if _is_whole(path, record_path):
        log.info("%s: kept, it is as it was downloaded; delete it to have it anew", path)
        return
    sources = {"timm": _from_timm, "torchvision": _from_torchvision, LIBRARY: _of_transformers}
    found = sources[library](path, name)
    with atomic_path(path) as temporary:
        if library == LIBRARY:
            _pack(found.path.parent, temporary)
        elif found.path.suffix == path.suffix:
            shutil.copyfile(found.path, temporary)
        else:
            _write_as_safetensors(name, found.path, temporary)
    Weights(library=library, published=found.published, sha256=_sha256(path)).write(record_path)
    log.info("%s: %s, licence: %s", path, found.published.source, found.published.license or "none named")


def _is_whole(path: Path, record_path: Path) -> bool:
    try:
        return Weights.read(record_path).sha256 == _sha256(path)
    except (InputError, OSError):
        return False


def _from_timm(path: Path, name: str) -> _Found:
    try:
        settings = timm.get_pretrained_cfg(name, allow_unregistered=False)
    except RuntimeError as error:  # a tag that is none
        raise InputError(f"{path}: {error}") from None
    if not settings or not (settings.hf_hub_id or settings.url):
        raise InputError(f"{path}: timm {timm.__version__} publishes no weights under this name")
    full_name = f"{settings.architecture}.{settings.tag}" if settings.tag else settings.architecture
    if not settings.hf_hub_id:
        return _from_address(path, full_name, settings.url, licence=settings.license)
    repository, _, revision = settings.hf_hub_id.partition("@")
    return _from_hub(path, full_name, repository, revision or None, licence=settings.license)


def _from_torchvision(path: Path, name: str) -> _Found:
    try:
        weights = torchvision.models.get_model_weights(name).DEFAULT
    except ValueError:
        raise InputError(f"{path}: torchvision {torchvision.__version__} has no network of this name") from None
    return _from_address(path, name, weights.url, licence=weights.meta.get("license"))


def _of_transformers(path: Path, name: str) -> _Found:
    """All files of a network, in the folder of one commit."""
    try:
        source = source_named(name)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
    obstacle = _obstacle_to_hub()
    try:
        found = _hub_file(source.repository, source.revision, WEIGHTS, from_cache=obstacle is not None)
        options: dict[str, Any] = {"revision": found.parent.name, "local_files_only": obstacle is not None}
        for file in (CONFIG, *PROCESSORS, *listed_files(found)):
            with _where_it_has_it(from_cache=obstacle is not None):  # what is missing is told when the folder is read
                hf_hub_download(source.repository, file, **options)
    except Exception as error:  # as below
        reason = f"{obstacle}; nor is it in {constants.HF_HUB_CACHE}" if obstacle else _in_short(error)
        address = _address(source.repository)
        raise InputError(ways_to_repository(str(path), source.repository, address, reason)) from None
    return _recorded(found, name, source.repository, from_cache=obstacle is not None, licence=None)


def _pack(folder: Path, out: Path) -> None:
    try:
        pack_folder(folder, out)
    except ValueError as error:
        raise InputError(str(error)) from None


def _from_hub(path: Path, name: str, repository: str, revision: str | None, *, licence: str | None) -> _Found:
    """Files of a repository, from the cache alone where the hub does not answer."""
    obstacle = _obstacle_to_hub()
    try:
        found = _hub_file(repository, revision, HUB_FILES, from_cache=obstacle is not None)
    except Exception as error:  # of the hub's client, of HTTP, of sockets, of the disk: no class is shared
        reason = f"{obstacle}; nor is it in {constants.HF_HUB_CACHE}" if obstacle else _in_short(error)
        source = _address(repository)
        raise InputError(ways_to_weights(str(path), name, source, reason, "HF_ENDPOINT", "HF_HOME")) from None
    return _recorded(found, name, repository, from_cache=obstacle is not None, licence=licence)


def _recorded(found: Path, name: str, repository: str, *, from_cache: bool, licence: str | None) -> _Found:
    """A file of the hub's cache, and what is to be known of it."""
    commit = found.parent.name
    card = _licence_of_card(repository, commit, from_cache=from_cache)
    published = Published(
        name=name,
        source=_address(repository),
        file=found.name,
        revision=commit,
        license=card or licence,
        sha256=_sha256(found),
    )
    return _Found(found, published)


def _address(repository: str) -> str:
    """Of a repository, without the login that the address of a mirror may hold."""
    return without_secrets(f"{constants.ENDPOINT}/{repository}")


def _hub_file(repository: str, revision: str | None, names: Sequence[str], *, from_cache: bool) -> Path:
    """The first of these files that a repository has."""
    *preferred, last = names
    for file in preferred:
        with _where_it_has_it(from_cache=from_cache):
            return Path(hf_hub_download(repository, file, revision=revision, local_files_only=from_cache))
    return Path(hf_hub_download(repository, last, revision=revision, local_files_only=from_cache))


@contextmanager
def _where_it_has_it(*, from_cache: bool) -> Iterator[None]:
    """A repository may lack a file; a hub that does not answer says nothing of it, though its error is of that kind."""
    try:
        yield
    except LocalEntryNotFoundError:
        if not from_cache:
            raise
    except EntryNotFoundError:
        pass


def _obstacle_to_hub() -> str | None:
    """Why the hub cannot be asked. Its client would retry for most of a minute, for each file; this asks it once."""
    try:
        get_session().head(constants.ENDPOINT, timeout=TIMEOUT_SECONDS)
    except OfflineModeIsEnabled:
        return "HF_HUB_OFFLINE is set"
    except Exception as error:  # each version of the client has its own
        return f"{without_secrets(constants.ENDPOINT)} does not answer: {_in_short(error)}"
    return None


def _licence_of_card(repository: str, commit: str, *, from_cache: bool) -> str | None:
    """The licence that the repository's page names; None where there is no such page."""
    try:
        card = hf_hub_download(repository, constants.REPOCARD_NAME, revision=commit, local_files_only=from_cache)
        data = ModelCard.load(card).data
    except Exception as error:  # as above; it is only for the record
        log.info("%s: no page that names a licence (%s)", repository, _in_short(error))
        return None
    names = (data.get("license"), data.get("license_name"), data.get("license_link"))
    return " ".join(str(name) for name in names if name) or None


def _from_address(path: Path, name: str, url: str, *, licence: str | None) -> _Found:
    """A file of torch's cache, downloaded into it where it is not there."""
    file = PurePosixPath(urlparse(url).path).name
    beginning = match[1] if (match := HASH_IN_NAME.search(file)) else ""
    found = Path(torch.hub.get_dir()) / "checkpoints" / file
    try:
        if not found.is_file():
            found.parent.mkdir(parents=True, exist_ok=True)
            with _impatient():
                torch.hub.download_url_to_file(url, str(found), hash_prefix=beginning or None, progress=False)
    except Exception as error:  # of HTTP, of sockets, of the disk, of a wrong hash: no class is shared
        reason = f"{_in_short(error)}; nor is it in {found.parent}"
        raise InputError(ways_to_weights(str(path), name, url, reason, None, "TORCH_HOME")) from None
    if not (sha256 := _sha256(found)).startswith(beginning):
        raise InputError(f"{found}: damaged: its SHA-256 is {sha256}, expected {beginning}...; delete it")
    published = Published(name=name, source=url, file=file, revision=None, license=licence, sha256=sha256)
    return _Found(found, published)


def _write_as_safetensors(name: str, source: Path, path: Path) -> None:
    """Have timm read what is no file of safetensors, and write the tensors of its network."""
    try:
        network = timm.create_model(name, pretrained=True, pretrained_cfg_overlay={"file": str(source)})
    except Exception as error:  # of torch and timm: no class is shared
        raise InputError(f"{source}: timm cannot read it as weights of '{name}': {_in_short(error)}") from None
    save_file({key: value.contiguous().clone() for key, value in network.state_dict().items()}, path)


@contextmanager
def _impatient() -> Iterator[None]:
    """A limit for torch, which has none: where a firewall drops packets it would wait for minutes."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _in_short(error: Exception) -> str:
    return without_secrets(" ".join(str(error).split()))[:200] or type(error).__name__


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
