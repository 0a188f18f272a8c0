"""Texts that break renderers: one entry a way of going wrong, each made from a rule, none from a file."""

from __future__ import annotations

import random

NASTY: dict[str, str] = {
    "empty": "",
    "one space": " ",
    "only spaces": " " * 3000,
    "only newlines": "\n" * 500,
    "only tabs": "\t" * 500,
    "only line ends of every kind": "\r\n\r\v\f\x85\u2028\u2029" * 40,
    "only form feeds": "\f" * 60,
    "spaces, then newlines": ("  \n" * 40 + "\t \n") * 5,
    "NULs": "\0" * 300,
    "NULs in words": "a\0b c\0\0d " * 40,
    "every C0 and C1 control": "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)])) * 3,
    "unpaired surrogates": "\ud800 \udfff\udc00x\udbff" * 20,
    "zalgo": "".join(letter + "\u0301\u0316\u0489\u0353" * 30 for letter in "he comes "),
    "64K combining marks": "a" + "\u0301" * 65536,
    "marks without a base": "\u0301 \u0301\n\u0301\t\u0301",
    "bidi embeddings 200 deep": "\u202b\u202a" * 100 + "abc אבג" + "\u202c" * 250,
    "bidi overrides 125 deep": "".join("\u202e\u202d"[depth % 2] + "aא" for depth in range(125)),
    "isolates 125 deep": "\u2067\u2066" * 63 + "abc אבג 12" + "\u2069" * 126,
    "unpaired isolates": "a\u2067b\u2066ג\u2068\n\u2069\u2069\u2069x\u2067" * 20,
    "brackets 200 deep, right to left": "א" + "(" * 200 + "b" + "]" * 50 + ")" * 200,
    "a token of 5,000 letters": "before " + "x" * 5000 + " after",
    "a token of 5,000 Arabic letters": "\u0628" * 5000,
    "a token of 5,000 Devanagari clusters": "क्षि" * 5000,
    "a link of 5,000 characters": "https://example.org/" + "a-b.c/d?e=f&" * 415,
    "one ideograph × 10,000": "中" * 10_000,
    "closing brackets only": "」" * 2000,
    "opening brackets only": "（" * 2000,
    "200,000 characters without a space": "abcdefghij" * 20_000,
    "100,000 characters without an end": "a word or two " * 7000,
    "no-break spaces only": "\u00a0" * 2000,
    "words joined by U+2060": "word\u2060" * 500,
    "zero width spaces only": "\u200b" * 2000,
    "soft hyphens only": "\u00ad" * 2000,
    "soft hyphens in a word": "ab\u00ad" * 1000,
    "one emoji family × 500": "👩‍👩‍👧‍👦" * 500,
    "flags without a gap": "🇫🇷🇩🇪🇯🇵" * 300 + "🇫",
    "joiners only": "\u200d" * 2000,
    "variation selectors only": "\ufe0f\U000e0100" * 500,
    "tag characters": "🏴" + "".join(chr(0xE0000 + ord(letter)) for letter in "gbsct") * 200 + "\U000e007f",
    "jamo": "\u1100\u1161\u11a8" * 500 + "\u1100" * 200,
    "the widest characters": "﷽" * 200 + "𒐫" * 50 + "\u2e3b" * 50,
    "Tibetan stack": "ཀ" + "ྐ" * 400,
    "interlinear annotation": "\ufff9a\ufffab\ufffb" * 100,
    "tabs and spaces at every place": " \t a\t\t b \t\n\t c \t " * 30,
    "control sequences without an end": "\x1b]0;a title \x1bP q \x9d" * 100 + "\x1b[1;3" * 100,
    "a progress bar of 20,000 steps": "".join(f"\r{step} of 20000 \x1b[K" for step in range(20_000)),
    "carriage returns and backspaces only": "\r\b" * 1000 + "\n" + "\b" * 1000,
    "private use": "".join(map(chr, range(0xE000, 0xE200))),
    "noncharacters": "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF)),
}


def every_code_point(size: int = 0x4400) -> list[str]:
    """All 1,114,112 code points, shuffled so that neighbours are strangers, `size` a text."""
    code_points = list(range(0x110000))
    random.Random(0).shuffle(code_points)
    return ["".join(map(chr, code_points[start : start + size])) for start in range(0, 0x110000, size)]
