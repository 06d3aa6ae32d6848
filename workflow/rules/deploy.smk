"""A trained model -> ONNX -> an OpenVINO IR, each through two gates, and what else is made of them.

in   results/{dataset}/{model}/model.pth, evaluation.json, predictions.parquet, calibration.json,
     results/{dataset}/clips.parquet
out  work/{dataset}/{model}/converted/model.onnx, model.xml   no user of models looks there
     results/{dataset}/{model}/parity.json         gate 1: both compute what PyTorch computes, at float32
     results/{dataset}/{model}/verification.json   gate 2: the IR says of each video what PyTorch says, at the
                                                   device's own precision; digests of what is shipped
     results/{dataset}/{model}/model.xml, model.bin, model.onnx, labels.txt   there only if both gates were passed
     results/{dataset}/{model}/modelapi/           the IR for OpenVINO Model API, through the same gates
     results/{dataset}/{model}/streaming/          encoder and decoder of single frames, through the same gates
     results/{dataset}/{model}/int8/               model.xml, or streaming/, quantised to INT8, where one passed; their
                                                   quantization.json stays where none did, so it is no output
     results/{dataset}/{model}/serving/            the IR as OpenVINO Model Server looks for it
"""


rule export:
    """PyTorch -> ONNX with normalisation inside."""
    input:
        model="results/{dataset}/{model}/model.pth",
        # not read: what depends on a checkpoint is judged anew when that has run
        parts=ancient("results/{dataset}/clips.json"),
    output:
        onnx="work/{dataset}/{model}/converted/model.onnx",
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
        model=content("results/{dataset}/{model}/model.pth"),
        failures=failures("work/{dataset}/{model}/converted/model.onnx"),
        code=model_code("export", "kinema.deployment.onnx_model"),
    script:
        "../scripts/export.py"


rule convert:
    """ONNX -> IR; fails, and leaves no IR, where the logits of either differ from PyTorch's."""
    input:
        onnx="work/{dataset}/{model}/converted/model.onnx",
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
            "deployment.weights",
        ),
        shipped="results/{dataset}/{model}/model.xml",
        data=parity_data,
        model=content("results/{dataset}/{model}/model.pth"),
        onnx=content("work/{dataset}/{model}/converted/model.onnx"),
        failures=failures("results/{dataset}/{model}/parity.json"),
        code=model_code("convert", "kinema.deployment.openvino_model"),
    script:
        "../scripts/convert.py"


rule verify:
    """Score the IR as evaluate scored the model; only an IR that agrees with it becomes model.xml."""
    input:
        onnx="work/{dataset}/{model}/converted/model.onnx",
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
        calibration="results/{dataset}/{model}/calibration.json",
    output:
        xml="results/{dataset}/{model}/model.xml",
        bin="results/{dataset}/{model}/model.bin",
        onnx="results/{dataset}/{model}/model.onnx",
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
        settings=verification_settings(),
        data=verified_data,
        model=content("results/{dataset}/{model}/model.pth"),
        onnx=content("work/{dataset}/{model}/converted/model.onnx"),
        converted=content("work/{dataset}/{model}/converted/model.xml"),
        weights=content("work/{dataset}/{model}/converted/model.bin"),
        evaluation=content("results/{dataset}/{model}/evaluation.json"),
        predictions=content("results/{dataset}/{model}/predictions.parquet"),
        calibration=content("results/{dataset}/{model}/calibration.json"),
        failures=failures("results/{dataset}/{model}/model.xml"),
        code=model_code("verify", "kinema.deployment.verify"),
    script:
        "../scripts/verify.py"


rule modelapi:
    """The IR as OpenVINO Model API loads it: six dimensions, a softmax at the end; gates as of model.xml."""
    input:
        onnx="work/{dataset}/{model}/converted/model.onnx",
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
        calibration="results/{dataset}/{model}/calibration.json",
    output:
        xml="results/{dataset}/{model}/modelapi/model.xml",
        bin="results/{dataset}/{model}/modelapi/model.bin",
        verification="results/{dataset}/{model}/modelapi/verification.json",
    log:
        "logs/{dataset}/{model}/modelapi.log",
    benchmark:
        "logs/{dataset}/{model}/modelapi.benchmark.tsv"
    conda:
        "../../envs/deploy.yaml"
    threads: 8
    resources:
        mem_mb=8000,  # as evaluate
    params:
        settings=verification_settings(
            "deployment.parity_clips",
            "deployment.parity_tolerance",
        ),
        data=verified_data,
        clips=parity_data,
        model=content("results/{dataset}/{model}/model.pth"),
        onnx=content("work/{dataset}/{model}/converted/model.onnx"),
        converted=content("work/{dataset}/{model}/converted/model.xml"),
        weights=content("work/{dataset}/{model}/converted/model.bin"),
        evaluation=content("results/{dataset}/{model}/evaluation.json"),
        predictions=content("results/{dataset}/{model}/predictions.parquet"),
        calibration=content("results/{dataset}/{model}/calibration.json"),
        failures=failures("results/{dataset}/{model}/modelapi/model.xml"),
        code=model_code("modelapi", "kinema.deployment.modelapi"),
    script:
        "../scripts/modelapi.py"


