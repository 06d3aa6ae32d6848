"""Clips -> a trained model.

in   results/{dataset}/clips.parquet
out  results/{dataset}/{model}/model.pth      weights, input specification, labels, settings
     results/{dataset}/{model}/training.csv   one row an epoch
     work/{dataset}/{model}/<fingerprint>/    resume state while it runs: no output, Snakemake would delete it
"""


rule train:
    """One Lightning run; a killed one continues from its last resume point, inside an epoch as well."""
    input:
        clips="results/{dataset}/clips.parquet",
        mapped=ancient("results/{dataset}/clips.arrow"),
        shards=ancient(shard_tables),
        weights=weight_files,
    output:
        model="results/{dataset}/{model}/model.pth",
        history="results/{dataset}/{model}/training.csv",
    log:
        "logs/{dataset}/{model}/train.log",
    benchmark:
        "logs/{dataset}/{model}/train.benchmark.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 8
    resources:
        mem_mb=8000,
        gpu=1,
    params:
        model=model_name,
        settings=sections("clip", "augmentation", "network", "training"),
        work="work/{dataset}/{model}",
        code=model_code("train"),
    script:
        "../scripts/train.py"
