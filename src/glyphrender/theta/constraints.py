"""Constraints between fields of θ: values that are valid alone but impossible together.

The error of each rule names the field to change first, the values that clash, and the way out. The rules are checked
when a θ is made, so layout never gets a page on which no line fits. No rule opens a font. If a rule needs a width, it
counts in ems.
"""

from __future__ import annotations

import os
from typing import Final

from glyphrender.errors import ThetaError, shown
from glyphrender.theta.choices import BlankLines, CarriageReturn, Indentation, Markup, Overlap, PageNumber, ParagraphIds
from glyphrender.theta.color import contrast
from glyphrender.theta.derived import DerivedValues

# WCAG asks for 4.5 for body text and 3 for large type. 1.5 is far below both, so that low contrast can be studied. Only
# pages that nobody can want are refused.
MIN_CONTRAST = 1.5

# A grey page of 100 megapixels takes 100 MB. A3 at 600 dpi has 70 megapixels. GLYPHRENDER_MAX_MEGAPIXELS overrides this
# limit.
MAX_MEGAPIXELS = 100.0

# A quarter em is the narrowest advance of the bundled fonts (the i of DejaVu Sans Condensed). Taking away more could
# move the pen backwards.
MIN_TRACKING = -0.25


def check(theta: DerivedValues) -> None:
    """Refuse fields that contradict each other.

    Raises:
        ThetaError: two or more fields contradict each other; `.field` is the field to change first. The message is
            about every rule that does not hold.
    """
    wrong = []
    for rule in _RULES:
        try:
            rule(theta)
        except ThetaError as error:
            wrong.append(error)
    if wrong:
        raise ThetaError.joined(wrong)


def _lines_overlap(theta: DerivedValues) -> None:
    if theta.line_height < theta.font_size and theta.overlap is Overlap.FORBID:
        raise ThetaError(
            f"line_height={theta.line_height} pt is below font_size={theta.font_size} pt: "
            f'lines would overlap. Use line_height ≥ {theta.font_size}, or set overlap="allow".',
            field="line_height",
        )


def _letters_overlap(theta: DerivedValues) -> None:
    least = MIN_TRACKING * theta.em
    for field, total in (
        ("letter_spacing", theta.letter_spacing),
        ("word_spacing", theta.word_spacing + theta.letter_spacing),
    ):
        if total < least:
            value = getattr(theta, field)
            raise ThetaError(
                f"{field}={value} pt takes {-total:g} pt off each advance, more than a quarter of the "
                f"{theta.em:g} pt em: glyphs would overlap. Use {field} ≥ {value + least - total:g}.",
                field=field,
            )


def _no_room_across(theta: DerivedValues) -> None:
    hang = -theta.first_line_indent - theta.left_indent
    if hang > 0:
        raise ThetaError(
            f"first_line_indent={theta.first_line_indent} pt hangs {hang:g} pt out of the column. "
            f"Use left_indent ≥ {-theta.first_line_indent:g}.",
            field="first_line_indent",
        )
    room = theta.measure - max(0.0, theta.first_line_indent)
    if room < theta.em:
        # Name the field that takes the most room. If none takes much, the type is too large.
        taken = {
            "margin_x": 2 * theta.margin_x,
            "columns": theta.column_gap * (theta.column_count - 1),
            "line_numbers" if theta.line_numbers else "paragraph_ids": theta.gutter * theta.column_count,
            "left_indent": theta.left_indent * theta.column_count,
            "right_indent": theta.right_indent * theta.column_count,
            "first_line_indent": max(0.0, theta.first_line_indent) * theta.column_count,
            "border_padding": 2 * theta.border_padding * theta.column_count,
            "border_width": 2 * theta.border_width * theta.column_count,
        }
        field = max(taken, key=lambda name: taken[name])
        if taken[field] < theta.page_size[0] / 4:
            field = "columns" if theta.column_count > 1 else "font_size"
        width = theta.page_size[0] + (theta.em - room) * theta.column_count
        raise ThetaError(
            f"{field}={getattr(theta, field)}: a column has {room:g} pt for text, less than one em "
            f"({theta.em:g} pt), on a page {theta.page_size[0]:g} pt wide. "
            f"Lower {field}, or use page_size[0] ≥ {width:g}.",
            field=field,
        )


def _no_room_down(theta: DerivedValues) -> None:
    needed = max(theta.line_height, theta.font_size)
    room = theta.column_height - 2 * theta.inset
    if room < needed:
        field = "margin_y" if 2 * theta.margin_y > theta.page_size[1] / 4 else "page_size"
        raise ThetaError(
            f"{field}={getattr(theta, field)}: {room:g} pt are left for lines of {needed:g} pt: none fits. "
            f"Use page_size[1] ≥ {theta.page_size[1] + needed - room:g}, or lower margins and borders.",
            field=field,
        )


