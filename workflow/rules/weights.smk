"""Published weights of an encoder -> a file that training starts from; the only job that uses the network.

out  weights/{library}/{file}        timm's as .safetensors, torchvision's as .pth: kinema.models.published
     weights/{library}/{file}.json   source, revision, licence, digests: kinema.records.weights
"""


# A checkpoint, so that params of what depends on it are looked at again when the file is there.
checkpoint weights:
    """Download a file, where the workflow was started; nodes of a cluster may have no network."""
    output:
        # not deleted before the job: one that is there, whole, is kept without asking the network
        record=update("weights/{library}/{file}.json"),
        weights=update("weights/{library}/{file}"),
    log:
        "logs/weights/{library}/{file}.log",
    # First, and with all cores to itself: where it fails, nothing else has begun. (On a cluster, where cores are not
    # counted, what reads the lists has.)
    priority: 1000
    localrule: True
    conda:
        "../../envs/train.yaml"
    threads: 1000
    params:
        failures=failures("weights/{library}/{file}.json"),
        code=code("weights", "kinema.models.loading.download"),
    script:
        "../scripts/weights.py"
