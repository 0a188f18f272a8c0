"""The values that follow from the fields of θ: the geometry of a page, and its colors and markers.

They follow from the fields alone, so the line width of a page does not depend on which font was found. Lengths are
points unless named otherwise.
"""

from __future__ import annotations

from glyphrender.theta import color as colors
from glyphrender.theta import newline_markup as markup
from glyphrender.theta.choices import Emoji, PageNumber, ParagraphIds
from glyphrender.theta.fields import ThetaFields


class DerivedValues(ThetaFields):
    """The fields of a θ, and the values that follow from them."""

    __slots__ = ()

    # ── Geometry, in points unless named otherwise ──

    @property
    def scale(self) -> float:
        """Pixels per point."""
        return self.dpi / 72

    @property
    def page_pixels(self) -> tuple[int, int]:
        """Width and height, in pixels, of a page that is not cropped; rounded up to multiples of `page_grid`."""
        width, height = (max(1, round(side * self.dpi / 72)) for side in self.page_size)
        return width + -width % self.page_grid, height + -height % self.page_grid

    @property
    def font_pixels(self) -> float:
        """Em size of the text in pixels."""
        return self.font_size * self.scale

    @property
    def column_count(self) -> int:
        """Number of columns; 1 where the text is to decide. The pages of a text have the θ with its decision."""
        return 1 if isinstance(self.columns, str) else self.columns

    @property
    def column_width(self) -> float:
        """Width of one column, including its gutter and borders."""
        columns = 1 if isinstance(self.columns, str) else self.columns
        return (self.page_size[0] - 2 * self.margin_x - self.column_gap * (columns - 1)) / columns

    @property
    def column_offsets(self) -> tuple[float, ...]:
        """Distance of each column's left edge from the left edge of the page."""
        step = self.column_width + self.column_gap
        return tuple(self.margin_x + step * column for column in range(self.column_count))

    @property
    def column_height(self) -> float:
        """Height between the top and bottom margins."""
        return self.page_size[1] - 2 * self.margin_y

    @property
    def gutter(self) -> float:
        """Width reserved beside each column for line numbers or paragraph ids, and their gap to the text.

        Line numbers stand at the left, and the id of a paragraph at the side where its lines start. Each character gets
        0.7 em, because the digits of the bundled fonts are 0.5 to 0.66 em wide. The gap gets 0.8 em. A paragraph id has
        3 digits.
        """
        characters = self.line_numbers
        if self.paragraph_ids is not ParagraphIds.NONE:
            characters = len(self.paragraph_label.replace("{id}", "000"))
        return (0.7 * characters + 0.8) * self.em if characters else 0.0

    @property
    def has_margin_texts(self) -> bool:
        """Whether page numbers or a running header stand in the margins above or below the text."""
        return self.page_number is not PageNumber.NONE or bool(self.page_header)

    @property
    def em(self) -> float:
        """Width of one em of text, with `horizontal_scale` applied."""
        return self.font_size * self.horizontal_scale

    @property
    def inset(self) -> float:
        """Distance from the edge of a paragraph's box to its text, on each side: border and padding."""
        return self.border_width + self.border_padding

    @property
    def text_offset(self) -> float:
        """Distance from the left edge of a column to the start of its lines, without `first_line_indent`.

        If a paragraph that runs from right to left has an id, its gutter is at the right, and the distance smaller.
        """
        return self.gutter + self.left_indent + self.inset

    @property
    def measure(self) -> float:
        """Width to which lines are broken. The first line of a paragraph is narrower by `first_line_indent`."""
        return self.column_width - self.text_offset - self.right_indent - self.inset

    # ── Other values that follow from the fields ──

    @property
    def furniture_edge(self) -> float:
        """Distance from the upper or lower edge of the page to the text in that margin, which is `font_size` high."""
        return (self.margin_y - self.font_size) / 2

    def page_label_width(self, number: int) -> float:
        """Return the width reserved for `page_label` on page `number`: 0.7 em a character, as in `gutter`."""
        return 0.7 * self.em * len(self.page_label.replace("{page}", str(number)))

    @property
    def background(self) -> str:
        """Color behind the text: the paragraph's color if there is one, else the page's."""
        return self.para_bg_color or self.page_bg_color

    @property
    def newline_marker(self) -> tuple[str, str] | None:
        """Text and color of the marker that a newline becomes, or None if a newline breaks the line."""
        return markup.newline_marker(self.newline_markup, self.font_color)

    @property
    def is_grey(self) -> bool:
        """Whether one channel can hold the page. It can if every color that may be drawn is neutral."""
        marker = self.newline_marker
        drawn = [self.page_bg_color, self.background, self.font_color]
        drawn += [self.para_border_color] if self.border_width else []
        drawn += [marker[1]] if marker else []
        return self.emoji is not Emoji.COLOR and all(map(colors.is_grey, drawn))

    @property
    def axes(self) -> dict[str, float]:
        """`font_axes` as axis tag → value."""
        settings = (setting.split("=") for setting in self.font_axes.split(",") if setting)
        return {tag: float(value) for tag, value in settings}
