"""Reports of every kind in a real browser: texts that attack do nothing, and pages fit a phone, the dark and paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browser import PHONE, Open, chromium, open_page  # noqa: F401 -- fixtures
from every_report import ATTACK, every_report

pytestmark = pytest.mark.slow

PAGES = ("search.html", "evals.html", "sheet.html", "sheet-without-text.html")
PLOTS = ("search.svg", "evals-rho.svg", "evals-length.svg", "bench.svg", "efficiency.svg")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("reports")
    for name, content in every_report(ATTACK).items():
        (place / name).write_text(content, encoding="utf-8")
    return place


@pytest.mark.parametrize("name", ["search.html", "sheet.html"])
def test_what_comes_in_by_a_fault_cannot_run(name: str, folder: Path, tmp_path: Path, open_page: Open) -> None:  # noqa: F811
    """Markup is put into the file where a fault of ours would let it in. The policy refuses it."""
    fault = (
        "<main><script>document.documentElement.dataset.ran = 1</script><style>body { margin: 77px }</style>"
        '<img src="x" onerror="document.documentElement.dataset.ran = 1"><iframe src="data:text/html,x"></iframe>'
        '<p id="victim" style="color: rgb(1, 2, 3)">text</p><form action="https://example.org"></form>'
        '<link rel="stylesheet" href="https://example.org/x.css"><img src="https://example.org/x.png">'
    )
    broken = tmp_path / name
    broken.write_text((folder / name).read_text("utf-8").replace("<main>", fault, 1), encoding="utf-8")
    page = open_page(f"file://{broken}")
    assert page.evaluate("document.documentElement.dataset.ran") is None
    assert page.evaluate("getComputedStyle(document.body).marginTop") == "0px"
    assert page.evaluate("getComputedStyle(document.getElementById('victim')).color") != "rgb(1, 2, 3)"
    assert any("Content Security Policy" in said for said in page.problems)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_whose_texts_attack_fits_a_phone_and_follows_the_scheme(
    name: str,
    folder: Path,
    open_page: Open,  # noqa: F811
) -> None:
    page = open_page(f"file://{folder / name}", width=PHONE, scheme="dark")
    assert_harmless(page)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE
    assert color_of(page, "body", "backgroundColor") == [13, 17, 23]
    for changes in ({"media": "print"}, {"media": "screen", "color_scheme": "light"}):
        page.emulate_media(**changes)
        assert color_of(page, "body", "backgroundColor") == [255, 255, 255]
        if page.locator(".plot").count():
            assert color_of(page, ".plot > rect", "fill") == [255, 255, 255]


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_whose_texts_attack_keeps_them_inside_and_follows_the_scheme(
    name: str,
    folder: Path,
    open_page: Open,  # noqa: F811
) -> None:
    """Names of 200 characters are measured in the browser's own type."""
    page = open_page(f"file://{folder / name}")
    assert_harmless(page)
    outside = page.evaluate(
        """() => {
            const svg = document.documentElement, frame = svg.getBoundingClientRect();
            return [...svg.querySelectorAll("text")].filter(text => {
                const box = text.getBoundingClientRect();
                return box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1
                    || box.bottom > frame.bottom + 1;
            }).map(text => text.textContent);
        }"""
    )
    assert outside == []
    assert color_of(page, ".plot > rect", "fill") == [255, 255, 255]
    page.emulate_media(color_scheme="dark")
    assert color_of(page, ".plot > rect", "fill") == [13, 17, 23]


def test_a_plot_and_a_table_have_names_for_screen_readers(folder: Path, open_page: Open) -> None:  # noqa: F811
    page = open_page(f"file://{folder / 'search.html'}")
    assert page.get_by_role("img", name="ρ against error").count() == 1
    assert page.get_by_role("region", name="table of the front").get_by_role("columnheader", name="ρ").count() == 1
    assert page.get_by_role("rowheader").count() >= 3


def test_a_sheet_shows_the_word_under_the_pointer_and_zooms_by_keys_and_buttons(
    folder: Path,
    open_page: Open,  # noqa: F811
) -> None:
    page = open_page(f"file://{folder / 'sheet.html'}")
    image = page.locator("figure img").first
    page.mouse.move(*[at + 14 for at in (image.bounding_box()["x"], image.bounding_box()["y"])])
    assert page.inner_text("#status").startswith("word 0–")
    width = image.bounding_box()["width"]
    page.keyboard.press("+")
    assert image.bounding_box()["width"] == pytest.approx(1.25 * width, abs=1)
    page.get_by_role("button", name="1:1").click()
    assert image.bounding_box()["width"] == width
    page.keyboard.press("ArrowRight")
    assert page.locator("figure.current").get_attribute("id") == "page-2"
    boxes = page.get_by_role("button", name="boxes")
    boxes.press("Enter")
    assert boxes.get_attribute("aria-pressed") == "true"
    assert page.locator("#page-2 path.all").get_attribute("d").startswith("M")


def test_a_block_is_copied_by_its_button(folder: Path, open_page: Open) -> None:  # noqa: F811
    page = open_page(f"file://{folder / 'search.html'}")
    block = page.locator(".copyable").last
    block.get_by_role("button", name="copy").press("Enter")
    page.wait_for_function("getSelection().toString().startsWith('{') || document.body.innerText.includes('copied')")


def assert_harmless(page: Any) -> None:
    """Check that no text of the page ran, became markup, or was refused, which it is only if it became markup."""
    assert "hacked" not in page.title().partition("<")[0]
    assert page.problems == []
    assert page.evaluate("document.querySelectorAll('[onerror], [onload], script[src], iframe, object').length") == 0


def color_of(page: Any, selector: str, name: str) -> list[int]:
    """Return red, green and blue of a computed color."""
    shown = page.evaluate(f"getComputedStyle(document.querySelector({selector!r})).{name}")
    return [int(part) for part in shown.removeprefix("rgb(").removesuffix(")").split(",")]