def _flows_and_has_lines(theta: DerivedValues) -> None:
    fields = {"unwrap": theta.unwrap, "blank_lines": theta.blank_lines is not BlankLines.KEEP}
    for field, flows in fields.items():
        if flows and theta.carriage_return is CarriageReturn.OVERWRITE:
            raise ThetaError(
                f"{field} and carriage_return=OVERWRITE exclude each other: the lines of a terminal are not wrapped "
                f"prose. Use carriage_return=LINE, or leave {field} out.",
                field=field,
            )
        if flows and (theta.markup is not Markup.NONE or theta.indentation is not Indentation.KEEP):
            other = "indentation" if theta.markup is Markup.NONE else "markup"
            raise ThetaError(
                f"{field} and {other}={getattr(theta, other)} exclude each other: markup says which lines belong "
                f"together. Leave one of them out.",
                field=field,
            )


def _two_numbers_in_a_gutter(theta: DerivedValues) -> None:
    if theta.paragraph_ids is not ParagraphIds.NONE and theta.line_numbers:
        raise ThetaError(
            f"paragraph_ids={theta.paragraph_ids} and line_numbers={theta.line_numbers} exclude each other: both stand "
            f"beside the lines. Use line_numbers=0, or paragraph_ids=NONE.",
            field="paragraph_ids",
        )


def _no_room_in_the_margins(theta: DerivedValues) -> None:
    if not theta.has_margin_texts:
        return
    if theta.margin_y < theta.font_size:
        numbered = theta.page_number is not PageNumber.NONE
        what = f"page_number={theta.page_number}" if numbered else f"page_header={shown(theta.page_header)}"
        away = "page_number=NONE" if numbered else 'page_header=""'
        raise ThetaError(
            f"margin_y={theta.margin_y} pt has no room for {what}, which is "
            f"{theta.font_size:g} pt high. Use margin_y ≥ {theta.font_size:g}, or {away}.",
            field="margin_y",
        )
    if theta.page_number is PageNumber.NONE:
        return
    room, needed = theta.page_size[0] - 2 * theta.margin_x, theta.page_label_width(1)
    if room < needed:
        raise ThetaError(
            f"page_label={shown(theta.page_label)} needs {needed:g} pt, and the page has {room:g} pt between its "
            f"margins. Use a shorter page_label, or page_size[0] ≥ {theta.page_size[0] + needed - room:g}.",
            field="page_label",
        )


def _unreadable(theta: DerivedValues) -> None:
    behind = "para_bg_color" if theta.para_bg_color else "page_bg_color"
    inks = {"font_color": theta.font_color}
    if marker := theta.newline_marker:
        inks["newline_markup"] = marker[1]
    for field, ink in inks.items():
        ratio = contrast(ink, theta.background)
        if ratio < MIN_CONTRAST:
            raise ThetaError(
                f"{field}: {ink} on {behind}={theta.background} has a contrast of {ratio:.2f} : 1: "
                f"unreadable. Use colors with a contrast of {MIN_CONTRAST} : 1 or more.",
                field=field,
            )
    if theta.has_margin_texts:
        ratio = contrast(theta.font_color, theta.page_bg_color)
        if ratio < MIN_CONTRAST:
            raise ThetaError(
                f"page_bg_color: page numbers and headers of {theta.font_color} on {theta.page_bg_color} have a "
                f"contrast of {ratio:.2f} : 1: unreadable. Use colors with a contrast of {MIN_CONTRAST} : 1 or more.",
                field="page_bg_color",
            )


def _too_many_pixels(theta: DerivedValues) -> None:
    width, height = theta.page_pixels
    limit = megapixel_limit()
    if width * height > limit * 1e6:
        raise ThetaError(
            f"page_size={theta.page_size[0]:g},{theta.page_size[1]:g} pt at dpi={theta.dpi:g} makes pages of "
            f"{width * height / 1e6:.0f} megapixels; the limit is {limit:g}. "
            f"Lower dpi or page_size, or raise GLYPHRENDER_MAX_MEGAPIXELS.",
            field="dpi",
        )


_RULES: Final = (
    _lines_overlap,
    _letters_overlap,
    _no_room_across,
    _no_room_down,
    _no_room_in_the_margins,
    _two_numbers_in_a_gutter,
    _flows_and_has_lines,
    _unreadable,
    _too_many_pixels,
)


def megapixel_limit() -> float:
    """Return the most megapixels that a page may have.

    Raises:
        ThetaError: GLYPHRENDER_MAX_MEGAPIXELS is set and not a number above 0.
    """
    setting = os.environ.get("GLYPHRENDER_MAX_MEGAPIXELS")
    if not setting:
        return MAX_MEGAPIXELS
    try:
        limit = float(setting)
    except ValueError:
        limit = 0.0
    if not limit > 0:
        raise ThetaError(
            f"GLYPHRENDER_MAX_MEGAPIXELS={setting!r} is not a number above 0. Unset it, or set 100.",
            field="dpi",
        )
    return limit
