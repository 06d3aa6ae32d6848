"""Pages about a data set and its models: one HTML file each, which needs no network.

in   results/{dataset}/dataset_report.json, annotation.json, tables and frames of the shards
out  results/{dataset}/report/index.html   the data alone, before any training
"""


rule data_page:
    """Show what became of the videos, what to mind of them, and training clips as a network is fed them."""
    input:
        annotation=ancient("results/{dataset}/annotation.json"),
        report="results/{dataset}/dataset_report.json",
        shards=shard_tables,
    output:
        page=report(
            "results/{dataset}/report/index.html",
            caption="../report/data_page.rst",
            category="Data sets",
            labels={"data set": "{dataset}", "page": "the data"},
        ),
    log:
        "logs/{dataset}/data_page.log",
    benchmark:
        "logs/{dataset}/data_page.benchmark.tsv"
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=3000,
    params:
        annotation=content("results/{dataset}/annotation.json"),
        settings=dataset_sections(
            "augmentation",
            *("clip.length", "clip.stride", "clip.size", "clip.num_train_clips"),
            *("training.seed", "training.mixup_alpha", "training.cutmix_alpha"),
        ),
        modality=lambda wildcards: asked(resolve.media_of, wildcards.dataset).modality,
        template=page_templates("dataset.html"),
        failures=failures("results/{dataset}/report/index.html"),
        code=code("data_page", "kinema.report.data_page"),
    script:
        "../scripts/data_page.py"
