"""Cross-validation: a model, trained and scored on each of K folds of the training and validation videos.

The trainings are jobs of rule train, and their scores of rule evaluate, in results/{dataset}/{model}/crossval/fold<k>-
seed<s>/; which there are says kinema.experiment.crossval. Shards are those of all models, and so is the index of a fold.

in   results/{dataset}/clips.{parquet,json}, tables of the shards
     predictions.parquet, training.json of each training
out  results/{dataset}/crossval/fold{fold}/clips.parquet      what fold k holds out has the subset testing there
     results/{dataset}/crossval/fold{fold}/clips.{arrow,json}   as beside any index
     results/{dataset}/{model}/crossval/summary.json           kinema.records.crossval
     results/{dataset}/{model}/crossval/summary.md             the same for a reader
     results/{dataset}/{model}/crossval/predictions.parquet    of every video, by a model that was not trained on it
     results/{dataset}/crossval/summary.{csv,md}               the models of a data set side by side
"""


# A checkpoint, as rule index is.
checkpoint fold:
    """Deal the videos to folds, groups whole, and write the index of one of them."""
    input:
        clips=ancient("results/{dataset}/clips.parquet"),
        parts=ancient("results/{dataset}/clips.json"),
        shards=ancient(shard_tables),
    output:
        clips="results/{dataset}/crossval/fold{fold}/clips.parquet",
        mapped="results/{dataset}/crossval/fold{fold}/clips.arrow",
        parts="results/{dataset}/crossval/fold{fold}/clips.json",
    log:
        "logs/{dataset}/crossval/fold{fold}.log",
    benchmark:
        "logs/{dataset}/crossval/fold{fold}.benchmark.tsv"
    conda:
        "../../envs/media.yaml"
    resources:
        mem_mb=2000,
    params:
        fold="{fold}",
        settings=fold_settings,
        data=dealt_data,
        failures=failures("results/{dataset}/crossval/fold{fold}/clips.parquet"),
        code=code("fold", "kinema.crossval.folds"),
    script:
        "../scripts/fold.py"


rule crossval:
    """Sum up the folds of a model."""
    input:
        folds=fold_files,
        # what depends on a checkpoint is judged anew when that has run
        parts=ancient("results/{dataset}/clips.json"),
    output:
        summary="results/{dataset}/{model}/crossval/summary.json",
        readable="results/{dataset}/{model}/crossval/summary.md",
        predictions="results/{dataset}/{model}/crossval/predictions.parquet",
    log:
        "logs/{dataset}/{model}/crossval.log",
    benchmark:
        "logs/{dataset}/{model}/crossval.benchmark.tsv"
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=3000,
    params:
        folder=lambda wildcards: f"results/{wildcards.dataset}",
        folds=fold_names,
        listed=dealt_listed,
        failures=failures("results/{dataset}/{model}/crossval/summary.json"),
        code=code("crossval", "kinema.crossval.summary"),
    script:
        "../scripts/crossval.py"


rule crossval_table:
    """Put the models that the data set's `leaderboard` lists side by side; without a list, those that are there."""
    input:
        summaries=tabled_files,
    output:
        table="results/{dataset}/crossval/summary.csv",
        readable="results/{dataset}/crossval/summary.md",
    log:
        "logs/{dataset}/crossval_table.log",
    benchmark:
        "logs/{dataset}/crossval_table.benchmark.tsv"
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=1000,
    params:
        folder=lambda wildcards: f"results/{wildcards.dataset}",
        models=tabled_models,
        scores=tabled_contents,
        failures=failures("results/{dataset}/crossval/summary.csv"),
        code=code("crossval_table", "kinema.crossval.table"),
    script:
        "../scripts/crossval_table.py"
