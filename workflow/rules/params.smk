"""Functions of the wildcards that give the inputs and params of each stage's rules, in the order of the stages.

Those of folds, tables and pages are in params_compare.smk.
"""


def annotation_files(wildcards):
    """The files of the list; a missing one is named with the key that asks for it."""
    return asked(resolve.annotation_files, wildcards.dataset)


def annotation_settings(wildcards):
    return asked(resolve.annotation_json, wildcards.dataset)


def scored_models(wildcards):
    """What the targets of the command line need of the subsets, as JSON: a resource, since it makes nothing stale."""
    return asked(scoring.scored_json, ASKED.targets, wildcards.dataset)


def scored_here(wildcards):
    """The same for a training; a fold has the videos that score it, whatever else is asked for."""
    return "[]" if folds.split_fold(wildcards.model)[1] else scored_models(wildcards)


def list_contents(wildcards):
    """Digests of the files of the list, as JSON; of rendered ones none, as they are made here."""
    if asked(resolve.dataset_named, wildcards.dataset).rendered:
        return "rendered"
    return json.dumps([file_digest(path) for path in annotation_files(wildcards)])


def corpus_annotations(wildcards):
    names = asked(resolve.datasets_of, wildcards.corpus, wildcards.recipe)
    return [f"results/{name}/annotation.json" for name in names]


def corpus_contents(wildcards):
    """Digests of the lists of the corpus, as JSON."""
    names = asked(resolve.datasets_of, wildcards.corpus, wildcards.recipe)
    return json.dumps([remembered_digest(f"results/{name}/annotation.json") for name in names])


def corpus_dataset(wildcards):
    """Any data set of the corpus: they agree on videos, shards and media."""
    return CONFIG.datasets[asked(resolve.datasets_of, wildcards.corpus, wildcards.recipe)[0]]


def corpus_media(wildcards):
    name = asked(resolve.datasets_of, wildcards.corpus, wildcards.recipe)[0]
    return asked(resolve.media_in, name, wildcards.recipe)


def media_settings(wildcards):
    """What makes the frames what they are, as JSON."""
    return frames_json(corpus_media(wildcards))


def media_limits(wildcards):
    """What only limits the work, as JSON: a resource, since a changed one re-runs nothing."""
    return limits_json(corpus_media(wildcards))


def all_cores(wildcards):
    """Cores that the shards of a corpus may use; 0 where other machines run them."""
    is_here = workflow.local_exec and not workflow.remote_exec
    return (workflow.resource_settings.cores or 0) if is_here else 0


def shard_attempt(wildcards):
    """One more than in the last run where a note beside the shard gives a reason for it."""
    table = f"prepared/{wildcards.corpus}/{wildcards.recipe}/shards/{wildcards.shard}.parquet"
    return retry.attempt_of(table, corpus_media(wildcards).model_dump(include=set(MEDIA_LIMITS)))


def has_label_folders(wildcards):
    return STORAGE_FACTS[corpus_media(wildcards).storage].has_label_folders


def rendered_videos(wildcards):
    """The video folder as an input where a rule makes it."""
    return [corpus_dataset(wildcards).videos] if corpus_dataset(wildcards).rendered else []


def videos_listing(wildcards):
    """Changes when a raw video is added, removed or replaced; rendered videos are an input instead.

    Remote ones are listed by the main process, once; what it found is kept for the jobs.
    """
    dataset, anew = corpus_dataset(wildcards), workflow.is_main_process
    if dataset.rendered:
        return "rendered"
    return told(listing_digest, dataset.videos, known=known_tokens(dataset.videos), anew=anew)


def this_shard_digest(wildcards):
    return shard_digest(Path(f"prepared/{wildcards.corpus}/{wildcards.recipe}/plan.json"), wildcards.shard)


def shard_tables(wildcards):
    corpus, recipes, number = asked(resolve.shards_of, wildcards.dataset)
    shards = [f"{recipe}/shards/{shard:04d}.parquet" for recipe in recipes for shard in range(number)]
    return [f"prepared/{corpus}/{shard}" for shard in shards]


def horizontal_flip(wildcards):
    """How training clips of a data set are mirrored, where no model of it says otherwise, as JSON."""
    names = ("augmentation.horizontal_flip", "augmentation.mirrored_labels")
    return json.dumps(json.loads(resolve.dataset_json(CONFIG, wildcards.dataset, names))["augmentation"])


