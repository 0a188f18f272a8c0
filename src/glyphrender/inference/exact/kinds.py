"""Kinds of exact strings. Each rule matches a whole string or none of it.

A rule sees the string alone, so it cannot cut anything; where strings begin and end is decided elsewhere.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from glyphrender.inference.exact.characters import UNSPACED, seen

# Longer strings are binary data written as text. No question is about them.
LONGEST: Final = 512
SHORTEST: Final = 4
# Models seldom misread a shorter number: at 9 px, one digit in a hundred is wrong.
DIGITS: Final = 5

_DIGIT: Final = re.compile(r"\d")
_HEX: Final = "[0-9A-Fa-f]"
_URL: Final = re.compile(
    r"(?:[a-z]{2,12}:){0,2}[A-Za-z][A-Za-z0-9+.-]{1,15}://[^\s<>\"`|\\^{}\x00-\x1f\x7f]*[^\s<>\"`|\\^{}\x00-\x1f\x7f.,;:!?'(\[*]"
    r"|(?:www\.(?:[\w-]++\.)*+[^\W\d]{2,24}|(?:[A-Za-z0-9-]++\.)++[A-Za-z]{2,24}(?::\d{1,5})?(?=/[^\s?#]*[?#])"
    r"|(?:\d{1,3}\.){3}\d{1,3}:\d{1,5}(?=/)|/[\w./~%@:+-]*(?=\?[\w.-]+=))"
    r"(?:[/?#][^\s<>\"`|\\^{}]*[^\s<>\"`|\\^{}.,;:!?'(\[*]|/)?"
    r"|(?:mailto|tel|sip|sips|xmpp|magnet|news|cid|mid|callto|sms|geo):[\w.+?=&:%@/~#'-]*[\w/=]",
)
_SCHEME_IN_LIST: Final = re.compile(r"[,;|]\w{2,12}://|'[)\]]")
_MIXED_LETTERS: Final = re.compile(f"[A-Za-z0-9][{UNSPACED}]|[{UNSPACED}][A-Za-z0-9]")
# Letters of two alphabets side by side may be a word and an address: пишитеivan@example.org.
_TWO_SCRIPTS: Final = re.compile(r"[A-Za-z][\u0370-\u1dff\u1f00-\u1fff]|[\u0370-\u1dff\u1f00-\u1fff][A-Za-z]")
# A path at whose edge such letters stand beside others may be a word and a path: 路径/var/log, app.logを.
_JOINED_TO_PATH: Final = re.compile(f"[{UNSPACED}]+/?[A-Za-z0-9]|.*[A-Za-z0-9][{UNSPACED}]+\\Z", re.DOTALL)
_DOMAIN: Final = r"(?:[\w-]++\.)++(?:[^\W\d_]{2,24}|xn--[A-Za-z0-9-]{2,60})"
_EMAIL: Final = re.compile(
    rf"@?[\w!#$%&'*+~][\w!#$%&'*+=?^~./-]*@{_DOMAIN}(?::[\w./~-]*[\w/])?"
    r"|[\w.+-]+@(?:\[?(?:\d{1,3}\.){3}\d{1,3}\]?)(?::[\w./~-]*[\w/])?"
)
_EMAIL_KEY: Final = re.compile(r"(?i)[a-z_-]*(?:e?mail|to|cc|from|user|sender|addr|address|login|owner|author|recipient|contact|account|name|id)=")  # noqa: E501  # fmt: skip
_UUID: Final = re.compile(rf"(?:urn:uuid:)?{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}")
_ADDRESS: Final = re.compile(
    rf"(?:{_HEX}{{2}}[:-]){{5,63}}{_HEX}{{2}}"  # MAC, fingerprint of a key
    rf"|{_HEX}{{4}}\.{_HEX}{{4}}\.{_HEX}{{4}}"  # MAC, as Cisco writes it
    r"|(?P<v4>(?:\d{1,3}\.){3}\d{1,3})(?::\d{1,5})?(?:/\d{1,2})?(?:-(?:(?:\d{1,3}\.){3})?\d{1,3})?"
    rf"|(?P<open>\[)?(?P<v6>(?=[^:]*:[^:]*:){_HEX}{{0,4}}(?::{_HEX}{{0,4}}){{2,8}}(?::(?:\d{{1,3}}\.){{3}}\d{{1,3}})?)"
    r"(?:%[\w.-]+)?(?:/\d{1,3})?(?P<close>\])?(?::\d{1,5})?"
)
_DIGEST: Final = r"(?:[Mm][Dd]5|[Ss][Hh][Aa]-?\d{1,3}|blake2[bs]|crc32|h1)[:=-]"
_HASH: Final = re.compile(
    rf"0[xX]{_HEX}{{4,}}[uUlL]{{0,3}}"
    rf"|{_HEX}{{4}}:(?:0x)?{_HEX}{{8,16}}"  # segment and offset
    rf"|{_DIGEST}(?=[0-9A-Za-z+/_=-]{{16,}})[0-9A-Za-z_+/-]+=*"
    rf"|#?(?=[0-9]*[A-Fa-f])(?=[A-Fa-f]*[0-9]){_HEX}{{7,}}(?:-dirty)?"
    rf"|(?=[0-9.]*[A-Fa-f]){_HEX}{{7,}}\.{{2,3}}{_HEX}{{7,}}"
    r"|(?!fabaceae|FABACEAE)(?:[a-f]{8,}|[A-F]{8,})"
)
_CLOCK: Final = r"\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?"
_ZONE: Final = r"(?:Z|[+-]\d\d(?::?\d\d)?(?:\[[\w/+-]+\])?)"
_DATE: Final = rf"\d{{4}}-\d\d-\d\d(?:[T_]{_CLOCK}{_ZONE}?)?"
_DURATION: Final = r"-?P(?=[\dT])(?:\d+(?:[.,]\d+)?[YMWD])*(?:T(?:\d+(?:[.,]\d+)?[HMS])+)?"
_TIME: Final = re.compile(
    rf"(?:R\d*/)?{_DATE}(?:/(?:{_DATE}|{_DURATION}|{_CLOCK}{_ZONE}?))?(?:/{_DURATION})?"
    rf"|\d{{8}}T\d{{4}}(?:\d\d(?:[.,]\d+)?)?{_ZONE}?|\d{{4}}-?W\d\d(?:-?\d)?"
    rf"|\d\d:\d\d:\d\d(?:\.\d{{1,9}}|,(?:\d{{3}}){{1,2}}|[:;]\d\d)?{_ZONE}?|(?:{_DURATION}/)?{_DURATION}"
    r"|\d{1,2}[./-]\d{1,2}[./-]\d{4}|\d{4}[./]\d{1,2}[./]\d{1,2}|\d{1,2}[-/][A-Z][a-z]{2}[-/]\d{4}(?::\d\d:\d\d:\d\d)?"
    r"|\d{4}年\d{1,2}月\d{1,2}日"
)
_SIGN: Final = r"[+\-±~≈≤≥#]?"
_MONEY: Final = r"(?:[A-Z]{0,3}[$€£¥₹₽₩₺₪฿₫₴₦₱]|[A-Z]{3}|Rs\.?|kr|Fr\.|R)?"
_GROUPED: Final = (
    r"(?:(?!0[\d,])\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3})+(?:,\d{1,4})?|\d{1,3}(?:'\d{3})+(?:\.\d+|,\d{1,4})?"
    r"|\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?|\d{1,3}(?:,\d{4}){2,}(?:\.\d+)?|\d+(?:_\d+)+"
    r"|\d+,\d{1,3}|\d+(?:\.\d+)?|\.\d+)"
)
_LETTER: Final = f"[^\\W\\d_{UNSPACED}\u00b2\u00b3\u00b9\u2070-\u209f]"  # and no superscript, which may be a footnote
_UNIT: Final = (
    r"(?:%|‰|°[CFKNSEW]?|[$€£¥₹₽₩₺₪฿₫₴₦₱]|[.,/][-–]{1,2}|[×x·]10\^?-?[\d⁰¹²³⁴-⁹⁻]+"
    rf"|(?![DEIOPQSUXYZx](?![A-Za-z])){_LETTER}{{1,5}}[²³]?(?:/{_LETTER}{{1,4}}[²³]?)?)?"
)
_NO_CENTS: Final = re.compile(r"\d[.,/]-{1,2}\Z")  # 99,- and 99/-
_AMOUNT: Final = re.compile(
    rf"{_SIGN}{_MONEY}{_SIGN}{_GROUPED}(?:[eE][+-]?\d+)?{_UNIT}"
    r"|(?:\d+(?:[.,]\d+)?[万亿億兆千百만억조천백])+(?:\d+(?:[.,]\d+)?)?[円元원人]?"
)
_ACCOUNTING: Final = re.compile(rf"\({_MONEY}{_GROUPED}{_UNIT}\)|{_MONEY}\({_GROUPED}\)")
_NUMBER: Final = re.compile(rf"{_SIGN}\d+(?:[.:/_–-]\d+)+{_UNIT}|\d+(?:-\d+)+-[A-Z\d]")
_PHONE: Final = re.compile(
    r"(?=[^a-z]*[+(])(?:[(+]{0,2}\d\)?[-./–]?){5,24}\d(?:(?:x|ext\.?)\d{1,6})?|\d+(?:-\d+)+(?:x|ext\.?)\d{1,6}"
)
_VERSION: Final = re.compile(
    r"(?:@?[A-Za-z][\w.+/-]*?(?:\[[\w.,-]+\](?===))?(?:@[v^~]?|==|~=|:|_|-)|[~^])?(?:[vV]|\d+:)?"
    r"(?:\d+(?:\.\d+){2,}(?:[-+~._:]{0,2}[A-Za-z0-9]++)*+"
    r"|\d+(?:\.\d+)+(?:[-+~]|[A-Za-z])[A-Za-z0-9.+~_-]*[A-Za-z0-9]"  # 2.36-9+deb12u4, 1.0rc1
    r"|\d+(?:\.\d+)+(?:rc|[abc])\d)"
    r"|(?:[vV]|\d+:)\d+[-+~._][A-Za-z0-9]+(?:[-+~._:]{0,2}[A-Za-z0-9]++)*+"
    r"|\d{1,8}[a-z]?(?:-\d+(?:\.\d+)*)?[+~](?=[\d+~.-]*[a-z]|\d{6})[A-Za-z0-9.+~-]*[A-Za-z0-9]"  # 252-1~bpo12
)
_IMAGE: Final = re.compile(
    r"(?=[^@]*[:@])(?P<registry>[\w.-]+(?::\d+)?/)?(?P<name>[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*)"
    r"(?P<tag>:\w[\w.-]*)?(?P<digest>@sha256:[0-9a-f]{32,64})?"
)
_PINNED: Final = re.compile(rf"[A-Za-z][\w.-]*(?:/[\w.-]+)*@(?=[a-f]*\d)(?:{_HEX}{{7,12}}|{_HEX}{{40}}|{_HEX}{{64}})")
_PART: Final = r"[\w.@+~%=$#!\[\]()-]+"
_UNIX: Final = re.compile(
    rf"(?:~\w*|\.\.?|\$\w+|file:)?(?:/{_PART})+/?(?::\d+(?:[:-]\d+)?)?"
    rf"|(?!-){_PART}(?:/{_PART})+/?(?::\d+(?:[:-]\d+)?)?"
)
_WINDOWS: Final = re.compile(
    r"(?:(?:\\\\\?\\)?[A-Za-z]:|\\\\[\w.$-]+|\.\.?|~|%\w+%|HK[A-Z_]{2,24})(?:\\{1,2}[^\s\\/:*?\"<>|,;]+)+(?:\\{1,2})?(?::\d+(?::\d+)?)?"
    r"|[A-Za-z]:(?:/[^\s\\/:*?\"<>|,;]+)+/?(?::\d+(?::\d+)?)?"
)
_TOKEN: Final = re.compile(
    r"eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?|(?:AKIA|ASIA|ghp_|gho_|ghs_|github_pat_|sk-|sk_|pk_|rk_|xox[a-z]-|AIza|glpat-|npm_|hf_|SG\.|ya29\.)[\w.-]{12,}"
)
_DOI: Final = re.compile(r"(?:doi:)?10\.\d{4,9}/[^\s\"<>{}|,;]*[\w/)]", re.IGNORECASE)
_KEY: Final = re.compile(r"[A-Z]{4,8}(?:-[A-Z]{4,8}){2,}")
_CODE: Final = re.compile(r"#?[A-Za-z0-9](?:[A-Za-z0-9_.+/]|[-~](?![-~]))*")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{14,}={0,2}")
_ESCAPED: Final = re.compile(r"(?=[^%]*%[0-9A-Fa-f]{2}[^%]*%[0-9A-Fa-f]{2})(?:[\w.~!*()+:@/$-]|%[0-9A-Fa-f]{2})+")
_FORMAT: Final = re.compile(r"%\d{1,2}[dxXfsiu](?![A-Za-z0-9])")  # %02d:%02d
_URN: Final = re.compile(
    r"(?:urn|arn|did|oid|tag|spotify|isbn|issn|arxiv|doi|pmid|orcid|pkg|swh|ark|hdl|npm|cpe|geo|git)(?::[\w.+/@%~*-]*)+",
    re.IGNORECASE,
)
_DOTTED: Final = re.compile(r"(?=.*[^\W\d_])[^.]++\.[\w-]").match


def digits(text: str) -> int:
    """Return how many digits `text` has, of any writing system."""
    return len(text) if text.isdecimal() else len(_DIGIT.findall(text))


# The same string is judged as a group of a run, then alone, then as an item of a list.
@lru_cache(maxsize=1 << 14)
def kind_of(text: str) -> str | None:
    """Return the kind of the whole of `text`, or None if it is no exact string.

    >>> kind_of("1.234.567,89"), kind_of("nginx:1.25.3-alpine"), kind_of("o'brien@example.com"), kind_of("word")
    ('number', 'version', 'email', None)
    """
    if not SHORTEST <= len(text) <= LONGEST:
        return None
    text = seen(text)
    if (
        (text[-1] in ".,;:!?'-" and not _NO_CENTS.search(text))
        or text[0] in ",;!'"
        or "'," in text
        or "';" in text
        or not _balanced(text)
    ):
        return None
    for kind, rule in _rules_for(frozenset(_MARKS.findall(text))):
        if rule(text):
            return kind
    return None


@lru_cache(maxsize=1024)
def _rules_for(marks: frozenset[str]) -> tuple[tuple[str, Callable[[str], bool]], ...]:
    """Return the rules that a text can fulfil if `marks` are those of its characters that are no letters or digits."""
    return tuple((kind, rule) for kind, rule in _RULES if rule not in _NEEDS or not _NEEDS[rule].isdisjoint(marks))


def _balanced(text: str) -> bool:
    return text.count("(") == text.count(")") and text.count("[") == text.count("]")


def _is_url(text: str) -> bool:
    if ":" not in text and "/" not in text and not text.startswith("www."):
        return False
    if not _URL.fullmatch(text) or _SCHEME_IN_LIST.search(text):
        return False
    return text.isascii() or not _MIXED_LETTERS.search(text)


def _is_email(text: str) -> bool:
    if "@" not in text or not _EMAIL.fullmatch(text) or _MIXED_LETTERS.search(text) or _TWO_SCRIPTS.search(text):
        return False
    # `to=jane@example.org` is an assignment. `bounce+jane=example.com@lists.org` is not.
    local = text.partition("@")[0]
    return "=" not in local or (not _EMAIL_KEY.match(local) and ("+" in local or "." in local.partition("=")[2]))


def _is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def _is_address(text: str) -> bool:
    if len(text) < 6 or not digits(text):
        return False
    match = _ADDRESS.fullmatch(text)
    if not match or (match["open"] is None) != (match["close"] is None):
        return False
    try:
        if found := match["v4"] or match["v6"]:
            ipaddress.ip_address(found)
    except ValueError:
        return False
    return True


def _is_hash(text: str) -> bool:
    return _HASH.fullmatch(text) is not None


def _is_time(text: str) -> bool:
    if not _TIME.fullmatch(text):
        return False
    return text[0] not in "-P" or (text[-1] not in "PT" and digits(text) >= 2)


def _is_number(text: str) -> bool:
    if digits(text) < DIGITS:
        return False
    return any(rule.fullmatch(text) for rule in (_AMOUNT, _PHONE))


def _is_joined(text: str) -> bool:
    """Return whether `text` is a number of several parts, such as `8841-2207`, and no range of years."""
    if digits(text) < DIGITS or ("–" in text and max(map(len, re.findall(r"\d+", text))) < DIGITS):
        return False
    return _NUMBER.fullmatch(text) is not None


def _is_version(text: str) -> bool:
    if text[0].isascii() and _VERSION.fullmatch(text):
        return True
    if _PINNED.fullmatch(text):
        return True
    match = _IMAGE.fullmatch(text)
    if not match or not (match["tag"] or match["digest"]):
        return False
    tag = match["tag"] or ""
    if tag[1:].isdigit() and "." in match["name"].rpartition("/")[2]:
        return False  # a line of a file
    return bool(match["digest"]) or tag.count(".") >= 2 or (digits(tag) >= 2 and "/" in text and "." in text)


def _is_path(text: str) -> bool:
    """Return whether `text` is a path, and not "and/or", "his/her" or "1/2".

    A path starts at a root, has three parts, or has an extension.
    """
    if "\\" in text:
        return _WINDOWS.fullmatch(text) is not None
    if "/" not in text or "](" in text or (text[0] not in "/~." and re.search(r"[()\[\]]", text)):
        return False
    if not text.isascii() and _JOINED_TO_PATH.match(text):
        return False
    if "=" in text.partition("/")[0] or text[0] in "#!=" or (text[0] == "$" and not text[1:2].isalpha()):
        return False
    if not _UNIX.fullmatch(text):
        return _WINDOWS.fullmatch(text) is not None
    if text[0] in "/~.$" or text.startswith("file:"):
        return len(text) > 3
    parts = text.rstrip("/").split("/")
    if all(part.isdigit() for part in parts) or "//" in text:
        return False
    return any(map(_DOTTED, parts)) or (len(parts) > 2 and max(map(len, parts)) > 3)


def _is_rare(text: str) -> bool:
    count = digits(text)
    return len(text) >= 8 and (count >= 4 or (count >= 2 and len(text) >= 16 and text.lower() != text != text.upper()))


def _is_code(text: str) -> bool:
    if _TOKEN.fullmatch(text) or _DOI.fullmatch(text):
        return True
    count = digits(text)
    mixed = text.lower() != text != text.upper()
    rare = _is_rare(text)
    if "." in text:  # a dotted name is as rare as its rarest part
        rare = ".." not in text and any(_is_rare(part) for part in text.split("."))
    if rare and (_CODE.fullmatch(text) or _BASE64.fullmatch(text)):
        return "/" not in text or text.upper() == text or _BASE64.fullmatch(text) is not None
    if len(text) >= 16 and count and text.isalnum() and text.isascii() and text.upper() == text:
        return True  # AKIAIOSFODNN7EXAMPLE
    if mixed and count and len(text) >= 20 and text[-1] == "=" and _BASE64.fullmatch(text):
        return True
    if "%" in text:
        return not _FORMAT.search(text) and _ESCAPED.fullmatch(text) is not None
    if ":" in text and count >= DIGITS:
        return _URN.fullmatch(text) is not None
    return bool(_KEY.fullmatch(text)) and len(set(map(len, text.split("-")))) == 1


_RULES: Final[tuple[tuple[str, Callable[[str], bool]], ...]] = (
    ("url", _is_url),
    ("email", _is_email),
    ("uuid", _is_uuid),
    ("address", _is_address),
    ("hash", _is_hash),
    ("time", _is_time),
    ("number", _is_number),
    ("version", _is_version),
    ("number", _is_joined),
    ("path", _is_path),
    ("code", _is_code),
)
_MARKS: Final = re.compile(r"[^\w ]|_")
# What a text must have to fulfil a rule: one of these marks. The other rules can be fulfilled by letters and digits.
_NEEDS: Final[dict[Callable[[str], bool], frozenset[str]]] = {
    _is_url: frozenset(":/."),
    _is_email: frozenset("@"),
    _is_uuid: frozenset("-"),
    _is_address: frozenset(".:-"),
    _is_version: frozenset("@:=~_-+./^"),
    _is_joined: frozenset(".:/_–-"),
    _is_path: frozenset("/\\"),
}


def is_accounting(text: str) -> bool:
    """Return whether `text` is an amount in parentheses: `(1,234.56)`, `($12,345)`."""
    return ")" in text and digits(text) >= DIGITS and _ACCOUNTING.fullmatch(seen(text)) is not None
