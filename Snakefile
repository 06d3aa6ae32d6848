"""kinema: raw videos and a list become a trained and evaluated action-recognition model with a verified export.

    snakemake --cores all                                          # the embedded demo
    snakemake --cores all results/<dataset>/<model>/model.xml      # yours

The way of the data, and the rule file of each stage:

    annotations   the user's list            -> results/<dataset>/annotation.json
    media         raw videos                 -> prepared/<corpus>/<recipe>/shards/NNNN.{tar,parquet}
    index         annotation + shards        -> results/<dataset>/{clips.parquet,dataset_report.md}
    weights       nothing                    -> weights/<library>/<file>, published weights of an encoder
    train         clips                      -> results/<dataset>/<model>/model.pth
    evaluate      model + clips              -> results/<dataset>/<model>/{evaluation.json,predictions.parquet}
    deploy        model -> ONNX -> IR, gated -> results/<dataset>/<model>/{model.onnx,model.xml,model.bin,labels.txt}
    leaderboard   evaluations of models      -> results/<dataset>/leaderboard.{csv,md,html}
    crossval      index -> folds -> trainings -> results/<dataset>/<model>/crossval/{summary.json,summary.md}
    sweep         settings -> trainings       -> results/<dataset>/<model>/sweep-<name>/summary.{csv,md}
    report        what is known of the data  -> results/<dataset>/report/index.html
                  and of a model             -> results/<dataset>/<model>/report/{index.html,model_card.md}
    demo          nothing                    -> data/demo/
"""

from pathlib import Path

JOB_IMAGE = "containers/kinema.sif"


# What the jobs of all rules below run in with `--sdm apptainer`, and only then: docs/containers.md.
container: JOB_IMAGE


include: "workflow/rules/common.smk"
include: "workflow/rules/params.smk"
include: "workflow/rules/params_compare.smk"
include: "workflow/rules/annotations.smk"
include: "workflow/rules/media.smk"
include: "workflow/rules/index.smk"
include: "workflow/rules/weights.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/deploy.smk"
include: "workflow/rules/leaderboard.smk"
include: "workflow/rules/crossval.smk"
include: "workflow/rules/sweep.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/demo.smk"


if workflow.is_main_process:
    ways = [way.item_to_choice() for way in workflow.deployment_settings.deployment_method]
    told(check_image, JOB_IMAGE, ways)


onstart:
    leave_the_second_to_jobs()
    lift_default_rate(workflow.scheduler)
    slurm.wait_for_earlier_jobs(Path.cwd(), logger.warning)
    # here the locks are taken; jobs that a cluster runs take none
    note_holder(Path(".snakemake"), getattr(workflow.persistence, "_lockfile", {}).values())


rule all:
    """The demo: a trained model, its evaluation, its verified export and its page."""
    default_target: True
    input:
        "results/demo/efficientnet_lite0_vtn/model.xml",
        "results/demo/efficientnet_lite0_vtn/evaluation.json",
        "results/demo/efficientnet_lite0_vtn/report/index.html",


# Without a target these are asked for. Not in jobs' own processes, whose targets are no arguments; and a project may
# have no demo, which matters to nobody who asks for something else, such as --unlock.
if workflow.is_main_process and not ASKED.targets and not ASKED.unlock and "demo" in CONFIG.datasets:
    for target in rules.all.input:
        asked(targets.check_target, target, RUNS_HERE)
told(
    targets.check_outputs,
    ASKED.targets,
    {rule.name: [str(output) for output in rule.output] for rule in workflow.rules},
)


# A target whose companions are gone, such as a model.xml without its model.bin, is made again.
if workflow.is_main_process:
    for target, missing in incomplete_targets(rules.all.input).items():
        logger.warning(f"{target}: {', '.join(missing)} is missing; all outputs of this rule are made again")
    wanted = [*ASKED.targets, *([] if ASKED.targets and "all" not in ASKED.targets else rules.all.input)]
    for line in [] if ASKED.touch else told_of_epochs(wanted):
        logger.warning(line)


onsuccess:
    for line in retry.told(Path("prepared")):
        logger.warning(line)
    snakemake_folder.keep_records(absent=ASKED.touch)
    # where there were no results yet when the run began
    keep_facts()
    network_answers.keep_answers()
    # jobs that a cluster runs come here as well; with --touch nothing came out
    if workflow.is_main_process and not ASKED.touch:
        if lines := told_at_the_end(ASKED.targets, {"all": rules.all.input}):
            logger.info("\n".join(["", *lines]))


onerror:
    for line in tell.interruptions(Path("work"), since=STARTED_AT):
        logger.error(line)
    snakemake_folder.keep_records()
