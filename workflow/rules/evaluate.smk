"""A trained model on the evaluation clips.

in   results/{dataset}/{model}/model.pth, results/{dataset}/clips.{parquet,arrow,json}, for a fold of a cross-validation
     its own ones (crossval.smk), tables of the shards
out  results/{dataset}/{model}/evaluation.json       accuracies with intervals and coverage, calibration, per class
     results/{dataset}/{model}/predictions.parquet   kinema.evaluation.schema.PREDICTIONS
     results/{dataset}/{model}/calibration.json      what exported files take over: temperature and threshold
     results/{dataset}/{model}/confusion.png
"""


# A checkpoint, so that params of what depends on it are looked at again when its files are there.
checkpoint evaluate:
    """Score every clip once and average the clips of a video."""
    input:
        model="results/{dataset}/{model}/model.pth",
        clips=ancient(index_file("clips.parquet")),
        mapped=ancient(index_file("clips.arrow")),
        parts=ancient(index_file("clips.json")),
        shards=ancient(shard_tables),
    output:
        evaluation="results/{dataset}/{model}/evaluation.json",
        predictions="results/{dataset}/{model}/predictions.parquet",
        calibration="results/{dataset}/{model}/calibration.json",
        confusion=report(
            "results/{dataset}/{model}/confusion.png",
            caption="../report/confusion.rst",
            category="Models",
            labels={"data set": "{dataset}", "model": "{model}", "page": "confusions"},
        ),
    log:
        "logs/{dataset}/{model}/evaluate.log",
    benchmark:
        "logs/{dataset}/{model}/evaluate.benchmark.tsv"
    wildcard_constraints:
        model=folds.NAME,
    conda:
        "../../envs/train.yaml"
    threads: 8
    resources:
        mem_mb=8000,  # 3,200 are the logits of 20,000 videos of 10 clips and 10 crops with 400 classes
        gpu=gpus,
        accelerator=accelerator,
    params:
        settings=evaluation_settings("evaluation"),
        data=evaluation_data,
        listed=listed_videos,
        model=content("results/{dataset}/{model}/model.pth"),
        failures=failures("results/{dataset}/{model}/evaluation.json"),
        code=model_code("evaluate", "kinema.evaluation.evaluate"),
    script:
        "../scripts/evaluate.py"
