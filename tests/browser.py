"""A real browser for tests: Debian's Chromium, driven by Playwright. Nothing is downloaded, and nothing outside loads.

A test module takes what it needs by name:

    from browser import Open, chromium, open_page  # noqa: F401 -- fixtures

    def test_it(open_page: Open) -> None:
        page = open_page("file:///…", scheme="dark", width=390)

Both fixtures end with their module: while Playwright runs, its event loop runs in this thread, and no other test could
call `asyncio.run` there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

# A phone's width in CSS pixels, and that of a small laptop.
PHONE, LAPTOP = 390, 1280


class Open(Protocol):
    """Opens an address in a new window."""

    def __call__(self, address: str, *, scheme: str = "light", width: int = LAPTOP, height: int = 800) -> Any:
        """Return Playwright's `Page`. Its `problems` are the errors and refusals that the console told."""
        ...


def executable() -> str | None:
    """Return the path of a Chromium of the system: that of `GLYPHRENDER_CHROMIUM`, or the first that is found."""
    names = (os.environ.get("GLYPHRENDER_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if name and (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Playwright's `Browser`. The test is skipped where Playwright or Chromium is missing."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is missing: pip install playwright")
    path = executable()
    if path is None:
        pytest.skip("no Chromium was found: apt-get install chromium, or set GLYPHRENDER_CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        # Chromium's sandbox does not start for root.
        root = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=[*root, "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Open]:
    """A function that opens an address. Windows are closed after the test; requests beyond this machine fail it."""
    contexts, outside = [], []

    def open_(address: str, *, scheme: str = "light", width: int = LAPTOP, height: int = 800) -> Any:
        context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.problems = []
        page.on("console", lambda said: page.problems.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("request", lambda asked: outside.append(asked.url) if _is_outside(asked.url) else None)
        # What the page's own policy refuses is told as a request, and never leaves.
        page.on("requestfailed", lambda asked: outside.remove(asked.url) if _is_refused(asked) else None)
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert outside == []


def _is_refused(asked: Any) -> bool:
    return _is_outside(asked.url) and asked.failure == "csp"


def _is_outside(url: str) -> bool:
    return not url.startswith(
        ("file:", "data:", "blob:", "about:", "http://127.0.0.1", "http://localhost", "ws://127.")
    )
