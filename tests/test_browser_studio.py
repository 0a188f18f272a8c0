"""The studio in a real browser. One browser and one server serve all tests; each test has a context of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser
import pytest
from visits import CONTRAST, visit

from glyphrender import RichText, Theta, from_markdown, render
from glyphrender.studio.page_view import Picture, document, head, page_view, wipe

pytestmark = pytest.mark.slow
chromium = browser.chromium  # the fixture

TEXT = "It is a truth universally acknowledged, that a single man 🦊 in possession of a good fortune …\n" * 30
HOSTILE = (
    "</pre><script>hacked=1;alert(1)</script><img src=x onerror=hacked=alert(1)> ${hacked=alert(1)} {{constructor}} "
    "\"'><svg/onload=hacked=alert(1)> <a href=javascript:alert(1)>x</a> </textarea><iframe srcdoc='<script>1</script>'>"
)
PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 3, "has_touch": True, "is_mobile": True}
MARKED = "[...(CSS.highlights.get('glyphrender-word') ?? [])].map(String).join()"
BOX = "document.querySelector('.gv-page path').getAttribute('d')"


def open_view(page: Any, *views: str) -> None:
    page.set_content(document("".join(views), title="views"))


def point_at(page: Any, word: Any, view: int = 0) -> None:
    """Point at the middle of a word of the page, whatever the zoom."""
    box = page.locator(".gv-page img").nth(view).bounding_box()
    width, height = (float(page.locator(".gv").nth(view).get_attribute(f"data-{name}")) for name in ("width", "height"))
    x0, y0, x1, y1 = word.box
    page.mouse.move(box["x"] + (x0 + x1) / 2 / width * box["width"], box["y"] + (y0 + y1) / 2 / height * box["height"])


def point_at_source(page: Any, start: int) -> None:
    """Point at a character of the source pane."""
    x, y = page.evaluate(
        """start => {
          const node = document.querySelector('.gv-source').firstChild, range = document.createRange();
          range.setStart(node, start);
          range.setEnd(node, start + 1);
          const box = range.getBoundingClientRect();
          return [box.left + box.width / 2, box.top + box.height / 2];
        }""",
        start,
    )
    page.mouse.move(x, y)


def eventually(page: Any, expression: str, value: object) -> bool:
    """Return whether an expression has the value within a minute; a policy forbids Playwright's `wait_for_function`."""
    for _ in range(1200):
        if page.evaluate(expression) == value:
            return True
        page.wait_for_timeout(50)
    return False


def test_pointing_at_a_word_of_the_page_marks_it_in_the_source_and_back(chromium: Any) -> None:
    drawn = render(TEXT)[0]
    word = next(word for word in drawn.words if word.text == "possession" and word.start > 200)  # behind two foxes
    with visit(chromium) as page:
        open_view(page, page_view(drawn))
        point_at(page, word)
        assert page.evaluate(MARKED) == "possession"
        status = page.locator(".gv-status").inner_text()
        assert f"“possession”: characters {word.start}–{word.end} of the source" in status
        page.mouse.move(1, 1)
        assert page.evaluate(MARKED) == ""
        point_at_source(page, page.evaluate("document.querySelector('.gv-source').textContent.indexOf('universally')"))
        assert page.evaluate(MARKED) == "universally"
        first = next(word for word in drawn.words if word.text == "universally")
        assert [round(float(number)) for number in page.evaluate(BOX)[1:].replace("H", " ").split("V")[0].split()] == [
            round(side) for side in (first.box[0], first.box[1], first.box[2])
        ]


@pytest.mark.parametrize(
    ("text", "drawn", "source"),
    [
        (RichText("so a &lt; b", replaced=[(5, 9, "<")]), 2, "&lt;"),
        (from_markdown("# One\n\nsome **bold** words"), 2, "bold"),
    ],
)
def test_in_markup_the_source_of_a_drawn_word_is_marked(chromium: Any, text: Any, drawn: int, source: str) -> None:
    found = render(text)[0]
    with visit(chromium) as page:
        open_view(page, page_view(found))
        point_at(page, found.words[drawn])
        assert page.evaluate(MARKED) == source


