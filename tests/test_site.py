"""The documentation as a site: it builds without a warning, loads nothing from elsewhere, and has every public name."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from collections import Counter
from pathlib import Path

import click
import pytest
from browser import PHONE, Open, chromium, open_page  # noqa: F401 -- fixtures

from glyphrender import cli

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


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, str]:
    """The HTML of each page by its path."""
    return {path.relative_to(site).as_posix(): path.read_text("utf-8") for path in site.rglob("*.html")}


def elements(page: str, names: str) -> list[str]:
    """Return the tags of a page whose elements have one of the names, which `|` separates."""
    return re.findall(rf"<(?:{names})\b[^>]*>", page)


def test_the_site_loads_nothing_from_elsewhere(site: Path, pages: dict[str, str]) -> None:
    tags = [
        tag for page in pages.values() for tag in elements(page, "script|link|img|iframe|source|video|object|embed")
    ]
    assert len(tags) > 10 * len(pages)
    assert [tag for tag in tags if re.search(r"\b(?:src|href|srcset|data)=[\"']?(?:https?:)?//", tag)] == []
    for style in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", style.read_text("utf-8")), style


def test_pictures_of_the_site_say_what_they_show(pages: dict[str, str]) -> None:
    pictures = [(name, tag) for name, page in pages.items() for tag in elements(page, "img")]
    assert len(pictures) >= 12
    assert [each for each in pictures if not re.search(r"alt=\"[^\"]{4,}\"", each[1])] == []


def test_every_public_name_has_one_heading_in_the_reference(pages: dict[str, str]) -> None:
    headings = Counter(name for page in pages.values() for name in re.findall(r"<h[1-6]\b[^>]*\bid=\"([^\"]+)\"", page))
    rooms = runpy.run_path(str(ROOT / "docs/site/public_names.py"))["rooms"]()
    wanted = [f"{entry.module}.{entry.name}" for names in rooms.values() for entry in names]
    assert {name: headings[name] for name in wanted if headings[name] != 1} == {}


def test_every_command_and_option_is_on_a_page(pages: dict[str, str]) -> None:
    for name in cli.COMMANDS:
        page = pages[f"commands/{name}.html"]
        assert page.count(f">glyphrender {name}<") >= 1
        assert "Sentinel" not in page
        assert [option for option in options_of(cli.command, name) if option not in page] == []


def options_of(group: click.Group, name: str) -> list[str]:
    """Return the long options of a command, and of the commands in it."""
    command = group.get_command(click.Context(group), name)
    assert command is not None
    inner = command.list_commands(click.Context(command)) if isinstance(command, click.Group) else []
    own = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
    return own + [option for each in inner for option in options_of(command, each)]


# -- in a browser, from the disk -------------------------------------------------------------------------


def test_a_search_finds_a_name_of_the_api_without_a_server(site: Path, open_page: Open) -> None:  # noqa: F811
    page = open_page((site / "index.html").as_uri())
    page.click("input[name=query]")
    page.keyboard.type("compression_ratio", delay=20)
    page.wait_for_selector(".md-search-result__item a", timeout=60_000)
    addresses = page.eval_on_selector_all(".md-search-result__item a", "links => links.map(link => link.href)")
    assert any("api/glyphrender.html" in address for address in addresses)
    assert page.problems == []


@pytest.mark.parametrize("name", ["index", "start-savings", "theta", "api/glyphrender", "commands/ratio", "faults"])
def test_no_page_is_wider_than_a_phone(site: Path, open_page: Open, name: str) -> None:  # noqa: F811
    page = open_page((site / f"{name}.html").as_uri(), width=PHONE, scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    assert page.evaluate("document.body.dataset.mdColorScheme") == "slate"
    assert page.problems == []
