"""All that reads configuration: the tree of settings, YAML files, and what a target on the command line stands for.

    section, data_sections, model_sections, config   every setting, with its default, bounds and meaning
    files        YAML files -> one checked `Config`, or a line for each mistake
    layers       which of them win: the data set's, overrides, what is laid over for one run
    resolve      `results/<dataset>/<model>` -> an `Experiment`, with every setting resolved
    starts       an experiment -> the files that its training starts from
    params       settings <-> the JSON texts that rules hand to their jobs
    targets      what is asked for on the command line, checked before anything is planned
    reference    the tree -> the tables of config/README.md

Stages get resolved sections of the tree; none of them reads a file of configuration.
"""
