"""Configuration, and the functions that turn wildcards into inputs and params.

Params are digests or sorted JSON, never dicts, and are functions of the wildcards alone: Snakemake does not track
what a function derives from `input`.
"""

import sys

# this checkout's library, whatever else is installed
sys.path.insert(0, workflow.basedir)

from kinema import experiments, origins, targets
from kinema.config_files import ConfigError, load_config, read_yaml
from kinema.job import share_library
from kinema.media.plan import listing_digest, shard_digest
from kinema.models.names import model_modules, parse_model_name, timm_name
from kinema.provenance import digest, file_digest, source_digest
from kinema.stale_locks import note_holder, remove_stale_locks

share_library(workflow.basedir)


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


def code(script, wildcards=None):
    """Digest of an adapter and all that it imports, with the modules of `wildcards.model`."""
    path = f"{workflow.basedir}/workflow/scripts/{script}.py"
    if wildcards is None:
        return source_digest(path)
    model = model_name(wildcards)
    return digest(
        [source_digest(path, modules=tuple(model_modules(model))), timm_name(parse_model_name(model).encoder)]
    )


def model_code(script):
    return lambda wildcards: code(script, wildcards)


def sections(*names):
    """Params function: these sections of the experiment's settings as sorted JSON."""
    return lambda wildcards: experiments.as_json(asked(experiments.resolve, wildcards.dataset, wildcards.model), names)


def untracked(wildcards):
    """Settings that change no result, as JSON: a resource, since a changed one re-runs nothing."""
    return experiments.untracked_json(asked(experiments.resolve, wildcards.dataset, wildcards.model))


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


def annotation_digest(wildcards):
    return file_digest(f"results/{wildcards.dataset}/annotation.json")


def corpus_annotations(wildcards):
    names = asked(experiments.datasets_of, wildcards.corpus, wildcards.recipe)
    return [f"results/{name}/annotation.json" for name in names]


def corpus_dataset(wildcards):
    """Any data set of the corpus: they agree on videos, shards and media."""
    return CONFIG.datasets[asked(experiments.datasets_of, wildcards.corpus, wildcards.recipe)[0]]


def corpus_media(wildcards):
    name = asked(experiments.datasets_of, wildcards.corpus, wildcards.recipe)[0]
    return asked(experiments.media_of, name)


def corpus_storage(wildcards):
    return corpus_media(wildcards).storage


def rendered_videos(wildcards):
    """The video folder as an input where a rule makes it."""
    return [corpus_dataset(wildcards).videos] if corpus_dataset(wildcards).rendered else []


def videos_listing(wildcards):
    """Changes when a raw video is added, removed or replaced; rendered videos are an input instead."""
    dataset = corpus_dataset(wildcards)
    return "rendered" if dataset.rendered else listing_digest(dataset.videos)


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
