"""Pages of the site lie as the files of the repository do, so that one relative link is right on both.

mkdocs takes pages of one folder. Here those of `docs/` go to `docs/` of the site, and the pages that GitHub shows for
the other folders join them.
"""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from pymdownx.slugs import slugify

REPOSITORY = Path(__file__).resolve().parents[1]
OUTSIDE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "config/README.md", "benchmarks/README.md")


def on_config(config: MkDocsConfig) -> None:
    """Headings get the anchors that GitHub gives them."""
    config.mdx_configs["toc"] = {**config.mdx_configs.get("toc", {}), "slugify": slugify(case="lower")}


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Put `docs/` before the paths of its files, and add the pages that lie elsewhere."""
    own = [file for file in files if file.src_dir == config.docs_dir]
    moved = {f"docs/{file.src_uri}": file.abs_src_path for file in own if file.inclusion.is_included()}
    moved |= {name: str(REPOSITORY / name) for name in OUTSIDE}
    others = [file for file in files if file.src_dir != config.docs_dir]
    return Files([*others, *(File.generated(config, name, abs_src_path=path) for name, path in moved.items())])
