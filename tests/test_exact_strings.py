"""Exact strings are whole: in 544 texts written by hand, in joined tokens, in glued ones, at the borders of pages."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glyphrender import Theta, render
from glyphrender.inference.exact.find import find_strings
from glyphrender.inference.sidecar import STRING_KINDS, exact_strings, most_tokens, sidecar

DATA = Path(__file__).parent / "data/exact-strings.txt"
# Strings found of those expected, as measured. A fall is a fault.
RECALL = {
    "amount": 89, "time": 35, "phone": 31, "account": 30, "key": 12, "hash": 30, "uuid": 13, "address": 25,
    "token": 21, "version": 24, "image": 10, "url": 33, "email": 29, "message-id": 7, "path": 34, "base64": 9,
    "percent": 3, "digits": 15, "cell": 36, "reference": 29, "unseen": 6,
}  # fmt: skip


@dataclass
class Sample:
    kind: str
    text: str
    expected: list[str]
    allowed: list[str]


def samples() -> list[Sample]:
    """Return the texts of the data file, whose first lines say how they are written."""
    found: list[Sample] = []
    lines = DATA.read_text(encoding="utf-8").split("\n")
    for line in lines:
        mark, rest = line[:2], re.sub("⟦([0-9A-F]+)⟧", lambda match: chr(int(match[1], 16)), line[2:])
        if mark == "@ ":
            found.append(Sample(rest, "", [], []))
        elif mark in ("> ", ">"):
            found[-1].text += f"{rest}\n"
        elif mark == "= ":
            found[-1].expected.append(rest)
        elif mark == "~ ":
            found[-1].allowed.append(rest)
    return found


SAMPLES = samples()


def listed(text: str) -> list[str]:
    return [text[start:end] for start, end, _ in find_strings(text)]


@pytest.mark.parametrize(
    "text, expected",
    [
        # Letters of writing systems without spaces stand right beside a string.
        ("カード番号は5500 0055 5555 5559", ["5500 0055 5555 5559"]),
        ("电话是+1 (415) 555-2671。", ["+1 (415) 555-2671"]),
        ("金额为1 234 567,89 €。", ["1 234 567,89 €"]),
        ("日時は2024-01-05 12:34:56,789です。", ["2024-01-05 12:34:56,789"]),
        ("更新は2024-01-05 12:34です", ["2024-01-05 12:34"]),
        ("접속 05/Jan/2024:12:34:56 +0000에", ["05/Jan/2024:12:34:56 +0000"]),
        # They may belong to an address, a URL or a path as well as to the words beside it.
        ("メールtaro@example.jpまで", []),
        ("메일은 kim@example.kr입니다", []),
        ("taro@example.jp様", []),
        ("邮箱：zhang.san@example.cn，用户@例え.jp", ["zhang.san@example.cn", "用户@例え.jp"]),
        ("网址www.example.com/a1请看", []),
        ("路径/var/log/app.log中", []),
        ("ファイルは /home/太郎/書類/a1.txtを", []),
        ("ファイル： /home/太郎/書類/報告2.txt", ["/home/太郎/書類/報告2.txt"]),
        # Other letters and marks hold the first group; the rest of it is no string.
        ("Nr.1 234 567,89 €", []),
        ("_1 234 567,89 €_", []),
        ("id5500 0055 5555 5559", []),
        ("@5500 0055 5555 5559", []),
        # Letters around groups belong to them: a parcel, a number of a tax office.
        ("parcel RR 123 456 785 DE arrived", []),
        ("番号はRR 123 456 785 DEです", []),
    ],
)
def test_letters_beside_a_string_cut_and_join_nothing(text: str, expected: list[str]) -> None:
    assert listed(text) == expected


def test_every_listed_string_of_the_benchmark_is_whole() -> None:
    for sample in SAMPLES:
        assert all(string in sample.text for string in sample.expected + sample.allowed), sample
        assert set(listed(sample.text)) <= {*sample.expected, *sample.allowed}, sample


def test_no_fewer_strings_of_the_benchmark_are_found_than_were() -> None:
    assert sum(len(sample.expected) for sample in SAMPLES) > 520
    found: Counter[str] = Counter()
    for sample in SAMPLES:
        found[sample.kind] += len(set(sample.expected) & set(listed(sample.text)))
    assert {kind: found[kind] for kind in RECALL if found[kind] < RECALL[kind]} == {}


def test_every_kind_is_found_and_has_its_place() -> None:
    assert {kind for sample in SAMPLES for _, _, kind in find_strings(sample.text)} == set(STRING_KINDS)


# -- joined and glued --------------------------------------------------------------------------------

TOKENS = [
    "1.234.567,89", "$1,234,567.89", "12'345.60", "12,34,567.89", "1\u202f234\u202f567,89", "-48,213.50", "6.626e-34",
    "2026-11-24T18:03:11Z", "P3Y6M4DT12H30M5S", "+49 (0)30 1234-5678", "555-987-6543", "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00", "DE89370400440532013000", "ABCDE-FGHIJ-KLMNO-PQRST", "VK7JG-NPHTM-C97JM-9MPGT",
    "d7b8693", "0xDEADBEEF", "sha256:e3b0c44298fc1c149afbf4c8996fb924", "deadbeefcafe", "192.168.178.24/24",
    "550e8400-e29b-41d4-a716-446655440000", "[2001:db8::1]:443", "fe80::1ff:fe23", "00:1b:44:11:3a:b7",
    "AKIAIOSFODNN7EXAMPLE", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN", "3.0.11-1~deb12u2",
    "v2.14.0-rc.1+build.7", "nginx:1.25.3-alpine", "registry.io:5000/app:1.2.3", "https://example.org/a_(b)?q=1#x",
    "o'brien@example.com", "jane.doe+x@mail.example.org", "/usr/lib/libssl.so.3", "src/main.rs:128:17",
    r"C:\Users\me\a.txt", "aGVsbG8gd29ybGQhIDEyMzQ1Njc4OTA+Lz8=", "%E6%9D%B1%E4%BA%AC", "RG-2024/00123-B", "1234567",
    "978-3-16-148410-0", "10.1000/xyz123", "CVE-2026-12345", "1Z999AA10123456784", "١٢٣٤٥٦", "１２３４５６", "#48213",
]  # fmt: skip
SEPARATORS = [
    " ", "\n", "\t", "  ", ", ", "; ", " | ", "|", ": ", ". ", " and ", " (", ") ", "\" \"", "\n\n", "、", " → ", " = ",
    "\u00a0", " / ", " - ", ",", ";", "','", "</td><td>", "`, `", "」「", "? ", "! ",
]  # fmt: skip


@pytest.mark.slow
@given(st.lists(st.sampled_from(TOKENS), min_size=1, max_size=6), st.sampled_from(SEPARATORS))
@example(["192.168.178.24/24", "1\u202f234\u202f567,89"], ",")
@example(["d7b8693", "1.234.567,89", "12'345.60"], "','")
def test_of_joined_tokens_only_the_tokens_are_listed(tokens: list[str], separator: str) -> None:
    text = separator + separator.join(tokens) + separator
    assert set(listed(text)) <= set(tokens)


def test_alone_and_in_common_company_every_token_is_found() -> None:
    for token in TOKENS:
        contexts = [
            "{}",
            "{}\n",
            "the value {} is one",
            "| {} |",
            '"{}"',
            "(see {}).",
            "x\t{}\ty",
            "<td>{}</td>",
            "`{}`",
        ]
        assert [context for context in contexts if token not in listed(context.format(token))] == [], token


# What is glued to a string makes it a part of another one.
GLUE = [
    "x",
    "7",
    "_",
    "-9",
    "/7",
    "@z",
    "\\",
    "~7",
    "%7",
    "\u00ad7",
    "\u200bz",
    "é",
    "\u0301",
    "…",
    "...",
    "{id}",
    "$x",
]


@pytest.mark.parametrize("glue", GLUE)
def test_a_token_with_more_of_it_behind_is_not_listed(glue: str) -> None:
    for token in TOKENS:
        text = f"the value {token}{glue} is one"
        assert token not in listed(text), text


@pytest.mark.parametrize("glue", ["x", "7", "_", "é", "9-", "7/", "\\", "z@", "\u200bz", "…", "...", "}", "{id}", "x>"])
def test_a_token_with_more_of_it_before_is_not_listed(glue: str) -> None:
    for token in TOKENS:
        # `é` and `7` before a path, `x` before a bracket: parts of it all the same.
        text = f"the value {glue}{token} is one"
        assert token not in listed(text), text


@pytest.mark.parametrize(
    "text",
    [
        "id 550e8400-e29b-\n41d4-a716-446655440000",
        "pay to DE89 3704 0044\n0532 0130 00 now",
        "12345 67890 (NL91 ABNA 0417 1643 00",
        "the sum of 1 234\n567,89 EUR",
        "call us at +49 30\n1234567 today",
        "Konto 98765\u00ad\n4321",
        "see <https://example.org/very/\nlong-path/x12345> for more",
        "MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n" * 3,
        r"C:\Users\Jane Doe\report 2024.xlsx",
        "saved in /mnt/My Drive/Photos/2024-11-24.jpg today",
        'run "/usr/bin/env python3 -m http.server 8000"',
        "10.0.0.* and 10.0.0.{1..5} and 12345****",
        "users/{id}/orders/123456 and users/<id>/orders/123456",
        "https://example.org/{user}/orders?token=abcd1234efgh",
        "1.2.3... and 8f3a2b1c…",
        "A9993E36 4706816A BA3E2571 7850C26C 9CD0D89D",
        "64 224 208 turquoise",
        "He bought 3. 4 apples were left.",
        "pay /4111 1111 1111 1111/ now",
        "to /CH93 0076 2011 6238 5295 7/ now",
        "Amtsgericht Stendal HRB 123456 B, Berlin",
        "12’345.60x",
        "1.234.567,89¹ und",
        "пишитеivan@example.ru",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBkT8fQm9\nvY2Zr4cXH5pLw3NqJtO6sUeKb7DaRgM1y",
    ],
)
def test_what_may_be_a_part_is_not_listed(text: str) -> None:
    assert listed(text) == []


@pytest.mark.parametrize(
    "text, expected",
    [
        ("pay USD 1,234,567.89.", ["USD 1,234,567.89"]),
        ("1.234.567,89 EUR, US$\u00a012,345", ["1.234.567,89 EUR", "US$\u00a012,345"]),
        ("12,345.00 EUR 23,456.00", ["12,345.00", "23,456.00"]),  # EUR may belong to either
        ("USD/EUR 12345 kg", ["12345"]),
        ("пишите ivan@example.ru", ["ivan@example.ru"]),
        ("key ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBkT8f a@b", ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBkT8f"]),
    ],
)
def test_a_word_that_belongs_to_a_string_is_listed_with_it(text: str, expected: list[str]) -> None:
    assert listed(text) == expected


# -- pages -------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_no_string_is_cut_by_the_pages_it_is_asked_of() -> None:
    """Pages so small that most of them end inside a string."""
    strings = ["550e8400-e29b-41d4-a716-446655440000", "12 345 678,90 EUR", "https://example.org/a/b/c?d=12345"]
    text = " ".join(strings * 8)
    document = render(text, Theta(page_size=(60, 24), margin_x=2, margin_y=2, auto_crop_width=False))
    whole = {string.text for string in exact_strings(document)}
    assert whole == {"550e8400-e29b-41d4-a716-446655440000", "12 345 678,90 EUR", "https://example.org/a/b/c?d=12345"}
    assert len(document) > 20
    for first in range(len(document)):
        for last in (first + 1, first + 3, first + 9):
            part = document[first:last]
            for given_text in (None, text):
                assert {string.text for string in exact_strings(part, text=given_text)} <= whole
    middle = {string.text for string in exact_strings(document[1:-1], text=text)}
    assert middle == whole


def test_a_string_with_spaces_is_in_backticks_and_nothing_is_said_of_others() -> None:
    text = sidecar(exact_strings(render("Pay 1 234 567,89 € to DE89 3704 0044 0532 0130 00, ref RG-2024/00123-B.")))
    assert text.splitlines()[1] == "Page 1: `1 234 567,89 €` `DE89 3704 0044 0532 0130 00` RG-2024/00123-B"
    assert "Not all are listed" in text.splitlines()[0]
    assert most_tokens(text) < 400


# -- time --------------------------------------------------------------------------------------------

UNITS = [
    ".", "1", "'", '"', "/", "1.", "1,", "1 ", "123 ", "1'", "((", "(1", "))", "[1]", "<1", "1>", "{1}", "|1|", "a=",
    "a=1,", "k:", "::", "1:", "00:", "%41", "\u00ad1", "\u200b", "1\n", "a/b c/d ", "C:\\a ", "/a ", '"/a ', "\\ ",
    "/a\\ ", "+49 30 ", "DE89 3704 ", "ABCD-", "abcdef", "1 - ", "eyJa.", "P1", "2026-01-01 ", "x@y.z,", "1万", "١",
    "http://", "&a=1", "—1", "](", "[a](http://b)", '"a1",', "1.1.1-", "12 AB12 ", "1)(", "1_", "**", "a-1+", "@a@a.",
    "(12345) ", "/a\\ b", "(1)(1 ",
]  # fmt: skip


def processor_time(scan: Callable[[], object]) -> float:
    start = time.process_time()
    scan()
    return time.process_time() - start


@pytest.mark.parametrize("unit", UNITS)
def test_time_is_linear_in_hostile_text(unit: str) -> None:
    """64 Ki characters: quadratic in the run they would take minutes, and linear at most 0.4 s."""
    text = (unit * 65536)[:65536]
    assert processor_time(lambda: listed(text)) < 5.0
