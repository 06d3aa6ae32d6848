"""A trained model -> ONNX -> an OpenVINO IR that passed two gates.

in   results/{dataset}/{model}/model.pth, evaluation.json, predictions.parquet, calibration.json,
     results/{dataset}/clips.parquet
out  results/{dataset}/{model}/model.onnx
     work/{dataset}/{model}/converted/model.xml    an IR that passed gate 1; no user of models looks there
     results/{dataset}/{model}/parity.json         gate 1: the IR computes what PyTorch computes, at float32
     results/{dataset}/{model}/verification.json   gate 2: the IR says of each video what PyTorch says, at the
                                                   device's own precision; digests of the IR that is shipped
     results/{dataset}/{model}/model.xml, model.bin, labels.txt   there only if both gates were passed
"""


rule export:
    """PyTorch -> ONNX with normalisation inside."""
    input:
        model="results/{dataset}/{model}/model.pth",
        calibration=ancient(calibration_files),
        # not read: what depends on a checkpoint is judged anew when that has run
        parts=ancient("results/{dataset}/clips.json"),
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
        settings=export_settings,
        calibration=calibration_content,
        model=content("results/{dataset}/{model}/model.pth"),
        failures=failures("results/{dataset}/{model}/model.onnx"),
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
        parts=ancient("results/{dataset}/clips.json"),
        shards=ancient(shard_tables),
    output:
        # first, as what is known of a job lies beside its first output, and work/ may be removed
        parity="results/{dataset}/{model}/parity.json",
        xml="work/{dataset}/{model}/converted/model.xml",
        bin="work/{dataset}/{model}/converted/model.bin",
    log:
        "logs/{dataset}/{model}/convert.log",
    benchmark:
        "logs/{dataset}/{model}/convert.benchmark.tsv"
    conda:
        "../../envs/deploy.yaml"
    resources:
        mem_mb=6000,
    params:
        settings=sections(
            "deployment.parity_clips",
            "deployment.parity_tolerance",
            "deployment.compress_to_fp16",
        ),
        shipped="results/{dataset}/{model}/model.xml",
        data=parity_data,
        model=content("results/{dataset}/{model}/model.pth"),
        onnx=content("results/{dataset}/{model}/model.onnx"),
        failures=failures("results/{dataset}/{model}/parity.json"),
        code=model_code("convert", "kinema.deployment.openvino_model"),
    script:
        "../scripts/convert.py"


rule verify:
    """Score the IR as evaluate scored the model; only an IR that agrees with it becomes model.xml."""
    input:
        converted="work/{dataset}/{model}/converted/model.xml",
        weights="work/{dataset}/{model}/converted/model.bin",
        parity="results/{dataset}/{model}/parity.json",
        model="results/{dataset}/{model}/model.pth",
        clips=ancient("results/{dataset}/clips.parquet"),
        mapped=ancient("results/{dataset}/clips.arrow"),
        parts=ancient("results/{dataset}/clips.json"),
        shards=ancient(shard_tables),
        evaluation="results/{dataset}/{model}/evaluation.json",
        predictions="results/{dataset}/{model}/predictions.parquet",
    output:
        xml="results/{dataset}/{model}/model.xml",
        bin="results/{dataset}/{model}/model.bin",
        labels="results/{dataset}/{model}/labels.txt",
        verification="results/{dataset}/{model}/verification.json",
    log:
        "logs/{dataset}/{model}/verify.log",
    benchmark:
        "logs/{dataset}/{model}/verify.benchmark.tsv"
    conda:
        "../../envs/deploy.yaml"
    threads: 8
    resources:
        mem_mb=8000,  # as evaluate
    params:
        settings=verification_settings(
            "evaluation.batch_size",
            "evaluation.crops",
            "evaluation.scale",
            "evaluation.position",
            "evaluation.average",
            "evaluation.subset",
            "deployment.max_accuracy_drop",
        ),
        data=verified_data,
        model=content("results/{dataset}/{model}/model.pth"),
        converted=content("work/{dataset}/{model}/converted/model.xml"),
        weights=content("work/{dataset}/{model}/converted/model.bin"),
        evaluation=content("results/{dataset}/{model}/evaluation.json"),
        predictions=content("results/{dataset}/{model}/predictions.parquet"),
        failures=failures("results/{dataset}/{model}/model.xml"),
        code=model_code("verify", "kinema.deployment.verify"),
    script:
        "../scripts/verify.py"
