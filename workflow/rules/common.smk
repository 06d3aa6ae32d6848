"""Configuration, and the functions that turn wildcards into inputs and params.

Params are digests or sorted JSON, never dicts, and are functions of the wildcards alone: Snakemake does not track
what a function derives from `input`.
"""

import json
import sys
from pathlib import Path

# this checkout's library, whatever else is installed
sys.path.insert(0, workflow.basedir)

from kinema import experiments, origins, params, snakemake_folder, targets
from kinema.clips import parts
from kinema.config_files import ConfigError, load_config, read_yaml
from kinema.digests import ABSENT, file_digest, remembered_digest
from kinema.job import share_library
from kinema.media.listing import known_tokens, listing_digest
from kinema.media.plan import shard_digest
from kinema.media.recipe import MEDIA_LIMITS, ffmpeg_digest, frames_json, limits_json
from kinema.media.retry import attempt_of
from kinema.provenance import model_digest, source_digest
from kinema.stale_locks import note_holder, remove_stale_locks

share_library(workflow.basedir)
if workflow.is_main_process:
    snakemake_folder.keep_records()
    snakemake_folder.restore_records()


def told(function, *args, **options):
    """Call a function of the configuration; what the user asked for wrongly becomes a workflow error."""
    try:
        return function(*args, **options)
    except ConfigError as error:
        raise WorkflowError(str(error)) from None


CONFIG_FILE = Path(workflow.basedir) / "config/config.yaml"
told(read_yaml, CONFIG_FILE)


# of a file that it cannot read Snakemake says little, hence the line before
configfile: CONFIG_FILE


CONFIG = told(load_config, config, files=[CONFIG_FILE, *workflow.overwrite_configfiles], root=workflow.basedir)
if workflow.is_main_process:
    for line in remove_stale_locks(Path(".snakemake")):
        logger.warning(line)


wildcard_constraints:
    dataset="[^/]+",
    model="[^/]+",
    corpus="[^/]+",
    recipe="[^/]+",
    shard=r"\d{4}",


def asked(function, *args):
    """The same for functions whose first argument is the configuration."""
    return told(function, CONFIG, *args)


# What is asked for by name is checked before the DAG is built: later Snakemake takes a rule that fails for one that does
# not apply, and an old output for up to date. Its own list of targets is not known yet at this point.
for argument in sys.argv[1:]:
    asked(targets.check_target, argument)


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


def resolved(wildcards):
    """The experiment's settings."""
    return asked(experiments.resolve, wildcards.dataset, wildcards.model).settings


def sections(*names):
    """Params function: these sections of the experiment's settings, or keys `section.key`, as sorted JSON."""
    return lambda wildcards: params.as_json(resolved(wildcards), names)


def training_settings(wildcards):
    return params.training_json(resolved(wildcards))


def untracked(wildcards):
    """Settings that change no result, as JSON: a resource, since a changed one re-runs nothing."""
    return params.untracked_json(resolved(wildcards))


def index_parts(wildcards):
    return Path(f"results/{wildcards.dataset}/clips.json")


def training_data(wildcards):
    """Digests of what a training reads of the index, as JSON."""
    names = params.training_parts(resolved(wildcards).training)
    return json.dumps(parts.parts_digests(index_parts(wildcards), names))


def evaluated_subset(wildcards):
    return parts.evaluated_part(index_parts(wildcards), resolved(wildcards).evaluation.subset)


def evaluation_data(wildcards):
    """The same of an evaluation."""
    return json.dumps(parts.parts_digests(index_parts(wildcards), [evaluated_subset(wildcards)]))


def evaluation_settings(*names):
    """Params function: these settings, and how many clips the videos that are scored have."""
    counts = {"testing": ["clip.num_test_clips"], "validation": ["clip.num_val_clips"]}
    return lambda wildcards: params.as_json(resolved(wildcards), [*names, *counts.get(evaluated_subset(wildcards), [])])


def parity_data(wildcards):
    """The same of the clips on which an exported network is compared with the trained one."""
    path = index_parts(wildcards)
    return json.dumps(parts.parts_digests(path, [parts.parity_part(path)]))


def model_name(wildcards):
    return asked(experiments.resolve, wildcards.dataset, wildcards.model).model


def dataset_sections(*names):
    """Params function: sections that hold for a whole data set."""
    return lambda wildcards: experiments.dataset_json(CONFIG, wildcards.dataset, names)


