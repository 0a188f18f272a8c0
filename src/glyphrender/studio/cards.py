"""Figures, problems and notices as HTML. All texts are escaped here, and no HTML holds a script.

The first model is the one that the visitor thinks of, so its ρ stands in large type. The other models follow as rows of
a table, the first one included, so that they can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from glyphrender.ratio.costs import LEAST_FONT_PIXELS
from glyphrender.ratio.fit import Fit
from glyphrender.ratio.propose import Proposal
from glyphrender.studio.fields import Problem
from glyphrender.studio.figures import Figures, verdict

__all__ = ["figures_html", "fit_html", "notices_html", "problems_html", "proposal_html"]

_NOT_DRAWN = "Not drawn. The page below is the last one that could be."
# Candidates of a proposal that a table shows.
_SHOWN = 10
_COLUMNS = (
    ("model", ""),
    ("ρ", "text tokens for each visual token"),
    ("text", "text tokens; ~ before a number that another model's tokenizer counted"),
    ("visual", "visual tokens of all pages"),
    ("+", "tokens around the images, which ρ leaves out"),
    ("pages", "an ! stands behind the number if a limit of the model is exceeded"),
    ("type px", "em of the type in pixels, as the model sees it"),
    ("chars/token", "characters of the text for each visual token"),
    ("as pages", "price of a request whose prompt is the pages"),
    ("as text", "price of a request whose prompt is the text"),
    ("worth it", "whether pages need fewer tokens than the text"),
)


def figures_html(found: Sequence[Figures]) -> str:
    """Return the figures of several models: the first in large type, and all in a table.

    >>> figures_html([])
    '<p class="gs-muted">Choose a model to see figures.</p>'
    """
    if not found:
        return '<p class="gs-muted">Choose a model to see figures.</p>'
    return f"{_headline(found[0])}{_table(found)}"


def problems_html(problems: Iterable[Problem], *, lead: str = _NOT_DRAWN) -> str:
    """Return a list of what is wrong below the sentence `lead`, each with the field it is about; "" if nothing is.

    The script of the studio shows each item at its field too, by `data-field`.

    >>> "<li data-field=\\"dpi\\">a &lt; b</li>" in problems_html([Problem(field="dpi", message="a < b")])
    True
    """
    items = "".join(_problem(each) for each in problems)
    if not items:
        return ""
    return f'<div class="gs-problems" role="alert"><strong>{escape(lead)}</strong><ul>{items}</ul></div>'


def notices_html(notices: Iterable[str]) -> str:
    """Return notices as short paragraphs.

    >>> notices_html(["a < b"])
    '<p class="gs-notice">a &lt; b</p>'
    """
    return "".join(f'<p class="gs-notice">{escape(each)}</p>' for each in notices)


def fit_html(found: Fit) -> str:
    """Return how `fit` met its target, and what the type that it found loses."""
    state = "Met" if found.met else "Not met"
    lines = [f'<p class="gs-{"good" if found.met else "bad"}"><strong>{state}.</strong> {escape(found.reason)}.</p>']
    if found.warning:
        lines.append(f'<p class="gs-bad">{escape(_sentence(found.warning))}</p>')
    return "".join(lines)


def proposal_html(found: Proposal) -> str:
    """Return why a θ was proposed, and the candidates that it was compared with."""
    rows = "".join(
        f"<tr{'' if each.legible else ' class=gs-dim'}><td>{escape(each.name)}</td><td>{each.rho:.2f}</td>"
        f"<td>{each.font_pixels:.2f}</td><td>{'' if each.legible else 'too small'}</td></tr>"
        for each in found.alternatives[:_SHOWN]
    )
    return (
        f"<p>{escape(_sentence(found.reason))}</p>"
        '<div class="gs-scroll"><table class="gs-table"><thead><tr><th scope="col">candidate</th>'
        '<th scope="col">ρ</th><th scope="col">type px</th><th scope="col"></th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _problem(problem: Problem) -> str:
    field = f' data-field="{escape(problem.field)}"' if problem.field else ""
    return f"<li{field}>{escape(problem.message)}</li>"


def _sentence(text: str) -> str:
    text = text if text.endswith(".") else f"{text}."
    return text[:1].upper() + text[1:]


def _headline(found: Figures) -> str:
    ratio = found.ratio
    good = "good" if found.worth_it else "bad"
    if ratio is None:
        return f'<p class="gs-verdict gs-bad">{escape(verdict(found))}</p>'
    cost = found.cost
    small = " gs-bad" if ratio.pages and ratio.font_pixels < LEAST_FONT_PIXELS else ""
    cells = [
        _cell("ρ", f"{ratio.rho:.2f}", "text tokens a visual token", big=True, id="studio-rho"),
        _cell("pages", f"{len(ratio.pages):,}", f"{ratio.characters:,} characters"),
        _cell("visual tokens", f"{ratio.visual_tokens:,}", f"for {ratio.text_tokens:,} of text"),
        _cell("type", f"{ratio.font_pixels:.1f} px", "as the model sees it", more=small),
        _cell("density", f"{ratio.characters_per_token:.1f}", "characters a token"),
    ]
    if cost is not None:
        cells.append(_cell("a request", _dollars(cost.as_pages), f"{_dollars(cost.as_text)} as text"))
    for limit in ratio.exceeds:
        cells.append(f'<p class="gs-bad">{escape(_sentence(limit))}</p>')
    return (
        f'<div class="gs-headline" aria-label="figures for {escape(found.asked)}">{"".join(cells)}</div>'
        f'<p class="gs-verdict gs-{good if ratio.pages else "muted"}"><strong>{escape(found.asked)}.</strong> '
        f"{escape(verdict(found))}</p>"
    )


def _cell(label: str, value: str, note: str, *, big: bool = False, id: str = "", more: str = "") -> str:
    name = f' id="{id}"' if id else ""
    return (
        f'<div class="gs-figure{" gs-big" if big else ""}{more}"><span class="gs-label">{escape(label)}</span>'
        f'<span class="gs-value"{name}>{escape(value)}</span><span class="gs-note">{escape(note)}</span></div>'
    )


def _table(found: Sequence[Figures]) -> str:
    heads = "".join(f'<th scope="col" title="{escape(about)}">{escape(name)}</th>' for name, about in _COLUMNS)
    rows = "".join(_row(each) for each in found)
    sources = "".join(
        f"<li>{escape(each.asked)}: ${each.price.rates.input:g} a million prompt tokens, "
        f"{escape('your price' if each.price.source == 'yours' else f'read {each.price.date} at {each.price.source}')}"
        "</li>"
        for each in found
        if each.price is not None
    )
    prices = f'<details class="gs-prices"><summary>Prices used</summary><ul>{sources}</ul></details>' if sources else ""
    return (
        '<div class="gs-scroll" tabindex="0" role="region" aria-label="Figures of all chosen models">'
        f'<table class="gs-table"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{prices}'
    )


def _row(found: Figures) -> str:
    ratio, cost = found.ratio, found.cost
    name = f'<th scope="row">{escape(found.asked)}</th>'
    if ratio is None:
        return f'<tr>{name}<td class="gs-left" colspan="{len(_COLUMNS) - 1}">{escape(found.refused)}</td></tr>'
    small = " class=gs-bad" if ratio.pages and ratio.font_pixels < LEAST_FONT_PIXELS else ""
    cells = (
        f"<td><strong>{ratio.rho:.2f}</strong></td>",
        f"<td>{'' if found.exact else '~'}{ratio.text_tokens:,}</td>",
        f"<td>{ratio.visual_tokens:,}</td>",
        f"<td>{ratio.overhead:,}</td>",
        f"<td>{len(ratio.pages):,}{'!' if ratio.exceeds else ''}</td>",
        f"<td{small}>{ratio.font_pixels:.1f}</td>",
        f"<td>{ratio.characters_per_token:.1f}</td>",
        f"<td>{'–' if cost is None else _dollars(cost.as_pages)}</td>",
        f"<td>{'–' if cost is None else _dollars(cost.as_text)}</td>",
        f'<td class="gs-{"good" if found.worth_it else "bad"}">{"yes" if found.worth_it else "no"}</td>'
        if ratio.pages
        else "<td>–</td>",
    )
    return f"<tr>{name}{''.join(cells)}</tr>"


def _dollars(value: float) -> str:
    """Return a sum of money: cents at least, and three digits of a smaller sum."""
    if value >= 1 or value <= 0:
        return f"${value:,.2f}"
    return f"${value:.{min(9, 2 - math.floor(math.log10(value)))}f}"
