"""Find the exact strings of a text. The time is linear in the text, whatever it holds.

Each chunk with a digit, a slash or an at sign is taken apart by `words`. A string that comes out must pass three tests:

- the delimiters around its chunk let a string begin and end there;
- the string is no part of a run of groups, a path with spaces, a wrapped number or a block of base64;
- every character of the string can be read.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from heapq import merge
from typing import Final

from glyphrender.inference.exact.borders import begins, ends, in_table_row, without_direction
from glyphrender.inference.exact.characters import DELIMITERS, DIRECTION, QUOTES, UNSEEN, glues
from glyphrender.inference.exact.companions import between_letters, public_keys, with_currency
from glyphrender.inference.exact.continued import is_part, with_multiple
from glyphrender.inference.exact.groups import runs_in, whole_run, with_extension, wrapped
from glyphrender.inference.exact.kinds import LONGEST, SHORTEST, kind_of
from glyphrender.inference.exact.paths import begins_at_space, ends_at_space, escaped_paths, extent, quoted_paths
from glyphrender.inference.exact.times import join_clock
from glyphrender.inference.exact.words import Found, strings_in

# Few words of prose hold one of these characters. To look only at chunks with one of them is several times as fast.
_CHUNK: Final = re.compile(rf"(?<![^\s{DELIMITERS}])[^\s{DELIMITERS}\d/@\\]*+[\d/@\\][^\s{DELIMITERS}]*+")
_LETTERS_CORE: Final = re.compile(r"(?<![\w-])(?:[A-Z]{4,8}(?:-[A-Z]{4,8}){2,}+|[a-f]{8,}+|[A-F]{8,}+)(?![\w-])")
_BEFORE: Final = re.compile(rf"[^\s{DELIMITERS}]*\Z")
_AFTER: Final = re.compile(rf"[^\s{DELIMITERS}]*")
_HAS_TRIGGER: Final = re.compile(r"[\d/@\\]")
_QUOTED_LOCAL: Final = re.compile(r"(?<![\w.\"])\"[^\"\n@]{1,64}\"@(?:[\w-]++\.)++[^\W\d_]{2,24}(?![\w@-]|\.\w)")
_UNREADABLE: Final = re.compile("[\ud800-\udfff\ufffd\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202d\u202e]")
_EDGE: Final = re.compile(f"[{UNSEEN}]")
_LEADING: Final = re.compile(r":=|=>|={1,3}|!=|[,;]|:(?!:)|#!(?=/)")
_BLOB: Final = re.compile(r"[A-Za-z0-9+/=_-]{40,}")
_WRAPPED_BLOB: Final = 40
_SHORT_CLOCK: Final = re.compile(r"\d:[0-5]\d:[0-5]\d(?:[.,]\d{1,9})?")
# Marks that end a URL, escaped as in HTML: https://example.org/a&quot;
_ESCAPED_END: Final = re.compile(r"&(?:quot|gt|lt|apos|#0*(?:34|39|60|62)|#[xX]0*(?:22|27|3[cCeE]));")


def find_strings(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, kind) of every exact string, in order.

    >>> [text[a:b] for text in ["12'345.60 to o'brien@example.com"] for a, b, _ in find_strings(text)]
    ["12'345.60", "o'brien@example.com"]
    """
    chunks = [match.span() for match in _CHUNK.finditer(text)]
    spans = _spans(text, chunks)
    reserved = [span[:2] for span in spans]
    found = [(start, end, kind) for start, end, kind in spans if kind]
    open_until = 0  # what follows a path with no known end may belong to it
    for start, end in _with_letters(text, chunks):
        for string in _strings(text, start, end):
            if string.kind == "" or string.start < open_until:
                open_until = max(open_until, string.end)
                continue
            if not _overlaps(reserved, string.start, string.end):
                found.append((string.start, string.end, string.kind))
    last = (0, 0)
    for start, end, kind in sorted(found, key=lambda string: (string[0], -string[1])):
        if start >= last[1]:
            last = start, end
            yield *(with_currency(text, start, with_multiple(text, end)) if kind == "number" else last), kind


