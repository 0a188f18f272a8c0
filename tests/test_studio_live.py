"""Edits of a text as a browser sends them, and what the server keeps of it."""

from __future__ import annotations

import asyncio
import json
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glyphrender.errors import DataError
from glyphrender.studio import live
from glyphrender.studio.live import TextChange, Texts, VersionError

ANY = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\ud83e\udd8a🦊🦋a\n")), max_size=12)


def units(text: str) -> list[bytes]:
    """UTF-16 code units, in which a browser counts."""
    data = text.encode("utf-16-le", "surrogatepass")
    return [data[at : at + 2] for at in range(0, len(data), 2)]


def joined(found: list[bytes]) -> str:
    return b"".join(found).decode("utf-16-le", "surrogatepass")


def smallest_edit(before: str, after: str) -> tuple[int, int, str]:
    """(start, end, text) as `live.js` finds them: the common beginning and end may split a pair of surrogates."""
    old, new = units(before), units(after)
    most, start, same = min(len(old), len(new)), 0, 0
    while start < most and old[start] == new[start]:
        start += 1
    while same < most - start and old[-1 - same] == new[-1 - same]:
        same += 1
    return start, len(old) - same, joined(new[start : len(new) - same])


@given(st.lists(ANY, min_size=1, max_size=5))
def test_edits_give_the_text_of_the_browser(versions: list[str]) -> None:
    texts = Texts()
    first, *later = (joined(units(text)) for text in versions)
    assert texts.edited(TextChange(sitting="x", version=1, base=None, start=0, end=0, text=first)) == first
    before = first
    for version, text in enumerate(later, 2):
        start, end, new = smallest_edit(before, text)
        body = json.dumps(
            {"sitting": "x", "version": version, "base": version - 1, "start": start, "end": end, "text": new}
        )
        assert texts.edited(TextChange.read(body.encode())) == text
        before = text


def whole(sitting: str, text: str, version: int = 1) -> TextChange:
    return TextChange(sitting=sitting, version=version, base=None, start=0, end=0, text=text)


def test_an_edit_of_another_version_or_beyond_the_text_is_refused_and_the_text_stays() -> None:
    texts = Texts()
    texts.edited(whole("x", "abc", 5))
    for base, start, end in ((4, 0, 0), (6, 0, 0), (5, 2, 1), (5, 0, 4)):
        with pytest.raises(VersionError):
            texts.edited(TextChange(sitting="x", version=7, base=base, start=start, end=end, text="!"))
    with pytest.raises(VersionError):
        texts.edited(TextChange(sitting="y", version=6, base=5, start=0, end=0, text="!"))
    assert texts.edited(TextChange(sitting="x", version=6, base=5, start=3, end=3, text="!")) == "abc!"


def test_what_is_kept_is_bounded_and_the_oldest_goes_first() -> None:
    texts = Texts(most_bytes=40)
    for name in "xyz":
        texts.edited(whole(name, "12345678"))  # 16 bytes each
    with pytest.raises(VersionError):
        texts.edited(TextChange(sitting="x", version=2, base=1, start=0, end=0, text="!"))
    assert texts.edited(TextChange(sitting="z", version=2, base=1, start=8, end=8, text="!")) == "12345678!"
    assert texts.edited(TextChange(sitting="y", version=2, base=1, start=0, end=8, text="")) == ""
    texts.forget("z")
    with pytest.raises(VersionError):
        texts.edited(TextChange(sitting="z", version=3, base=2, start=0, end=0, text="!"))
    for name in "abz":
        texts.forget(name)
    texts.edited(whole("a", "12345678"))  # what was forgotten takes no room
    texts.edited(whole("b", "12345678"))
    assert texts.edited(TextChange(sitting="a", version=2, base=1, start=0, end=8, text="a")) == "a"
    with pytest.raises(DataError, match="1,000,000"):
        texts.edited(whole("x", "a" * 1_000_001))


@pytest.mark.parametrize(
    "change",
    [
        {"sitting": 1},
        {"sitting": ["x"]},
        {"version": "1"},
        {"version": True},
        {"base": -1},
        {"base": 1.0},
        {"start": -1},
        {"end": None},
        {"text": None},
        {"more": 1},
    ],
)
def test_a_body_that_is_no_edit_is_one_error(change: dict[str, object]) -> None:
    good = {"sitting": "x", "version": 2, "base": 1, "start": 0, "end": 0, "text": "a"}
    assert TextChange.read(json.dumps(good).encode()).base == 1
    with pytest.raises(DataError, match="edit"):
        TextChange.read(json.dumps({**good, **change}).encode())


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"sitting": "x"}'])
def test_a_body_that_is_no_object_of_an_edit_is_one_error(body: bytes) -> None:
    with pytest.raises(DataError, match="edit"):
        TextChange.read(body)


def test_a_text_is_let_go_of_once_however_often_it_is_sent_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    class Request:
        headers: ClassVar = {"content-type": "application/json"}

        async def body(self) -> bytes:
            return b'{"sitting": "x", "version": 1, "base": null, "start": 0, "end": 0, "text": "a fox"}'

    class Drawing:
        sittings: ClassVar = {"x": Request()}

        def draw_text(self, sitting: object, text: str) -> tuple[str, str]:
            return text, ""

    noted: list[object] = []
    monkeypatch.setattr(live, "finalize", lambda *arguments: noted.append(arguments))
    respond = live.endpoint(Drawing())  # type: ignore[arg-type]
    for _ in range(3):
        answer = asyncio.run(respond(Request()))
        assert json.loads(answer.body) == {"page": "a fox", "problems": ""}
    assert len(noted) == 1
