"""The command `kinema`: what is handy beside the workflow. The workflow itself is Snakemake."""

import argparse
import sys
from pathlib import Path

from kinema.config_files import ConfigError, load_config_files


def main(argv: list[str] | None = None) -> int:
    """Run a sub-command; what the user got wrong is one line on stderr and exit status 2."""
    arguments = _parser().parse_args(argv)
    try:
        return arguments.command(arguments)
    except (ConfigError, ValueError, FileNotFoundError, FileExistsError) as error:
        print(f"kinema: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kinema", description=__doc__)
    commands = parser.add_subparsers(required=True)
    experiment = commands.add_parser("experiment", help="print the resolved settings behind results/DATASET/MODEL")
    experiment.add_argument("dataset")
    experiment.add_argument("model", help="ENCODER_DECODER, optionally @variant")
    experiment.add_argument("--configfile", type=Path, action="append", default=[], help="laid over config/config.yaml")
    experiment.set_defaults(command=_experiment)
    reference = commands.add_parser("config-reference", help="print the table of all configuration keys")
    reference.add_argument("--write", type=Path, metavar="PAGE", help="renew the generated part of this page instead")
    reference.set_defaults(command=_config_reference)
    init = commands.add_parser("init-dataset", help="write the configuration and the table of a folder-per-class tree")
    init.add_argument("folder", type=Path, help="holds one folder per class, or train, val and test with such folders")
    init.add_argument("--name", help="of the data set; default: the folder's name")
    init.add_argument("--val-fraction", type=float, default=0.2, help="part of each class for validation (%(default)s)")
    init.add_argument("--test-fraction", type=float, default=0.0, help="part of each class for testing (%(default)s)")
    init.add_argument("--seed", type=int, default=1, help="of the split (%(default)s)")
    init.add_argument("--group", metavar="REGEX", help="finds the group in a file name: its first (...), or all of it")
    init.add_argument("--force", action="store_true", help="overwrite the two files")
    init.set_defaults(command=_init_dataset)
    return parser


def _experiment(arguments: argparse.Namespace) -> int:
    import yaml

    from kinema.experiments import resolve

    config = load_config_files([Path("config/config.yaml"), *arguments.configfile])
    found = resolve(config, arguments.dataset, arguments.model)
    print(f"# results/{found.dataset}/{arguments.model}: {found.model}")
    print(yaml.safe_dump(found.settings.model_dump(mode="json"), sort_keys=False), end="")
    return 0


def _config_reference(arguments: argparse.Namespace) -> int:
    from kinema.config_reference import reference, with_reference

    if arguments.write:
        page = arguments.write.read_text(encoding="utf-8")
        arguments.write.write_text(with_reference(page), encoding="utf-8")
    else:
        print(reference())
    return 0


def _init_dataset(arguments: argparse.Namespace) -> int:
    from kinema.annotations.init import init_dataset

    options = {name: value for name, value in vars(arguments).items() if name not in ("command", "folder")}
    for line in init_dataset(arguments.folder, **options):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
