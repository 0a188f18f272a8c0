"""The report of a search says what its journal holds, shows the pixels that the model sees, and needs nothing else."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import search_judge
import sheets
from PIL import Image

from glyphrender import DataError, Theta, compression_ratio, render
from glyphrender.models.vision import vision_model
from glyphrender.ocr.legibility import seen_image
from glyphrender.ocr.tesseract import Tesseract
from glyphrender.search.baselines import KINDS, PIXELPROMPT, PXPIPE, baseline_thetas, baselines
from glyphrender.search.candidate import Candidate
from glyphrender.search.evaluation import Evaluation
from glyphrender.search.front_table import front_table
from glyphrender.search.plot import Baseline, front_plot
from glyphrender.search.report import journal_result, report_page, seen_crop, write_report
from glyphrender.search.result import ErrorSource, SearchResult
from glyphrender.search.workers import Work

GLM = vision_model("glm-4.1v")
PROSE = search_judge.TEXT.replace("\n", " ")
SVG = "{http://www.w3.org/2000/svg}"
NAMED = (
    Baseline(name="<Glyph> & others", rho=2.5, evaluation=Evaluation(error=0.004, low=0.002, high=0.006, samples=9)),
)


class Parts(HTMLParser):
    """Attributes and texts of the elements of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))
        if tag in ("pre", "style", "script", "title"):
            self._open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]][-1] += data


@pytest.fixture(scope="session")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report") / "journal.jsonl"


@pytest.fixture(scope="session")
def result(journal: Path) -> SearchResult:
    return search_judge.a_search(search_judge.Judge(), rounds=2, steps=25, journal=journal)


def page_of(result: SearchResult, **changes: object) -> str:
    given = {"winner": result.knee(), "text": PROSE, "model": GLM, "baselines": NAMED}
    return report_page(result, **(given | changes))  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_journal_gives_what_its_search_gave(journal: Path, result: SearchResult) -> None:
    found = journal_result(journal)
    assert found.front == result.front
    assert found.candidates == result.candidates
    assert (found.samples, found.hypervolumes) == (result.samples, result.hypervolumes)


def test_a_front_that_is_not_what_was_asked_for_says_so(tmp_path: Path) -> None:
    """Where all read worse on the final sample than is of use, the front has the errors of that sample."""

    class Lucky(search_judge.Judge):
        def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
            found = super().__call__(theta, samples=samples, seed=seed)
            return found if samples < 48 else replace(found, error=found.error + 0.3, low=0.2, high=0.5)

    journal = tmp_path / "journal.jsonl"
    result = search_judge.a_search(Lucky(), rounds=1, steps=25, journal=journal)
    assert result.error_source is ErrorSource.ABOVE
    assert result.front
    assert all(each.error > 0.3 and each.evaluation and each.evaluation.samples == 48 for each in result.front)
    assert [each.error for each in result.front] == sorted(each.error for each in result.front)
    assert [each.rho for each in result.front] == sorted(each.rho for each in result.front)
    assert replace(journal_result(journal), stopped="", seconds=0) == replace(result, stopped="", seconds=0)
    write_report(tmp_path, result, winner=result.knee(), text=PROSE, model=GLM)
    statement = "No candidate of the final sample is within max_error."
    assert statement in (tmp_path / "report.html").read_text("utf-8")
    assert (tmp_path / "front.md").read_text("utf-8").startswith(f"**{statement}")


@pytest.mark.slow
def test_a_search_under_way_says_that_its_front_was_not_read_again(
    tmp_path: Path, journal: Path, result: SearchResult
) -> None:
    lines = journal.read_text("utf-8").splitlines(keepends=True)
    last = [number for number, line in enumerate(lines) if '"samples": 48' in line]
    part = tmp_path / "journal.jsonl"
    for whole in (last[0], last[-1]):  # before the final sample, and when all but one of it were read
        part.write_text("".join(lines[:whole]), "utf-8")
        found = journal_result(part)
        assert found.error_source is ErrorSource.SEARCH
        assert all(each.evaluation and each.evaluation.samples == 16 for each in found.front)
        assert ErrorSource.SEARCH.caveat in page_of(found)
    assert journal_result(journal).error_source is result.error_source is ErrorSource.READ_AGAIN
    assert 'class="standing"' not in page_of(result)


@pytest.mark.slow
def test_a_page_needs_nothing_else(result: SearchResult) -> None:
    page = page_of(result, title="<b>", note="{{plot}} & more")
    parts = Parts(page)
    policy = next(values["content"] for tag, values in parts.attributes if "content" in values and "src" in str(values))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    for _, values in parts.attributes:
        assert not (values.get("src") or "data:").startswith("http")
        assert (values.get("href") or "#")[0] == "#"
    assert "url(" not in parts.texts["style"][0]
    assert parts.texts["title"][0] == "<b>"
    assert "{{plot}} &amp; more" in page
    assert "&lt;Glyph&gt; &amp; others" in page


