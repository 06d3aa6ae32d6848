"""A small prepared corpus for the tests of the stages behind it, and smaller ones for those of the media stage."""

import hashlib
import shutil

import pytest
from corpus import prepare, prepare_both
from media_corpus import Corpus, make_video

from kinema import processes


@pytest.fixture(scope="session")
def prepared(make_once):
    """A small corpus in two shards; one listed video has no file. Do not change it."""
    return make_once("prepared", prepare)


@pytest.fixture(scope="session")
def both(prepared, make_once):
    """The same with the optical flow of its videos; do not change it."""
    return make_once("both", lambda folder: prepare_both(folder, prepared))


@pytest.fixture(scope="session")
def made(prepared, make_once):
    """A random network on the six validation videos, evaluated, exported and through gate 1; do not change it."""
    from deployed_model import Deployed, make_deployed  # PyTorch and OpenVINO are not for every test

    root = make_once("made", lambda folder: make_deployed(folder, prepared))
    return Deployed(root, prepared / "clips.parquet")


@pytest.fixture(scope="session")
def ordered(prepared, make_once):
    """The same of a network that sees the order of frames, and their differences; do not change it."""
    from deployed_model import ORDERED, Deployed, make_deployed

    def make(folder):
        make_deployed(folder, prepared, name="test_efficientnet_vtn_rgbdiff", network=ORDERED)

    return Deployed(make_once("ordered", make), prepared / "clips.parquet")


@pytest.fixture(scope="session")
def streamed(ordered, make_once):
    """The same cut into encoder and decoder, beside its model.xml and modelapi/; do not change it."""
    from deployed_model import Deployed

    def ship(folder):
        shutil.copytree(ordered.root, folder, dirs_exist_ok=True)
        deployed = Deployed(folder, ordered.clips_path)
        for step in (deployed.verify, deployed.streaming, deployed.modelapi):
            step()

    return Deployed(make_once("streamed", ship), ordered.clips_path)


@pytest.fixture(scope="session")
def shipped(made, make_once):
    """The same model through gate 2, so that there is a model.xml; do not change it."""
    from deployed_model import Deployed

    def ship(folder):
        shutil.copytree(made.root, folder, dirs_exist_ok=True)
        Deployed(folder, made.clips_path).verify()

    return Deployed(make_once("shipped", ship), made.clips_path)


@pytest.fixture(scope="session")
def undisturbed(prepared, make_once):
    """Function from the settings of a small training to its model and curve; each is trained once."""
    from training_runs import result_in, run_training

    def result(recipe):
        name = hashlib.sha256(recipe.model_dump_json().encode()).hexdigest()[:16]
        return result_in(make_once(f"undisturbed-{name}", lambda folder: run_training(prepared, folder, recipe)))

    return result


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    return Corpus(tmp_path)


@pytest.fixture
def three(corpus) -> Corpus:
    """Videos a, b, c and a written shard of them."""
    for seed, name in enumerate("abc"):
        make_video(corpus.videos / f"{name}.mp4", frames=5 + seed, seed=seed)
    assert corpus.write("abc") == {"kept": 0, "decoded": 3, "failed": 0, "missing": 0}
    return corpus


@pytest.fixture
def machine(tmp_path_factory, monkeypatch):
    """A machine that has an id, as containers may not."""
    file = tmp_path_factory.mktemp("machine") / "id"
    file.write_text("4c1f\n")
    monkeypatch.setattr(processes, "MACHINE_ID", file)
