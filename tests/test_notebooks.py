"""Values show themselves in notebooks, within bounds and without markup; bars; the notebooks of docs run."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import search_judge
from eval_judge import POSER, Parrot, codes
from every_report import ATTACK
from PIL import Image

from glyphrender import DataError, Theta, VisionModelError, compression_ratio, fit, propose, render, worth_it
from glyphrender.evals.arms import conditions_of
from glyphrender.evals.efficiency.expected import expected
from glyphrender.evals.runner import run
from glyphrender.ratio.bench import bench
from glyphrender.report.notebook import MOST_ROWS, cell, plot_image, strip
from glyphrender.report.progress import is_watched, progress_bar
from glyphrender.report.tables import ReportTable

NOTEBOOKS = Path(__file__).parents[1] / "docs/notebooks"
TEXT = search_judge.TEXT


class Shown(HTMLParser):
    """Elements, attributes and texts of what a notebook shows."""

    def __init__(self, shown: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(shown)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_fit_for_a_notebook(shown: str) -> Shown:
    found = Shown(shown)
    assert not set(found.tags) & {"script", "iframe", "link", "svg", "object", "a"}
    assert {name for name, _ in found.attributes} <= {"class", "style", "scope", "alt", "src"}
    assert all((value or "").startswith("data:image/") for name, value in found.attributes if name == "src")
    assert len(shown) < 1_000_000
    return found


# -- what is shown -----------------------------------------------------------------------------------


def test_a_document_shows_a_strip_of_its_first_pages_and_says_what_follows() -> None:
    document = render(TEXT)
    shown = assert_fit_for_a_notebook(document._repr_html_())
    assert shown.tags.count("img") == 4
    assert "there are more" in shown.text
    assert f"{len(TEXT):,} characters" in shown.text
    assert "5 pages so far" in repr(document)  # one more than is shown, and no other, was laid out
    alone = assert_fit_for_a_notebook(render("one")._repr_html_())
    assert alone.tags.count("img") == 1
    assert "1 page." in alone.text
    assert "0 pages." in assert_fit_for_a_notebook(render("")._repr_html_()).text


def test_large_pages_of_a_strip_are_made_smaller() -> None:
    noise = "".join(chr(0x4E00 + at * 7919 % 20_000) for at in range(9_000))
    for theta in (Theta(dpi=300, font_size=6, line_height=7), Theta(dpi=300, font_color="#c80000")):
        shown = render(noise, theta)._repr_html_()
        found = assert_fit_for_a_notebook(shown)
        for name, value in found.attributes:
            if name == "src":
                image = Image.open(io.BytesIO(base64.b64decode((value or "").partition(",")[2])))
                assert max(image.size) <= 842


def test_a_page_shows_its_own_pixels() -> None:
    page = render(TEXT)[0]
    assert page._repr_png_() == page.png()


def test_results_show_their_tables() -> None:
    ratio = compression_ratio(TEXT, model="qwen3-vl")
    shown = assert_fit_for_a_notebook(ratio._repr_html_())
    assert shown.tags.count("table") == 2
    assert f"{ratio.rho:.2f}" in shown.text
    worth = worth_it(TEXT, model="qwen3-vl")
    assert f"pages save {worth.saved:,} of" in assert_fit_for_a_notebook(worth._repr_html_()).text
    assert "pages cost" in worth_it("a")._repr_html_()
    found = fit(TEXT, rho=3)
    assert found.reason in assert_fit_for_a_notebook(found._repr_html_()).text
    proposal = propose(TEXT)
    stars = re.findall(r"★ ([^\n]*?) \d", assert_fit_for_a_notebook(proposal._repr_html_().replace("</th>", " ")).text)
    assert len(stars) == 1
    assert stars[0].strip() == next(each.name for each in proposal.alternatives if each.theta == proposal.theta)
    tables = assert_fit_for_a_notebook(expected("glm-4.1v-9b", "rtx-4090", 3.3)._repr_html_())
    assert (tables.tags.count("table"), tables.tags.count("img")) == (1, 1)


def test_a_search_and_a_run_show_their_plots_and_tables(tmp_path: Path) -> None:
    result = search_judge.a_search(search_judge.Judge(), rounds=1, steps=9)
    shown = assert_fit_for_a_notebook(result._repr_html_())
    assert (shown.tags.count("table"), shown.tags.count("img")) == (1, 1)
    assert result.knee().digest[:10] in shown.text
    found = run(
        codes(2), Parrot(), conditions=conditions_of(["text"], []), poser=POSER, replies=tmp_path / "replies.sqlite"
    )
    shown = assert_fit_for_a_notebook(found._repr_html_())
    assert (shown.tags.count("table"), shown.tags.count("img")) == (1, 1)


def test_no_text_becomes_markup_in_a_notebook() -> None:
    long = ReportTable(columns=(ATTACK, "b"), rows=[(ATTACK, ATTACK)] * (MOST_ROWS + 7), caption=ATTACK, kinds=())
    picture = render("a")[0].png()
    shown = assert_fit_for_a_notebook(cell(ATTACK, long, strip([(picture, ATTACK)]), plot_image("<svg/>", alt=ATTACK)))
    assert shown.tags.count("tr") == 1 + MOST_ROWS
    assert "… and 7 more rows" in shown.text
    assert shown.tags.count("img") == 2
    assert_fit_for_a_notebook(bench({ATTACK: TEXT}, thetas={ATTACK: "dense"}, models=["glm-4.1v"])._repr_html_())
    assert_fit_for_a_notebook(render(ATTACK)._repr_html_())


def test_notebooks_are_shown_without_ipython_and_pandas() -> None:
    program = (
        "import sys; from glyphrender import *; t = 'It was the best of times. ' * 99; render(t)._repr_html_();"
        "compression_ratio(t)._repr_html_(); propose(t)._repr_html_();"
        "print(*[name for name in ('IPython', 'pandas', 'tqdm', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


# -- bench -------------------------------------------------------------------------------------------


def test_bench_has_a_line_for_each_text_theta_and_model() -> None:
    told: list[tuple[int, int]] = []
    found = bench(
        {"a": TEXT, "b": TEXT[:3000]},
        thetas=["dense", Theta(font_size=8)],
        models=["glm-4.1v", "claude"],
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(done, 8) for done in range(1, 9)]
    first = found.lines[0]
    theta = Theta.preset("dense").align_to("glm-4.1v")
    assert first.ratio == compression_ratio(TEXT, theta=theta, model="glm-4.1v", over_limit="ignore")
    assert len(repr(found).splitlines()) == 1 + 1 + 8
    assert found.plot().count("<title>a, dense, glm-4.1v") == 1
    for wrong in ({"thetas": []}, {"models": "glm-4.1v"}, {"models": []}):
        with pytest.raises(DataError, match="nothing to compare"):
            bench(TEXT, **wrong)  # type: ignore[arg-type]


def test_bench_finds_an_unknown_model_before_it_begins() -> None:
    told: list[int] = []
    with pytest.raises(VisionModelError, match="no-such-model"):
        bench(
            TEXT, thetas=["dense"], models=["claude", "no-such-model"], progress=lambda done, total: told.append(done)
        )
    assert not told


# -- bars --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", ["none", "writes alone", "closed"])
def test_nobody_watches_a_stderr_that_is_no_terminal(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    streams = {"none": None, "writes alone": SimpleNamespace(write=lambda text: None), "closed": closed}
    monkeypatch.setattr(sys, "stderr", streams[stream])
    assert not is_watched()


def test_a_bar_is_shown_only_to_who_can_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setitem(sys.modules, "IPython", None)
    monkeypatch.delitem(sys.modules, "IPython")
    assert not is_watched()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=1)))  # type: ignore[arg-type]
    assert is_watched()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))  # type: ignore[arg-type]
    assert not is_watched()
    monkeypatch.setattr(stderr, "isatty", lambda: True, raising=False)
    assert is_watched()


def test_a_bar_counts_and_a_function_of_the_caller_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    tqdm = pytest.importorskip("tqdm.auto")
    seen: list[Any] = []

    class Fake:
        def __init__(self, **given: Any) -> None:
            self.n, self.total = 0, given["total"]
            seen.append(self)

        def set_postfix_str(self, words: str, refresh: bool) -> None:
            self.words = words

        def update(self, more: int) -> None:
            self.n += more

        def close(self) -> None:
            self.closed = True

    monkeypatch.setattr(tqdm, "tqdm", Fake)
    search_judge.a_search(search_judge.Judge(), rounds=1, steps=4, progress=True)
    (bar,) = seen
    assert 0 < bar.n <= bar.total
    assert bar.closed
    told: list[Any] = []
    search_judge.a_search(search_judge.Judge(), rounds=1, steps=4, progress=told.append)
    search_judge.a_search(search_judge.Judge(), rounds=1, steps=4, progress=False)
    assert told
    assert len(seen) == 1


def test_without_tqdm_work_goes_on_without_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with progress_bar("work", unit="step", asked=True) as tell:
        tell(1, 2, "words")


# -- the notebooks of docs ---------------------------------------------------------------------------


def test_a_notebook_begins_with_what_it_needs_and_stays_small() -> None:
    found = sorted(NOTEBOOKS.glob("*.ipynb"))
    assert [each.name for each in found] == ["first-pages.ipynb", "from-text-to-sft.ipynb", "rho-for-your-model.ipynb"]
    for path in found:
        assert path.stat().st_size < 200_000
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert cells[0]["cell_type"] == "markdown"
        assert "Install: `pip install 'glyphrender[" in "".join(cells[0]["source"])
        assert all(each["execution_count"] is None for each in cells if each["cell_type"] == "code")
        for link in re.findall(r"\]\(([^)#]+)\)", "".join("".join(each["source"]) for each in cells)):
            assert (NOTEBOOKS / link).exists(), link


@pytest.mark.slow
@pytest.mark.parametrize("name", ["first-pages", "rho-for-your-model", "from-text-to-sft"])
def test_a_notebook_runs_and_prints_what_is_committed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nbclient", reason="nbclient is missing: pip install nbclient ipykernel")
    pytest.importorskip("ipykernel", reason="ipykernel is missing: pip install nbclient ipykernel")
    import nbformat

    monkeypatch.syspath_prepend(str(NOTEBOOKS))
    import execute

    path = NOTEBOOKS / f"{name}.ipynb"
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    assert execute.printed(execute.executed(path)) == execute.printed(nbformat.read(path, as_version=4))
