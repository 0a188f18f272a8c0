"""`columns="auto"`: as many columns as 95% of the lines allow, however the text arrives."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from glyphrender import (
    Document,
    Part,
    RichText,
    Style,
    Theta,
    Typesetter,
    compression_ratio,
    fit,
    from_markdown,
    layout,
    layout_each,
    propose,
    render,
)
from glyphrender.errors import ThetaError
from glyphrender.rich.drawn_text import DrawnText
from glyphrender.search.axes import varied
from glyphrender.typeset.auto_columns import LOOK

AUTO = Theta(columns="auto", page_size=(400, 300))
SHORT = "".join(f"a line with {number} words\n" for number in range(900))
MIXED = "".join(f"a line with {number} words\n" + "long " * (40 * (number % 25 == 0)) + "\n" for number in range(200))


def whole(text: str, theta: Theta) -> float:
    """The share of the lines with ink that are on one line of a page."""
    lines = [line for page in layout(text, theta) for line in page.lines]
    broken = {text.count("\n", 0, line.start) for line in lines if not line.text.endswith("\n")}
    return 1 - len(broken) / sum(1 for line in text.split("\n") if line.strip())


@pytest.mark.parametrize("text", [SHORT, MIXED])
@pytest.mark.parametrize("fields", [{}, {"line_numbers": 3}, {"cells": "GRID"}, {"left_indent": 9.0}])
def test_95_percent_of_the_lines_are_whole_and_no_further_column_fits(text: str, fields: dict[str, Any]) -> None:
    theta = render(text, AUTO.replace(**fields)).theta
    assert theta.columns > 1
    assert whole(text, theta) >= 0.95
    try:
        more = theta.replace(columns=theta.column_count + 1)
    except ThetaError:
        return
    assert whole(text, more) < 0.95


@pytest.mark.slow
def test_streams_chunks_copies_and_batches_have_the_same_columns() -> None:
    text = MIXED * 12
    assert len(text) > LOOK
    document = render(text, AUTO)
    expected = [(page.span, page.size, page.theta) for page in document]
    assert document.theta.columns > 1
    pieces = [text[at : at + 977] for at in range(0, len(text), 977)]
    for pages in (
        layout(text, AUTO),
        layout(iter(pieces), AUTO),
        layout([Part(name="a"), *pieces], AUTO),
        layout(text, AUTO, typesetter=Typesetter(chunk_size=500)),
        layout_each(["x", text], AUTO)[1],
        pickle.loads(pickle.dumps(document)),
        Document.read(iter(pieces), AUTO),
        render(text, document.theta),
    ):
        assert [(page.span, page.size, page.theta) for page in pages] == expected


def test_the_look_is_taken_at_the_beginning_alone() -> None:
    text = SHORT * (LOOK // len(SHORT) + 1)
    assert render(text + "long " * 50_000, AUTO).theta == render(text, AUTO).theta
    assert render("long " * LOOK + SHORT, AUTO).theta.columns == 1
    assert render("", AUTO).theta.columns == 1
    assert render("\n\n\n", AUTO).theta.columns == 1


@pytest.mark.slow
def test_rich_text_has_the_columns_of_its_styles_and_its_tables() -> None:
    plain = render(SHORT, AUTO).theta.column_count
    large = RichText(SHORT, [(0, len(SHORT), Style(letter_spacing=1.0))])
    assert 1 <= render(large, AUTO).theta.column_count < plain
    assert render(RichText(SHORT, [(0, 5, Style(weight=700))]), AUTO).theta.column_count == plain
    rows = "| a | b |\n|---|---|\n" + "| some words here | some more words |\n" * 50
    theta = render(from_markdown(rows), AUTO).theta
    assert theta.column_count == 2
    marked = AUTO.replace(markup="MARKDOWN")
    assert render(rows, marked).theta.column_count == 2
    assert next(layout(iter([rows]), marked)).theta.column_count == 2


def test_auto_is_a_value_of_theta_in_json_and_on_the_command_line() -> None:
    assert Theta(columns="AUTO").columns == "auto"
    assert Theta.of({"columns": "auto"}) == Theta(columns="auto") != Theta()
    assert Theta.of(json.loads(AUTO.to_json())) == AUTO
    assert AUTO.digest != AUTO.replace(columns=1).digest
    assert repr(Theta(columns="auto")) == "Theta(columns='auto')"
    with pytest.raises(ThetaError, match='a whole number from 1 to 50, or "auto"'):
        Theta(columns="many")  # type: ignore[arg-type]
    assert varied("columns=1|2|auto").values == (1, 2, "auto")


@pytest.mark.slow
def test_ratio_fit_and_propose_take_it() -> None:
    ratio = compression_ratio(SHORT, theta=AUTO, model="qwen3-vl")
    assert ratio.rho == compression_ratio(SHORT, theta=render(SHORT, AUTO).theta, model="qwen3-vl").rho
    assert ratio.rho > 1.5 * compression_ratio(SHORT, theta=AUTO.replace(columns=1), model="qwen3-vl").rho
    fitted = fit(SHORT, theta=AUTO, model="qwen3-vl", rho=1.5 * ratio.rho)
    assert fitted.theta.columns == "auto"
    assert compression_ratio(SHORT, theta=fitted.theta, model="qwen3-vl").rho >= 1.5 * ratio.rho
    assert any(
        "columns=auto" in each.name for each in propose("x = 1\ny = f(x)\n" * 300, model="qwen3-vl").alternatives
    )


@pytest.mark.slow
def test_a_document_that_grows_keeps_its_columns(tmp_path: Path) -> None:
    document = render(SHORT, AUTO)
    columns = document.theta.columns
    document.extend_text("long " * 5000)
    assert {page.theta.columns for page in document} == {columns}
    joined = Document.joined([(SHORT, AUTO), ("long " * 50, AUTO)])
    assert [section.theta.columns for section in joined.sections] == [columns, 1]
    joined.extend_text(SHORT)
    assert [page.theta.columns for page in joined][-1] == 1
    document.save(tmp_path / "out")
    assert render(SHORT, AUTO).save(tmp_path / "two", jobs=2)["theta"]["columns"] == columns


def test_a_rich_text_is_prepared_once_for_the_look_and_for_all_layouts(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(text: RichText) -> DrawnText:
        made.append(text)
        return DrawnText(text)

    monkeypatch.setattr("glyphrender.typeset.layout.DrawnText", counted)
    rich, typesetter = from_markdown("# Head\n\n" + "some *words*\n\n" * 50), Typesetter()
    pages = [list(layout(rich, {"columns": "auto", "font_size": size}, typesetter=typesetter)) for size in (7, 8)]
    assert len(made) == 1
    assert typesetter.nbytes > len(rich)
    typesetter.clear()
    again = list(layout(rich, {"columns": "auto", "font_size": 7}, typesetter=typesetter))
    assert len(made) == 2
    assert [page.span for page in again] == [page.span for page in pages[0]]
