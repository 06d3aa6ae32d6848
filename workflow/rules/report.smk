"""Pages about a data set and its models: one HTML file each, which needs no network.

in   results/{dataset}/dataset_report.json, annotation.json, tables and frames of the shards
     results/{dataset}/{model}/: model.pth, training.{json,csv}, evaluation.json, predictions.parquet; parity.json and
     verification.json, and int8/, where they are there, or made by the same command: a page makes no export
out  results/{dataset}/report/index.html             the data alone, before any training
     results/{dataset}/{model}/report/index.html     what came out of a training
     results/{dataset}/{model}/report/model_card.md  the text of a model card, for hubs
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
            *("clip.length", "clip.stride", "clip.fps", "clip.size", "clip.num_train_clips"),
            *("training.seed", "training.mixup_alpha", "training.cutmix_alpha"),
        ),
        modality=lambda wildcards: asked(resolve.media_of, wildcards.dataset).modality,
        template=page_templates("dataset.html"),
        failures=failures("results/{dataset}/report/index.html"),
        code=code("data_page", "kinema.report.data_page"),
    script:
        "../scripts/data_page.py"


rule model_page:
    """Show how good a model is, what to doubt about that, and what it was made with."""
    input:
        model="results/{dataset}/{model}/model.pth",
        clips=ancient("results/{dataset}/clips.parquet"),
        mapped=ancient("results/{dataset}/clips.arrow"),
        parts=ancient("results/{dataset}/clips.json"),
        shards=ancient(shard_tables),
        evaluation="results/{dataset}/{model}/evaluation.json",
        predictions="results/{dataset}/{model}/predictions.parquet",
        training="results/{dataset}/{model}/training.json",
        history="results/{dataset}/{model}/training.csv",
        # their contents are in the params: what depends on a checkpoint is judged anew when that has run
        report=ancient("results/{dataset}/dataset_report.json"),
        annotation=ancient("results/{dataset}/annotation.json"),
        gates=gate_files,
        int8=int8_files,
    output:
        page=report(
            "results/{dataset}/{model}/report/index.html",
            caption="../report/model_page.rst",
            category="Models",
            labels={"data set": "{dataset}", "model": "{model}", "page": "the model"},
        ),
        card="results/{dataset}/{model}/report/model_card.md",
    log:
        "logs/{dataset}/{model}/model_page.log",
    benchmark:
        "logs/{dataset}/{model}/model_page.benchmark.tsv"
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=3000,
    params:
        settings=evaluation_settings("evaluation", "deployment"),
        own_settings=own_settings,
        failed=failed_exports,
        gates=gate_contents,
        int8=int8_contents,
        model=content("results/{dataset}/{model}/model.pth"),
        report=content("results/{dataset}/dataset_report.json"),
        annotation=content("results/{dataset}/annotation.json"),
        template=page_templates("model.html"),
        failures=failures("results/{dataset}/{model}/report/index.html"),
        code=model_code("model_page", "kinema.report.model_page"),
    script:
        "../scripts/model_page.py"
