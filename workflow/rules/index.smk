"""Annotation + shards -> what can be trained and scored on, and what became of every listed video.

in   results/{dataset}/annotation.json, prepared/{corpus}/{recipe}/shards/*.parquet
out  results/{dataset}/dataset_report.json   counts by class and subset, every dropped video, leaks, imbalance
     results/{dataset}/dataset_report.md     the same for a reader
     results/{dataset}/look_alikes.json      videos of two subsets that look alike
     results/{dataset}/clips.parquet         kinema.clips.table.SCHEMA
     results/{dataset}/clips.arrow           the same rows, mapped into memory by loaders
     results/{dataset}/clips.json            digests of its subsets: kinema.clips.parts
"""


rule look_alikes:
    """Compare videos of different subsets by their looks; what was seen of a video is kept beside its shard."""
    input:
        annotation=ancient("results/{dataset}/annotation.json"),
        shards=shard_tables,
    output:
        found="results/{dataset}/look_alikes.json",
    log:
        "logs/{dataset}/look_alikes.log",
    benchmark:
        "logs/{dataset}/look_alikes.benchmark.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 4
    resources:
        mem_mb=6000,
    params:
        annotation=content("results/{dataset}/annotation.json"),
        kept=kept_looks,
        limit=lambda wildcards: asked(resolve.dataset_named, wildcards.dataset).look_alikes_limit,
        failures=failures("results/{dataset}/look_alikes.json"),
        code=code("look_alikes", "kinema.looks.look_alikes"),
    script:
        "../scripts/look_alikes.py"


# Checkpoints, both: what depends on their outputs is judged anew by what is in these, once they are made.
checkpoint dataset_report:
    """Count what was listed, found, decoded and dropped."""
    input:
        annotation=ancient("results/{dataset}/annotation.json"),
        shards=shard_tables,
        look_alikes=look_alikes,
    output:
        report="results/{dataset}/dataset_report.json",
        readable="results/{dataset}/dataset_report.md",
    log:
        "logs/{dataset}/dataset_report.log",
    benchmark:
        "logs/{dataset}/dataset_report.benchmark.tsv"
    conda:
        "../../envs/media.yaml"
    resources:
        mem_mb=2000,
    params:
        dataset="{dataset}",
        clip=dataset_sections("clip.fps"),
        annotation=content("results/{dataset}/annotation.json"),
        failures=failures("results/{dataset}/dataset_report.json"),
        code=code("dataset_report", "kinema.clips.report"),
    script:
        "../scripts/dataset_report.py"


checkpoint index:
    """One row a training video and one an evaluation clip; too many dropped videos stop here."""
    input:
        annotation=ancient("results/{dataset}/annotation.json"),
        shards=shard_tables,
        # written first, so that it is there to read when this rule fails; ancient: of no influence on the index
        report=ancient("results/{dataset}/dataset_report.md"),
    output:
        clips="results/{dataset}/clips.parquet",
        mapped="results/{dataset}/clips.arrow",
        parts="results/{dataset}/clips.json",
    log:
        "logs/{dataset}/index.log",
    benchmark:
        "logs/{dataset}/index.benchmark.tsv"
    conda:
        "../../envs/media.yaml"
    resources:
        mem_mb=2000,
        scored=scored_models,
        flip=horizontal_flip,
    params:
        annotation=content("results/{dataset}/annotation.json"),
        settings=dataset_sections("clip"),
        max_failed_fraction=lambda wildcards: asked(resolve.dataset_named, wildcards.dataset).max_failed_fraction,
        failures=failures("results/{dataset}/clips.parquet"),
        code=code("index", "kinema.clips.index"),
    script:
        "../scripts/index.py"
