"""The user's list of videos and labels -> one JSON dialect.

in   the table named by `annotations.path` of the data set
out  results/{dataset}/annotation.json   {"labels": [...], "database": {id: {"subset": ..., "annotations": {...}}}}
"""


# A checkpoint, though nothing asks for its output early: what depends on it is then judged anew by content, so that a
# list whose rows were only shuffled re-runs nothing else.
checkpoint annotations:
    """Check the list and write it in the one dialect."""
    input:
        table=annotation_table,
    output:
        annotation="results/{dataset}/annotation.json",
    log:
        "logs/{dataset}/annotations.log",
    conda:
        "../../envs/media.yaml"
    params:
        code=code("annotations"),
    script:
        "../scripts/annotations.py"
