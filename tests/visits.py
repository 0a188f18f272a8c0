"""Visits to a page in a browser, in a context of their own, that must not misbehave; and the contrast of its texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "")

# Returns the texts of a document whose contrast with what is behind them is below a bound (WCAG 2.1, 1.4.3).
CONTRAST = """bound => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const channels = color => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = element => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(channels(getComputedStyle(at).backgroundColor));
    const dark = getComputedStyle(document.documentElement).colorScheme.includes("dark") &&
                 matchMedia("(prefers-color-scheme: dark)").matches;
    return layers.reduceRight((below, layer) => over(layer, below), dark ? [18, 18, 18, 1] : [255, 255, 255, 1]);
  };
  const faint = [];
  for (const element of document.body.querySelectorAll("*")) {
    const text = [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data.trim()).join("");
    const style = getComputedStyle(element);
    if (!text || element.closest("svg, canvas, [disabled], [aria-disabled=true]") || !element.checkVisibility({
      opacityProperty: true, visibilityProperty: true})) continue;
    if (element.getBoundingClientRect().width < 2) continue;
    const ground = behind(element), ink = over(channels(style.color), ground);
    const [a, b] = [light(ink), light(ground)].sort((one, other) => other - one);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < bound) faint.push(`${ratio.toFixed(2)} ${element.tagName}.${element.className}: ${text.slice(0, 40)}`);
  }
  return faint;
}"""


@contextmanager
def visit(browser: Any, **options: Any) -> Iterator[Any]:
    """Yield an empty page in a context of its own, and check at the end that it did nothing that it must not do.

    A dialog, an error of a script, a request to another host, and the global `hacked` all fail. `options` are those of
    Playwright's `new_context`.
    """
    context = browser.new_context(**options)
    faults: list[str] = []

    def dismiss(dialog: Any) -> None:
        faults.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def asked(request: Any) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob", "about") and url.hostname not in LOOPBACK:
            faults.append(f"request to {request.url}")

    try:
        context.on("request", asked)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("dialog", dismiss)
        page.on("pageerror", lambda error: faults.append(f"error {error}"))
        yield page
        if page.evaluate("typeof window.hacked !== 'undefined'"):
            faults.append("a script of the text ran")
        assert not faults
    finally:
        context.close()
