"""The documentation as a site: it builds without a warning, loads nothing from elsewhere, and has every public name."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("mkdocs")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    )
    assert built.returncode == 0, built.stderr[-4000:]
    return folder


class Elements(HTMLParser):
    """What a page loads, its pictures, and the ids of its headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.alternatives: list[str | None] = []
        self.headings: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag != "a":
            self.loads += [value for name in ("src", "href", "srcset", "data") if (value := given.get(name))]
        if tag == "img":
            self.alternatives.append(given.get("alt"))
        if re.fullmatch("h[1-6]", tag) and (name := given.get("id")):
            self.headings.append(name)


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Elements]:
    return {str(path.relative_to(site)): Elements(path.read_text("utf-8")) for path in site.rglob("*.html")}


def test_the_site_loads_nothing_from_elsewhere(site: Path, pages: dict[str, Elements]) -> None:
    assert {url for page in pages.values() for url in page.loads if re.match(r"(https?:)?//", url)} == set()
    for style in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", style.read_text("utf-8")), style


def test_pictures_of_the_site_say_what_they_show(pages: dict[str, Elements]) -> None:
    without = [name for name, page in pages.items() if not all(page.alternatives)]
    assert without == []
    assert sum(len(page.alternatives) for page in pages.values()) >= 12


def test_every_public_name_has_one_heading_in_the_reference(pages: dict[str, Elements]) -> None:
    headings = Counter(name for page in pages.values() for name in page.headings)
    rooms = runpy.run_path(str(ROOT / "docs/site/public_names.py"))["rooms"]()
    wanted = [f"{entry.module}.{entry.name}" for names in rooms.values() for entry in names]
    assert {name: headings[name] for name in wanted if headings[name] != 1} == {}


def test_every_command_and_option_is_on_a_page(site: Path) -> None:
    import click

    from glyphrender import cli

    for name in cli.COMMANDS:
        page = (site / f"commands/{name}.html").read_text("utf-8")
        command = cli.command.get_command(click.Context(cli.command), name)
        assert command is not None
        options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
        assert [option for option in options if option not in page] == []
