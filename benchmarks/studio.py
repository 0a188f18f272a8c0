"""The time from a keystroke in the studio to its page on the screen, and from a cold start to the first page.

    python benchmarks/studio.py                    # 30 keystrokes for each text
    python benchmarks/studio.py --keystrokes 100
    python benchmarks/studio.py --pictures         # write the pictures of docs/studio.md

A browser (Debian's Chromium, driven by Playwright) opens `glyphrender studio` and types. A keystroke is timed inside
the browser, from its `keydown` to the first frame after the image of the changed page was decoded: the request, layout,
drawing, PNG, transfer and update of the document are all in it. The next key is pressed when the page is there. The
start is timed from the start of the program to its address, and from there to the first page in the browser.
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
from typing import Any

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


def keystrokes(page: Any, count: int) -> list[float]:
    """Return the milliseconds that each of `count` keystrokes at the beginning of the text takes."""
    page.locator("#studio-text textarea").press("Control+Home")
    times = []
    for at in range(count):
        # The promise is kept in the page, because a key cannot be pressed while `evaluate` waits.
        page.evaluate(f"() => {{ window.timed = ({TIMED})(); }}")
        page.keyboard.press("abcdefghij"[at % 10])
        times.append(page.evaluate("() => window.timed"))
    return times


def replace_text(page: Any, text: str) -> None:
    """Replace the text in the box, and wait until its page is there."""
    page.locator("#studio-text textarea").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    start = text[:60]
    while page.evaluate("document.querySelector('#studio-page .gv-source').textContent.slice(0, 60)") != start:
        page.wait_for_timeout(50)
    page.wait_for_timeout(1500)  # the figures of the whole text


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
    parser.add_argument("--pictures", action="store_true")
    arguments = parser.parse_args()
    count = arguments.keystrokes
    browser_path = executable()
    if browser_path is None:
        raise SystemExit("no browser is installed (Debian: apt-get install chromium).")
    start = time.perf_counter()
    command = [sys.executable, "-m", "glyphrender", "studio", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
        try:
            assert server.stdout is not None
            address = re.search(r"http://\S+", server.stdout.readline())
            assert address
            listening = time.perf_counter() - start
            options = ["--no-sandbox"] if os.geteuid() == 0 else []
            browser = playwright.chromium.launch(executable_path=browser_path, args=options)
            if arguments.pictures:
                pictures(browser, address[0])
                return
            page = browser.new_page()
            opened = time.perf_counter()
            page.goto(address[0])
            page.locator("#studio-page img").wait_for()
            first = time.perf_counter() - opened
            page.wait_for_timeout(3000)
            print(f"Chromium {browser.version}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
            print(f"Cold start: {listening:.1f} s to the address, and {first:.1f} s more to the first page.\n")
            print("| text | keystroke → page, median | p95 |\n|---|---:|---:|")
            for name, length in LENGTHS.items():
                replace_text(page, NOVEL[2000 : 2000 + length])
                times = sorted(keystrokes(page, count))
                print(f"| {name} | {statistics.median(times):.0f} ms | {times[int(0.95 * (count - 1))]:.0f} ms |")
            browser.close()
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
