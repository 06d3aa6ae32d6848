"""Configuration, and what all stages' functions of inputs and params (params.smk, params_compare.smk) are made of.

Params are digests or sorted JSON, never dicts, and are functions of the wildcards alone: Snakemake does not track
what a function derives from `input`.
"""

import functools
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

# this checkout's library, whatever else is installed
sys.path.insert(0, workflow.basedir)

from kinema import slurm, snakemake_folder
from kinema.clips import parts
from kinema.clips.scored import scored_subsets
from kinema.command_line import runs_here, snakemake_arguments
from kinema.digests import digest, file_digest, remembered_digest
from kinema.experiment import comparing, crossval, folds, network_answers, obstacles, pages, params, resolve
from kinema.experiment import scoring, starts, sweeps, targets
from kinema.experiment.files import ConfigError, load_config, read_yaml
from kinema.experiment.layers import unmatched
from kinema.input_error import InputError
from kinema.interrupts import leave_the_second_to_jobs
from kinema.job import share_library, wait_asleep
from kinema.job_image import check_image
from kinema.media.listing import known_tokens, listing_digest
from kinema.media import retry
from kinema.media.plan import shard_digest
from kinema.media.recipe import MEDIA_LIMITS, ffmpeg_digest, frames_json, limits_json
from kinema.media.storages.facts import STORAGE_FACTS
from kinema.models.model_name import encoder_modules
from kinema.models.names import WEIGHTS_ENDINGS
from kinema.models.published import is_published
from kinema.module_facts import keep_facts
from kinema.outcome.show import told_at_the_end
from kinema.provenance import model_digest, source_digest
from kinema.report.template_files import template_files
from kinema.scheduler import lift_default_rate
from kinema.stale_locks import note_holder, remove_stale_locks
from kinema.training.resume import runs, tell

share_library(workflow.basedir)
wait_asleep()
STARTED_AT = time.time()
ASKED = snakemake_arguments(sys.argv[1:])
if ASKED.cleanup_metadata:
    snakemake_folder.forget_records(ASKED.cleanup_metadata)
elif workflow.is_main_process:
    snakemake_folder.keep_records()
    snakemake_folder.restore_records()


def told(function, *args, **options):
    """Call a function of the configuration; what the user asked for wrongly becomes a workflow error."""
    try:
        return function(*args, **options)
    except (ConfigError, InputError) as error:
        raise WorkflowError(str(error)) from None


CONFIG_FILE = Path(workflow.basedir) / "config/config.yaml"
told(read_yaml, CONFIG_FILE)


# of a file that it cannot read Snakemake says little, hence the line before
configfile: CONFIG_FILE


CONFIG = told(
    load_config,
    config,
    files=[CONFIG_FILE, *workflow.overwrite_configfiles],
    command_line=workflow.config_settings.config,
    root=workflow.basedir,
)
if workflow.is_main_process:
    for line in [
        *unmatched(CONFIG),
        *remove_stale_locks(Path(".snakemake")),
        *retry.told(Path("prepared"), given_up=True),
    ]:
        logger.warning(line)


wildcard_constraints:
    dataset="[^/]+",
    model="[^/]+",
    corpus="[^/]+",
    recipe="[^/]+",
    shard=r"\d{4}",
    fold="0|[1-9][0-9]*",
    sweep="[^/]+",
    library="|".join(WEIGHTS_ENDINGS),
    file=r"[^/]+\.(safetensors|pth)",


def asked(function, *args):
    """The same for functions whose first argument is the configuration."""
    return told(function, CONFIG, *args)


# What is asked for by name is checked before the DAG is built: later Snakemake takes a rule that fails for one that does
# not apply, and an old output for up to date. Its own list of targets is not known yet at this point.
RUNS_HERE = functools.partial(runs_here, sys.argv[1:])
for target in ASKED.targets:
    asked(targets.check_target, target, RUNS_HERE)
asked(targets.check_spellings, ASKED.targets)


def code(script, module):
    """Params function: digest of an adapter, of the module that computes for it, and of all that this one imports."""
    return lambda wildcards: source_digest(f"{workflow.basedir}/workflow/scripts/{script}.py", module)


def model_code(script, module):
    """Params function: the same, with the modules of `wildcards.model`."""
    path = f"{workflow.basedir}/workflow/scripts/{script}.py"
    return lambda wildcards: model_digest(path, module, model_name(wildcards))


def content(path):
    """Params function: digest of a file that a rule makes, since what is in its place may have an older date."""
    return lambda wildcards: remembered_digest(path.format(**wildcards))


def failures(output):
    """Params function: changes where the job of this output has failed, so that the next run tries it again."""
    return lambda wildcards: snakemake_folder.failures(output.format(**wildcards))


def resolved(wildcards):
    """The experiment's settings."""
    return asked(resolve.resolve, wildcards.dataset, wildcards.model).settings


def sections(*names):
    """Params function: these sections of the experiment's settings, or keys `section.key`, as sorted JSON."""
    return lambda wildcards: params.as_json(resolved(wildcards), names)


def index_file(name):
    """Input function: a file of the clip index that a model, or a model in a fold, is trained and scored on."""
    return lambda wildcards: f"{folds.index_folder(wildcards.dataset, wildcards.model)}/{name}"


def parts_path(wildcards):
    return Path(index_file("clips.json")(wildcards))


def model_name(wildcards):
    return asked(resolve.resolve, wildcards.dataset, wildcards.model).model_name


def incomplete_targets(default_targets):
    """Targets that are there, but not all that their rules make beside them; what is missing by target."""
    asked_for = [*ASKED.targets, *default_targets]
    outputs = [rule.output for rule in workflow.rules]
    return snakemake_folder.mark_incomplete(asked_for, outputs)
