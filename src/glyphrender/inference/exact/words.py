"""The exact strings in one chunk: the whole chunk, or the parts of a list, an assignment or a call.

A chunk is taken apart only by a grammar that accounts for all of it: punctuation around it, `key=value`, `name(…)`,
`a,b,c`. What the grammar does not know yields nothing, so no string is cut out of the middle of another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from glyphrender.inference.exact.characters import UNSPACED
from glyphrender.inference.exact.kinds import SHORTEST, digits, is_accounting, kind_of
from glyphrender.inference.exact.paths import has_extension

# Longer chunks are taken apart as lists only; the work on a part is bounded by its length times the depth.
LONG: Final = 1024
_DEPTH: Final = 4
_LAYERS: Final = 8


@dataclass(slots=True)
class Found:
    """A string: text[start:end], and its kind."""

    start: int
    end: int
    kind: str


_KEY: Final = re.compile(
    r"(?P<dash>--?|[@$%.+])?(?P<name>[A-Za-z_][\w.-]*(?:\[\w*\])?)(?P<sign>:=|=>|==|!=|\+=|\|=|=|:)(?!$)"
)
_NAMED: Final = re.compile(
    r"(?i)(?:.*[_.-])?(?:\w*(?:id|key|token|hash|secret|digest|commit|uuid|guid|number|code)|sha\d*|md5|checksum|password|passwd|pass|"
    r"pwd|rev|revision|ref|signature|sig|nonce|salt|session|trace|span|request|order|invoice|account|acct|card|iban|"
    r"bic|vin|serial|sn|s/n|no|num|nr|phone|tel|fax|mobile|cell|email|mail|e-mail|url|uri|link|href|src|path|file|dir|addr|address|"
    r"ip|ipv4|ipv6|mac|version|ver|date|time|ts|timestamp|amount|total|sum|price|balance|value|val|size|bytes|count|"
    r"port|pid|uid|gid|isbn|from|to|user|by|at|on|cc|bcc|ticket|case|tracking|batch|lot|sku|ean|gtin|upc|etag|betrag|preis|"
    r"summe|nummer|rechnung|konto|montant|importe|numero|telefon|telefono)"
)
# A chunk that begins like this is one string up to its end, `;` and `,` included.
_OPAQUE: Final = re.compile(r"data:[\w+-]+[/;,]|(?:sips?|magnet|mailto|cid|mid):.*[,;]")
_PARAMETER: Final = re.compile(r"[\w.%\[\]-]+=[^=\s]*=*")
_CALL: Final = re.compile(r"(?P<name>[@!$&*]{0,2}[A-Za-z_][\w.:]*!?)?(?P<open>[(\[])")
_MARKDOWN: Final = re.compile(r"[^\[\]()]*\]\(")
_PAIRS: Final = {"(": ")", "[": "]", "'": "'", "‘": "’", "‚": "‘", "*": "*", "~": "~", "’": "’", "$": "$"}
_OPENING: Final = "(['‘‚’¿¡"
_CLOSING: Final = {")": "(", "]": "["}
_POINTS: Final = ".,;:!?"
_SEPARATORS: Final = ",;—"
_UNSPACED: Final = re.compile(f"[{UNSPACED}]+")
# Dates and numbers that have letters of these scripts inside.
_SPLIT: Final = re.compile(
    r"(?P<string>(?<![A-Za-z0-9.,:/_$€£¥￥₩])(?:\d{4}年\d{1,2}月\d{1,2}日|[-+]?(?:\d+(?:[.,]\d+)*[万亿億兆千百만억조천백])+(?:\d+(?:[.,]\d+)*)?[円元원]?)"
    rf"(?![A-Za-z0-9.,:/_万亿億兆千百만억조천백]))|[{UNSPACED}]+"
)
_LOCATION: Final = re.compile(r"(?P<place>[^\s:]++\.\w++:\d++(?::\d++)?+):(?=.)")
_AFTER_UNSPACED: Final = frozenset({"url", "email", "path"})


def strings_in(text: str, start: int, end: int) -> Iterator[Found]:
    """Yield the strings of the chunk text[start:end], in order."""
    if end - start > LONG:
        yield from _list(text, start, end, 0, _top_level(text, start, end))
        return
    body = text[start:end]
    if body.isascii() or not _UNSPACED.search(body):
        yield from _parse(text, start, end, 0)
        return
    if (peeled := _peeled(text, start, end)) and (kind := kind_of(text[peeled[0] : peeled[1]])):
        yield Found(*peeled, kind)
        return
    at = start
    for letters in [*_SPLIT.finditer(body), None]:
        stop = end if letters is None else start + letters.start()
        if letters and letters["string"] and (kind := kind_of(letters["string"])):
            yield Found(stop, start + letters.end(), kind)
        if at < stop:
            for found in _parse(text, at, stop, 0):
                # A letter of these scripts may belong to a URL as well as to the next word.
                if found.kind not in _AFTER_UNSPACED:
                    yield found
        at = end if letters is None else start + letters.end()


def _parse(text: str, start: int, end: int, depth: int) -> Iterator[Found]:
    """Yield the strings of text[start:end], which is one item: nothing but punctuation stands around it."""
    if end - start > LONG or depth > _DEPTH:
        return
    for _ in range(_LAYERS):
        if end - start < SHORTEST:
            return
        body = text[start:end]
        if is_accounting(body):
            yield Found(start, end, "number")
            return
        wrapped = body[0] in "([" and body[-1] in ")]" and _is_pair(text, start, end)
        if not wrapped and (kind := kind_of(body)):
            yield Found(start, end, kind)
            return
        smaller = _peel(text, start, end)
        if smaller is None:
            return
        if smaller == (start, end):
            break
        start, end = smaller
    else:
        return
    yield from _inside(text, start, end, depth)


def _peeled(text: str, start: int, end: int) -> tuple[int, int] | None:
    for _ in range(_LAYERS):
        smaller = _peel(text, start, end)
        if smaller is None or smaller == (start, end):
            return smaller
        start, end = smaller
    return None


def _peel(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Return the span without one layer of punctuation, the same span if there is none, None if it is cut off.

    An ellipsis, a repeated mark or an asterisk at one side alone says that something is left out there.
    """
    if end - start < 2:
        return start, end
    first, last = text[start], text[end - 1]
    if _PAIRS.get(first) == last and _is_pair(text, start, end):
        if first in "*~" and end - start >= 4 and text[start + 1] == first and text[end - 2] == last:
            return start + 2, end - 2
        return start + 1, end - 1
    if last in _POINTS:
        before = text[end - 2]
        if last in ",;" and before == last:  # empty cells
            return start, start + len(text[start:end].rstrip(last))
        if before in ".:," and not (before == "." and last in ",;:!?)"):
            return None
        return start, end - 1
    if last in ")]" and text.count(last, start, end) > text.count(_CLOSING[last], start, end):
        return start, end - 1
    if last in "'’" and text.count(last, start, end) == 1:
        return start, end - 1
    if text[end - 2 : end] in ("'s", "’s"):
        return start, end - 2
    if first in "([" and text.count(first, start, end) > text.count(_PAIRS[first], start, end):
        return start + 1, end
    if first in "'‘‚’¿¡" and first != last:
        return start + 1, end
    return start, end


