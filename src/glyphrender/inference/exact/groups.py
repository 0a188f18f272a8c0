"""Strings with spaces inside, written in groups: `1 234 567,89`, `DE89 3704 0044 …`, `+49 (0)30 1234-5678`.

Neighboring groups of digits or capitals form a *run* that is as long as possible. A run is one string if a rule for
whole runs accepts it. If not, none of its groups is listed, because a group may be a part of a longer string.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from glyphrender.inference.exact.characters import DELIMITERS, SPACE, UNSPACED, seen
from glyphrender.inference.exact.kinds import DIGITS, digits, kind_of

_MOST: Final = 24  # groups of a run that may be a string
_PHONE_DIGITS: Final = 7  # a phone number has at least so many
_LONGEST_IBAN: Final = 43  # characters, with spaces

_HEAD: Final = re.compile(r"['‘(\[]{0,2}[-–/]?(?:[0-9A-Z]{0,4}\d|\d)[\dA-Z]*(?:[-–/.,'’()]{1,2}[\dA-Z]+)*[-/]?(?P<unit>[a-zµ°²³]{1,4}|[%‰€$£¥₹])?(?P<close>[)\]'’.,;:!?]*)")  # noqa: E501  # fmt: skip
_SUFFIX: Final = re.compile(r"[-+(#±−–~≈€$£¥₹\dA-Z/.,'’()]+\Z")
_TAIL: Final = re.compile(r"[-+(#±−–~≈€$£¥₹]{0,3}[\dA-Z]+(?:[-–/.,'’()]{1,2}[\dA-Z]+)*\)?[-/]?\Z")
_LETTERS: Final = re.compile(rf"[{SPACE}](?P<letters>[A-Z]{{1,6}}|[A-F]{{8}}|[a-f]{{8}})[{SPACE}]")
_AFTER_CLOCK: Final = re.compile(r"\d:\d\d(?:[.,]\d+)?\s(?:(?:19|20)\d\d\s)?\Z")
_ITEM: Final = re.compile(r"(?<=[,;(])(?P<group>[-+#±−–~≈€$£¥₹(]{0,2}[A-Z]{0,2}\d[\dA-Z'’]*\)?)\Z")
_WORD: Final = re.compile(r"(?:[0-9A-Fa-f]{8}){1,2}")
_IBAN_HEAD: Final = re.compile(r"[A-Z]{2}\d{2}[0-9A-Z]{0,4}")
_DASH: Final = re.compile(rf"[{SPACE}][-/–][{SPACE}]")
_STRONG: Final = frozenset({"uuid", "address", "hash", "time", "url", "email", "version", "path"})
_UNSPACED: Final = re.compile(f"[{UNSPACED}]")
_LEAD: Final = re.compile(r"\(?\+?\(?\d{1,4}\)?|\(\d{2,5}\)")

Run = tuple[int, int, list[tuple[int, int]]]


def runs_in(text: str, chunks: Sequence[tuple[int, int]]) -> Iterator[Run]:
    """Yield (start, end, spans of the chunks) of every run of two chunks and more."""
    run: list[tuple[int, int]] = []
    begin = 0
    for place, (start, end) in enumerate(chunks):
        if place and start - chunks[place - 1][1] <= 10:
            first = _link(text, chunks[place - 1], (start, end), run, begin)
            if first is not None:
                if not run:
                    run, begin = [chunks[place - 1]], first
                run.append((start, end))
                continue
        if run:
            yield begin, run[-1][1], run
            run = []
    if run:
        yield begin, run[-1][1], run


class _Group(NamedTuple):
    """The last group of a chunk: where it begins, its characters, and the character before it."""

    start: int
    text: str
    before: str


def _link(
    text: str, one: tuple[int, int], other: tuple[int, int], run: list[tuple[int, int]], begin: int
) -> int | None:
    """Return where the group at the end of `one` begins, if `other` may continue it; else None."""
    gap = text[one[1] : other[0]]
    if not _may_be_inside(gap, one, other, run):
        return None
    if run and one[1] - begin <= _LONGEST_IBAN and _DASH.fullmatch(gap) and _is_iban(text[begin : one[1]]):
        return None
    word = one[1] - one[0] in (8, 16) and _WORD.fullmatch(text, *one) and _WORD.match(text, *other)
    if word and one[1] - one[0] == word.end() - other[0] and not text[word.end() : other[1]].strip(".,;:)"):
        return one[0]  # a digest in words of 32 bits
    group = _last_group(text, one)
    if group is None or not _HEAD.match(text, other[0], min(other[1], other[0] + 64)):
        return None
    if not group.text.rstrip(")-/")[-1:].isdigit() and not (digits(group.text) and run) and group.text != "1Z":
        return None
    head = text[begin : run[0][1]] if run else group.text
    if letters := _LETTERS.fullmatch(gap):
        size = len(letters["letters"])
        same = size == len(group.text) or (size < 3 and len(group.text) < 4)  # ABCDE 12345 FGHIJ 67890, 4 U 123/24
        iban = any(_IBAN_HEAD.fullmatch(each.lstrip("(")) for each in (head, group.text))
        return group.start if same or iban else None
    lead = _LEAD.fullmatch(head) is not None and head[0] in "+(0"
    # Each chunk of a run has a digit, so a long run need not be counted again and again.
    phone = lead and run and (len(run) >= _PHONE_DIGITS or digits(text[begin : one[1]]) >= _PHONE_DIGITS)
    if phone and _kind(text[other[0] : other[1]].rstrip(".,;:!?")) in ("address", "version", "time"):
        return None
    return None if _are_apart(text, one, other, group, lead=lead, first=not run) else group.start


def _may_be_inside(gap: str, one: tuple[int, int], other: tuple[int, int], run: list[tuple[int, int]]) -> bool:
    """Return whether `gap` may stand between two groups of one string."""
    if len(gap) == 1:
        return gap in SPACE
    if gap == "  ":  # the middle of a fingerprint
        return one[1] - one[0] == other[1] - other[0] == 4 and len(run) == 5
    return _DASH.fullmatch(gap) is not None or _LETTERS.fullmatch(gap) is not None


def _last_group(text: str, chunk: tuple[int, int]) -> _Group | None:
    """Return the group at the end of a chunk, or None if the chunk ends in no group."""
    if chunk[1] - chunk[0] <= 64 and text[chunk[0] : chunk[1]].isdecimal():
        return _Group(chunk[0], text[chunk[0] : chunk[1]], "")
    suffix = _SUFFIX.search(text, max(chunk[0], chunk[1] - 64), chunk[1])
    tail = suffix and _TAIL.search(text, suffix.start(), chunk[1])
    if not tail:
        return None
    start = tail.start()
    before = text[start - 1 : start] if start > chunk[0] else ""
    inside = before.isalnum() or before in tuple("_@\\%&./") or (before == ":" and text[start - 2].isdigit())
    if (inside and not _UNSPACED.match(before)) or (before == "=" and _kind(text[chunk[0] : chunk[1]]) == "url"):
        # An item of a list may begin here: `x,12 345`.
        later = _ITEM.search(text, start, chunk[1])
        return _Group(later.start("group"), later["group"], ",") if later else None
    return _Group(start, tail[0], before)


def _are_apart(
    text: str, one: tuple[int, int], other: tuple[int, int], group: _Group, *, lead: bool, first: bool
) -> bool:
    """Return whether the chunks are two strings, each for itself.

    Args:
        text: the text.
        one, other: the chunks.
        group: the last group of `one`.
        lead: whether the run begins as a phone number does.
        first: whether the run begins with `group`.
    """
    left, right = text[group.start : one[1]], text[other[0] : other[1]].rstrip(".,;:!?")
    zone = _ZONE.fullmatch(group.text)
    if zone and _AFTER_CLOCK.search(text, max(0, group.start - 24), group.start):
        return True
    whole = "" if group.before in (",", ";") else text[one[0] : one[1]].strip("()")
    if not lead and any(_kind(each) in _STRONG for each in (left, right.strip("()[]"), whole)):
        return True
    if "-" in right and _NAMED_COUNT.fullmatch(group.text):
        return True  # ISBN-10 0-306-40615-2
    for mixed, neighbor in ((left, right), (right, left)):
        if len(mixed) >= 8 and not mixed.isdigit() and mixed.isalnum() and neighbor.isdigit() and len(neighbor) < 8:
            return True  # a serial number beside a count
    if not lead and _DECIMAL.fullmatch(right):
        return True  # a decimal never begins the second group of a number
    if _LAST_GROUP.match(right) and _LONG_GROUP.fullmatch(group.text):
        return True
    # Nothing follows a decimal either.
    single = first and not lead and text[one[1] : other[0]] == " "
    return single and _AFTER_DECIMAL.fullmatch(group.text) is not None


_ZONE: Final = re.compile(r"[-+]\d{2}:?\d{2}")
_NAMED_COUNT: Final = re.compile(r"[A-Z]{2,}-\d{1,2}")
_DECIMAL: Final = re.compile(r"[1-9]\d?(?:,\d{3})+(?:\.\d+)?|\d{1,2}\.\d+|\d{4,}\.\d+")
_LAST_GROUP: Final = re.compile(r"\d{3}[.,]\d")
_LONG_GROUP: Final = re.compile(r"\d{4,}")
_AFTER_DECIMAL: Final = re.compile(r"\D?\d+\.\d+")


def _kind(text: str) -> str | None:
    return kind_of(text) if 5 <= len(text) <= 128 else None


_AMOUNT: Final = re.compile(
    r"[+\-–±~≈]?(?P<money>[€$£¥₹]?)[1-9]\d{0,2}(?: \d{3})+(?P<decimals>[.,]\d{1,4})?(?P<unit>[%‰€$£¥₹]|[a-zµ°²³]{1,4})?"
)
_IBAN: Final = re.compile(r"[A-Z]{2}\d{2}(?: [0-9A-Z]{4}){2,7}(?: [0-9A-Z]{1,3})?")
_IBAN_COUNTRIES: Final = {
    15: "NO", 16: "BE", 18: "DK FO FI GL NL", 19: "MK SI", 20: "AT BA EE KZ LT LU XK", 21: "CH CR HR LI LV",
    22: "BG BH DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
_IBAN_LENGTHS: Final = {
    country: length for length, countries in _IBAN_COUNTRIES.items() for country in countries.split()
}
_CARD: Final = re.compile(r"\d{4}(?: \d{4}){3}(?: \d{3})?|\d{4} \d{6} \d{4,5}")
_FINGERPRINT: Final = re.compile(r"(?:[0-9A-F]{4} ){4}[0-9A-F]{4}  ?(?:[0-9A-F]{4} ){4}[0-9A-F]{4}")
_PHONE: Final = re.compile(r"(?:\+ ?\d|\(?\+?\d|\(\d)[\d() ./–-]*\d")
_LOCAL: Final = re.compile(r"(?:1[ -])?\d{3} \d{3}[ -]\d{4}|(?:1[ -])?\(\d{3}\) ?\d{3}[ -]\d{4}")
_PARCEL: Final = re.compile(r"1Z(?: [0-9A-Z]{2,4}){4,7}")
_DIGITS: Final = re.compile(r"[\dA-Z]{1,12}(?:[ /-][\dA-Z]{1,12})+")
_EXTENSION: Final = re.compile(r",? ?(?:ext\.?|x|extension|Durchwahl|DW|poste|int\.) ?\d{1,6}(?![\w-])", re.IGNORECASE)
_CUE: Final = re.compile(
    r"(?i)(?:^|[^\w])(?:tel|phone|telephone|telefon|téléphone|teléfono|telefono|fax|mobile?|mobil|cell|handy|call|dial|"
    r"card|karte|carte|tarjeta|visa|mastercard|amex|account|acct|konto|kontonr|cuenta|compte|iban|isbn|ean|siret|siren|"
    r"vat|ust-?id|steuer-?id|nhs|aadhaar|tracking|serial|number|nummer|numéro|número|nr|n°|№|ssn|pin|puk|電話|电话|"
    r"тел|телефон|abn|acn|konto-?nr|anruf|rufnummer|hotline)\.?"
    r"(?: ?(?:no|nr|number|nummer|id)\b\.?)?\s?[:#=]?\s?[(\"']?\Z"
)
_OUTSIDE: Final = re.compile(rf"[\s{DELIMITERS}{UNSPACED}=:(\[,;'‘—]")
# A first group that a letter or a full stop holds: "Nr.1 234 567,89". Nobody knows whether it is a part of the number.
_HELD: Final = re.compile(rf"(?:[^\W\d]|[.@%&])[-+(#±−–~≈€$£¥₹]{{0,3}}\d{{1,4}}\)?[{SPACE}]\Z")


def whole_run(text: str, start: int, end: int) -> tuple[int, int, str] | None:
    """Return (start, end, kind) of the string that is the whole of a run, but for punctuation around it; or None."""
    while start < end and text[start] in "'‘[":
        start += 1
    if re.search(r"\b(?:ext\.?|x|extension) \Z", text[max(0, start - 12) : start]):
        return None
    if text[start - 1 : start] == "," and start > 1 and text[start - 2].isdigit():
        return None
    while end > start and text[end - 1] in ".,;:!?'’]":
        if text[end - 2] in ".,:":
            return None
        end -= 1
    if text[start] == "(" and text[end - 1] == ")" and text.find(")", start, end) == end - 1:
        start, end = start + 1, end - 1
    elif text[end - 1] == ")" and text.count("(", start, end) < text.count(")", start, end):
        end -= 1
    elif text[start] == "(" and text.count("(", start, end) > text.count(")", start, end):
        start += 1
    if start > 0 and not _OUTSIDE.match(text, start - 1):
        return None
    if text[start] != "+" and _HELD.search(text, max(0, start - 12), start):
        return None
    body = text[start:end]
    if len(body) > 120 or body.count(" ") > _MOST or digits(body) < DIGITS:
        return None
    plain = seen(re.sub(f"[{SPACE}]", " ", body))
    amount = _AMOUNT.fullmatch(plain) if len({char for char in body if char in SPACE}) == 1 else None
    if amount and (" " not in body or _is_amount(text, start, end, amount)):
        return start, end, "number"
    if _is_iban(plain):
        return start, end, "code"
    if _FINGERPRINT.fullmatch(plain):
        return start, end, "hash"
    bare = re.sub(r"\D", "", plain)
    cue = _CUE.search(text, max(0, start - 40), start) is not None
    if _CARD.fullmatch(plain) and (cue or _luhn(bare)):
        return start, end, "number"
    if _PHONE.fullmatch(plain) and 7 <= len(bare) <= 15 and _is_phone(plain, bare, cue):
        return start, end, "number"
    if _PARCEL.fullmatch(plain) and len(plain.replace(" ", "")) == 18:
        return start, end, "code"
    if cue and _DIGITS.fullmatch(plain) and digits(plain) >= 6:
        return start, end, "number"
    if re.fullmatch(r"97[89](?:[ -]\d+){4}", plain) and len(bare) == 13:
        return start, end, "number"
    return None


def _is_iban(plain: str) -> bool:
    return bool(_IBAN.fullmatch(plain)) and len(plain.replace(" ", "")) == _IBAN_LENGTHS.get(plain[:2])


def _is_amount(text: str, start: int, end: int, amount: re.Match[str]) -> bool:
    """Return whether groups with plain spaces are one amount, and not numbers in a row: `64 224 208` is a color.

    Decimals say so, a unit, money beside it, or three groups and more in a sentence.
    """
    if text[start] == "+" and text.count(" ", start, end) >= 3:
        return False  # a phone number, and a number beside it
    if amount["decimals"] or amount["unit"] or amount["money"]:
        return True
    before, after = text[max(0, start - 24) : start], text[end : end + 24]
    if _MONEY_BEFORE.search(before) or _MONEY_AFTER.match(after):
        return True
    if _LETTERS_BEFORE.search(before):
        return False
    groups = text[start:end].split(" ")
    small = len(groups) == 3 and all(int(group) < 256 for group in groups if group.isdigit())
    return len(groups) == 3 and not small and bool(_SENTENCE.search(before)) and bool(_GOES_ON.match(after))


_CURRENCY: Final = (
    r"(?:[$€£¥₹₽₩₺₪฿₫₴₦₱]|(?:EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN|CZK|HUF|RUB|JPY|CNY|INR|AUD|CAD|BRL|ZAR|Euro|euros?|"
    r"kr|zł|Kč|Ft|руб|грн|лв|lei|F|Fr|francs?|Franken|dollars?|m²|m³|km²?|kg|t|ha|kWh|MWh|°C|%)\.?(?!\w))"
)
_MONEY_BEFORE: Final = re.compile(rf"(?:^|[^\w])(?:{_CURRENCY}|[$€£¥])\s?[-−+]?\Z")
_MONEY_AFTER: Final = re.compile(rf"[{SPACE}]{_CURRENCY}")
_LETTERS_BEFORE: Final = re.compile(r"(?<![A-Za-z0-9])[A-Z]{1,3} \Z")  # RR 123 456 785 DE
_SENTENCE: Final = re.compile(r"[^\W\d_]{2,}:? \Z")
_GOES_ON: Final = re.compile(r" [^\W\d_]{2,}|[.,;:)]?(?:\s|\Z)")


def with_extension(text: str, start: int, end: int) -> int:
    """Return the end of a phone number with its extension, if one follows: `555-0199 ext. 22`."""
    if digits(text[start:end]) < 7 or not re.search(r"[-) ]", text[start:end]):
        return end
    match = _EXTENSION.match(text, end)
    return match.end() if match else end


def _is_phone(plain: str, bare: str, cue: bool) -> bool:
    groups = re.findall(r"\d+", plain)
    if plain.count("(") != plain.count(")") or re.search(r"\.\.|--|//|\d-\d+ \D?\d", plain):
        return False
    dashed = re.search(r" [-/–] ", plain)
    if (
        dashed
        and len(re.sub(r"\D", "", plain[: dashed.start()])) >= 7
        and not re.fullmatch(r" [-/–] \d{1,4}", plain[dashed.start() :])
    ):
        return False
    if "." in plain and " " in plain and not cue:
        return False
    if cue or plain[0] == "+" or plain[:2] == "(+" or _LOCAL.fullmatch(plain):
        return True
    if plain[0] == "(":
        return len(groups) >= 2 and (len(groups[0]) in (2, 3) or groups[0][0] == "0")
    if plain[0] != "0" or plain[:3] == "000" or not 2 <= len(groups[0]) <= 6 or len(bare) < 8:
        return False
    if len(groups) > 5 and all(len(group) == 2 for group in groups[:5]):
        return False
    pairs = all(len(group) == 2 for group in groups)
    return not pairs or (len(groups) == 5 and groups[0] != "00")


def _luhn(number: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (sum(map(int, number[::-2])) + sum(doubled)) % 10 == 0


def wrapped(text: str, start: int, end: int) -> bool:
    """Return whether a number at the edge of a line may continue on the line before or after, as in wrapped prose."""
    line = text.rfind("\n", max(0, start - 80), start)
    if line >= 0 and not text[line + 1 : start].strip(" \t>('\""):
        before = text[max(0, line - 160) : line].rstrip("\r \t")
        before = before[before.rfind("\n") + 1 :]
        words = before.split()
        if re.search(r"\d[.,'’]\Z", before) and re.match(r"\d{3}(?!\d)", text[start:end]):
            return True
        if words and _GROUPISH.fullmatch(words[-1]):
            last = words[-1]
            grouped = len(words) > 1 and _GROUPISH.fullmatch(words[-2]) is not None
            prose = any(not _GROUPISH.fullmatch(word) for word in words)
            if prose and (grouped or last[0] in "+(0"):
                return True
            if re.match(r"\d{3}(?!\d)", text[start:end]) and re.fullmatch(r"\D?\d{1,3}", last):
                return True
    follow = re.compile(r"[ \t]*\r?\n[ \t]*(?:> ?)?(?P<next>\d{1,4})(?!\d)(?P<mark>[ .,]?)").match(text, end)
    if follow:
        begin = text.rfind("\n", max(0, start - 400), start) + 1
        prose = bool(re.search(r"[^\W\d_]{2}", text[begin:start]))
        number = text[start:end]
        if prose and " " in number:
            return True
        if prose and len(follow["next"]) == 3 and re.fullmatch(r"\D?\d{1,3}(?:[ ]\d{3})*", number):
            return True
        return prose and number[:1] in "+(" and len(number) < 16
    return False


_GROUPISH: Final = re.compile(r"[+(]*[\dA-Z]*\d[\dA-Z]*(?:[-/.][\dA-Z]+)*\)?")
