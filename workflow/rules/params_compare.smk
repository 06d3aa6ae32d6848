"""Functions of the wildcards, as in params.smk, for folds, sweeps, tables, leaderboards and pages of models."""


def fold_settings(wildcards):
    """How videos are dealt out, and which clips they have, as JSON."""
    asked(crossval.check_number, wildcards.dataset, int(wildcards.fold))
    dealing = asked(resolve.crossval_of, wildcards.dataset).model_dump(include={"num_folds", "fold_seed"})
    clip = json.loads(resolve.dataset_json(CONFIG, wildcards.dataset, crossval.CLIPS))
    return json.dumps({"crossval": dealing, **clip}, sort_keys=True)


def dealt_data(wildcards):
    """Digests of the videos that are dealt out, and of their groups, as JSON."""
    path = Path(f"results/{wildcards.dataset}/clips.json")
    groups = {name: parts.part_listed(path, name)["groups"] for name in crossval.DEALT}
    return json.dumps([parts.parts_digests(path, crossval.DEALT, with_rates=True), groups])


def fold_names(wildcards):
    """The trainings of a cross-validation, as JSON."""
    return json.dumps(asked(crossval.fold_names, wildcards.dataset, wildcards.model))


def fold_files(wildcards):
    """What is read of each."""
    return asked(crossval.fold_files, wildcards.dataset, wildcards.model)


def tabled_files(wildcards):
    """What a table of cross-validations reads of the models that are listed; of others nothing is made anew."""
    names = asked(comparing.listed_models, wildcards.dataset)
    return [crossval.summary_file(wildcards.dataset, name) for name in names]


def tabled_models(wildcards):
    """The models in it, as JSON."""
    return json.dumps(asked(crossval.tabled_models, wildcards.dataset))


def tabled_contents(wildcards):
    """A digest of what it reads that is no input, as JSON."""
    paths = [crossval.summary_file(wildcards.dataset, name) for name in json.loads(tabled_models(wildcards))]
    inputs = tabled_files(wildcards)
    return json.dumps([remembered_digest(path) for path in paths if path not in inputs])


def dealt_listed(wildcards):
    """How many videos that can be dealt out the list has, as JSON."""
    path = Path(f"results/{wildcards.dataset}/clips.json")
    return json.dumps({name: parts.part_listed(path, name)["annotated"] for name in crossval.DEALT})


def compared_files(wildcards):
    """What a sweep reads of its combinations."""
    return asked(sweeps.compared_files, wildcards.dataset, wildcards.model, wildcards.sweep)


def sweep_points(wildcards):
    """The combinations of a sweep, as JSON: name and settings of each."""
    found = asked(sweeps.points, wildcards.dataset, wildcards.model, wildcards.sweep)
    return json.dumps(sorted(found.items()), sort_keys=True)


def sweep_choice(wildcards):
    """What says which of them is the best."""
    return asked(sweeps.sweep_named, wildcards.sweep).choose_on


def listed_files(wildcards):
    """What a leaderboard reads of the models that the configuration lists; of others nothing is an input, or made."""
    return asked(comparing.listed_files, wildcards.dataset)


def listed_parts(wildcards):
    """The digests of the index, where models are listed."""
    return [f"results/{wildcards.dataset}/clips.json"] if listed_files(wildcards) else []


def compared_models(wildcards):
    """The models of a leaderboard, as JSON."""
    return json.dumps(asked(comparing.compared_models, wildcards.dataset))


def compared_contents(wildcards):
    """A digest of what a leaderboard reads of its models and is no input, of the sizes and times of exported ones."""
    folders = [f"results/{wildcards.dataset}/{model}" for model in json.loads(compared_models(wildcards))]
    # not of inputs: Snakemake notes the params that a job has before these are made
    read = [] if listed_files(wildcards) else [f"{folder}/{name}" for folder in folders for name in comparing.READ]
    contents = [remembered_digest(path) for path in read]
    exported = [Path(folder) / name for folder in folders for name in comparing.SIZED]
    sizes = [path.stat().st_size if path.exists() else None for path in exported]
    measured = [folder for folder in folders if Path(folder, comparing.TIMED[0]).exists()]
    timed = [file_digest(f"{folder}/{name}") for folder in measured for name in comparing.TIMED]
    return digest([contents, sizes, timed])


def page_templates(name):
    """Params function: digest of what a page is drawn with, which is no code."""
    return lambda wildcards: digest([[path.name, file_digest(path)] for path in template_files(name)])


def wanted_targets():
    """What the command line asks for, without a target rule all, with the files of rule all in its place."""
    targets = ASKED.targets or ["all"]
    return [file for target in targets for file in (rules.all.input if target == "all" else [target])]


def gate_files(wildcards):
    """What a model's page reads of the export, where that is asked for as well."""
    return pages.gate_files(wanted_targets(), wildcards.dataset, wildcards.model)


def gate_contents(wildcards):
    """Digests of what a page tells of the export, where that is no input, as JSON."""
    inputs, folder = gate_files(wildcards), f"results/{wildcards.dataset}/{wildcards.model}"
    # not of inputs: Snakemake notes the params that a job has before these are made
    told = [] if len(inputs) == len(pages.GATES) else [f"{folder}/{name}" for name in pages.EXPORTED]
    return json.dumps([file_digest(path) for path in told if path not in inputs])


def int8_files(wildcards):
    """The INT8 models that a model's page tells of, where they are asked for as well."""
    return pages.int8_files(wanted_targets(), wildcards.dataset, wildcards.model)


def int8_contents(wildcards):
    """Digests of what a page tells of INT8 models, where they are no inputs, as JSON."""
    told = pages.int8_told(wildcards.dataset, wildcards.model, int8_files(wildcards))
    return json.dumps([file_digest(path) for path in told])


def failed_exports(wildcards):
    """The rules of a model's export whose last job failed, as JSON; without those that make an input of its page."""
    inputs, made = gate_files(wildcards), f"{wildcards.dataset}/{wildcards.model}"
    of_gate_1 = {"export": f"work/{made}/converted/model.onnx", "convert": f"results/{made}/parity.json"}
    of_gate_2 = {"verify": f"results/{made}/model.xml"}
    outputs = [of_gate_1 | of_gate_2, of_gate_2, {}][len(inputs)]
    # where somebody removed work/, nothing is known of what lay there
    known = {rule: path for rule, path in outputs.items() if Path(path).parent.exists()}
    return json.dumps([rule for rule, path in known.items() if snakemake_folder.has_failed(path)])