def annotation_files(wildcards):
    """The files of the list; a missing one is named with the key that asks for it."""
    return asked(experiments.annotation_files, wildcards.dataset)


def annotation_settings(wildcards):
    return asked(experiments.annotation_json, wildcards.dataset)


def list_contents(wildcards):
    """Digests of the files of the list, as JSON; of rendered ones none, as they are made here."""
    if asked(experiments.dataset_named, wildcards.dataset).rendered:
        return "rendered"
    return json.dumps([file_digest(path) for path in annotation_files(wildcards)])


def annotation_digest(wildcards):
    """Digest of the list in the one dialect; where it is lost, of the one that the index was made from.

    It is made anew then, and what depends on it is judged once more.
    """
    return annotation_content(wildcards.dataset)


def annotation_content(dataset):
    found = file_digest(f"results/{dataset}/annotation.json")
    return parts.recorded_annotation(Path(f"results/{dataset}/clips.json")) if found == ABSENT else found


def corpus_annotations(wildcards):
    names = asked(experiments.datasets_of, wildcards.corpus, wildcards.recipe)
    return [f"results/{name}/annotation.json" for name in names]


def corpus_contents(wildcards):
    """Digests of the lists of the corpus, as JSON."""
    names = asked(experiments.datasets_of, wildcards.corpus, wildcards.recipe)
    return json.dumps([annotation_content(name) for name in names])


def corpus_dataset(wildcards):
    """Any data set of the corpus: they agree on videos, shards and media."""
    return CONFIG.datasets[asked(experiments.datasets_of, wildcards.corpus, wildcards.recipe)[0]]


def corpus_media(wildcards):
    name = asked(experiments.datasets_of, wildcards.corpus, wildcards.recipe)[0]
    return asked(experiments.media_of, name)


def media_settings(wildcards):
    """What makes the frames what they are, as JSON."""
    return frames_json(corpus_media(wildcards))


def media_limits(wildcards):
    """What only limits the work, as JSON: a resource, since a changed one re-runs nothing."""
    return limits_json(corpus_media(wildcards))


def shard_attempt(wildcards):
    """One more than in the last run where a note beside the shard gives a reason for it."""
    table = f"prepared/{wildcards.corpus}/{wildcards.recipe}/shards/{wildcards.shard}.parquet"
    return attempt_of(table, corpus_media(wildcards).model_dump(include=set(MEDIA_LIMITS)))


def corpus_storage(wildcards):
    return corpus_media(wildcards).storage


def rendered_videos(wildcards):
    """The video folder as an input where a rule makes it."""
    return [corpus_dataset(wildcards).videos] if corpus_dataset(wildcards).rendered else []


def videos_listing(wildcards):
    """Changes when a raw video is added, removed or replaced; rendered videos are an input instead."""
    dataset = corpus_dataset(wildcards)
    return "rendered" if dataset.rendered else listing_digest(dataset.videos, known=known_tokens(dataset.videos))


def this_shard_digest(wildcards):
    return shard_digest(Path(f"prepared/{wildcards.corpus}/{wildcards.recipe}/plan.json"), wildcards.shard)


def shard_tables(wildcards):
    corpus, recipe, number = asked(experiments.shards_of, wildcards.dataset)
    return [f"prepared/{corpus}/{recipe}/shards/{shard:04d}.parquet" for shard in range(number)]


def devices(wildcards):
    """GPUs of a training job."""
    return asked(experiments.resolve, wildcards.dataset, wildcards.model).settings.training.devices


def start_files(wildcards):
    """What training starts from: files of the user's, and models that are trained first."""
    return list(asked(origins.start_files, wildcards.dataset, wildcards.model).values())


def starts(wildcards):
    """The same by the keys that ask for them, as JSON."""
    return asked(origins.starts_json, wildcards.dataset, wildcards.model)


def start_contents(wildcards):
    """Digests of these files, as JSON."""
    return json.dumps([remembered_digest(path) for path in start_files(wildcards)])


def incomplete_targets(default_targets):
    """Targets that are there, but not all that their rules make beside them; what is missing by target."""
    asked_for = [*sys.argv[1:], *default_targets]
    outputs = [rule.output for rule in workflow.rules]
    return snakemake_folder.mark_incomplete(asked_for, outputs)
