"""A trained model -> ONNX -> an OpenVINO IR that passed two gates.

in   results/{dataset}/{model}/model.pth, evaluation.json, results/{dataset}/clips.parquet
out  results/{dataset}/{model}/model.onnx
     results/{dataset}/{model}/parity.json         gate 1: the IR computes what PyTorch computes, at float32
     results/{dataset}/{model}/verification.json   gate 2: the IR is as accurate, at the device's own precision
     results/{dataset}/{model}/model.xml, model.bin, labels.txt   there only if both gates were passed
"""


rule export:
    """PyTorch -> ONNX with normalisation inside."""
    input:
        model="results/{dataset}/{model}/model.pth",
    output:
        onnx="results/{dataset}/{model}/model.onnx",
    log:
        "logs/{dataset}/{model}/export.log",
    benchmark:
        "logs/{dataset}/{model}/export.benchmark.tsv"
    conda:
        "../../envs/deploy.yaml"
    resources:
        mem_mb=6000,
    params:
        settings=sections("deployment.opset"),
        model=content("results/{dataset}/{model}/model.pth"),
        code=model_code("export", "kinema.deployment.onnx_model"),
    script:
        "../scripts/export.py"


rule convert:
    """ONNX -> IR; fails, and leaves no IR, where its logits differ from PyTorch's."""
    input:
        onnx="results/{dataset}/{model}/model.onnx",
        model="results/{dataset}/{model}/model.pth",
        clips=ancient("results/{dataset}/clips.parquet"),
        mapped=ancient("results/{dataset}/clips.arrow"),
        shards=ancient(shard_tables),
    output:
        xml=temp("results/{dataset}/{model}/converted/model.xml"),
        bin=temp("results/{dataset}/{model}/converted/model.bin"),
        parity="results/{dataset}/{model}/parity.json",
    log:
        "logs/{dataset}/{model}/convert.log",
    conda:
        "../../envs/deploy.yaml"
    resources:
        mem_mb=6000,
    params:
        settings=evaluation_settings("evaluation", "deployment"),
        shipped="results/{dataset}/{model}/model.xml",
        data=parity_data,
        model=content("results/{dataset}/{model}/model.pth"),
        onnx=content("results/{dataset}/{model}/model.onnx"),
        code=model_code("convert", "kinema.deployment.openvino_model"),
    script:
        "../scripts/convert.py"


rule verify:
    """Score the IR as evaluate scored the model; only an IR that is as accurate becomes model.xml."""
    input:
        converted="results/{dataset}/{model}/converted/model.xml",
        weights="results/{dataset}/{model}/converted/model.bin",
        model="results/{dataset}/{model}/model.pth",
        clips=ancient("results/{dataset}/clips.parquet"),
        mapped=ancient("results/{dataset}/clips.arrow"),
        shards=ancient(shard_tables),
        evaluation="results/{dataset}/{model}/evaluation.json",
    output:
        xml="results/{dataset}/{model}/model.xml",
        bin="results/{dataset}/{model}/model.bin",
        labels="results/{dataset}/{model}/labels.txt",
        verification="results/{dataset}/{model}/verification.json",
    log:
        "logs/{dataset}/{model}/verify.log",
    conda:
        "../../envs/deploy.yaml"
    threads: 8
    resources:
        mem_mb=6000,
    params:
        settings=evaluation_settings("evaluation", "deployment"),
        data=evaluation_data,
        model=content("results/{dataset}/{model}/model.pth"),
        evaluation=content("results/{dataset}/{model}/evaluation.json"),
        code=model_code("verify", "kinema.deployment.verify"),
    script:
        "../scripts/verify.py"
