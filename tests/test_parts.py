"""Documents of several files: each line number is that of the file, and a page says which files are on it."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from strategies import examples, texts

from glyphrender import DataError, Document, Page, Part, Theta, Typesetter, cli, compression_ratio, layout, render
from glyphrender.text.parts import PartReader, count_line_ends, with_parts
from glyphrender.typeset import shares as module

CELLS = Theta(
    font="DejaVu Sans Mono", font_size=10, line_height=12, page_size=(120, 96), margin_x=0, margin_y=0,
    line_numbers=3, auto_crop_width=False, auto_crop_last_page=False,
)  # fmt: skip


def pictures_of_numbers() -> dict[bytes, int | None]:
    """Return picture of a row of the gutter → the number in it, from a text whose lines are plainly numbered."""
    found: dict[bytes, int | None] = {}
    number = 1
    for page in layout("\n" * 160, CELLS):
        for row in range(8):
            found[page.array[12 * row : 12 * row + 12, : int(CELLS.gutter) - 2].tobytes()] = number
            number += 1
    found[np.full((12, int(CELLS.gutter) - 2), 255, np.uint8).tobytes()] = None
    return found


NUMBERS = pictures_of_numbers()


def numbers(pages: object) -> list[int | None]:
    """Return the number that is drawn beside each line of `pages`."""
    rows: list[int | None] = []
    for page in pages:  # type: ignore[attr-defined]
        for row in range(len(page.lines)):
            rows.append(NUMBERS[page.array[12 * row : 12 * row + 12, : int(CELLS.gutter) - 2].tobytes()])
    return rows


def by_line(pages: list[Page]) -> list[tuple[int | None, str]]:
    lines = [line.text.rstrip() for page in pages for line in page.lines]
    return list(zip(numbers(pages), lines, strict=True))


# -- what ends a line of the source ----------------------------------------------------------------------


def test_lines_are_numbered_as_grep_and_editors_number_them() -> None:
    source = "import os\n\f\nclass A:\n    pass\n\f\ndef f():\n  return 1\n# s\u2028h\nx='a\vb\x85c'\nlast\n"
    shown = {text: number for number, text in by_line(list(layout(source, CELLS))) if text}
    assert (shown["class A:"], shown["def f():"], shown["last"]) == (3, 6, 10)
    assert (shown["# s"], shown["h"], shown["x='a"], shown["b"], shown["c'"]) == (8, None, 9, None, None)


@pytest.mark.parametrize("end, counts", [
    ("\n", True), ("\r\n", True), ("\r", True), ("\f", False), ("\v", False), ("\x85", False), ("\u2028", False),
    ("\u2029", False), ("\x1c", False), ("\x1d", False), ("\x1e", False), ("\x00", False), ("\x1f", False),
])  # fmt: skip
def test_only_lf_cr_lf_and_cr_end_a_line_of_the_source(end: str, counts: bool) -> None:
    text = f"a{end}b\nc"
    assert count_line_ends(text) + 1 == (3 if counts else 2)
    assert [number for number, line in by_line(list(layout(text, CELLS))) if line.endswith("c")] == [3 if counts else 2]
    if end not in "\x00":  # Python's own reading of the file agrees
        with io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8") as file:
            assert len(file.readlines()) == (3 if counts else 2)


def test_numbers_do_not_depend_on_how_the_text_arrives_or_is_cut() -> None:
    text = "one\ftwo\r\nthree\rfour\x85five\n\v\nsix \u2028\r" * 9
    whole = numbers(layout(text, CELLS))
    assert [number for number in whole if number] == list(range(1, 9 * 5 + 1))
    assert numbers(layout(iter(text), CELLS)) == whole
    for size in (1, 7, 16):
        assert numbers(layout(text, CELLS, typesetter=Typesetter(chunk_size=size))) == whole, size


# -- several files ---------------------------------------------------------------------------------------

FILES = {"a.py": "import a\n\nx = 1\n", "src/b.py": "y = 2", "empty.py": "", "c.txt": "\r\none\r\ntwo\r"}


def stream(files: dict[str, str] = FILES) -> list[str | Part]:
    items: list[str | Part] = []
    for at, (name, text) in enumerate(files.items()):
        items += [Part(name=name, heading=f"{chr(10) * (at > 0)}==> {name} <==\n"), text]
    return items


def test_each_part_begins_at_line_1_and_headings_have_no_number() -> None:
    assert by_line(list(layout(stream(), CELLS))) == [
        (None, "==> a.py <=="), (1, "import a"), (2, ""), (3, "x = 1"),
        (None, ""), (None, "==> src/b.py"), (None, "<=="), (1, "y = 2"),
        (None, ""), (None, "==> empty.py"), (None, "<=="),
        (None, ""), (None, "==> c.txt <=="), (1, ""), (2, "one"), (3, "two"),
    ]  # fmt: skip


def test_text_before_the_first_part_is_numbered_from_1() -> None:
    assert by_line(list(layout(["intro\n", Part(name="a", heading="a:"), "x\ny"], CELLS))) == [
        (1, "intro"), (None, "a:"), (1, "x"), (2, "y"),
    ]  # fmt: skip


@pytest.mark.parametrize("end", ["", "\n", "\r", "\r\n", "\f", "x"])
def test_a_part_begins_a_line_whatever_the_part_before_it_ends_with(end: str) -> None:
    shown = by_line(list(layout([Part(name="a"), f"1{end}", Part(name="b", heading="\nb"), "\n2"], CELLS)))
    assert [number for number, line in shown if line == "2"] == [2]
    assert shown[-3] == (None, "b")


def test_all_ways_to_a_document_give_the_same_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    items = stream({f"f{number}.py": f"one {number}\ntwo\rthree" for number in range(12)})
    whole = list(layout(items, CELLS))
    document = Document.read(items, CELLS)
    assert [part.name for part in document.parts] == [f"f{number}.py" for number in range(12)]

    def same(pages: object) -> None:
        for one, other in zip(pages, whole, strict=True):  # type: ignore[call-overload]
            assert (one.number, one.span, one.parts) == (other.number, other.span, other.parts)
            np.testing.assert_array_equal(one.array, other.array)

    same(document)
    same(render(iter(items), CELLS))
    same(layout(with_parts(document.text, document.parts), CELLS))
    same(layout(items, CELLS, typesetter=Typesetter(chunk_size=11)))
    same(pickle.loads(pickle.dumps(document)))
    same([pickle.loads(pickle.dumps(page)) for page in document])
    begun = Document.read(items[:-1], CELLS)
    for character in items[-1]:  # type: ignore[union-attr]
        begun.extend_text(character)
    same(begun)
    monkeypatch.setattr(module, "SHARE", 40)
    pages = []
    following = (0, 0)
    for share in module.shares_of(document.text, 2):
        own, following = module.lay_out(
            document.text, share, CELLS, Typesetter().shaper, lambda given=following: given, parts=document.parts
        )
        pages += own
    for page, other in zip(pages, document, strict=True):
        np.testing.assert_array_equal(Typesetter().draw(page), other.array)
        assert page.parts == other.parts


@pytest.mark.slow
@examples(40)
@given(st.lists(texts(max_size=12), min_size=1, max_size=5), st.sampled_from((3, 64)))
def test_parts_of_any_text_are_numbered_as_alone(files: list[str], size: int) -> None:
    """The numbers beside the lines of a part are those of a document that is the part alone."""
    theta = CELLS.replace(newline_markup="<br/>")
    items = [item for at, text in enumerate(files) for item in (Part(name=str(at), heading="-"), text)]
    size = max([size, *(len(line) + 2 for text in files for line in text.split("\n"))])  # no paragraph is cut
    pages = list(layout(items, theta, typesetter=Typesetter(chunk_size=size)))
    alone: list[int | None] = []
    for at, text in enumerate(files):
        ended = text if not text or text.endswith("\n") or at == len(files) - 1 else f"{text}\n"
        alone += [None, *numbers(layout(ended, theta))]
    assert numbers(pages) == alone
    assert "".join(page.text for page in pages) == "".join(PartReader(items))


def test_a_ratio_of_parts_is_that_of_their_text() -> None:
    text = "".join(PartReader(stream()))
    one, other = (compression_ratio(given, model="glm-4.1v", tokenizer=len) for given in (stream(), text))
    assert (one.text_tokens, one.visual_tokens) == (other.text_tokens, other.visual_tokens)


def test_a_part_takes_strings_and_a_stream_gives_strings_and_parts() -> None:
    with pytest.raises(DataError, match="heading of a Part is int, not str"):
        Part(name="a", heading=3)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="got bytes"):
        list(layout([Part(name="a"), b"x"], CELLS))  # type: ignore[list-item]


# -- the command line ------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_files_rendered_into_one_document_are_numbered_each_from_1(tmp_path: Path, jobs: str) -> None:
    for name, text in FILES.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(text.encode())
    CELLS.save(tmp_path / "theta.json")
    run = CliRunner().invoke(
        cli.command,
        ["render", f"{tmp_path}/in", "-o", f"{tmp_path}/out", "--jobs", jobs, "--theta", f"{tmp_path}/theta.json"],
    )
    assert run.exit_code == 0, run.output
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    names = [part["name"] for page in manifest["pages"] for part in page["parts"]]
    assert list(dict.fromkeys(names)) == [f"in/{name}" for name in ("a.py", "c.txt", "empty.py", "src/b.py")]
    ordered = {f"in/{name}": FILES[name] for name in ("a.py", "c.txt", "empty.py", "src/b.py")}
    ended = {name: text if text.endswith(("\n", "\r")) or not text else f"{text}\n" for name, text in ordered.items()}
    for page, entry in zip(layout(stream(ended), CELLS), manifest["pages"], strict=True):
        with Image.open(tmp_path / "out" / entry["file"]) as image:
            np.testing.assert_array_equal(np.asarray(image.convert("L")), page.array)
