"""Jobs as pods: the executor of Snakemake renders them, and a small server in the place of a cluster looks at them."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from kubernetes_api import Cluster, cluster, refuse, run_command
from project import MODEL, REPOSITORY, Project

PROFILE = REPOSITORY / "profiles/kubernetes"


@pytest.fixture(scope="module")
def executor(tmp_path_factory) -> Path:
    """A folder of the executor's packages, which the environment of these tests does not have."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    (requirement,) = project["optional-dependencies"]["kubernetes"]
    folder = tmp_path_factory.mktemp("executor")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", folder]
    subprocess.run([*pip, "--constraint", REPOSITORY / "constraints.txt", requirement], check=True, timeout=600)
    return folder


def submit(project: Project, server: Cluster, executor: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run snakemake with the profile, here in the place of /project."""
    here = ("--precommand", f"cd {project.root}", "--seconds-between-status-checks", "1", "--latency-wait", "2")
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", "kubernetes", *arguments, *here]
    paths = [str(executor), "profiles/kubernetes", os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "KUBECONFIG": str(server.config_file(project.root)),
    }
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, timeout=600, env=environment)


@pytest.mark.slow
@pytest.mark.workflow
def test_a_shard_is_a_pod_that_sees_the_project(project, executor):
    table = next((project.root / "prepared").rglob("0003.parquet"))
    frames = table.with_suffix(".tar").read_bytes()
    table.unlink()
    with cluster(run_command) as server:
        done = submit(project, server, executor, str(table.relative_to(project.root)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert table.exists()
    assert table.with_suffix(".tar").read_bytes() == frames, "kept beside the table, which is the one output"
    (pod,) = server.pods
    (container,) = pod["containers"]
    profile = yaml.safe_load((PROFILE / "config.yaml").read_text())
    assert container["image"] == profile["container-image"]
    assert container["resources"] == {"requests": {"cpu": "1900m", "memory": "4000M", "ephemeral-storage": "2000M"}}, (
        "0.95 of two cores, and no limit"
    )
    assert [(mount["name"], mount["mountPath"]) for mount in container["volumeMounts"]] == [
        ("workdir", "/workdir"),
        ("kinema", "/project"),
    ]
    assert {"name": "kinema", "persistentVolumeClaim": {"claimName": "kinema"}} in pod["volumes"]
    assert pod["restartPolicy"] == "Never"
    assert "tolerations" not in pod
    (words,) = container["args"][1:]
    assert words.startswith(f"cd {project.root} && python -m snakemake --snakefile")
    assert profile["precommand"] == "cd /project"
    assert "--deploy-sources" not in words
    assert "pip install" not in words


@pytest.mark.slow
@pytest.mark.workflow
def test_gpus_are_limits_of_the_pods_that_ask_for_them(project, executor):
    with cluster(refuse) as server:
        done = submit(project, server, executor, f"{MODEL}/model.pth", "--forcerun", "train")
    assert done.returncode != 0
    limits = [pod["containers"][0]["resources"]["limits"] for pod in server.pods]
    assert [limit["nvidia.com/gpu"] for limit in limits] == ["1", "1", "1"]
    assert [limit["memory"] for limit in limits] == ["32000M", "64000M", "96000M"], "the first try and two more"
    pod = server.pods[0]
    assert pod["tolerations"] == [
        {"effect": "NoSchedule", "key": "nvidia.com/gpu", "operator": "Equal", "value": "present"}
    ]
    assert "/dev/shm" not in [mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]]
    assert "what the pod printed" in done.stdout + done.stderr