def test_every_theta_can_be_copied_and_is_itself(result: SearchResult) -> None:
    *fronts, winner = [Theta.from_dict(json.loads(text)) for text in Parts(page_of(result)).texts["pre"]]
    assert winner == result.knee().theta
    assert {theta.digest for theta in fronts} <= {each.digest for each in result.front}
    assert len(fronts) == min(12, len(result.front)) or winner in fronts


def test_crops_are_the_pixels_that_the_model_sees(result: SearchResult) -> None:
    sources = [values["src"] for tag, values in Parts(page_of(result)).attributes if tag == "img"]
    first = min(result.front, key=lambda each: each.rho)
    data = base64.b64decode((sources[0] or "").split(",")[1])
    shown = np.asarray(Image.open(io.BytesIO(data)))
    assert sources[0] == sources[1]
    seen = [np.asarray(seen_image(page, GLM)) for page in render(PROSE, first.theta)]
    assert any(_holds(page, shown) for page in seen)


def _holds(page: np.ndarray, part: np.ndarray) -> bool:
    """Whether `part` is somewhere in `page`: its row of most ink says where."""
    height, width = part.shape
    row = int(part.sum(axis=1).argmin())
    for y in range(len(page) - height + 1):
        x = page[y + row].tobytes().find(part[row].tobytes())
        if x >= 0 and np.array_equal(page[y : y + height, x : x + width], part):
            return True
    return False


def test_crops_begin_with_the_same_words() -> None:
    """As tesseract reads them: type of 16 px and of 18 px, in one column and in two, on the grid and resized."""
    pytest.importorskip("tesserocr")
    text = re.sub(r"(?<!\n)\n(?!\n)", " ", search_judge.TEXT)
    first, *others = [
        Tesseract()(seen_crop(text, theta, GLM, size=(260, 46)))
        for theta in (
            Theta(font_size=16, line_height=20),
            Theta(font_size=18, line_height=24, columns=2, page_size=(900, 600)),
            Theta(font_size=16, line_height=20, page_size=(611, 417)),
        )
    ]
    assert " ".join(first.split()[:3]) in text
    for other in others:
        assert other.split()[:3] == first.split()[:3]


def test_a_text_of_one_word_and_an_empty_front(result: SearchResult) -> None:
    assert seen_crop("word", Theta(), GLM).size[1] <= 72
    with pytest.raises(DataError, match="front is empty"):
        page_of(replace(result, front=()), winner=result.knee())


def test_the_table_has_a_row_each_and_its_bars_are_not_those_of_readers(result: SearchResult) -> None:
    found = replace(result.front[0].evaluation or Evaluation(error=0, low=0, high=0, samples=1))
    confused = replace(
        found, details={"confusions": [["I", "|", 3], ["", "`", 2]], "identifiers": {"exact": 3, "of": 4}}
    )
    front = [replace(result.front[0], evaluation=confused), *result.front[1:]]
    lines = front_table(front, winner=front[0], baselines=NAMED).markdown().splitlines()
    assert len(lines) == 2 + len(front) + 1
    assert all(line.replace("\\|", "").count("|") == 10 for line in lines)
    assert "| ★ " in lines[2]
    assert "3 of 4" in lines[2]
    assert "I→\\| 3, ∅→\\` 2" in lines[2]


def test_the_plot_has_all_points_and_error_by_its_logarithm(result: SearchResult) -> None:
    root = ElementTree.fromstring(front_plot(result.candidates, result.front, winner=result.knee(), baselines=NAMED))
    titles = [title.text or "" for title in root.iter(f"{SVG}title")]
    read = [each for each in result.candidates if each.evaluation is not None]
    outside = [text.text for text in root.iter(f"{SVG}text") if (text.text or "").endswith("lie outside")]
    hidden = int((outside[0] or "").split()[0]) if outside else 0
    assert sum(title.startswith(tuple(each.digest[:10] for each in read)) for title in titles) == len(read) - hidden
    assert sum(title.startswith("<Glyph> & others: ρ 2.50") for title in titles) == 1