def test_the_arrow_keys_move_from_word_to_word(chromium: Any) -> None:
    drawn = render(TEXT)[0]
    with visit(chromium) as page:
        open_view(page, page_view(drawn))
        page.locator(".gv-page").focus()
        marked = []
        for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "End", "Home"):
            page.keyboard.press(key)
            marked.append(page.evaluate(MARKED))
        assert marked[:4] == ["It", "is", "a", "is"]
        assert marked[5:] == ["is", drawn.words[-1].text, "It"]
        page.locator(".gv-source").focus()
        page.keyboard.press("ArrowRight")
        assert page.evaluate(MARKED) == "It"
        page.keyboard.press("Escape")
        assert page.evaluate(MARKED) == ""


def test_a_click_on_a_word_selects_it_in_the_editor_and_the_caret_marks_it_on_the_page(chromium: Any) -> None:
    drawn = render(TEXT)[0]
    word = next(word for word in drawn.words if word.text == "possession" and word.start > 200)
    editor = "<textarea id=e></textarea>"
    with visit(chromium) as page:
        open_view(page, editor, page_view(drawn, editor="#e"))
        page.locator("#e").fill(TEXT)
        point_at(page, word)
        page.mouse.down()
        page.mouse.up()
        assert page.evaluate("e.value.slice(e.selectionStart, e.selectionEnd)") == "possession"
        assert page.evaluate("[...e.value.slice(0, e.selectionStart)].length") == word.start
        page.keyboard.press("Control+Home")
        assert eventually(page, MARKED, "It")


@pytest.mark.parametrize("ratio", [1, 2])
def test_at_real_size_a_pixel_of_the_image_is_a_pixel_of_the_screen(chromium: Any, ratio: int) -> None:
    drawn = render(TEXT)[0]
    with visit(chromium, device_scale_factor=ratio) as page:
        open_view(page, page_view(drawn))
        for zoom, factor in (("1:1", 1), ("4:1", 4)):
            page.get_by_role("button", name=zoom).click()
            box = page.locator(".gv-page img").bounding_box()
            assert box["width"] * ratio == pytest.approx(drawn.size[0] * factor, abs=0.5)
            said = f"1 pixel of the image = {factor} of the screen"
            assert page.locator(".gv-scale").inner_text().startswith(said)
        point_at(page, drawn.words[1])  # the places of words are scaled along
        assert page.evaluate(MARKED) == "is"


def test_the_magnifier_shows_the_pixels_under_the_pointer_four_times_as_large(chromium: Any) -> None:
    drawn = render(TEXT)[0]
    with visit(chromium) as page:
        open_view(page, page_view(drawn))
        page.get_by_role("button", name="Magnifier").click()
        x0, y0, x1, y1 = drawn.words[40].box
        point_at(page, drawn.words[40])
        pixels = page.evaluate(
            """() => {
              const lens = document.querySelector('.gv-lens');
              const data = lens.getContext('2d').getImageData(0, 0, lens.width, lens.height).data;
              return [lens.width, Array.from(data.filter((_, at) => at % 4 === 0))];
            }"""
        )
        side, grey = pixels
        rows = [grey[at : at + side] for at in range(0, side * side, side)]
        assert all(row[at] == row[at + 3] for row in rows[::4] for at in range(0, side, 4))
        # The middle of the lens is the middle of the word, to a pixel.
        image, middle, half = drawn.array, ((x0 + x1) / 2, (y0 + y1) / 2), side // 8
        shown = [row[::4] for row in rows[::4]]
        places = [
            (round(middle[0]) + dx - half, round(middle[1]) + dy - half) for dx in (-1, 0, 1) for dy in (-1, 0, 1)
        ]
        inside = slice(half - 4, half + 4)
        assert any(
            [row[inside] for row in shown[inside]]
            == image[y + half - 4 : y + half + 4, x + half - 4 : x + half + 4].tolist()
            for x, y in places
        )
        page.get_by_role("button", name="Magnifier").click()
        point_at(page, drawn.words[41])
        assert page.locator(".gv-lens").is_hidden()


