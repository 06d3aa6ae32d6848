"""The models of a data set side by side.

in   results/{dataset}/{model}/evaluation.json, predictions.parquet and training.json of the models that the data set's
     `leaderboard` lists, which are made; else of those that are there, which are no inputs, so that nothing is made;
     benchmark.json of each, where a user has measured it
out  results/{dataset}/leaderboard.csv    kinema.leaderboard.tables.CSV_COLUMNS
     results/{dataset}/leaderboard.md     the same for a reader
     results/{dataset}/leaderboard.html   the same as a page that needs no network
"""


rule leaderboard:
    """Rank the models that were scored on the same videos, and compare each with the best."""
    input:
        models=listed_files,
        # what depends on a checkpoint is judged anew when that has run
        parts=ancient(listed_parts),
    output:
        table="results/{dataset}/leaderboard.csv",
        readable="results/{dataset}/leaderboard.md",
        page=report(
            "results/{dataset}/leaderboard.html",
            caption="../report/leaderboard.rst",
            category="Data sets",
            labels={"data set": "{dataset}", "page": "leaderboard"},
        ),
    log:
        "logs/{dataset}/leaderboard.log",
    benchmark:
        "logs/{dataset}/leaderboard.benchmark.tsv"
    localrule: True  # a second
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=3000,
    params:
        folder="results/{dataset}",
        models=compared_models,
        scores=compared_contents,
        data=content("results/{dataset}/clips.json"),
        template=page_templates("leaderboard.html"),
        failures=failures("results/{dataset}/leaderboard.csv"),
        code=code("leaderboard", "kinema.leaderboard.board"),
    script:
        "../scripts/leaderboard.py"
