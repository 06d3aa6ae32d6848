"""Clips -> a trained model.

in   results/{dataset}/clips.parquet, for a fold of a cross-validation its own one (crossval.smk); which of its parts decide a training, and are in the params, says
     kinema.experiment.params. The models, or the published weights, that training starts from: kinema.experiment.starts
out  results/{dataset}/{model}/model.pth      weights, input specification, labels, settings
     results/{dataset}/{model}/training.csv   one row an epoch
     results/{dataset}/{model}/training.json  settings, versions, commit, seed, digest of the data, time, best epoch
     work/{dataset}/{model}/<lineage>-<epochs>/   resume state: no output, Snakemake would delete it
     work/{corpus}/features/   what frozen encoders say of clips (training.feature_views), for all models; no output either
     logs/{dataset}/{model}/curves/<lineage>-<epochs>/   TensorBoard events and metrics.csv of the steps
"""


rule train:
    """One Lightning run; a killed one continues from its last resume point, inside an epoch as well."""
    input:
        clips=ancient(index_file("clips.parquet")),
        mapped=ancient(index_file("clips.arrow")),
        parts=ancient(index_file("clips.json")),
        shards=ancient(shard_tables),
        starts=start_files,
        weights=ancient(published_weights),
    output:
        model="results/{dataset}/{model}/model.pth",
        history=report(
            "results/{dataset}/{model}/training.csv",
            caption="../report/training.rst",
            category="Models",
            labels={"data set": "{dataset}", "model": "{model}", "page": "epochs of the training"},
        ),
        record="results/{dataset}/{model}/training.json",
    log:
        "logs/{dataset}/{model}/train.log",
    benchmark:
        "logs/{dataset}/{model}/train.benchmark.tsv"
    wildcard_constraints:
        model=folds.NAME,
    conda:
        "../../envs/train.yaml"
    threads: 8
    resources:
        mem_mb=8000,
        gpu=gpus,
        # all on one machine, unless more are asked for, which the others follow from
        nodes=1,
        tasks=train_tasks,
        mpi=train_launcher,
        tasks_per_gpu=train_tasks_per_gpu,
        untracked=untracked,
        scored=scored_here,
    params:
        model=model_name,
        settings=training_settings,
        data=training_data,
        starts=start_keys,
        start_contents=start_contents,
        work="work/{dataset}/{model}",
        logs="logs/{dataset}/{model}/curves",
        features=features_folder,
        encoder_code=encoder_code,
        failures=failures("results/{dataset}/{model}/model.pth"),
        code=model_code("train", "kinema.training.run"),
    script:
        "../scripts/train.py"
