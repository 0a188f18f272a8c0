"""A keystroke sends an edit alone, and is answered as if all widgets had been sent."""

from __future__ import annotations

import copy
import gc
import re
from collections.abc import Callable

import pytest

from glyphrender.studio import replies
from glyphrender.studio.choices import WIDGETS
from glyphrender.studio.handlers import Handlers, Settings
from glyphrender.studio.sitting import AHEAD, Sitting, Typing, marked
from glyphrender.studio.widget_updates import SKIP, sizes_of
from glyphrender.theta import Theta

TEXT = "It is a truth universally acknowledged, that a single man must be in want of a wife. " * 40
STATIC = ["qwen3-vl"], "", 1, replies.VIEWS[0], None, replies.KEPT


def widgets(text: str, fields: tuple[object, ...], *, follow: bool = False, shown: Theta | None = None) -> list[object]:
    """Values of all widgets, as Gradio passes them with an event that moves a field."""
    return [text, None, "", "", *STATIC, follow, sizes_of(shown or Theta()), *fields]


class Slow(Handlers):
    """Handlers whose work takes until something else has happened."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def draw(self, *values: object) -> tuple[object, ...]:
        found = super().draw(*values)
        meanwhile, Slow.meanwhile = Slow.meanwhile, staticmethod(lambda: None)
        meanwhile()
        return found


def test_a_keystroke_is_drawn_and_counted_under_the_fields_that_were_moved_before() -> None:
    typing, handlers = Typing(Handlers(Settings())), Handlers(Settings())
    theta = Theta(font_size=7, line_height=8, columns=2, page_number="TOP_LEFT")
    fields = Sitting.of(theta).fields
    sitting = Sitting.of(Theta())
    typing.draw_moved(sitting, *widgets(TEXT, fields))
    few = widgets(f"x{TEXT}", fields)[:AHEAD]
    page, problems, *_ = handlers.draw(*widgets(f"x{TEXT}", fields))
    assert page not in (SKIP, handlers.draw(*widgets(f"x{TEXT}", Sitting.of(Theta()).fields))[0])
    wanted = tuple(marked(html, sitting.name, 2) for html in (page, problems))
    assert typing.draw_typed(sitting, *few) == wanted
    assert typing.draw_text(sitting, f"x{TEXT}") == tuple(html.replace('"2"', '"3"', 1) for html in wanted)
    figures, notices, _, python, command = handlers.count(*widgets(f"x{TEXT}", fields))
    assert typing.count_typed(sitting, *few) == (figures, notices, python, command)


def test_a_keystroke_keeps_the_line_height_that_followed_the_font_size() -> None:
    typing, sitting = Typing(Handlers(Settings())), Sitting.of(Theta())
    moved = tuple(Sitting.of(Theta(font_size=9, line_height=10)).fields)
    moved = tuple(18.0 if name == "font_size" else value for name, value in zip(WIDGETS, moved, strict=True))
    typing.draw_moved(sitting, *widgets(TEXT, moved, follow=True))
    assert dict(zip(WIDGETS, sitting.fields, strict=True))["line_height"] == pytest.approx(20)


def test_a_wrong_field_is_told_again_after_a_keystroke_and_the_page_stays() -> None:
    typing, sitting = Typing(Handlers(Settings())), Sitting.of(Theta())
    wrong = tuple(0 if name == "dpi" else value for name, value in zip(WIDGETS, sitting.fields, strict=True))
    typing.draw_moved(sitting, *widgets(TEXT, wrong))
    page, problems = typing.draw_typed(sitting, *widgets("x", wrong)[:AHEAD])
    assert page == SKIP
    assert 'data-field="dpi"' in problems
    assert typing.count_typed(sitting, *widgets("x", wrong)[:AHEAD]) == (SKIP,) * 4


def test_an_answer_that_a_later_event_overtook_leaves_the_page_alone() -> None:
    typing, sitting = Typing(Slow(Settings())), Sitting.of(Theta())
    few = widgets(TEXT, sitting.fields)[:AHEAD]
    later: list[object] = []
    fields = Sitting.of(Theta(columns=3)).fields
    Slow.meanwhile = staticmethod(lambda: later.extend(typing.draw_moved(sitting, *widgets(TEXT, fields))))
    assert typing.draw_typed(sitting, *few) == (SKIP, SKIP)
    assert later[0] != SKIP
    Slow.meanwhile = staticmethod(lambda: later.append(typing.draw_typed(sitting, *few)))
    page, problems, height, sizes = typing.draw_moved(sitting, *widgets(TEXT, fields))
    assert (page, problems) == (SKIP, SKIP)  # but the line height and the sizes are those of this event
    assert height == SKIP
    assert sizes == sizes_of(Theta())


def test_the_sittings_of_two_visitors_stay_apart() -> None:
    typing, first = Typing(Handlers(Settings())), Sitting.of(Theta())
    ann, bob = copy.deepcopy(first), copy.deepcopy(first)
    typing.draw_moved(ann, *widgets(TEXT, Sitting.of(Theta(columns=2)).fields))
    assert (bob.fields, first.fields) == (Sitting.of(Theta()).fields,) * 2
    turn = bob.turn("page")
    typing.draw_typed(ann, *widgets(TEXT, ann.fields)[:AHEAD])
    assert bob.is_latest("page", turn)
    assert len({ann.name, bob.name, first.name}) == 3


def test_a_visitor_is_known_by_name_while_gradio_keeps_the_sitting() -> None:
    typing = Typing(Handlers(Settings()))
    first = Sitting.of(Theta(), among=typing.sittings)
    visitor = copy.deepcopy(first)
    assert typing.sittings[visitor.name] is visitor
    name = visitor.name
    del visitor
    gc.collect()
    assert list(typing.sittings) == [first.name] != [name]


def test_a_page_that_the_visitor_sees_is_not_drawn_again_and_any_other_is() -> None:
    typing, sitting = Typing(Handlers(Settings())), Sitting.of(Theta())
    few = widgets(TEXT, sitting.fields)[:AHEAD]
    with pytest.raises(LookupError):
        typing.draw_text(sitting, TEXT)
    assert typing.follow_typed(sitting, "", *few)[0] != SKIP
    typed = ["x" + TEXT, *few[1:]]

    def mark() -> str:
        """The mark of a page that was drawn just now."""
        page, _ = typing.draw_text(sitting, typed[0])
        found = re.match(r'<div data-sitting="([^"]+)" data-turn="(\d+)">', page or "")
        assert found
        return ":".join(found.groups())

    page, problems, *counted = typing.follow_typed(sitting, mark(), *typed)
    assert (page, problems) == (SKIP, SKIP)
    assert tuple(counted) == typing.count_typed(sitting, *typed)
    before = mark()
    for seen, told in (
        (before, typed),  # the answer was lost
        ("", typed),  # a browser without the script
        (mark().replace(sitting.name, "another"), typed),  # the server was started anew
        (mark(), few),  # another text
        (mark(), [*typed[:6], 2, *typed[7:]]),  # another page
    ):
        assert typing.follow_typed(sitting, seen, *told)[0] != SKIP


def test_after_a_theta_was_kept_a_comparison_is_drawn_with_it_and_no_other_view_is_drawn_again() -> None:
    typing, sitting = Typing(Handlers(Settings())), Sitting.of(Theta())
    values = widgets(TEXT, sitting.fields)
    values[7] = replies.VIEWS[2]
    asked_too_early = typing.draw_moved(sitting, *values)[0]
    assert "Keep a θ first" in asked_too_early
    values[8] = Theta(font_size=12, line_height=13)
    assert "font_size 12.0" in typing.draw_kept(sitting, *values)[0]
    turn = sitting.turn("page")
    assert typing.draw_kept(sitting, *widgets(TEXT, sitting.fields)) == (SKIP,) * 4
    assert sitting.is_latest("page", turn)