def _is_pair(text: str, start: int, end: int) -> bool:
    """Return whether the first and the last character belong together."""
    if text[start] in "([":
        return _closes_at_end(text, start, end)
    if text[start] in "'‘‚’":  # and not 'a','b'
        return not re.search(r"['’]\W|\W['’]", text[start + 1 : end - 1])
    return True


def _closes_at_end(text: str, start: int, end: int) -> bool:
    """Return whether the bracket at `start` is closed by the last character, and not before."""
    opening, closing, depth = text[start], text[end - 1], 0
    if text.count(opening, start, end) == text.count(closing, start, end) == 1:
        return True
    for at in range(start, end - 1):
        depth += (text[at] == opening) - (text[at] == closing)
        if depth == 0:
            return False
    return depth == 1


def _inside(text: str, start: int, end: int, depth: int) -> Iterator[Found]:
    """Yield the strings of a list, an assignment, a call, a link or a place in a file."""
    body = text[start:end]
    if _OPAQUE.match(body):
        return
    if "&" in body and all(_PARAMETER.fullmatch(part) for part in body.split("&")):
        at = start
        for part in body.split("&"):
            yield from _parse(text, at, at + len(part), depth + 1)
            at += len(part) + 1
        return
    if match := _KEY.match(body):
        name, sign = match["name"], match["sign"]
        value = start + match.end()
        if sign != ":" and (kind := kind_of(text[value:end])) == "number":
            yield Found(value, end, kind)
            return
        alone = (text[value] not in "/:" and ":" not in text[value:end]) or text[value] in "'["
        if (sign != ":" or alone) and not _top_level(text, value, end):
            for found in _parse(text, value, end, depth + 1):
                # After a colon only a string of its own kind, or one that the key names, is sure to be whole.
                named = found.kind == "uuid" or text[found.start] == "#" or _NAMED.fullmatch(name)
                if (sign != ":" and found.kind != "email") or named:
                    yield found
            return
    if match := _LOCATION.match(body):
        stop = start + match.end("place")
        if kind_of(text[start:stop]) == "path":
            yield Found(start, stop, "path")
        return
    if places := _top_level(text, start, end):
        yield from _list(text, start, end, depth, places)
        return
    if match := _MARKDOWN.search(body):
        if not body.endswith(")"):
            if body.count("(") > body.count(")"):  # a title follows
                yield from _parse(text, start + match.end(), end, depth + 1)
        else:
            if body[0] == "[":
                yield from _parse(text, start + 1, start + match.end() - 2, depth + 1)
            yield from _parse(text, start + match.end(), end - 1, depth + 1)
        return
    if match := _CALL.match(body):
        yield from _arguments(text, start, end, match, depth)


