"""Sweeps: combinations of settings of one model, each trained and scored, and which is the best.

A combination is a model like any other, with its settings in its name (kinema.experiment.assigned): its training and its
scores are jobs of rules train and evaluate, and of rule crossval where a cross-validation chooses.

in   evaluation.json and training.json of each combination, or crossval/summary.json: kinema.experiment.sweeps
out  results/{dataset}/{model}/sweep-{sweep}/summary.csv   a row a combination, the best first
     results/{dataset}/{model}/sweep-{sweep}/summary.md    the same for a reader
"""


rule sweep:
    """Put the combinations of a sweep side by side, as the validation videos or a cross-validation scored them."""
    input:
        scores=compared_files,
        # what depends on a checkpoint is judged anew when that has run
        parts=ancient("results/{dataset}/clips.json"),
    output:
        table="results/{dataset}/{model}/sweep-{sweep}/summary.csv",
        readable="results/{dataset}/{model}/sweep-{sweep}/summary.md",
    log:
        "logs/{dataset}/{model}/sweep-{sweep}.log",
    benchmark:
        "logs/{dataset}/{model}/sweep-{sweep}.benchmark.tsv"
    localrule: True  # a second
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=1000,
    params:
        folder=lambda wildcards: f"results/{wildcards.dataset}",
        model="{model}",
        sweep="{sweep}",
        points=sweep_points,
        choose_on=sweep_choice,
        failures=failures("results/{dataset}/{model}/sweep-{sweep}/summary.csv"),
        code=code("sweep", "kinema.sweep.summary"),
    script:
        "../scripts/sweep.py"
