"""Rich text as a value: a source, the styles of its parts, and what its markup hides or replaces. Nothing is laid out.

    style.py      `Style` of characters and `BlockStyle` of paragraphs
    rich_text.py  `RichText`: the source with spans, blocks, consumed and replaced characters
    flat.py       spans that nest or overlap → runs of one style each

What reads a markup language and makes a `RichText` stands here too. `typeset` lays rich text out.
"""

from glyphrender.rich.rich_text import BlockSpan as BlockSpan
from glyphrender.rich.rich_text import Replaced as Replaced
from glyphrender.rich.rich_text import RichText as RichText
from glyphrender.rich.rich_text import StyleSpan as StyleSpan
from glyphrender.rich.style import BlockStyle as BlockStyle
from glyphrender.rich.style import Rule as Rule
from glyphrender.rich.style import Style as Style

__all__ = ["BlockSpan", "BlockStyle", "Replaced", "RichText", "Rule", "Style", "StyleSpan"]