def _arguments(text: str, start: int, end: int, call: re.Match[str], depth: int) -> Iterator[Found]:
    """Yield the strings in the brackets of a call, and in the brackets behind it: `f(…)`, `[…][…]`."""
    inner = start + call.end()
    closing = _PAIRS[call["open"]]
    close = text.rfind(closing, inner, end)
    if close < 0:
        if call["name"]:
            yield from _parse(text, inner, end, depth + 1)
    elif _closes_at_end(text, inner - 1, close + 1):
        rest = text[close + 1 : end]
        if not rest or (rest[0] in ".[(;:" and digits(rest) == 0):
            yield from _parse(text, inner, close, depth + 1)
        elif rest[0] in "([" and not call["name"]:  # [INFO][a1b2c3d4]
            yield from _parse(text, inner, close, depth + 1)
            yield from _parse(text, close + 1, end, depth + 1)
        elif rest[0] == ":" and not call["name"]:
            yield from _parse(text, close + 2, end, depth + 1)
    elif not call["name"] and (close := text.find(closing, inner, end)) >= 0 and text[close + 1] in "([":
        yield from _parse(text, inner, close, depth + 1)
        yield from _parse(text, close + 1, end, depth + 1)


def _top_level(text: str, start: int, end: int) -> list[int]:
    """Return the places of separators outside brackets and single quotes."""
    if not any(text.find(mark, start, end) >= 0 for mark in _SEPARATORS):
        return []
    marks: list[int] = []
    depth, quoted = 0, False
    for match in _STRUCTURE.finditer(text, start, end):
        char, at = match[0], match.start()
        if char == "'":  # a quote, if it stands at the edge of an item
            if quoted:
                quoted = at + 1 < end and text[at + 1] not in ",;:)]=—"
            else:
                quoted = at == start or text[at - 1] in ",;:([=—"
            continue
        if quoted or (char == ";" and _ENTITY.search(text, max(start, at - 9), at)):
            continue
        if char in "([":
            depth += 1
        elif char in ")]":
            depth = max(0, depth - 1)
        elif depth == 0:
            marks.append(match.start())
    # Commas separate before semicolons do, unless each is inside a number, and these before dashes.
    for kind in _SEPARATORS:
        places = [place for place in marks if text[place] == kind]
        decimals = kind == "," and len(marks) > len(places)
        if places and not (decimals and all(_between_digits(text, place) for place in places)):
            return places
    return []


def _between_digits(text: str, place: int) -> bool:
    return text[place - 1].isdigit() and text[place + 1 : place + 2].isdigit()


_STRUCTURE: Final = re.compile(rf"[()\[\]'{_SEPARATORS}]")
_ENTITY: Final = re.compile(r"&#?\w{1,8}\Z")