def look_alikes(wildcards):
    """What the report reads of the search for look-alikes; nothing where there is none."""
    dataset, media = asked(resolve.dataset_named, wildcards.dataset), asked(resolve.media_of, wildcards.dataset)
    is_searched = dataset.look_alikes_limit > 0 and media.modality != "flow" and not dataset.rendered
    return [f"results/{wildcards.dataset}/look_alikes.json"] if is_searched else []


def kept_looks(wildcards):
    """Beside the shards: what was seen of their videos, for all data sets of the corpus."""
    corpus, recipes, _ = asked(resolve.shards_of, wildcards.dataset)
    return f"prepared/{corpus}/{recipes[0]}/looks.npz"


def dataset_sections(*names):
    """Params function: sections that hold for a whole data set."""
    return lambda wildcards: resolve.dataset_json(CONFIG, wildcards.dataset, names)


def own_settings(wildcards):
    """What a data set alone has, for its pages, as JSON; what limits the work on a video changes nothing there."""
    found = resolve.own_settings(CONFIG, wildcards.dataset, untracked=MEDIA_LIMITS)
    return json.dumps(found, sort_keys=True)


def training_settings(wildcards):
    """What decides a training, as JSON; a model that another rule asks for is checked here."""
    asked(obstacles.check_experiment, wildcards.dataset, wildcards.model, RUNS_HERE)
    return params.training_json(resolved(wildcards))


def untracked(wildcards):
    """Settings that change no result, as JSON: a resource, since a changed one re-runs nothing."""
    return params.untracked_json(resolved(wildcards))


def training_data(wildcards):
    """Digests of what a training reads of the index, as JSON."""
    return clip_digests(wildcards, params.training_parts(resolved(wildcards).training))


def clip_digests(wildcards, names):
    """Digests of these parts of the index, with the frame rates where clips are taken in time, as JSON."""
    in_time = resolved(wildcards).clip.fps is not None
    return json.dumps(parts.parts_digests(parts_path(wildcards), names, with_rates=in_time))


def features_folder(wildcards):
    """Where features of frozen encoders are kept, for all data sets of a corpus."""
    return f"work/{asked(resolve.shards_of, wildcards.dataset)[0]}/features"


def encoder_code(wildcards):
    """Digest of the code that they depend on, which is the same for all decoders."""
    modules = ["kinema.training.features.keeping", "kinema.models.encoders", *encoder_modules(model_name(wildcards))]
    return source_digest(f"{workflow.basedir}/workflow/scripts/train.py", *modules)


def accelerator(wildcards):
    """Where an evaluation computes: a resource, since a changed one re-runs nothing."""
    return resolved(wildcards).training.accelerator


def gpus(wildcards):
    """GPUs of a job; more are a matter of profiles and of `--set-resources`. None where it computes on the processor."""
    return 0 if resolved(wildcards).training.accelerator == "cpu" else 1


def asked_of_train(name):
    """A resource of rule train that a profile or the command line sets; 0 where neither does."""
    found = workflow.resource_settings._parsed_overwrite_resources.get("train", {})
    return int(found[name].value) if name in found else 0


def train_tasks(wildcards):
    """Processes that the cluster starts: where there are several machines, one for each GPU or one on each machine.

    No resource where this job's one process starts the others.
    """
    nodes = asked_of_train("nodes")
    return asked_of_train("tasks") or (max(asked_of_train("gpu"), nodes) if nodes > 1 else None)


def train_launcher(wildcards):
    """A resource by which the SLURM executor leaves the start of several tasks to the job."""
    return "srun" if (train_tasks(wildcards) or 1) > 1 else None


def train_tasks_per_gpu(wildcards):
    """A resource of the SLURM executor, which else asks for `tasks` on each GPU."""
    return 1 if train_launcher(wildcards) and asked_of_train("gpu") else None


def all_starts(wildcards):
    return list(asked(starts.start_files, wildcards.dataset, wildcards.model).values())


def start_files(wildcards):
    """What training starts from: files of the user's, and models that are trained first."""
    return [path for path in all_starts(wildcards) if not is_published(path)]


def published_weights(wildcards):
    """Published weights that training starts from, a file that is downloaded first."""
    return [path for path in all_starts(wildcards) if is_published(path)]


