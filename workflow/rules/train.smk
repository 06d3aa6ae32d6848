"""Clips -> a trained model.

in   results/{dataset}/clips.parquet, and the models that training starts from (kinema.origins); which of its parts
     decide a training, and are in the params, says kinema.params
out  results/{dataset}/{model}/model.pth      weights, input specification, labels, settings
     results/{dataset}/{model}/training.csv   one row an epoch
     results/{dataset}/{model}/training.json  settings, versions, commit, seed, digest of the data, time, best epoch
     work/{dataset}/{model}/<fingerprint>/    resume state while it runs: no output, Snakemake would delete it
     logs/{dataset}/{model}/curves/<fingerprint>/   TensorBoard events and metrics.csv of the steps
"""


def training_settings(wildcards):
    return params.training_json(resolved(wildcards))


def untracked(wildcards):
    """Settings that change no result, as JSON: a resource, since a changed one re-runs nothing."""
    return params.untracked_json(resolved(wildcards))


def training_data(wildcards):
    """Digests of what a training reads of the index, as JSON."""
    names = params.training_parts(resolved(wildcards).training)
    return json.dumps(parts.parts_digests(index_parts(wildcards), names))


def devices(wildcards):
    """GPUs of a training job."""
    return asked(experiments.resolve, wildcards.dataset, wildcards.model).settings.training.devices


def start_files(wildcards):
    """What training starts from: files of the user's, and models that are trained first."""
    return list(asked(origins.start_files, wildcards.dataset, wildcards.model).values())


def starts(wildcards):
    """The same by the keys that ask for them, as JSON."""
    return asked(origins.starts_json, wildcards.dataset, wildcards.model)


def start_contents(wildcards):
    """Digests of these files, as JSON."""
    return json.dumps([remembered_digest(path) for path in start_files(wildcards)])


rule train:
    """One Lightning run; a killed one continues from its last resume point, inside an epoch as well."""
    input:
        clips=ancient("results/{dataset}/clips.parquet"),
        mapped=ancient("results/{dataset}/clips.arrow"),
        parts=ancient("results/{dataset}/clips.json"),
        shards=ancient(shard_tables),
        starts=start_files,
    output:
        model="results/{dataset}/{model}/model.pth",
        history="results/{dataset}/{model}/training.csv",
        record="results/{dataset}/{model}/training.json",
    log:
        "logs/{dataset}/{model}/train.log",
    benchmark:
        "logs/{dataset}/{model}/train.benchmark.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 8
    resources:
        mem_mb=8000,
        gpu=devices,
        untracked=untracked,
    params:
        model=model_name,
        settings=training_settings,
        data=training_data,
        starts=starts,
        start_contents=start_contents,
        work="work/{dataset}/{model}",
        logs="logs/{dataset}/{model}/curves",
        failures=failures("results/{dataset}/{model}/model.pth"),
        code=model_code("train", "kinema.training.run"),
    script:
        "../scripts/train.py"
