"""Rich text that grows: the pages are those of the whole text, and layout goes on near its end."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from fuzz_rich import document
from rich_documents import random_rich, same

from glyphrender import RichText, Style, Theta, Typesetter, from_markdown, render
from glyphrender.typeset.resumed import place_of

CHAT = "## Turn {0}\n\nSome *words* of turn {0}, and `code`.\n\n> quoted {0}\n>\n> twice\n\n- one\n- two {0}\n\n"
TABLE = "| a | b |\n|---|---|\n" + "".join(f"| r{row} | words of row {row} |\n" for row in range(12)) + "\n"
SMALL = Theta(page_size=(200, 70), margin_x=4, margin_y=12)
FIELDS: list[dict[str, Any]] = [
    {},
    {"leading": "FIT", "columns": 2, "column_gap": 4},
    {"line_numbers": 3, "page_header": "{section} · {page}"},
    {"paragraph_ids": "MARGIN", "page_number": "TOP_RIGHT"},
    {"alignment": "JUSTIFY", "line_breaker": "OPTIMAL", "border_width": 1, "space_before": 3},
]


def check_grown(old: RichText, added: str | RichText, theta: Theta, *, tolerance: int = 0) -> int:
    """Check that `old` grown by `added` has the pages of the whole, and return how many pages did not change."""
    grown, whole = render(old, theta), render(RichText.joined([old, added]), theta)
    outcome = grown.extend_text(added)
    same(list(grown), list(whole), tolerance=tolerance)
    assert grown.text == whole.text
    return outcome.unchanged


@pytest.mark.parametrize("fields", FIELDS, ids=str)
def test_a_rich_text_that_grows_has_the_pages_of_the_whole(fields: dict[str, Any]) -> None:
    theta = SMALL.replace(**fields)
    chat = "".join(map(CHAT.format, range(5)))
    for text, added in (
        (chat, from_markdown(CHAT.format(99))),
        (chat + TABLE, from_markdown(TABLE)),
        (chat + "e", "nd\n"),
    ):
        check_grown(from_markdown(text), added, theta)


def test_pages_far_from_the_end_are_not_laid_out_again() -> None:
    old, added = from_markdown("".join(map(CHAT.format, range(40)))), from_markdown(CHAT.format(40))
    assert check_grown(old, added, SMALL) > 30
    pages = list(Typesetter().layout_pages(old, SMALL))
    place = place_of(RichText.joined([old, added]), len(old), pages)
    assert place.page > len(pages) - 6
    assert place.start > len(old) - 1000


def test_a_color_in_what_is_appended_colors_all_pages() -> None:
    old = from_markdown("".join(map(CHAT.format, range(3))))
    check_grown(old, RichText("red\n", [(0, 3, Style(color="#cc0000"))]), SMALL)


@pytest.mark.slow
def test_any_rich_text_grows() -> None:
    for seed in range(12):
        random = Random(seed)
        (one, theta), (two, _) = document(random), document(random)
        theta = theta.replace(ansi="ESCAPE", carriage_return="LINE", newline_markup="<br/>", page_size=(90, 40))
        old, added = random_rich(one * 2, random, blocks=seed % 2 == 0), random_rich(two, random)
        check_grown(old, added, theta, tolerance=16)


def test_a_column_of_a_table_that_grows_wider_is_a_page_that_changes() -> None:
    theta = SMALL.replace(markup="MARKDOWN", auto_crop_width=False)
    old, added = "| a | b |\n|---|---|\n" + "| w | x |\n" * 9, "| w | a longer cell |\n"
    document = render(old, theta)
    assert document.extend_text(added).unchanged == 0  # the rule below the head is longer, and no letter has moved
    same(list(document), list(render(old + added, theta)))


def test_a_row_behind_the_head_of_another_table_is_not_the_first_that_is_set_anew() -> None:
    theta = Theta(page_size=(120, 50), margin_y=12, line_height=14, space_after=2, border_width=1)
    old = from_markdown("> | a | b |\n> |---|---|\n| c | d |\n|---|---|\n\n|---|\n\n")  # the room of a rule is above c
    check_grown(old, RichText(""), theta)