def pictures() -> tuple[Picture, Picture]:
    return Picture.of(render(TEXT)[0], label="plain"), Picture.of(render(TEXT, "dense")[0], label="dense")


def test_the_wipe_moves_by_keyboard_and_pointer_and_says_where_it_is(chromium: Any) -> None:
    with visit(chromium) as page:
        open_view(page, wipe(*pictures()))
        slider = page.get_by_role("slider")
        assert slider.get_attribute("aria-label") == "Wipe between plain (left) and dense (right)"
        slider.focus()
        for key, value in (("ArrowRight", "51"), ("Shift+ArrowLeft", "41"), ("Home", "0"), ("End", "100")):
            page.keyboard.press(key)
            assert slider.get_attribute("aria-valuenow") == value
        stage = page.locator(".gv-stage").bounding_box()
        page.mouse.move(stage["x"] + stage["width"] * 0.75, stage["y"] + 40)
        page.mouse.down()
        page.mouse.move(stage["x"] + stage["width"] * 0.25, stage["y"] + 40)
        page.mouse.up()
        page.mouse.move(stage["x"] + stage["width"] * 0.9, stage["y"] + 40)
        assert slider.get_attribute("aria-valuetext") == "25% left, 75% right"
        seen = page.evaluate("getComputedStyle(document.querySelectorAll('.gv-stage img')[1]).clipPath")
        assert seen == "inset(0px 75% 0px 0px)"


def test_the_wipe_moves_by_touch(chromium: Any) -> None:
    with visit(chromium, **PHONE) as page:
        open_view(page, wipe(*pictures()))
        stage = page.locator(".gv-stage").bounding_box()
        page.touchscreen.tap(stage["x"] + stage["width"] * 0.8, stage["y"] + 60)
        assert page.get_by_role("slider").get_attribute("aria-valuenow") == "80"


def test_zoom_and_wipe_survive_an_update_of_the_document(chromium: Any) -> None:
    one, two = page_view(render(TEXT)[0]), page_view(render(TEXT, "dense")[0])
    with visit(chromium) as page:
        open_view(page, one, wipe(*pictures()))
        page.get_by_role("button", name="2:1").first.click()
        page.get_by_role("slider").focus()
        page.keyboard.press("Home")
        page.evaluate("html => { document.querySelector('main').innerHTML = html }", two + wipe(*pictures()))
        assert page.locator("[data-zoom='2']").first.get_attribute("aria-pressed") == "true"
        assert page.locator(".gv-page img").bounding_box()["width"] == pytest.approx(
            2 * render(TEXT, "dense")[0].size[0], abs=0.5
        )
        assert page.get_by_role("slider").get_attribute("aria-valuenow") == "0"


@pytest.mark.parametrize("policy", [True, False])
def test_a_hostile_text_in_a_view_runs_no_script(chromium: Any, policy: bool) -> None:
    drawn = render(HOSTILE)[0]
    picture = Picture.of(drawn, label=HOSTILE)
    views = page_view(drawn, label=HOSTILE, key=HOSTILE) + wipe(picture, picture, key=HOSTILE)
    with visit(chromium) as page:
        page.set_content(document(views, title=HOSTILE) if policy else head() + views)
        assert page.locator(".gv-source").inner_text() == HOSTILE
        for word in drawn.words[:12]:
            point_at(page, word)
        page.locator(".gv-page").focus()
        page.keyboard.press("ArrowRight")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_of_a_view_have_contrast(chromium: Any, scheme: str) -> None:
    with visit(chromium, color_scheme=scheme) as page:
        open_view(page, page_view(render(TEXT)[0]), wipe(*pictures()))
        assert page.evaluate(CONTRAST, 4.5) == []


