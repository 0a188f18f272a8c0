"""The time from a keystroke in the studio to its page on the screen, and from a cold start to the first page.

    python benchmarks/studio.py                    # 30 keystrokes for each text
    python benchmarks/studio.py --keystrokes 100
    python benchmarks/studio.py --beside ../before # type in turn into the studio of another tree of this project
    python benchmarks/studio.py --pictures         # write the pictures of docs/studio.md

A browser (Debian's Chromium, driven by Playwright) opens `glyphrender studio` and types. A keystroke is timed inside
the browser, from its `keydown` to the first frame after the image of the changed page was decoded: the request, layout,
drawing, PNG, transfer and update of the document are all in it. The next key is pressed `--pause` milliseconds after
the page is there. The CPU time is that of the server, for pages and figures, divided by the keys. The start is timed
from the start of the program to its address, and from there to the first page in the browser.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
from chromium import executable
from PIL import Image
from playwright.sync_api import sync_playwright
from report import DOCS
from texts import HERE

NOVEL = (HERE / "pride-and-prejudice.txt").read_text(encoding="utf-8")
LENGTHS = {"a sentence": 80, "8,000 characters": 8000, "100,000 characters": 100_000}

# Resolves with the milliseconds from the next keydown to the first frame that shows the page of the changed text.
TIMED = """() => new Promise(resolve => {
  const box = document.querySelector('#studio-text textarea'), page = document.querySelector('#studio-page');
  const before = page.querySelector('img').src;
  let pressed;
  box.addEventListener('keydown', () => { pressed = performance.now(); }, {once: true});
  const observer = new MutationObserver(async () => {
    const image = page.querySelector('img');
    if (image.src === before) return;
    observer.disconnect();
    await image.decode();
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - pressed)));
  });
  observer.observe(page, {subtree: true, childList: true, attributes: true});
})"""


class Studio:
    """A studio of one tree of the project, in a process of its own, and the page of a visitor."""

    def __init__(self, tree: Path) -> None:
        self.name = tree.resolve().name
        start = time.perf_counter()
        environment = {**os.environ, "PYTHONPATH": str(tree / "src")}
        command = [sys.executable, "-m", "glyphrender", "studio", "--port", "0"]
        self.server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self.server.stdout is not None
        address = re.search(r"http://\S+", self.server.stdout.readline())
        assert address
        self.address, self.listening = address[0], time.perf_counter() - start
        self.page: Any = None
        self.times: list[float] = []

    def open(self, browser: Any) -> float:
        """Open the studio, and return the seconds to the first page."""
        self.page = browser.new_page()
        opened = time.perf_counter()
        self.page.goto(self.address)
        self.page.locator("#studio-page img").wait_for()
        first = time.perf_counter() - opened
        self.page.wait_for_timeout(3000)
        return first

    def replace_text(self, text: str) -> None:
        """Replace the text in the box, and wait until its page is there."""
        box = self.page.locator("#studio-text textarea")
        box.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)
        start = "document.querySelector('#studio-page .gv-source').textContent.slice(0, 60)"
        while self.page.evaluate(start) != text[:60]:
            self.page.wait_for_timeout(50)
        self.page.wait_for_timeout(1500)  # the figures of the whole text
        box.press("Control+Home")
        self.times = []

    def press(self, key: str) -> None:
        """Press a key at the beginning of the text, and note the milliseconds to its page."""
        # The promise is kept in the page, because a key cannot be pressed while `evaluate` waits.
        self.page.evaluate(f"() => {{ window.timed = ({TIMED})(); }}")
        self.page.keyboard.press(key)
        self.times.append(self.page.evaluate("() => window.timed"))

    def cpu(self) -> float:
        """Return the milliseconds of CPU that the server has spent."""
        spent = psutil.Process(self.server.pid).cpu_times()
        return float(spent.user + spent.system) * 1000


def pictures(browser: Any, address: str) -> None:
    """Write the pictures of docs/studio.md: light, dark and on a phone, as indexed PNGs of few colors."""
    wide = {"viewport": {"width": 1440, "height": 1080}}
    narrow = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
    for name, options in {
        "light": wide,
        "dark": {**wide, "color_scheme": "dark"},
        "phone": narrow,
    }.items():
        page = browser.new_page(**options)
        page.goto(address)
        page.locator("#studio-page img").wait_for()
        page.wait_for_timeout(3000)
        if name == "phone":
            page.locator("#studio-figures").scroll_into_view_if_needed()
            page.evaluate("document.querySelector('#studio-figures').scrollIntoView()")
        else:  # the magnifier on a word, which is marked in the source
            page.get_by_role("button", name="Magnifier").first.click()
            box = page.locator("#studio-page img").bounding_box()
            page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 160)
        page.wait_for_timeout(300)
        shot = Image.open(BytesIO(page.screenshot())).convert("RGB")
        shot.quantize(48, dither=Image.Dither.NONE).save(DOCS / f"images/studio-{name}.png", optimize=True)
        page.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keystrokes", type=int, default=30)
    parser.add_argument("--pause", type=int, default=0, help="milliseconds between a page and the next key")
    parser.add_argument("--beside", type=Path, help="another tree of this project")
    parser.add_argument("--pictures", action="store_true")
    arguments = parser.parse_args()
    count = arguments.keystrokes
    browser_path = executable()
    if browser_path is None:
        raise SystemExit("no browser is installed (Debian: apt-get install chromium).")
    trees = [DOCS.parent] if arguments.beside is None else [arguments.beside, DOCS.parent]
    studios: list[Studio] = []
    with sync_playwright() as playwright:
        try:
            options = ["--no-sandbox"] if os.geteuid() == 0 else []
            for tree in trees:
                studios.append(Studio(tree))
            browser = playwright.chromium.launch(executable_path=browser_path, args=options)
            if arguments.pictures:
                pictures(browser, studios[-1].address)
                return
            print(f"Chromium {browser.version}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
            for studio in studios:
                first = studio.open(browser)
                print(
                    f"{studio.name}: {studio.listening:.1f} s to the address, and {first:.1f} s more to the first page."
                )
            print("\n| text | tree | keystroke → page, median | p95 | server CPU a key | load |")
            print("|---|---|---:|---:|---:|---:|")
            for name, length in LENGTHS.items():
                for studio in studios:
                    studio.replace_text(NOVEL[2000 : 2000 + length])
                before = [studio.cpu() for studio in studios]
                for at in range(count):
                    for studio in studios:
                        studio.press("abcdefghij"[at % 10])
                        studio.page.wait_for_timeout(arguments.pause)
                studios[-1].page.wait_for_timeout(1500)  # the figures of the last key
                for studio, start in zip(studios, before, strict=True):
                    times = sorted(studio.times)
                    middle, high = statistics.median(times), times[int(0.95 * (count - 1))]
                    spent, load = (studio.cpu() - start) / count, os.getloadavg()[0]
                    print(f"| {name} | {studio.name} | {middle:.0f} ms | {high:.0f} ms | {spent:.0f} ms | {load:.1f} |")
            browser.close()
        finally:
            for studio in studios:
                studio.server.terminate()


if __name__ == "__main__":
    main()