def _list(text: str, start: int, end: int, depth: int, places: list[int]) -> Iterator[Found]:
    """Yield the strings of the items of a list without spaces, such as a row of CSV; `places` are its separators.

    A comma between two digits may be a decimal mark. Numbers on both sides of such a comma are left out, unless the
    commas cannot be marks of a number.
    """
    if not places:
        return
    starts, stops = [start, *(place + 1 for place in places)], [*places, end]
    items: list[list[Found]] = []
    for begin, stop in zip(starts, stops, strict=True):
        items.append(list(_parse(text, begin, stop, depth + 1)) if stop - begin >= SHORTEST else [])
    numeric = [_is_numeric(text, begin, stop) for begin, stop in zip(starts, stops, strict=True)]
    wide = (len(items) >= 4 and numeric.count(False) >= 2) or text[start - 1 : start] in ("[", "(")
    for number, item in enumerate(items):
        joined = number + 1 < len(items) and _NO_CENTS.match(text, starts[number + 1], stops[number + 1]) is not None
        for left in (number - 1, number):
            if not item or not 0 <= left < len(items) - 1 or text[stops[left]] != ",":
                continue
            if not (text[stops[left] - 1].isdigit() and text[starts[left + 1] : starts[left + 1] + 1].isdigit()):
                continue
            if numeric[left] and numeric[left + 1]:
                joined |= not _apart(text, (starts, stops), left, numeric, wide)
                continue
            own = item[0] if left < number else item[-1]
            if own.kind in _WEAK or _is_clock(text, own):
                if left < number:
                    beside = [other for other in items[left] if other.end == stops[left]]
                else:
                    beside = [other for other in items[left + 1] if other.start == starts[left + 1]]
                joined |= not (beside and beside[0].kind not in {*_WEAK, "url"} and not _is_clock(text, beside[0]))
        if joined:
            continue
        quoted = bool(item) and starts[number] < item[0].start and item[-1].end < stops[number]
        for found in item:
            if found.kind in ("url", "path") and not quoted:
                behind = text[starts[number + 1] : stops[number + 1]] if number + 1 < len(items) else ""
                edge = starts[number + 1] + behind.startswith("'") if behind else 0
                next_kinds = {other.kind for other in items[number + 1] if other.start == edge} if behind else set()
                sure = not behind.strip("'") or bool(next_kinds - {"number", "version"})
                if not (
                    sure or (found.kind == "path" and behind != "v" and has_extension(text[found.start : found.end]))
                ):
                    continue
                if (
                    found.kind == "path"
                    and number
                    and not wide
                    and text[found.start] not in "/~"
                    and not items[number - 1]
                ):
                    continue
            yield found


def _is_clock(text: str, found: Found) -> bool:
    """Return whether a time may go on behind a comma, as `18:03:11,482` does."""
    return found.kind == "time" and re.search("[:T]", text[found.start : found.end]) is not None


def _is_numeric(text: str, start: int, stop: int) -> bool:
    """Return whether an item could be a part of a number: digits with points, and a sign or a unit."""
    return _NUMERIC.fullmatch(text[start:stop].strip("'")) is not None


_NUMERIC: Final = re.compile(r"[^\d\s]{0,3}\d[\d.'’]*+(?:[eE][+-]?\d+)?(?:[%€$£¥]|[^\W\d_]{1,3})?")
_NO_CENTS: Final = re.compile(r"\.?[-–]{1,2}(?![\w.-])")  # 99,-
_FRACTION: Final = re.compile(r"\d+(?:[eE][+-]?\d+)?(?:[%€$£¥]|[^\W\d_]{1,3})?")
_WEAK: Final = frozenset({"number", "version", "code"})


def _apart(text: str, bounds: tuple[list[int], list[int]], left: int, numeric: list[bool], wide: bool) -> bool:
    """Return whether the comma between the items `left` and `left + 1` cannot stand inside a number."""
    starts, stops = bounds
    one, other = text[starts[left] : stops[left]], text[starts[left + 1] : stops[left + 1]]
    one, other = one.strip("'"), other.strip("'")
    if re.search(r"(?:^|\D)\d{1,3}(?:[.']\d{3})+\Z", one) and re.match(r"\d{1,3}(?!\d)", other):
        return False  # 1.234.567,89
    if re.fullmatch(r"\d{3}(?:\.\d+)?\D{0,3}", other) and len(one.lstrip("+-")) <= 3:
        return False
    if (len(one) <= 4 and len(other) <= 4) or (len(other) <= 3 and not wide):
        return False
    run = (left > 0 and numeric[left - 1]) or (left + 2 < len(numeric) and numeric[left + 2])
    fraction = _FRACTION.fullmatch(other) is not None and (
        "." not in one or re.fullmatch(r"\D*\d{1,3}(?:\.\d{3})+", one) is not None
    )
    return not fraction or run or (wide and len(other) >= 4)
