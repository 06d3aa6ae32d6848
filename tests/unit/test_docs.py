"""The pages of documentation: links, commands, and the same look on GitHub and on the site."""

import logging
import re
import shutil
from pathlib import Path

import markdown
import pytest
import yaml
from markdown_it import MarkdownIt
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import Abort

from kinema import __version__
from kinema.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md"), *REPOSITORY.glob("*/README.md")])
WORKFLOWS = sorted((REPOSITORY / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))


def page_id(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def commands(page: Path, program: str) -> set[str]:
    """First words behind a program's name, in code and in code blocks."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    code = [token.content for token in tokens if token.type in ("fence", "code_block")]
    code += [child.content for token in tokens for child in token.children or [] if child.type == "code_inline"]
    return {word for text in code for word in re.findall(rf"^{program} ([a-z][\w-]*)", text, re.MULTILINE)}


@pytest.fixture
def site(tmp_path) -> Path:
    """A copy of all that the pages are made of."""
    for path in [*PAGES, REPOSITORY / "mkdocs.yml"]:
        (tmp_path / path.relative_to(REPOSITORY)).parent.mkdir(exist_ok=True)
        shutil.copy2(path, tmp_path / path.relative_to(REPOSITORY))
    shutil.copytree(REPOSITORY / "docs", tmp_path / "docs", dirs_exist_ok=True)
    return tmp_path


def configured(site: Path) -> MkDocsConfig:
    """The site's configuration; without the search and the API, which take most of the time."""
    watched = [path for path in yaml.safe_load((site / "mkdocs.yml").read_text())["watch"] if path != "kinema"]
    return load_config(str(site / "mkdocs.yml"), strict=True, plugins=[], watch=watched)


def test_pages_lie_on_the_site_as_in_the_repository(site):
    build(configured(site))
    made = {str(path.relative_to(site / "build/site").parent) for path in (site / "build/site").rglob("index.html")}
    assert made >= {".", "config", "benchmarks", "CHANGELOG", "docs/architecture"}
    assert 'src="docs/images/rulegraph.svg"' in (site / "build/site/index.html").read_text()
    assert not list((site / "build/site").rglob("*.py"))
    assert (site / "build/site/docs/site.css").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("docs/running.md", "nowhere.md"),
        ("docs/running.md", "config/README.md"),  # right on a site that had all pages in one folder
        ("docs/running.md", "staleness.md#nowhere"),
        ("docs/running.md", "#nowhere"),
        ("README.md", "running.md"),
        ("README.md", "docs/images/nowhere.png"),
        ("config/README.md", "docs/staleness.md"),
    ],
)
def test_a_broken_link_fails_the_build(site, page, link, caplog):
    with (site / page).open("a", encoding="utf-8") as file:
        file.write(f"\n[text]({link})\n")
    with caplog.at_level(logging.WARNING), pytest.raises(Abort, match="Aborted with 1 warnings"):
        build(configured(site))
    assert f"Doc file '{page}' contains a" in caplog.text


def test_a_page_that_is_in_no_menu_fails_the_build(site):
    (site / "docs/new.md").write_text("# New\n")
    with pytest.raises(Abort, match="1 warnings"):
        build(configured(site))


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_github_and_the_site_see_the_same_blocks(page):
    """Python-Markdown, which makes the site, takes four blanks where GitHub takes two."""
    text = re.sub(r"^::: .*\n(    .*\n)*", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    github = MarkdownIt().enable("table").render(text)
    site = markdown.markdown(text, extensions=["tables", "toc", "pymdownx.superfences", "pymdownx.highlight"])
    for tag in ("pre", "table", "li", "h2", "h3", "tr", "ol"):
        assert len(re.findall(rf"<{tag}[ >]", site)) == len(re.findall(rf"<{tag}[ >]", github)), f"<{tag}>"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=page_id)
def test_every_command_is_one(page, capsys):
    assert commands(page, "make") <= TARGETS
    for command in commands(page, "kinema"):
        with pytest.raises(SystemExit) as end:
            main([command, "--help"])
        assert end.value.code == 0, capsys.readouterr().err


def test_the_commands_of_the_readme_are_seen():
    assert commands(REPOSITORY / "README.md", "make") == {"demo", "test", "site"}
    named = {"benchmark", "demo", "init-dataset", "models", "plan", "predict", "show", "split"}
    assert commands(REPOSITORY / "README.md", "kinema") == named


PARTS = {"common", "params", "params_compare"}  # of all stages


def test_the_table_of_stages_has_every_rule_file():
    section = (REPOSITORY / "docs/architecture.md").read_text().split("## The way of the data")[1].split("\n## ")[0]
    named = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    assert named == {path.stem for path in (REPOSITORY / "workflow/rules").glob("*.smk")} - PARTS
    head = (REPOSITORY / "Snakefile").read_text().split('"""')[1]
    assert named == set(re.findall(r"^    (\w+) .*-> ", head, re.MULTILINE))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_github_runs_is_there(path):
    jobs = yaml.safe_load(path.read_text())["jobs"]
    text = yaml.safe_dump(jobs)
    for job in jobs.values():
        targets = job.get("strategy", {}).get("matrix", {}).get("target", [])
        for step in job["steps"]:
            words = step.get("run", "make setup").replace("${{ matrix.target }}", " ".join(targets)).split()
            assert words[0] == "make"
            assert set(words[1:]) <= TARGETS
    for name in re.findall(r"\b\w+\.(?:toml|txt)\b", text):
        assert (REPOSITORY / name).is_file(), name


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    assert citation["version"] == __version__
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()


def test_the_catalog_entry_is_true():
    usage = yaml.safe_load((REPOSITORY / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage.keys() == {"software-stack-deployment", "report"}
    rules = "\n".join(path.read_text() for path in (REPOSITORY / "workflow/rules").glob("*.smk"))
    assert usage["software-stack-deployment"] == {
        "conda": "conda:" in rules,
        "apptainer": "container:" in rules,
        "apptainer+conda": "container:" in rules and "conda:" in rules,
    }
    assert usage["report"] is ("report(" in rules)
