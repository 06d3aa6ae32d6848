"""A list of videos and labels, in whatever format -> one JSON dialect.

in   the files named by `annotations` of the data set: docs/adding-a-dataset.md
out  results/{dataset}/annotation.json   {"labels": [...], "database": {id: {"subset": ..., "annotations": {...}}}}
"""


# A checkpoint, though nothing asks for its output early: what depends on it is then judged anew by content, so that a
# list whose rows were only shuffled re-runs nothing else.
checkpoint annotations:
    """Check the list and write it in the one dialect."""
    input:
        lists=annotation_files,
    output:
        annotation="results/{dataset}/annotation.json",
    log:
        "logs/{dataset}/annotations.log",
    benchmark:
        "logs/{dataset}/annotations.benchmark.tsv"
    localrule: True  # a second
    conda:
        "../../envs/media.yaml"
    resources:
        scored=scored_models,
    params:
        settings=annotation_settings,
        lists=list_contents,
        failures=failures("results/{dataset}/annotation.json"),
        code=code("annotations", "kinema.annotations.convert"),
    script:
        "../scripts/annotations.py"