def test_a_view_fits_a_phone(chromium: Any) -> None:
    with visit(chromium, **PHONE) as page:
        open_view(page, page_view(render(TEXT, Theta(page_size=(900, 600)))[0]), wipe(*pictures()))
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.get_by_role("button", name="4:1").first.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


# ── The whole studio ──

NAME = "a<img src=x onerror=hacked=1>${hacked=1}{{x}}.txt"
SOURCE = "document.querySelector('#studio-page .gv-source')?.textContent"
RHO = "document.querySelector('#studio-rho').textContent"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a studio that was opened with a hostile text in a file of a hostile name."""
    pytest.importorskip("gradio")
    file = tmp_path_factory.mktemp("texts") / NAME
    file.write_text(HOSTILE, encoding="utf-8")
    command = [sys.executable, "-m", "glyphrender", "studio", str(file), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            found = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
            assert found
            yield found[0]
        finally:
            process.terminate()


def open_studio(page: Any, address: str, text: str = "") -> None:
    """Open the studio, wait until its first answers are there, and replace the text."""
    with page.expect_response(lambda response: "predict" in response.url):
        page.goto(address)
    # The page that the server drew for this visitor: the first one in the document belongs to nobody.
    page.locator("#studio-page [data-sitting]:not([data-sitting='']) .gv-page img").wait_for()
    if text:
        replace_text(page, text)


def replace_text(page: Any, text: str) -> None:
    """Replace the text as a person does: select all, and paste."""
    box = page.locator("#studio-text textarea")
    box.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    assert eventually(page, SOURCE, text)


def test_the_page_and_rho_follow_the_text_and_the_fields(chromium: Any, studio: str) -> None:
    with visit(chromium) as page:
        open_studio(page, studio, "In the beginning was the Word")
        page.keyboard.type(", and")
        assert eventually(page, SOURCE, "In the beginning was the Word, and")
        page.keyboard.press("Backspace")
        assert eventually(page, SOURCE, "In the beginning was the Word, an")
        replace_text(page, TEXT)
        assert eventually(page, f"Number({RHO}) > 1", True)
        rho, width = float(page.evaluate(RHO)), page.locator("#studio-page").inner_text().split("\n")[0]
        size = page.locator("#field-font_size input[type=number]")
        size.fill("18")
        assert eventually(page, f"Number({RHO}) < {rho / 2}", True)
        assert page.locator("#studio-page").inner_text().split("\n")[0] != width
        box = page.locator("#studio-page .gv-page img").bounding_box()
        assert box["width"] > 100


def test_keys_that_come_before_the_first_drawing_are_in_the_page_that_stays(chromium: Any, studio: str) -> None:
    with visit(chromium) as page:
        held: list[Any] = []

        def hold(route: Any) -> None:
            """Hold the two requests of an opening that send all fields: for the page, and for the figures."""
            if len(held) < 2 and len((route.request.post_data_json or {}).get("data", ())) > 60:
                held.append(route)
            else:
                route.continue_()

        page.route("**/predict*", hold)
        page.goto(studio)
        for _ in range(1200):
            if len(held) == 2:
                break
            page.wait_for_timeout(50)
        assert len(held) == 2
        page.locator("#studio-text textarea").click()
        page.keyboard.press("Control+End")
        page.keyboard.type(" and more")
        page.wait_for_timeout(2000)  # longer than keys are held from Gradio otherwise
        for route in held:
            route.continue_()
        typed = HOSTILE + " and more"
        assert eventually(page, SOURCE, typed)
        assert eventually(page, "document.querySelector('#studio-page [data-turn]').dataset.sitting !== ''", True)
        page.wait_for_timeout(1000)
        assert page.evaluate(SOURCE) == typed == page.locator("#studio-text textarea").input_value()


def test_a_keystroke_sends_an_edit_and_gradio_hears_of_it_in_a_pause(chromium: Any, studio: str) -> None:
    with visit(chromium) as page:
        open_studio(page, studio, TEXT)
        assert eventually(page, f"Number({RHO}) > 1", True)
        asked: list[tuple[str, str]] = []
        page.on("request", lambda sent: asked.append((sent.url.rpartition("/")[2], sent.post_data or "")))
        page.keyboard.press("Control+End")
        page.keyboard.type("🦊 is")
        assert eventually(page, SOURCE, f"{TEXT}🦊 is")
        page.keyboard.press("Control+a")
        page.keyboard.press("Delete")
        page.keyboard.type("one")
        assert eventually(page, SOURCE, "one")
        assert eventually(page, f"Number({RHO}) < 1", True)
        edits = [json.loads(body) for path, body in asked if path == "page"]
        heard = [body for path, body in asked if path == "predict"]
        assert all(len(edit["text"]) <= len("🦊 is") for edit in edits)
        assert max(edit["end"] - edit["start"] for edit in edits) > len(TEXT)  # what Delete has taken away
        assert len(heard) < len(edits)
        assert '"one"' in heard[-1]


@pytest.mark.parametrize("fault", ["no answer", "no JSON"])
def test_without_the_route_gradio_draws_the_page(chromium: Any, studio: str, fault: str) -> None:
    with visit(chromium) as page:
        page.route(
            "**/studio/page",
            lambda route: route.abort() if fault == "no answer" else route.fulfill(status=200, body="<p>busy</p>"),
        )
        open_studio(page, studio, TEXT)
        page.keyboard.press("Control+Home")
        page.keyboard.type("Yes. ")
        assert eventually(page, SOURCE, f"Yes. {TEXT}")


def test_a_text_that_the_server_no_longer_keeps_is_sent_whole(chromium: Any, studio: str) -> None:
    with visit(chromium) as page:
        open_studio(page, studio, "one two")
        statuses: list[int] = []
        page.on("response", lambda got: statuses.append(got.status) if got.url.endswith("/studio/page") else None)

        def forget(route: Any) -> None:
            edit = json.loads(route.request.post_data)
            route.continue_(post_data=json.dumps({**edit, "base": edit["base"] and edit["base"] + 70}))

        page.route("**/studio/page", forget, times=1)
        page.keyboard.type("!")
        assert eventually(page, SOURCE, "one two!")
        assert statuses == [409, 200]


def test_a_late_answer_of_gradio_does_not_overwrite_a_newer_page(chromium: Any, studio: str) -> None:
    with visit(chromium) as page:
        open_studio(page, studio, "one two")
        page.wait_for_timeout(1000)  # the events of the opening are over
        late: list[Any] = []
        over = False

        def hold(route: Any) -> None:
            if over:
                route.continue_()
            else:
                late.append((route, route.fetch()))

        page.route("**/run/predict*", hold)
        page.locator("#field-font_size input[type=number]").fill("18")
        while not any("data-turn" in answer.text() for _, answer in late):
            page.wait_for_timeout(50)
        page.locator("#studio-text textarea").press("Control+End")
        page.keyboard.type("!")
        assert eventually(page, SOURCE, "one two!")
        shown = "document.querySelector('#studio-page [data-turn]').dataset.turn"
        turn = page.evaluate(shown)
        over = True
        for route, answer in late:
            route.fulfill(response=answer)
        for _ in range(20):
            page.wait_for_timeout(50)
            assert page.evaluate(SOURCE) == "one two!"
        assert int(page.evaluate(shown)) >= int(turn)
        assert (
            page.evaluate("document.querySelector('#studio-page img').alt")
            == page.locator("#studio-page .gv-label").inner_text()
        )


def test_a_comparison_that_is_asked_for_before_the_kept_theta_arrives_shows_it_then(chromium: Any, studio: str) -> None:
    with visit(chromium) as page:
        open_studio(page, studio, TEXT)
        page.wait_for_timeout(1000)  # the events of the opening are over
        held: list[Any] = []
        page.route("**/run/predict*", lambda route: held.append(route), times=1)
        page.get_by_role("button", name="Keep this θ to compare").click()
        while not held:
            page.wait_for_timeout(50)
        page.locator("#studio-view label").last.click()
        page.locator("#studio-page").get_by_text("Keep a θ first").wait_for()
        held[0].continue_()
        page.locator("#studio-page").get_by_role("slider").wait_for()


def test_a_word_of_the_page_is_found_in_the_source_and_selected_in_the_box(chromium: Any, studio: str) -> None:
    with visit(chromium) as page:
        open_studio(page, studio, TEXT)
        word = next(word for word in render(TEXT)[0].words if word.text == "possession")
        point_at(page, word)
        assert page.evaluate(MARKED) == "possession"
        page.mouse.down()
        page.mouse.up()
        box = "document.querySelector('#studio-text textarea')"
        assert page.evaluate(f"{box}.value.slice({box}.selectionStart, {box}.selectionEnd)") == "possession"


def test_a_wrong_value_is_said_at_its_field_and_goes_when_it_is_mended(chromium: Any, studio: str) -> None:
    with visit(chromium) as page:
        open_studio(page, studio)
        size = page.locator("#field-font_size input[type=number]")
        size.fill("0")
        said = page.locator("#error-font_size")
        said.wait_for()
        assert "font_size=0" in said.inner_text()
        assert size.get_attribute("aria-invalid") == "true"
        size.fill("9")
        said.wait_for(state="detached")


def test_a_link_restores_the_text_and_theta_and_exports_say_the_same(chromium: Any, studio: str) -> None:
    with visit(chromium) as page:
        open_studio(page, studio, f"{HOSTILE} one two")
        page.locator("#field-font_size input[type=number]").fill("11")
        page.get_by_text("Export, and a link to this").click()
        command = page.locator("#studio-command textarea")
        there = "document.querySelector('#studio-command textarea')?.value.includes('font_size=11')"
        assert eventually(page, there, True)
        assert "font_size=11" in page.locator("#studio-python textarea").input_value()
        assert json.loads(page.locator("#studio-json textarea").input_value())["font_size"] == 11
        assert command.input_value().startswith("glyphrender ")
        page.locator("#studio-make-link").click()
        link = "document.querySelector('#studio-link input, #studio-link textarea')?.value"
        assert eventually(page, f"({link} ?? '').startsWith('{studio}?')", True)
        address = page.evaluate(link)
    with visit(chromium) as page:
        page.goto(address)
        assert eventually(page, SOURCE, f"{HOSTILE} one two")
        assert page.locator("#field-font_size input[type=number]").input_value() == "11"


def test_what_is_wrong_with_a_link_stays_after_the_figures_came(chromium: Any, studio: str) -> None:
    with visit(chromium) as page:
        page.goto(f"{studio}?dpi=banana")
        assert eventually(page, "/banana/.test(document.querySelector('#studio-told')?.textContent)", True)
        before = page.evaluate(RHO)
        size = page.locator("#field-font_size input[type=number]")
        size.fill("20")
        size.press("Tab")
        assert eventually(page, f"{RHO} !== {before!r}", True)
        assert "dpi='banana' is not a number" in page.locator("#studio-told").inner_text()


def test_two_visitors_do_not_disturb_each_other(chromium: Any, studio: str) -> None:
    with visit(chromium) as one, visit(chromium) as two:
        open_studio(one, studio, "the text of one")
        open_studio(two, studio, "what two has written")
        one.locator("#field-font_size input[type=number]").fill("20")
        assert eventually(one, "document.querySelector('#studio-page img').width > 0", True)
        two.locator("#studio-text textarea").press("Control+End")
        two.keyboard.type("!")
        assert eventually(two, SOURCE, "what two has written!")
        assert one.evaluate(SOURCE) == "the text of one"
        assert two.locator("#field-font_size input[type=number]").input_value() == "9"


def test_files_of_an_opened_folder_have_their_paths_and_hidden_folders_are_left_out(
    chromium: Any, studio: str, tmp_path: Path
) -> None:
    for name in ("one/init.py", "two/init.py", ".git/config.py"):
        (tmp_path / "code" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "code" / name).write_text(f"# {name}")
    with visit(chromium) as page:
        open_studio(page, studio)
        with page.expect_file_chooser() as chooser:
            page.locator("#studio-folder").click()
        chooser.value.set_files(tmp_path / "code")
        shown = "==> code/one/init.py <==\n# one/init.py\n\n==> code/two/init.py <==\n# two/init.py\n"
        assert eventually(page, SOURCE, shown)


def test_two_thetas_are_compared_by_a_wipe_that_keys_move(chromium: Any, studio: str) -> None:
    with visit(chromium) as page:
        open_studio(page, studio, TEXT)
        page.locator("#studio-keep").click()
        page.get_by_role("button", name="Kept.").wait_for()  # Gradio's events run side by side
        page.locator("#field-font_size input[type=number]").fill("12")
        page.get_by_label("Compare", exact=True).check()
        slider = page.locator("#studio-page").get_by_role("slider")
        slider.press("Home")  # a drawing that comes meanwhile may put another slider there, and keeps the place
        assert eventually(page, "document.querySelector('#studio-page [role=slider]').ariaValueNow", "0")
        image = "document.querySelector('#studio-page img').src"
        page.evaluate(f"() => {{ window.before = {image} }}")
        page.locator("#field-font_size input[type=number]").fill("14")  # the page changes below the slider
        assert eventually(page, f"{image} !== window.before", True)
        assert slider.get_attribute("aria-valuenow") == "0"


def test_the_page_is_shown_as_the_model_sees_it(chromium: Any, studio: str) -> None:
    with visit(chromium) as page:
        open_studio(page, studio, TEXT)
        page.get_by_label("As the model sees it").check()
        assert eventually(page, "document.querySelector('#studio-page').innerText.includes('glm-4.1v sees')", True)
        point_at(page, next(word for word in render(TEXT)[0].words if word.text == "possession"))
        assert page.evaluate(MARKED) == "possession"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_of_the_studio_have_contrast(chromium: Any, studio: str, scheme: str) -> None:
    with visit(chromium, color_scheme=scheme) as page:
        open_studio(page, studio)
        assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
        assert page.evaluate(CONTRAST, 4.5) == []


def test_the_studio_fits_a_phone(chromium: Any, studio: str) -> None:
    with visit(chromium, **PHONE) as page:
        open_studio(page, studio)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        image = page.locator("#studio-page .gv-page img").bounding_box()
        assert image["x"] >= 0
        assert image["x"] + image["width"] <= 360
        places = page.evaluate(
            """["source", "page", "figures", "preset", "foremost", "models", "export"].map(
              name => document.getElementById(`studio-${name}`).getBoundingClientRect().top)"""
        )
        assert places == sorted(places)


def test_the_studio_says_which_fields_a_proposal_changed_and_why_a_json_is_not_used(chromium: Any, studio: str) -> None:
    with visit(chromium) as page:
        open_studio(page, studio, TEXT)
        said = "document.querySelector('#studio-preset').innerText"
        assert "A θ to begin with" in page.evaluate(said)
        page.get_by_text("Fit a target, or ask for a proposal").click()
        page.locator("#studio-propose").click()
        assert eventually(page, f"/fields differ from it: page_size/.test({said})", True)
        page.get_by_text("Export, and a link to this").click()
        page.locator("#studio-json textarea").fill('{"dpi": 0}')
        page.locator("#studio-use").click()
        told = page.locator("#studio-unused li")
        told.wait_for()
        page.wait_for_timeout(500)  # the page and the figures come after it
        assert "dpi=0" in told.inner_text()
