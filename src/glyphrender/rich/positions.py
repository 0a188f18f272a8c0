"""The tokens of markdown-it-py, each with its place in the source.

markdown-it-py gives the lines of a block, and no columns. `parse` runs its own rules, in its own order, and notes three
things as they run: from where `getLines` takes the text of a block, where the text of an inline token begins and ends
while its rule runs, and how a row of a table is split. Nothing is searched for. Each place is verified: the characters
there are the text of the token, or `parse` raises an error.

Offsets are those of the text after markdown-it-py's first step, which makes every line end "\\n". `LineEnds` takes them
back to the source (line_ends.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final, Literal

from glyphrender.errors import DependencyError, shown
from glyphrender.rich.places import Inline, Lines, PlacedToken

try:
    from markdown_it import MarkdownIt
    from markdown_it.common.utils import MD_TRIM_CHARS, mdTrim
    from markdown_it.parser_block import ParserBlock
    from markdown_it.parser_inline import ParserInline
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
except ImportError as error:
    raise DependencyError.of(error, "Markdown needs the package markdown-it-py", extra="markup") from error

# The key of markdown-it-py's environment under which the tokens inside images are kept.
_IMAGES: Final = "glyphrender.images"


class _Block(StateBlock):
    """The state of markdown-it-py's block rules, which also notes where `getLines` took its text from."""

    taken: tuple[str, Lines] = ("", Lines([0, 0], [0], [False]))
    last: int = -1

    def __init__(self, src: str, md: MarkdownIt, env: Any, tokens: list[Token]) -> None:
        super().__init__(src, md, env, tokens)
        self.placed: dict[int, PlacedToken] = {}

    def getLines(self, begin: int, end: int, indent: int, keepLastLF: bool) -> str:
        """Return the text of lines, without their first `indent` columns; note the place of each."""
        begins, at, spaces = [0], [], []
        length = 0
        src = self.src
        texts = []
        for line in range(begin, end):
            column = 0
            start = first = self.bMarks[line]
            last = self.eMarks[line] + (1 if line + 1 < end or keepLastLF else 0)
            while first < last and column < indent:
                if src[first] == "\t":
                    column += 4 - (column + self.bsCount[line]) % 4
                elif src[first] == " " or first - start < self.tShift[line]:
                    column += 1
                else:
                    break
                first += 1
            if column > indent:  # a tab was cut in two
                texts.append(" " * (column - indent))
                at.append(first - 1)
                spaces.append(True)
                length += column - indent
                begins.append(length)
            last = min(last, len(src))
            if first < last:
                texts.append(src[first:last])
                at.append(first)
                spaces.append(False)
                length += last - first
                begins.append(length)
        if not at:
            begins, at, spaces = [0, 0], [self.bMarks[min(begin, self.lineMax)]], [False]
        self.taken = text, _ = "".join(texts), Lines(begins, at, spaces)
        self.last = end - 1
        return text


class _Blocks(ParserBlock):
    """markdown-it-py's parser of blocks, which notes the place of what each rule made."""

    def tokenize(self, state: StateBlock, startLine: int, endLine: int) -> None:
        """Make the tokens of lines. This is the loop of markdown-it-py, with one call more."""
        assert isinstance(state, _Block)
        rules = self.ruler.getRules("")
        line, empty = startLine, False
        while line < endLine:
            state.line = line = state.skipEmptyLines(line)
            if line >= endLine or state.sCount[line] < state.blkIndent:
                break
            if state.level >= state.md.options.maxNesting:
                _draw_as_it_is(state, line, endLine)  # markdown-it-py leaves the rest of such a block out
                break
            first = len(state.tokens)
            for rule in rules:
                if rule(state, line, endLine, False):
                    break
            else:
                raise _unplaced("a line", state.src[state.bMarks[line] : state.eMarks[line]])
            _place(state, first, line)
            state.tight = not empty
            line = state.line
            if line - 1 < endLine and state.isEmpty(line - 1):
                empty = True
            if line < endLine and state.isEmpty(line):
                empty = True
                line += 1
                state.line = line


def _draw_as_it_is(state: _Block, line: int, end: int) -> None:
    """Make one block of code of the lines up to `end`, which are nested too deep to be parsed."""
    token = state.push("code_block", "code", 0)
    text = state.getLines(line, end, 0, True)
    token.content = text if text.endswith("\n") else f"{text}\n"
    token.map = [line, end]
    state.line = end
    _place(state, len(state.tokens) - 1, line)