rule streaming:
    """Encoder of frames and decoder of their embeddings, of models that can be cut; gates as of model.xml."""
    input:
        model="results/{dataset}/{model}/model.pth",
        clips=ancient("results/{dataset}/clips.parquet"),
        mapped=ancient("results/{dataset}/clips.arrow"),
        parts=ancient("results/{dataset}/clips.json"),
        shards=ancient(shard_tables),
        evaluation="results/{dataset}/{model}/evaluation.json",
        predictions="results/{dataset}/{model}/predictions.parquet",
        calibration="results/{dataset}/{model}/calibration.json",
    output:
        encoder="results/{dataset}/{model}/streaming/encoder.xml",
        encoder_weights="results/{dataset}/{model}/streaming/encoder.bin",
        decoder="results/{dataset}/{model}/streaming/decoder.xml",
        decoder_weights="results/{dataset}/{model}/streaming/decoder.bin",
        labels="results/{dataset}/{model}/streaming/labels.txt",
        verification="results/{dataset}/{model}/streaming/verification.json",
    log:
        "logs/{dataset}/{model}/streaming.log",
    benchmark:
        "logs/{dataset}/{model}/streaming.benchmark.tsv"
    conda:
        "../../envs/deploy.yaml"
    threads: 8
    resources:
        mem_mb=8000,  # as evaluate
    params:
        settings=streaming_settings,
        data=verified_data,
        clips=parity_data,
        model=content("results/{dataset}/{model}/model.pth"),
        evaluation=content("results/{dataset}/{model}/evaluation.json"),
        predictions=content("results/{dataset}/{model}/predictions.parquet"),
        calibration=content("results/{dataset}/{model}/calibration.json"),
        failures=failures("results/{dataset}/{model}/streaming/encoder.xml"),
        code=model_code("streaming", "kinema.deployment.streaming"),
    script:
        "../scripts/streaming.py"


rule int8:
    """The network with weights and activations of 8 bits, by the first of several recipes that passes gate 2."""
    input:
        onnx="work/{dataset}/{model}/converted/model.onnx",
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
        calibration="results/{dataset}/{model}/calibration.json",
    output:
        xml="results/{dataset}/{model}/int8/model.xml",
        bin="results/{dataset}/{model}/int8/model.bin",
    log:
        "logs/{dataset}/{model}/int8.log",
    benchmark:
        "logs/{dataset}/{model}/int8.benchmark.tsv"
    conda:
        "../../envs/deploy.yaml"
    threads: 8
    resources:
        mem_mb=8000,  # as evaluate
    params:
        settings=int8_settings(),
        data=int8_data,
        clips=parity_data,
        record="results/{dataset}/{model}/int8/quantization.json",
        model=content("results/{dataset}/{model}/model.pth"),
        onnx=content("work/{dataset}/{model}/converted/model.onnx"),
        converted=content("work/{dataset}/{model}/converted/model.xml"),
        weights=content("work/{dataset}/{model}/converted/model.bin"),
        evaluation=content("results/{dataset}/{model}/evaluation.json"),
        predictions=content("results/{dataset}/{model}/predictions.parquet"),
        calibration=content("results/{dataset}/{model}/calibration.json"),
        failures=failures("results/{dataset}/{model}/int8/model.xml"),
        code=model_code("int8", "kinema.deployment.int8"),
    script:
        "../scripts/int8.py"


rule int8_streaming:
    """Encoder of frames and decoder of their embeddings, of 8 bits as int8/model.xml."""
    input:
        model="results/{dataset}/{model}/model.pth",
        clips=ancient("results/{dataset}/clips.parquet"),
        mapped=ancient("results/{dataset}/clips.arrow"),
        parts=ancient("results/{dataset}/clips.json"),
        shards=ancient(shard_tables),
        evaluation="results/{dataset}/{model}/evaluation.json",
        predictions="results/{dataset}/{model}/predictions.parquet",
        calibration="results/{dataset}/{model}/calibration.json",
    output:
        encoder="results/{dataset}/{model}/int8/streaming/encoder.xml",
        encoder_weights="results/{dataset}/{model}/int8/streaming/encoder.bin",
        decoder="results/{dataset}/{model}/int8/streaming/decoder.xml",
        decoder_weights="results/{dataset}/{model}/int8/streaming/decoder.bin",
        labels="results/{dataset}/{model}/int8/streaming/labels.txt",
    log:
        "logs/{dataset}/{model}/int8_streaming.log",
    benchmark:
        "logs/{dataset}/{model}/int8_streaming.benchmark.tsv"
    conda:
        "../../envs/deploy.yaml"
    threads: 8
    resources:
        mem_mb=8000,  # as evaluate
    params:
        settings=int8_streaming_settings,
        data=int8_data,
        clips=parity_data,
        record="results/{dataset}/{model}/int8/streaming/quantization.json",
        model=content("results/{dataset}/{model}/model.pth"),
        evaluation=content("results/{dataset}/{model}/evaluation.json"),
        predictions=content("results/{dataset}/{model}/predictions.parquet"),
        calibration=content("results/{dataset}/{model}/calibration.json"),
        failures=failures("results/{dataset}/{model}/int8/streaming/encoder.xml"),
        code=model_code("int8_streaming", "kinema.deployment.int8_streaming"),
    script:
        "../scripts/int8_streaming.py"


rule serving:
    """A model repository of OpenVINO Model Server, with the verified IR."""
    input:
        xml="results/{dataset}/{model}/model.xml",
        bin="results/{dataset}/{model}/model.bin",
        verification="results/{dataset}/{model}/verification.json",
    output:
        config="results/{dataset}/{model}/serving/config.json",
        xml="results/{dataset}/{model}/serving/{model}/1/model.xml",
        bin="results/{dataset}/{model}/serving/{model}/1/model.bin",
        verification="results/{dataset}/{model}/serving/verification.json",
    log:
        "logs/{dataset}/{model}/serving.log",
    benchmark:
        "logs/{dataset}/{model}/serving.benchmark.tsv"
    localrule: True  # a second
    conda:
        "../../envs/deploy.yaml"
    resources:
        mem_mb=1000,
    params:
        failures=failures("results/{dataset}/{model}/serving/config.json"),
        code=code("serving", "kinema.deployment.serving"),
    script:
        "../scripts/serving.py"
