"""Exact strings: found in what real programs wrote, not found in prose, in time linear in the text."""

from __future__ import annotations

import base64
import csv
import hashlib
import re
import uuid
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glyphrender import Theta, render
from glyphrender.inference.sidecar import ExactString, exact_strings, most_tokens, sidecar
from glyphrender.models.tokenizers import tokenizer

NOVEL = Path(__file__).parents[1] / "benchmarks/texts/pride-and-prejudice.txt"
SMALL = Theta(font_size=4, line_height=4)


def found(text: str) -> dict[str, str]:
    return {string.text: string.kind for string in exact_strings(render(text, SMALL))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id 550e8400-e29b-41d4-a716-446655440000.", {"550e8400-e29b-41d4-a716-446655440000": "uuid"}),
        ("at d7b8693, not defaced or 1234567", {"d7b8693": "hash", "1234567": "number"}),
        ("read 0xDEADBEEF sha256:" + "ab" * 32, {"0xDEADBEEF": "hash", "sha256:" + "ab" * 32: "hash"}),
        ("see (https://example.org/a_(b)?q=1#x).", {"https://example.org/a_(b)?q=1#x": "url"}),
        ("mail jane.doe+x@mail.example.org, please", {"jane.doe+x@mail.example.org": "email"}),
        ("git@example.org:team/app.git", {"git@example.org:team/app.git": "email"}),
        ("10.0.0.1:8080 fe80::1ff:fe23 00:1B:44:11:3A:B7", {
            "10.0.0.1:8080": "address", "fe80::1ff:fe23": "address", "00:1B:44:11:3A:B7": "address"}),
        ("/usr/lib/x.so ~/.ssh/id src/a.py:12 C:\\Users\\me\\a.txt", {
            "/usr/lib/x.so": "path", "~/.ssh/id": "path", "src/a.py:12": "path", "C:\\Users\\me\\a.txt": "path"}),
        ("v1.2 and 2.36-9+deb12u4, 1:9.2p1-2+deb12u6; 1.0rc1", {
            "v1.2": "version", "2.36-9+deb12u4": "version", "1:9.2p1-2+deb12u6": "version", "1.0rc1": "version"}),
        ("CVE-2026-12345 costs 1,234,567.89 in 2026-11-24T18:03:11Z", {
            "CVE-2026-12345": "code", "1,234,567.89": "number", "2026-11-24T18:03:11Z": "time"}),
        ("his/her and/or 1/2 e.g. 3.14 os.path a[::2] std::abs 12:30 snake_case_name", {}),
    ],
)  # fmt: skip
def test_strings_of_each_kind(text: str, expected: dict[str, str]) -> None:
    assert found(text) == expected


def test_nothing_in_a_novel() -> None:
    assert found(NOVEL.read_text(encoding="utf-8")) == {}


def test_all_that_pip_records_of_its_packages() -> None:
    """RECORD is CSV: path, sha256=base64, size. Every one of them, whatever wrote them."""
    records = [file for name in ("numpy", "pillow", "fonttools") for file in metadata.files(name) or () if file.hash]
    text = "\n".join(f"{file},{file.hash.mode}={file.hash.value},{file.size}" for file in records if file.hash)
    rows = list(csv.reader(text.splitlines()))
    strings = found(text)
    assert len(rows) > 500
    assert {row[1] for row in rows} <= set(strings)
    assert {row[0] for row in rows if "/" in row[0]} <= set(strings)
    assert {row[2] for row in rows if len(row[2]) >= 5} <= set(strings)


def test_all_versions_of_three_numbers_in_a_list_of_packages() -> None:
    versions = {each.name: each.version for each in metadata.distributions()}
    strings = found("\n".join(f"{name:<30} {version}" for name, version in versions.items()))
    long = {version for version in versions.values() if re.match(r"\d+\.\d+\.\d", version)}
    assert len(long) > 30
    assert long <= set(strings)


@pytest.mark.slow
@given(st.lists(st.one_of(
    st.uuids().map(str),
    st.binary(min_size=1).map(lambda seed: hashlib.sha256(seed).hexdigest()),
    st.ip_addresses(v=4).map(str),
    st.integers(10**5, 10**18).map(str),
), max_size=20))  # fmt: skip
def test_each_once_in_order_with_its_pages(strings: list[str]) -> None:
    document = render("\n".join(strings), Theta(page_size=(400, 30), auto_crop_width=False))
    result = exact_strings(document)
    assert [string.text for string in result] == list(dict.fromkeys(strings))
    for string in result:
        assert string.pages == tuple(page.number for page in document if string.text in page.text.split())


def test_a_string_that_the_end_of_a_page_cuts_is_on_both() -> None:
    digest = hashlib.sha512(b"").hexdigest()
    document = render(digest, Theta(page_size=(220, 32)))
    assert len(document) > 1
    (string,) = exact_strings(document)
    assert (string.text, string.pages) == (digest, tuple(range(1, len(document) + 1)))


def strings_of(text: str) -> tuple[ExactString, ...]:
    return exact_strings(render(text, SMALL))


def test_the_sidecar_names_pages_and_keeps_within_its_budget() -> None:
    text = "\n".join(f"{uuid.UUID(int=number * 2**100)} /usr/lib/part{number:03}/file.so" for number in range(1, 200))
    strings = strings_of(text)
    whole, part = sidecar(strings, budget=100_000), sidecar(strings, budget=1000)
    assert all(string.text in whole for string in strings)
    assert "not listed" not in whole
    count = tokenizer("glm-4").count
    assert 400 < count(part) < most_tokens(part) <= 1000
    assert re.search(r"\((\d+) more strings are not listed\.\)", part)
    # UUIDs are harder to guess than paths, which fill what is left.
    assert part.count("/usr/lib") <= 1
    assert part.splitlines()[1].startswith(f"Page 1: {strings[0].text} ")


@pytest.mark.parametrize("name", ["glm-4", "qwen3", "o200k", "gemma-3", "mistral-tekken"])
def test_no_vocabulary_needs_more_tokens_than_the_bound(name: str) -> None:
    digests = [hashlib.sha256(bytes([number])) for number in range(50)]
    texts = [
        "\n".join(digest.hexdigest() for digest in digests),
        "\n".join(base64.b64encode(digest.digest()).decode() for digest in digests),
        "\n".join(str(uuid.UUID(bytes=digest.digest()[:16])) for digest in digests),
        " ".join(str(int(digest.hexdigest()[:10], 16)) for digest in digests),
        "  ".join(f"{number}.{number * 7}.{number * 3}" for number in range(50)),
        NOVEL.read_text(encoding="utf-8")[:5000],
    ]
    for text in texts:
        assert tokenizer(name).count(text) <= most_tokens(text)


def test_a_sidecar_of_nothing_is_empty() -> None:
    assert sidecar(()) == ""
    assert sidecar(strings_of("d7b8693"), budget=0) == ""