def start_keys(wildcards):
    """All these files by the keys that ask for them, as JSON."""
    return asked(starts.starts_json, wildcards.dataset, wildcards.model)


def start_contents(wildcards):
    """Digests of all these files, as JSON."""
    return json.dumps([remembered_digest(path) for path in all_starts(wildcards)])


def lineage(wildcards):
    """What a training's folder is called by, less the number of epochs."""
    weights = {key: file_digest(path) for key, path in json.loads(start_keys(wildcards)).items()}
    return runs.lineage_of(
        model_name(wildcards),
        resolved(wildcards),
        weights=weights,
        data=json.loads(training_data(wildcards)),
        code=model_code("train", "kinema.training.run")(wildcards),
    )


def told_of_epochs(targets):
    """Lines about trainings behind these targets whose number of epochs is another now."""
    for dataset, model in asked(starts.trained_behind, targets):
        wildcards, work = SimpleNamespace(dataset=dataset, model=model), Path(f"work/{dataset}/{model}")
        training = resolved(wildcards).training
        if work.is_dir() and (line := tell.told(runs.run_folder(work, lineage(wildcards), training), training)):
            yield f"results/{dataset}/{model}: {line}"


def scored_parts(wildcards):
    """The subsets that are scored; none also where the index has nothing to score: it may be stale, and mended."""
    return scored_subsets(resolved(wildcards).evaluation.subset, parts.labelled_parts(parts_path(wildcards)))


def evaluation_data(wildcards):
    """The same of an evaluation."""
    return clip_digests(wildcards, scored_parts(wildcards).names)


def verified_data(wildcards):
    """The same of what an exported network is scored on."""
    return clip_digests(wildcards, [scored_parts(wildcards).reported])


def listed_videos(wildcards):
    """How many videos of each scored subset the list has, and their groups, as JSON: what only numbers depend on."""
    names = scored_parts(wildcards).names
    return json.dumps({name: parts.part_listed(parts_path(wildcards), name) for name in names})


def evaluation_settings(*names):
    """Params function: these settings, and how many clips the videos that are scored have."""
    return lambda wildcards: _with_counts(wildcards, names, scored_parts(wildcards).names)


def verification_settings(*names):
    """The same of what an exported network is scored on, and of what else decides whether it passes."""
    return _reported_settings("deployment.max_accuracy_drop", *names)


def _reported_settings(*names):
    scoring = [f"evaluation.{name}" for name in ("batch_size", "crops", "scale", "position", "average", "subset")]
    wanted = [*scoring, *names]
    return lambda wildcards: _with_counts(wildcards, wanted, [scored_parts(wildcards).reported])


def _with_counts(wildcards, names, subsets):
    # of what is scored, training videos have as many clips as validation videos
    counts = {"clip.num_test_clips" if subset == "testing" else "clip.num_val_clips" for subset in subsets if subset}
    return params.as_json(resolved(wildcards), [*names, *sorted(counts)])


def export_settings(wildcards):
    """What decides an export, as JSON; checked as that of a training."""
    asked(obstacles.check_export, wildcards.dataset, wildcards.model)
    return sections("deployment.opset")(wildcards)


def streaming_settings(wildcards):
    """What decides an export for streams, as JSON; checked as that of a training."""
    asked(obstacles.check_streaming, wildcards.dataset, wildcards.model)
    names = ("opset", "parity_clips", "parity_tolerance", "weights")
    return verification_settings(*(f"deployment.{name}" for name in names))(wildcards)


def int8_settings(*names):
    """The same of an INT8 model."""
    return _reported_settings("deployment.int8", "deployment.parity_clips", "deployment.weights", *names)


def int8_streaming_settings(wildcards):
    """What decides an INT8 model for streams, as JSON; checked as that of a training."""
    asked(obstacles.check_streaming, wildcards.dataset, wildcards.model)
    return int8_settings("deployment.opset")(wildcards)


def int8_data(wildcards):
    """Digests of what an INT8 model is scored on, and of the training videos that it is calibrated on, as JSON."""
    return clip_digests(wildcards, ["training", scored_parts(wildcards).reported])


def parity_data(wildcards):
    """The same of the clips on which an exported network is compared with the trained one."""
    return clip_digests(wildcards, [parts.parity_part(parts_path(wildcards))])
