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
    except (ConfigError, ValueError, FileNotFoundError) as error:
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


if __name__ == "__main__":
    sys.exit(main())
