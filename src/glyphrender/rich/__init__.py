"""Rich text as a value: a source, the styles of its parts, and what its markup hides or replaces. Nothing is laid out.

    style.py      `Style` of characters and `BlockStyle` of paragraphs
    spans.py      a style and the characters or paragraphs that have it; what is drawn in place of characters
    table.py      `Table`: paragraphs that stand side by side
    rich_text.py  `RichText`: the source with spans, blocks, tables, consumed and replaced characters
    flat.py       spans that nest or overlap → runs of one style each

What reads a markup language and makes a `RichText` stands here too. `typeset` lays rich text out.

    door.py          what θ says of the markup of a text → which of the following reads it
    markdown.py      Markdown, by positions.py (tokens of markdown-it-py, with their places), inlines.py, tables.py
    code.py          source code, by highlight.py (Pygments); indentation.py draws indents as marks
    diff.py          differences
    terminal.py      output of a terminal, with its SGR sequences
    conversation.py  the messages of a chat
    builder.py       gathers what a producer draws; line_ends.py, settings.py
"""

from glyphrender.rich.code import from_code as from_code
from glyphrender.rich.conversation import Transcript as Transcript
from glyphrender.rich.conversation import TranscriptTurn as TranscriptTurn
from glyphrender.rich.conversation import from_messages as from_messages
from glyphrender.rich.diff import from_diff as from_diff
from glyphrender.rich.door import has_markup as has_markup
from glyphrender.rich.door import with_markup as with_markup
from glyphrender.rich.indentation import compressed as compressed
from glyphrender.rich.indentation import decompressed as decompressed
from glyphrender.rich.markdown import from_markdown as from_markdown
from glyphrender.rich.rich_text import RichText as RichText
from glyphrender.rich.spans import BlockSpan as BlockSpan
from glyphrender.rich.spans import Replaced as Replaced
from glyphrender.rich.spans import StyleSpan as StyleSpan
from glyphrender.rich.style import BlockStyle as BlockStyle
from glyphrender.rich.style import Rule as Rule
from glyphrender.rich.style import Style as Style
from glyphrender.rich.table import Cell as Cell
from glyphrender.rich.table import Table as Table
from glyphrender.rich.terminal import from_terminal as from_terminal

__all__ = [
    "BlockSpan",
    "BlockStyle",
    "Cell",
    "Transcript",
    "Replaced",
    "RichText",
    "Rule",
    "Style",
    "StyleSpan",
    "Table",
    "TranscriptTurn",
    "compressed",
    "decompressed",
    "from_code",
    "from_diff",
    "from_markdown",
    "from_messages",
    "from_terminal",
    "has_markup",
    "with_markup",
]
