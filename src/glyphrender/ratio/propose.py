"""Propose θ for a text: the flow, the columns and the preset that cost least above a smallest size of type.

The kind of the text (look.py) says which presets and flows are candidates. Each candidate is aligned to the model, and
its ρ is computed; nothing is drawn. A candidate whose type the model would see below `min_font_pixels` is never
proposed, and the reason names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from glyphrender._system.arguments import TEXT, checked, instance
from glyphrender._system.counts import as_number
from glyphrender.document.layout import check_text
from glyphrender.errors import ThetaError, VisionModelError, shown
from glyphrender.fonts import font_stack
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import TokenizerLike
from glyphrender.models.vision import vision_model
from glyphrender.raster.typesetter import Typesetter
from glyphrender.ratio.align import align
from glyphrender.ratio.costs import LEAST_FONT_PIXELS
from glyphrender.ratio.look import LookKind, look
from glyphrender.ratio.ratio import compression_ratio
from glyphrender.rich.rich_text import RichText, drawn_of
from glyphrender.text.source import TextLike, whole
from glyphrender.theta import Cells, Theta, ThetaLike

__all__ = ["Alternative", "Proposal", "better_flow", "chosen", "needs_cells", "propose"]

#: Characters of a text by which the candidates are compared. They are those of its beginning.
COMPARED: Final = 100_000

# The presets for each kind of text, and for Chinese in place of those of prose.
_PRESETS: Final = {
    LookKind.PROSE: ("glyph-en", "dense"),
    LookKind.WRAPPED: ("glyph-en", "dense"),
    LookKind.CHAT: ("glyph-en", "dense"),
    LookKind.CODE: ("code", "code-flow"),
    LookKind.LOG: ("log",),
    LookKind.TABLE: ("code",),
}
_CHINESE: Final = ("glyph-zh", "dense-zh")
# Lines of other kinds are never joined.
_PROSE: Final = (LookKind.PROSE, LookKind.WRAPPED, LookKind.CHAT)
# How a text may flow: what sets paragraphs apart. The first is the text as it is. The first two suit code too.
_FLOWS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"blank_lines": "HALF"},
    {"blank_lines": "INDENT"},
    {"blank_lines": "MARK"},
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Alternative:
    """A candidate that was compared.

    Attributes:
        name: its preset, and the fields that were changed.
        theta: the rendering parameters, aligned to the model.
        rho: ρ of the compared part of the text.
        font_pixels: em size of the type, in pixels, as the model sees it.
        legible: whether this is not below the smallest size that was asked for.
    """

    name: str
    theta: Theta
    rho: float
    font_pixels: float
    legible: bool


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Proposal:
    """The outcome of `propose`.

    Attributes:
        theta: the proposed rendering parameters.
        kind: the kind of the text.
        reason: why, in words.
        alternatives: all candidates, the one with the highest ρ first.

    >>> from glyphrender import propose
    >>> propose("It is a truth universally acknowledged. " * 90).kind.value
    'prose'
    """

    theta: Theta
    kind: LookKind
    reason: str
    alternatives: tuple[Alternative, ...]

    def __repr__(self) -> str:
        return f"<Proposal: {self.reason}>"

    def _repr_html_(self) -> str:
        from glyphrender.ratio.tables import proposal_table
        from glyphrender.report.notebook import cell

        return cell(self.reason, proposal_table(self))


def propose(
    text: TextLike | RichText,
    *,
    model: str | VisionModel = "glm-4.1v",
    tokenizer: TokenizerLike | None = None,
    min_font_pixels: float = LEAST_FONT_PIXELS,
    typesetter: Typesetter | None = None,
) -> Proposal:
    """Return the θ under which `text` costs least, among the presets and flows for its kind.

    Args:
        text: the text. A stream is read into memory. Lines of a rich text are never joined, and its blocks are kept.
        model, tokenizer, typesetter: see `compression_ratio`.
        min_font_pixels: the smallest em of the text, in pixels, as the model sees it.

    Raises:
        ThetaError: `min_font_pixels` is not a number above 0, or no candidate has type of that size.
        VisionModelError, TokenizerError, DependencyError, DataError: see `compression_ratio`.

    >>> proposal = propose("It is a truth universally acknowledged.\\n\\n" * 90, model="qwen3-vl")
    >>> proposal.kind.value, proposal.theta.blank_lines.value
    ('prose', 'MARK')
    """
    check_text(text)
    if not 0 < as_number(min_font_pixels) < inf:
        raise ThetaError(
            f"min_font_pixels={shown(min_font_pixels)} is not a number above 0. Leave it out for "
            f"{LEAST_FONT_PIXELS:g}.",
            field="min_font_pixels",
        )
    vision = vision_model(model)
    text = text if isinstance(text, RichText) else whole(text)
    seen = look(drawn_of(text))
    part = text[: text.cut_before(COMPARED)] if isinstance(text, RichText) else text[:COMPARED]
    found = []
    for name, theta in _candidates(drawn_of(part), seen.kind, seen.columns):
        if isinstance(part, RichText) and (theta.newline_marker or theta.unwrap or theta.blank_lines.value != "KEEP"):
            continue
        try:
            aligned = align(theta, vision)
            ratio = compression_ratio(
                part, theta=aligned, model=vision, tokenizer=tokenizer, over_limit="ignore", typesetter=typesetter
            )
        except VisionModelError:
            continue  # the model takes no pages of this form
        pixels = ratio.font_pixels
        found.append(
            Alternative(
                name=name, theta=aligned, rho=ratio.rho, font_pixels=pixels, legible=pixels >= min_font_pixels - 1e-6
            )
        )
    found.sort(key=lambda each: -each.rho)
    best = next((each for each in found if each.legible), None)
    if best is None:
        largest = max((each.font_pixels for each in found), default=0.0)
        raise ThetaError(
            f"min_font_pixels={min_font_pixels:g}: no preset for {seen.kind.value} has type so large (the largest is "
            f"{largest:.2f} px). Ask for less, or pass a θ of your own.",
            field="min_font_pixels",
        )
    return Proposal(
        theta=best.theta,
        kind=seen.kind,
        reason=_reason(best, found, seen.kind, seen.reason, min_font_pixels),
        alternatives=tuple(found),
    )


def chosen(theta: ThetaLike, text: TextLike | RichText, model: str | VisionModel = "glm-4.1v") -> Theta:
    """Return the θ that `theta` stands for. "auto" and "auto@model" are what is proposed for `text`.

    Raises:
        ThetaError: `theta` is not valid, or it is "auto" and the text is a stream, of which only a part is known.
    """
    if not isinstance(theta, str) or theta.partition("@")[0] != "auto":
        return Theta.of(theta)
    if not isinstance(text, str | RichText):
        raise ThetaError('theta="auto" looks at the whole text. Pass the text as one str.', field="theta")
    return propose(text, model=theta.partition("@")[2] or model).theta


@checked(theta=instance("a Theta", Theta), text=TEXT)
def better_flow(theta: Theta, text: str, **options: Any) -> Alternative | None:
    """Return the flow under which `text` costs at least a twentieth less than under `theta`, or None.

    Only fields that say how lines flow are changed: the type, and what the model sees of it, stay as they are.
    `options` are those of `compression_ratio`.
    """
    if theta.unwrap or theta.blank_lines.value != "KEEP" or theta.newline_marker:
        return None
    part = text[:COMPARED]
    as_it_is = compression_ratio(part, theta=theta, over_limit="ignore", **options)
    if not as_it_is.pages:
        return None
    best: Alternative | None = None
    for fields in filter(None, _flows(look(text).kind)):  # without the text as it is
        try:
            changed = theta.replace(**fields)
        except ThetaError:
            continue
        ratio = compression_ratio(part, theta=changed, over_limit="ignore", **options)
        if ratio.rho > 1.05 * max(as_it_is.rho, best.rho if best else 0.0):
            best = Alternative(
                name=_named(fields), theta=changed, rho=ratio.rho, font_pixels=ratio.font_pixels, legible=True
            )
    return best


def needs_cells(text: str, theta: Theta) -> str:
    """Return why `text` asks for a monospaced font, if it is code, a log or a table and `theta` has another one.

    >>> needs_cells("name,age\\nAda,36\\nGrace,85\\n", Theta())
    'a table (100% of the lines have 2 cells)'
    >>> needs_cells("name,age\\nAda,36\\nGrace,85\\n", Theta.preset("code"))
    ''
    """
    seen = look(text[:COMPARED])
    if seen.kind in _PROSE or theta.cells is Cells.GRID:
        return ""
    font = font_stack(theta.font, weight=theta.font_weight, italic=theta.font_italic, axes=theta.font_axes)
    article = "" if seen.kind is LookKind.CODE else "a "
    return "" if font.primary.is_monospaced else f"{article}{seen.kind.value} ({seen.reason})"


def _flows(kind: LookKind) -> Iterator[dict[str, Any]]:
    """Yield the flows for a kind of text. Lines of code, logs and tables are never joined."""
    yield from _FLOWS if kind in _PROSE else _FLOWS[:2]
    if kind is LookKind.WRAPPED:
        yield from ({"unwrap": True, **flow} for flow in _FLOWS)


def _candidates(text: str, kind: LookKind, columns: int) -> Iterator[tuple[str, Theta]]:
    """Yield (name, θ) of each candidate."""
    chinese = sum("\u4e00" <= character <= "\u9fff" for character in text[:20_000])
    prose = kind in _PROSE
    presets = _CHINESE if prose and 4 * chinese > len(text[:20_000]) else _PRESETS[kind]
    for preset in presets:
        theta = Theta.preset(preset)
        flows = [{}] if theta.newline_marker else _flows(kind)
        for fields in flows:
            with suppress(ThetaError):  # a log does not flow
                yield " ".join(filter(None, (preset, _named(fields)))), theta.replace(**fields)
        if not prose and not theta.newline_marker:
            yield from _in_columns(preset, theta, columns)


def _in_columns(preset: str, theta: Theta, columns: int) -> Iterator[tuple[str, Theta]]:
    """Yield the preset with columns="auto", on its own pages and on those with room for 1, 2, 3 such lines."""
    yield f"{preset} columns=auto", theta.replace(columns="auto")
    cell = 0.605 * theta.em + theta.letter_spacing  # the advance of monospaced faces of the bundle, 0.6 em
    width = theta.gutter + (columns + 0.5) * cell
    for count in (1, 2, 3):
        page = count * width + (count - 1) * theta.column_gap + 2 * theta.margin_x
        if columns and page <= 2 * max(theta.page_size):
            yield (
                f"{preset} columns=auto on pages {page:.0f} pt wide, for {columns} characters a line",
                theta.replace(columns="auto", page_size=(max(page, 8.0), theta.page_size[1])),
            )


def _named(fields: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in fields.items())


def _reason(best: Alternative, found: list[Alternative], kind: LookKind, why: str, least: float) -> str:
    """Return the reason of a proposal as one sentence, with the costs of what was not chosen."""
    as_it_is = next((each for each in found if each.name == best.name.split(" ")[0]), None)
    text = f"{kind.value} ({why}): {best.name} has ρ {best.rho:.2f} at {best.font_pixels:.2f} px"
    if as_it_is is not None and as_it_is is not best:
        text += f", and {as_it_is.rho:.2f} with its lines as they are"
    smaller = next((each for each in found if not each.legible and each.rho > best.rho), None)
    if smaller is not None:
        text += f"; {smaller.name} has ρ {smaller.rho:.2f}, but type of {smaller.font_pixels:.2f} px, below {least:g}"
    return text