def _place(state: _Block, first: int, line: int) -> None:
    """Note the places of the tokens that a rule made, from number `first` on. `line` is where the rule began."""
    tokens = state.tokens
    if len(tokens) == first:  # a definition of references
        return
    token = tokens[first]
    kind = token.type
    start = state.bMarks[line]
    state.placed.setdefault(id(token), PlacedToken(token, start=start, end=state.eMarks[line]))
    if kind == "table_open":
        _place_rows(state, first)
    elif kind in ("paragraph_open", "heading_open"):
        inline = tokens[first + 1]
        if kind == "heading_open" and token.markup.startswith("#"):
            begin = state.bMarks[line] + state.tShift[line] + len(token.markup)
            end = state.eMarks[line]
            text, lines, last = state.src[begin:end], Lines([0, end - begin], [begin], [False]), line
        else:
            (text, lines), last = state.taken, state.last
        lead = len(text) - len(text.lstrip(MD_TRIM_CHARS))
        if not text.startswith(inline.content, lead):
            raise _unplaced("a paragraph", inline.content)
        lines = lines.cut(lead, lead + len(inline.content))
        state.placed[id(inline)] = PlacedToken(inline, lines=lines, start=start, end=state.eMarks[last])
    elif kind in ("fence", "code_block", "html_block"):
        text, lines = state.taken
        if kind == "code_block" and not text.endswith("\n"):
            text += "\n"
        if token.content not in (text, text + "\n"):
            raise _unplaced("a block", token.content)
        state.placed[id(token)] = PlacedToken(token, lines=lines, start=start, end=state.eMarks[state.line - 1])


def _place_rows(state: _Block, first: int) -> None:
    """Note the places of the cells of a table, whose tokens begin at number `first`."""
    cells: Iterator[tuple[str, Lines]] = iter(())
    for token in state.tokens[first:]:
        if token.type == "tr_open":
            assert token.map is not None
            line = token.map[0]
            cells = _cells(state.src, state.bMarks[line] + state.tShift[line], state.eMarks[line])
            state.placed[id(token)] = PlacedToken(token, start=state.bMarks[line], end=state.eMarks[line])
        elif token.type == "inline":
            text, lines = next(cells, ("", None))
            if token.content != text:
                raise _unplaced("a cell", token.content)
            if lines is not None:
                state.placed[id(token)] = PlacedToken(token, lines=lines)


def _cells(src: str, start: int, end: int) -> Iterator[tuple[str, Lines]]:
    r"""Yield (text, places) of the cells of a row of a table, as the rule `table` splits it. `\|` gives `|`."""
    line = src[start:end]
    start += len(line) - len(line.lstrip(MD_TRIM_CHARS))
    end -= len(line) - len(line.rstrip(MD_TRIM_CHARS))
    cells: list[list[tuple[int, int]]] = [[]]
    begin, at = start, src.find("|", start, end)
    while at >= 0:
        if at > start and src[at - 1] == "\\":
            cells[-1].append((begin, at - 1))
            begin = at
        else:
            cells[-1].append((begin, at))
            cells.append([])
            begin = at + 1
        at = src.find("|", at + 1, end)
    cells[-1].append((begin, end))
    texts = ["".join(src[a:b] for a, b in cell) for cell in cells]
    if texts and not texts[0]:
        del texts[0], cells[0]
    if texts and not texts[-1]:
        del texts[-1], cells[-1]
    for text, cell in zip(texts, cells, strict=True):
        cell = [(a, b) for a, b in cell if b > a] or cell[:1]
        begins = [0]
        for a, b in cell:
            begins.append(begins[-1] + b - a)
        lines = Lines(begins, [a for a, _ in cell], [False] * len(cell))
        lead = len(text) - len(text.lstrip(MD_TRIM_CHARS))
        kept = mdTrim(text)
        yield kept, lines.cut(lead, lead + len(kept))


class _Line(StateInline):
    """The state of markdown-it-py's inline rules, which also notes the place of every token."""

    def __init__(self, src: str, md: MarkdownIt, env: Any, outTokens: list[Token]) -> None:
        super().__init__(src, md, env, outTokens)
        self.places: dict[int, tuple[int, int]] = {}
        self.literal = -1  # where the literal text that is pending begins

    def append_pending(self, text: str) -> None:
        """Append literal text, which stands at `pos`."""
        if self.literal < 0:
            self.literal = self.pos
        super().append_pending(text)

    def pushPending(self) -> Token:
        """Make a token of the literal text."""
        token = super().pushPending()
        start, length = self.literal, len(token.content)
        if not self.src.startswith(token.content, start) or start < 0:
            raise _unplaced("text", token.content)
        self.places[id(token)] = start, start + length
        self.literal = -1
        return token

    def push(self, ttype: str, tag: str, nesting: Literal[-1, 0, 1]) -> Token:
        """Make a token. Its place ends where its rule ends."""
        token = super().push(ttype, tag, nesting)
        self.literal = -1
        self.places[id(token)] = self.pos, -1
        return token


