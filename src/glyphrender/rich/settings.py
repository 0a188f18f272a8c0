"""`MarkupSettings`: how markup is set. θ has a field for each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from glyphrender.theta import Highlighting, LinkTargets, Theta, ThetaLike


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkupSettings:
    """How markup is set.

    Attributes:
        links: whether the target of a link is drawn behind its text.
        heading_size: size of a heading of level 1, as a multiple of the text; 1 sets headings by weight alone. The
            sizes of the other levels lie between it and 1.
        highlighting: how code, differences and the colors of terminals are set.
        flows: whether a line end does not end a line, so that the text has no blocks and no tables.
        ink: color of the text, as "#RRGGBB".
        paper: color behind the text.
    """

    links: LinkTargets = LinkTargets.HIDE
    heading_size: float = 1.0
    highlighting: Highlighting = Highlighting.GREY
    flows: bool = False
    ink: str = "#000000"
    paper: str = "#FFFFFF"

    @classmethod
    def of(cls, theta: ThetaLike) -> Self:
        """Return how `theta` sets markup.

        Raises:
            ThetaError: `theta` is not valid.
        """
        theta = Theta.of(theta)
        return cls(
            links=theta.link_targets,
            heading_size=theta.heading_size,
            highlighting=theta.highlighting,
            flows=theta.newline_marker is not None,
            ink=theta.font_color,
            paper=theta.background,
        )

    @property
    def is_dark(self) -> bool:
        """Whether the text is lighter than what is behind it."""
        return _lightness(self.ink) > _lightness(self.paper)


def _lightness(color: str) -> int:
    """Return the luma (Rec. 601) of "#RRGGBB", from 0 to 255,000."""
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return 299 * red + 587 * green + 114 * blue
