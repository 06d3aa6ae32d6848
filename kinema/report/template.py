"""Templates of pages -> HTML: the one Jinja2 environment."""

from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kinema.report.template_files import TEMPLATES

ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.policies["json.dumps_kwargs"] = {"ensure_ascii": False}  # pages are UTF-8, and an é is short


def render(template: str, **values: Any) -> str:
    """The page that a template of `TEMPLATES` makes of these values.

    What comes from names and records is text in it, whatever it holds; `| tojson` makes the same of values in a script.
    """
    return ENVIRONMENT.get_template(template).render(**values)
