"""Nothing -> a small motion data set, so that the whole way can be tried without a download.

out  data/demo/annotations.csv   video,label,subset
     data/demo/videos/           real mp4 files: pairs of classes that are each other's time reversal
"""

if "demo" in CONFIG.datasets:  # another dataset_dir may do without it

    rule render_demo:
        """Render the videos and their list."""
        output:
            table=CONFIG.datasets["demo"].annotations.path,
            videos=directory(CONFIG.datasets["demo"].videos),
        log:
            "logs/demo/render_demo.log",
        benchmark:
            "logs/demo/render_demo.benchmark.tsv"
        conda:
            "../../envs/media.yaml"
        params:
            settings=CONFIG.demo.model_dump_json(),
            failures=failures(CONFIG.datasets["demo"].annotations.path),
            code=code("render_demo", "kinema.demo.dataset"),
        script:
            "../scripts/render_demo.py"