def _with_letters(text: str, chunks: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the chunks that may hold a string: those with digits, and keys and hashes of letters alone."""
    letters: list[tuple[int, int]] = []
    last = 0
    for match in _LETTERS_CORE.finditer(text):
        if match.start() >= last and len(set(match[0])) >= 3:
            before = _BEFORE.search(text, max(0, match.start() - LONGEST), match.start())
            after = _AFTER.match(text, match.end(), match.end() + LONGEST)
            assert before is not None
            assert after is not None
            last = after.end()
            if not _HAS_TRIGGER.search(text, before.start(), last):
                letters.append((before.start(), last))
    yield from merge(chunks, letters) if letters else chunks


def _spans(text: str, chunks: list[tuple[int, int]]) -> list[tuple[int, int, str]]:
    """Return the sorted spans that are judged as wholes: strings with spaces, and runs that are no string (kind "")."""
    spans = [
        (start, end, "path" if whole and _readable(text, start, end) else "")
        for start, end, whole in quoted_paths(text)
    ]
    spans += [(*span, "path") for span in escaped_paths(text)]
    if '"@' in text:  # without this look, the search takes a quarter of the time of all prose
        spans += [(*match.span(), "email") for match in _QUOTED_LOCAL.finditer(text)]
    spans += public_keys(text)
    digits = [span for span in chunks if span[1] - span[0] > 1 or text[span[0]] not in "/\\@"]
    for start, end, members in runs_in(text, digits):
        string = whole_run(text, start, end)
        first, last = members[0][0], members[-1][1]
        if string and _bounded(text, (first, last), string[:2]) and not wrapped(text, string[0], string[1]):
            stop = with_extension(text, string[0], string[1])
            whole = _readable(text, string[0], stop) and not (string[2] == "number" and is_part(text, string[0], stop))
            spans.append((string[0], stop, string[2] if whole else ""))
        else:
            spans.append((start, end, ""))
    spans.sort()
    apart: list[tuple[int, int, str]] = []
    for span in spans:
        if not apart or span[0] >= apart[-1][1]:
            apart.append(span)
        elif span[1] > apart[-1][1]:  # they overlap: nobody knows which is right
            apart[-1] = (apart[-1][0], span[1], "")
    return apart


def _overlaps(spans: list[tuple[int, int]], start: int, end: int) -> bool:
    place = bisect_right(spans, (end - 1, len(spans) and spans[-1][1] + end)) - 1
    return place >= 0 and spans[place][1] > start


def _strings(text: str, start: int, end: int) -> Iterator[Found]:
    """Yield the strings of a chunk that are whole in their surroundings."""
    outer = start, end
    if end - start > LONGEST and _UNREADABLE.search(text, start, end):
        return
    begin, stop = without_direction(text, start, end)
    if (match := _LEADING.match(text, begin, stop)) and _separated(text, begin):
        begin = match.end()
        outer = (begin, end) if text[start - 1 : start] in ("<", ">", "") or text[start - 1].isspace() else outer
    if text[stop - 1] == "\\" and text[stop : stop + 1] in ("'", '"') and text[start - 2 : start] == "\\" + text[stop]:
        stop -= 1  # \"escaped\"
    if stop - begin < SHORTEST:
        return
    for found in strings_in(text, begin, stop):
        if not _bounded(text, outer, (found.start, found.end)) or not _readable(text, found.start, found.end):
            continue
        if found.kind == "number" and _SHORT_CLOCK.fullmatch(text, found.start, found.end):
            found.kind = "time"
        if found.kind == "number":
            if text[found.start] == "(" and not _fills_cell(text, outer):
                continue  # `(1,234.56)` in a sentence may be an amount in brackets as well as a negative one
            if wrapped(text, found.start, found.end) or between_letters(text, found.start, found.end):
                continue
            if is_part(text, found.start, found.end):
                continue
            found.end = with_extension(text, found.start, found.end) if found.end == stop else found.end
        elif found.kind == "time":
            if not join_clock(text, found):
                continue
        elif found.kind == "path":
            if text[found.start - 1 : found.start + 1] == "</":
                continue  # a tag
            if "*" in (text[found.start - 1 : found.start], text[found.end : found.end + 1]):
                continue  # a pattern
            if not _path_ends(text, outer, found):
                found.kind, found.end = "", extent(text, found.start, found.end)
        elif found.kind in ("url", "email"):
            if found.kind == "url" and (quote := _ESCAPED_END.search(text, found.start, found.end + 1)):
                found.end = quote.start()
            if found.kind == "url" and _wraps(text, outer, found):
                continue
            if not _is_cell(text, outer, found):
                continue
        elif found.kind == "address":
            if text[found.end : found.end + 1] == ":" and "::" in text[found.start : found.end]:
                continue
        elif _in_block(text, found) or not _close_token(text, found):
            continue
        yield found


def _close_token(text: str, found: Found) -> bool:
    """Move the end of a JWT without a signature behind its full stop; return whether its end is known.

    In quotes, and at the end of the text, the full stop is the token's. Elsewhere it may end a sentence.
    """
    unsigned = text.startswith("eyJ", found.start) and text.count(".", found.start, found.end) == 1
    if not unsigned or text[found.end : found.end + 1] != ".":
        return True
    closed = text[found.end + 1 : found.end + 2] in ("", *QUOTES)
    found.end += closed
    return closed


def _bounded(text: str, chunk: tuple[int, int], span: tuple[int, int]) -> bool:
    """Return whether a string may begin and end at the edges of its chunk, where no separator stands between."""
    before, after = text[chunk[0] : span[0]], text[span[1] : chunk[1]]
    left = (
        any(mark in before[-64:] for mark in ",;:=")
        or before.startswith("](")
        or text[chunk[0] - 1 : chunk[0]] in ("=", "!")
        or begins(text, chunk[0])
    )
    return left and (any(mark in after[:64] for mark in ",;") or after[:1] in (":", "=") or ends(text, chunk[1]))


def _separated(text: str, start: int) -> bool:
    """Return whether the mark at `start` separates what follows from the delimiter before it."""
    before = text[start - 1 : start]
    if before in ("<", ">"):
        return text[start] in ",;="  # transformers>=4.56.2
    if before == "}" or before.isspace() or not before:
        return text[start] in ",;" or (before != "}" and text[start] in "=!#")
    return before not in QUOTES or glues(text, start - 2, after=False) or (start > 1 and text[start - 2] in QUOTES)


def _readable(text: str, start: int, end: int) -> bool:
    string = text[start:end]
    if string.isascii():
        return string.isprintable()
    if _UNREADABLE.search(string):
        return False
    return not any(_EDGE.match(char) and char not in DIRECTION for char in (string[0], string[-1]))


def _fills_cell(text: str, chunk: tuple[int, int]) -> bool:
    """Return whether a chunk is all of a cell: edges of a line, tabs, two spaces or bars are on both sides."""
    before, after = text[max(0, chunk[0] - 2) : chunk[0]], text[chunk[1] : chunk[1] + 2]
    return bool(_CELL_LEFT.search(before)) and bool(_CELL_RIGHT.match(after))


_CELL_LEFT: Final = re.compile(rf"(?:\A|[\n\t{DELIMITERS}]|[{DELIMITERS}\s]\s)\Z")
_CELL_RIGHT: Final = re.compile(rf"\Z|[\n\t{DELIMITERS}]|\s(?:\Z|[\s{DELIMITERS}])")


def _path_ends(text: str, chunk: tuple[int, int], found: Found) -> bool:
    """Return whether a path is whole although a space may follow; see `paths`."""
    if found.start == chunk[0] and not begins_at_space(text, found.start, found.end):
        return False
    after = text[found.end : found.end + 1]
    if text[found.end : chunk[1]].strip(".,;:!?)]'"):
        return True
    return not (not after or after.isspace() or chunk[1] >= len(text) or text[chunk[1]].isspace()) or ends_at_space(
        text, found.start, found.end
    )


def _is_item(part: str) -> bool:
    return kind_of(part) is not None or part.startswith("/") or re.fullmatch(r"\W?\d+[\d.']*\W?", part) is not None


def _wraps(text: str, chunk: tuple[int, int], found: Found) -> bool:
    """Return whether a URL at the end of a line may go on in the next line, as in wrapped mail, or behind a space."""
    space = None if text.startswith(_HTTP, found.start) else _NEXT_WORD.match(text, chunk[1])
    if space and re.search(r"^(?!HTTP/\d)[^/\s:]+/|\.\w{1,5}[.,;:)]?$", space["word"]):
        return True  # s3://bucket/my key/a.txt
    match = _NEXT_LINE.match(text, chunk[1])
    if not match or found.end < chunk[1] or "://" in match["word"]:
        return False
    line = text[max(0, found.start - 80) : found.start].rsplit("\n", 1)[-1]
    word = match["word"].rstrip(".,;:)")
    return (text[found.end - 1] in "/_=&?" and bool(re.search(r"[\d./_=&-]", word))) or (
        bool(line.strip(" >*-")) and word[1:].count("/") > 0 and word[0] != "/"
    )


_HTTP: Final = ("http:", "https:", "HTTP", "www.")
_NEXT_WORD: Final = re.compile(r"[ ](?P<word>\S{1,200})")
_NEXT_LINE: Final = re.compile(r"[ \t]*\r?\n[ \t>]*(?P<word>[\w/?&=%#][^\s]{0,200})")


def _is_cell(text: str, chunk: tuple[int, int], found: Found) -> bool:
    """Return whether a vertical bar beside a URL or an e-mail is the border of a cell, and not a part of it."""
    for at, other in ((chunk[0] - 1, chunk[0] - 2), (chunk[1], chunk[1] + 1)):
        beside = text[at : at + 1] == "|" and at >= 0 and 0 <= other < len(text) and not text[other].isspace()
        if beside and not in_table_row(text, found.start):
            return False
    if found.kind == "url" and re.search("[,;]", text[found.start : found.end].replace("&amp;", "")):
        begins_line = text.rfind("\n", max(0, found.start - 2), found.start) >= 0 or found.start == 0
        stop = text[chunk[1] : chunk[1] + 1]
        if text[found.start - 1 : found.start] in (",", ";") or (begins_line and (not stop or stop == "\n")):
            return False
        # Another string behind a comma may be the next item of a list; in quotes or brackets it is not.
        around = text[chunk[0] - 1 : chunk[0]], stop
        items = re.split("[,;]", text[found.start : found.end].replace("&amp;", "&"))[1:]
        if all(mark and mark in QUOTES + "<>" for mark in around):
            return True
        return bool(re.search("[/=&#?]", "".join(items))) and not any(map(_is_item, items))
    before, after = text[chunk[0] - 1 : chunk[0]], text[chunk[1] : chunk[1] + 1]
    if found.kind == "url" and before and before in QUOTES and after == " " and found.start == chunk[0]:
        line = text[chunk[1] : chunk[1] + 200].split("\n", 1)[0]
        return not any(mark in line for mark in QUOTES)  # "https://example.org/my file.pdf"
    # <https://… without > goes on behind the end of the line.
    return before != "<" or not after.isspace()


def _in_block(text: str, found: Found) -> bool:
    """Return whether a long string fills a line, and the line before or after is filled as well: a block of base64."""
    if found.end - found.start < _WRAPPED_BLOB or found.kind == "hash":
        return False
    line = text.rfind("\n", max(0, found.start - 80), found.start)
    if (line < 0 and found.start > 80) or text[line + 1 : found.start].strip(" \t>\"'"):
        return False
    before = text[max(0, line - 160) : max(0, line)].rsplit("\n", 1)[-1].strip(" \t\r>\"'")
    after = text[found.end : found.end + 400].split("\n", 2)
    if after[0].strip(" \t\r\"',;"):
        return False
    following = after[1].strip(" \t\r>\"'") if len(after) > 1 else ""
    return bool(_BLOB.fullmatch(before)) or bool(re.fullmatch(r"[A-Za-z0-9+/_-]+={0,2}", following))