def test_a_tenth_of_the_errors_is_the_same_way_down() -> None:
    front = [
        Candidate(
            theta=Theta(font_size=size, line_height=12),
            origin="random",
            round=1,
            step=size,
            rho=float(12 - size),
            evaluation=Evaluation(error=error, low=error / 2, high=error * 2, samples=3),
        )
        for size, error in ((8, 0.1), (9, 0.01), (10, 0.001), (11, 0.0))
    ]
    root = ElementTree.fromstring(front_plot(front, front))
    heights = [float(circle.attrib["cy"]) for circle in root.iter(f"{SVG}circle") if circle.attrib["r"] == "6"]
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1], abs=0.2)
    assert heights[3] == max(heights)  # no error at all: on the floor


def test_a_plot_of_one_theta_and_of_none() -> None:
    for number in (0, 1):
        one = Candidate(
            theta=Theta(),
            origin="random",
            round=1,
            step=1,
            rho=3.0,
            evaluation=Evaluation(error=0, low=0, high=0, samples=1),
        )
        assert ElementTree.fromstring(front_plot([one][:number], [one][:number])).tag == f"{SVG}svg"


def test_files_are_written_or_nothing_is(result: SearchResult, tmp_path: Path) -> None:
    given = {"winner": result.knee(), "text": PROSE, "model": "glm-4.1v"}
    write_report(tmp_path, result, **given)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["front.md", "front.svg", "report.html"]
    with pytest.raises(DataError, match="cannot be written"):
        write_report(tmp_path / "no-such", result, **given)


def test_baselines_stand_on_the_scales_of_a_search() -> None:
    work = Work(texts=(PROSE,), model=GLM, tokenizer=None, evaluator=search_judge.Judge())
    named = baselines(baseline_thetas(), work, samples=2, seed=0)
    assert [each.name for each in named] == list(baseline_thetas())
    for each in named:
        theta = baseline_thetas()[each.name]
        assert each.rho == pytest.approx(compression_ratio(PROSE, theta=theta, model=GLM).rho, rel=1e-5)
        assert each.evaluation == search_judge.Judge()(theta, samples=2, seed=0)
    assert all(baseline_thetas(kind) for kind in KINDS)


def test_what_others_set_is_what_they_say() -> None:
    """pxpipe: 312 × 90 cells of 5 × 8 px of two colors. pixelprompt: 194 lines of 8 px, 259 characters."""
    page = render(PROSE * 3, PXPIPE)[0]
    assert page.size == (1568, 728)
    assert len(page.lines) == 90
    assert max(len(line.text.rstrip()) for line in page.lines) <= 312
    assert set(np.unique(page.array)) == {0, 255}
    assert {(line.box[1] - 4) % 8 for line in page.lines} == {0}
    page = render(PROSE * 3, PIXELPROMPT)[0]
    assert page.size == (1564, 1562)
    assert len(page.lines) == 194
    assert 255 <= max(len(line.text.rstrip()) for line in page.lines) <= 259


@pytest.mark.slow
def test_passages_are_the_same_letters_for_every_setting() -> None:
    """Who reads nothing gets all letters wrong; large type is read; columns and marks change neither."""
    for theta in (
        Theta(font_size=15, line_height=20, page_size=(588, 840)),
        Theta(font_size=15, line_height=20, page_size=(1120, 588), columns=2),
        Theta(font_size=15, line_height=20, newline_markup="↵"),
    ):
        setting = sheets.by_theta("", search_judge.TEXT, theta, GLM)
        blind = sheets.read(setting, lambda image: "", passages=3, seed=1)
        assert blind.wrong == blind.letters
        assert max(blind.letters) == sheets.PASSAGE
        read = sheets.read(setting, Tesseract(), passages=3, seed=1)
        assert read.letters == blind.letters
        assert read.rate < 0.01
    assert sheets.places(10_000, 5, 1) == sheets.places(10_000, 9, 1)[:5]


@pytest.mark.slow
def test_the_command_reports_and_reports_again(tmp_path: Path) -> None:
    (tmp_path / "novel.txt").write_text(PROSE, encoding="utf-8")
    (tmp_path / "judge.py").write_text("def judge(theta, *, samples, seed):\n    return 0.5 / theta.font_size**2\n")
    settings = ["--evaluator", "judge:judge", "--vary", "font_size=6:11:0.5", "--space", "none", "-j", "1"]
    for extra in (["--rounds", "1", "--steps", "9", "--baselines", "prose"], ["--report", "--at-rho", "2.5"]):
        command = [sys.executable, "-m", "glyphrender", "search", "novel.txt", *settings, *extra]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=600)
        assert done.returncode == 0, done.stderr
        assert "search/report.html" in done.stdout
        page = (tmp_path / "search/report.html").read_text(encoding="utf-8")
        assert ("pxpipe-like" in page) == ("--baselines" in extra)
        assert Theta.load(tmp_path / "search/theta.json") == Theta.from_dict(json.loads(Parts(page).texts["pre"][-1]))