class _Lines(ParserInline):
    """markdown-it-py's parser of lines, which notes the place of every token."""

    def tokenize(self, state: StateInline) -> None:
        """Make the tokens of a text. This is the loop of markdown-it-py, with one call more."""
        assert isinstance(state, _Line)
        rules = self.ruler.getRules("")
        end, most = state.posMax, state.md.options["maxNesting"]
        tokens = state.tokens
        while state.pos < end:
            pos, first = state.pos, len(tokens)
            done = False
            if state.level < most:
                for rule in rules:
                    if done := rule(state, False):
                        break
            if not done:
                state.append_pending(state.src[state.pos])
                state.pos += 1
            elif len(tokens) > first:
                _close(state, first, pos)
        if state.pending:
            state.pushPending()

    def parse(self, src: str, md: MarkdownIt, env: Any, tokens: list[Token]) -> list[Token]:
        """Make the tokens of `src`, the text between the brackets of an image. `env` keeps their places."""
        state = _Line(src, md, env, tokens)
        inlines = _inlines(state, self)
        env[_IMAGES][id(tokens)] = inlines
        return tokens


def _close(state: _Line, first: int, pos: int) -> None:
    """Give the tokens from number `first` on their ends: those of the rule that ran from `pos` to `state.pos`."""
    places = state.places
    at, auto = pos, False
    for token in state.tokens[first:]:
        start, end = places[id(token)]
        if end >= 0:
            continue
        if token.type != "text":
            auto = token.type == "link_open" and token.info == "auto"
            places[id(token)] = start, state.pos
        elif auto:
            places[id(token)] = pos + 1, state.pos - 1
        else:  # one of the marks that may turn out to be emphasis
            if not state.src.startswith(token.content, at):
                raise _unplaced("a mark", token.content)
            places[id(token)] = at, at + len(token.content)
            at += len(token.content)


def _inlines(state: _Line, parser: ParserInline) -> list[Inline]:
    """Return the tokens of the text of `state`, in their order."""
    parser.tokenize(state)
    for rule in parser.ruler2.getRules(""):
        rule(state)
    places, images = state.places, state.env[_IMAGES]
    return [
        Inline(token, *places[id(token)], images[id(token.children)] if token.children else ())
        for token in state.tokens
    ]


@cache
def _parser() -> MarkdownIt:
    """Return markdown-it-py with CommonMark, tables, task lists and strike-through. It keeps nothing of a text."""
    md = MarkdownIt("zero")
    md.block, md.inline = _Blocks(), _Lines()
    md.configure("gfm-like2", options_update={"linkify": False, "alerts": False})
    md.disable(["linkify"])
    # Marks that stay literal keep a token and a place of their own.
    md.inline.ruler2.disable(["fragments_join"])
    return md


def parse(text: str) -> tuple[list[PlacedToken], list[int]]:
    """Return the tokens of `text`, whose line ends are "\\n", each with its place.

    Raises:
        DependencyError: a token of markdown-it-py has no place, because its release works otherwise.
    """
    md = _parser()
    env: dict[str, Any] = {_IMAGES: {}}
    tokens: list[Token] = []
    text = text.replace("\0", "\ufffd")
    state = _Block(text, md, env, tokens)
    md.block.tokenize(state, 0, state.lineMax)
    result = []
    for token in tokens:
        placed = state.placed.get(id(token)) or PlacedToken(token)
        if token.type == "inline" and token.content and placed.lines is not None:
            content = token.content
            if md.inline.terminator_re.search(content) is None:  # no rule can begin anywhere
                placed.inline = [Inline(Token("text", "", 0, content=content), 0, len(content))]
            else:
                placed.inline = _inlines(_Line(content, md, env, []), md.inline)
        result.append(placed)
    return result, state.eMarks


def _unplaced(what: str, content: str) -> DependencyError:
    """Return the error that `what` of a token has no place in the source."""
    return DependencyError(
        f"This release of markdown-it-py gave {what}, {shown(content[:40])}, that is not at its place in the source. "
        "Install markdown-it-py 4.3.",
        extra="markup",
    )
