"""`show`, `fonts`, `theta`: the sheet holds the pages and loads nothing; coverage; θ files; the docs."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import click
import pytest
from box_fonts import BOXES
from click.testing import CliRunner

from glyphrender import Theta, cli, render
from glyphrender.theta import PARAMETERS, describe

SAMPLE = Path(__file__).parent / "data/udhr-eng.txt"
DOCS = [Path(__file__).parents[1] / "docs" / name for name in ("cli.md", "cli-training.md", "cli-evals.md")]


def call(*arguments: str | Path, status: int = 0) -> str:
    result = CliRunner().invoke(cli.command, list(map(str, arguments)))
    assert result.exit_code == status, result.stderr
    return result.stdout if status == 0 else result.stderr


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Sheet(HTMLParser):
    """Images and spans of a sheet, and every attribute that could load something."""

    def __init__(self, path: str = "pages.html") -> None:
        super().__init__()
        self.images: list[bytes] = []
        self.spans: list[dict[str, list[list[object]]]] = []
        self.loads: list[str] = []
        self.text = ""
        self._json = False
        self.feed(Path(path).read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._json = tag == "script" and given.get("type") == "application/json"
        for name in ("src", "href", "data", "action", "srcset", "poster"):
            if value := given.get(name):
                if value.startswith("data:image/png;base64,"):
                    self.images.append(base64.b64decode(value.partition(",")[2]))
                else:
                    self.loads.append(value)

    def handle_endtag(self, tag: str) -> None:
        self._json = False

    def handle_data(self, data: str) -> None:
        if self._json:
            self.spans.append(json.loads(data))
        else:
            self.text += data


# -- show --------------------------------------------------------------------------------------------


def test_a_sheet_holds_the_pages_and_loads_nothing() -> None:
    document = render(SAMPLE.read_text(), Theta(font=str(BOXES)))
    assert call("show", SAMPLE, "--set", f"font={BOXES}") == f"pages.html: {len(document)} pages\n"
    sheet = Sheet()
    assert sheet.images == [page.png() for page in document]
    assert sheet.loads == []
    assert "url(" not in sheet.text
    assert "http" not in sheet.text
    assert "default-src 'none'" in Path("pages.html").read_text()


def test_spans_are_those_of_the_document() -> None:
    call("show", SAMPLE)
    text = SAMPLE.read_text()
    for page, spans in zip(render(text), Sheet().spans, strict=True):
        assert len(spans["words"]) == len(page.words)
        for *box, start, end, said in spans["words"] + spans["lines"]:
            assert text[start:end] == said  # type: ignore[misc]
            assert 0 <= box[0] <= box[2] <= page.size[0]  # type: ignore[operator]


def test_a_text_cannot_get_out_of_its_element() -> None:
    nasty = '</script><script src="//x/y.js"></script> <!-- {{figures}} {{title}} \ud800'
    name = "<b>{{note}}&.txt"
    Path(name).write_text(nasty, encoding="utf-8", errors="replace")
    call("show", name)
    sheet = Sheet()
    assert (len(sheet.images), sheet.loads) == (1, [])
    assert "".join(str(line[6]) for line in sheet.spans[0]["lines"]) == Path(name).read_text()


@pytest.mark.parametrize(
    ("chosen", "numbers", "note"),
    [
        ("1-2", [1, 2], "pages 1–2, and there are more; --pages shows others"),
        ("3", [3], "page 3, and there are more; --pages shows others"),
        ("9-", [9, 10], "pages 9–10; --pages shows others"),
        ("2-99", list(range(2, 11)), "pages 2–10; --pages shows others"),
        ("1-10", list(range(1, 11)), "10 pages"),
    ],
)
def test_pages_are_chosen_and_a_cut_is_said(chosen: str, numbers: list[int], note: str) -> None:
    Path("t.txt").write_text("line\n" * 82 * 10)
    theta = Theta()
    assert len(render(Path("t.txt").read_text(), theta)) == 10
    assert call("show", "t.txt", "--pages", chosen) == f"pages.html: {note}\n"
    html = Path("pages.html").read_text(encoding="utf-8")
    assert [int(number) for number in re.findall(r'id="page-(\d+)"', html)] == numbers
    assert note in html


@pytest.mark.parametrize("form", ["png", "npy"])
def test_pages_that_were_rendered_can_be_shown(form: str) -> None:
    call("render", SAMPLE, "--format", form, "-o", "out")
    total = len(list(Path("out").glob("page_*")))
    assert call("show", "out", "--pages", "2") == f"pages.html: page 2 of {total}; --pages shows others\n"
    assert Sheet().images == [render(SAMPLE.read_text())[1].png()]
    assert "no page 99" in call("show", "out", "--pages", "99", status=2)


def test_the_texts_of_a_folder_are_shown_under_headings() -> None:
    Path("src").mkdir()
    Path("src/a.txt").write_text("one\n")
    Path("src/b.txt").write_text("two\n")
    Path("src/logo.png").write_bytes(b"\x89PNG\0")
    for _ in range(2):  # an earlier sheet in the folder is no text
        assert call("show", "src", "-o", "src/sheet.html") == "src/sheet.html: 1 page\n"
        lines = [line[6] for line in Sheet("src/sheet.html").spans[0]["lines"]]
        assert [str(line).strip() for line in lines] == ["==> src/a.txt <==", "one", "", "==> src/b.txt <==", "two"]
    Path("src/sheet.html").unlink()
    # A manifest of something else does not make pages of a folder.
    Path("src/manifest.json").write_text('{"manifest_version": 3}')
    assert call("show", "src") == "pages.html: 1 page\n"


def test_only_an_earlier_sheet_is_replaced() -> None:
    Path("t.txt").write_text("one\n")
    assert "is an input and the output" in call("show", "t.txt", "-o", "t.txt", status=2)
    Path("mine.html").write_text("<p>mine")
    assert "did not write it" in call("show", "t.txt", "-o", "mine.html", status=2)
    call("show", "t.txt"), call("show", "t.txt")
    Path("pages.html").write_text(Path("pages.html").read_text() + "<p>mine")
    assert "did not write it" in call("show", "t.txt", status=2)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("pages", 0, "width"), 1e400),
        (("pages", 0, "width"), -1),
        (("pages", 0, "height"), "842"),
        (("pages", 0, "start"), None),
        (("pages", 0, "end"), 10**30),
        (("pages", 0, "file"), "../../t.txt"),
        (("pages", 0, "file"), "/etc/passwd"),
        (("pages", 0, "file"), 7),
        (("pages", 0, "sha256"), []),
        (("pages", 0, "missing"), {"U+0041": "x"}),
        (("pages", 0), "page_0001.png"),
        (("pages",), {"0": 1}),
        (("pages",), None),
        (("theta",), []),
        (("theta_digest",), 7),
    ],
    ids=str,
)
def test_a_wrong_value_in_a_manifest_is_named(place: tuple[Any, ...], value: object) -> None:
    call("render", SAMPLE, "-o", "out")
    manifest = json.loads(Path("out/manifest.json").read_text())
    inner = manifest
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    Path("out/manifest.json").write_text(json.dumps(manifest))
    assert "out/manifest.json is damaged" in call("show", "out", status=2)


@pytest.mark.parametrize("dpi", [1e400, -1, 0, "72", None, 10**400, True], ids=lambda dpi: str(dpi)[:9])
def test_a_wrong_resolution_of_arrays_is_that_of_points(dpi: object) -> None:
    call("render", SAMPLE, "-o", "out", "--format", "npy")
    manifest = json.loads(Path("out/manifest.json").read_text())
    manifest["theta"]["dpi"] = dpi
    Path("out/manifest.json").write_text(json.dumps(manifest))
    call("show", "out")
    Path("out/page_0001.npy").write_bytes(b"no array")
    assert "out/page_0001.npy is damaged" in call("show", "out", status=2)


@pytest.mark.parametrize(
    "damage", ["[" * 100_000, "", "{", "[]", '{"pages": []}', '{"theta": {"dpi": 72}, "pages": [{"file": "../x.png"}]}']
)
def test_a_damaged_manifest_is_named(damage: str) -> None:
    call("render", SAMPLE, "-o", "out")
    Path("out/manifest.json").write_text(damage)
    assert "out/manifest.json is damaged" in call("show", "out", status=2)


def test_a_page_that_is_gone_is_named() -> None:
    call("render", SAMPLE, "-o", "out")
    Path("out/page_0002.png").unlink()
    assert "out/page_0002.png cannot be read" in call("show", "out", status=2)
    assert not Path("pages.html").exists()


# -- fonts -------------------------------------------------------------------------------------------


def test_families_are_listed() -> None:
    lines = call("fonts", "--bundled").splitlines()
    assert any(re.fullmatch(r"DejaVu Sans +bundled +.*Bold.*", line) for line in lines)
    families = json.loads(call("fonts", "--bundled", "--json"))
    assert [family["family"] for family in families] == [re.split(" {2,}", line)[0] for line in lines]
    assert all(Path(style["path"]).is_file() for family in families for style in family["styles"])


def test_coverage_says_who_draws_what() -> None:
    Path("t.txt").write_text("Hello, 東京!\t\ue000\n", encoding="utf-8")
    for given in ("--file", "t.txt"), ("--text", "Hello, 東京!\ue000"):
        found = json.loads(call("fonts", *given, "--json"))
        assert [(entry["face"], entry["count"], entry["characters"]) for entry in found] == [
            ("DejaVu Sans Book", 7, "!,Helo"),
            ("Noto Sans CJK SC Regular", 2, "京東"),
            (None, 1, "\ue000"),
        ]
    assert call("fonts", "--text", "\ue000") == "no font          1 (1 different)  U+E000\n"


def test_coverage_asks_the_font_of_theta_first() -> None:
    found = json.loads(call("fonts", "--text", "aé", "--json", "--set", f"font={BOXES}"))
    assert [(entry["characters"], entry["path"] == str(BOXES)) for entry in found] == [("a", True), ("é", False)]


# -- theta -------------------------------------------------------------------------------------------


def test_presets_are_listed_shown_and_converted_there_and_back() -> None:
    listed = [line.split()[0] for line in call("theta", "presets").splitlines()]
    assert listed == list(Theta.preset_names())
    for name in listed:
        theta = Theta.preset(name)
        assert json.loads(call("theta", "convert", name, "--to", "glyph")) == theta.to_glyph()
        Path("t.json").write_text(call("theta", "convert", name), encoding="utf-8")
        assert call("theta", "show", name) == call("theta", "show", "t.json") == theta.to_json()


def test_files_are_checked_fonts_included() -> None:
    Theta(font=str(BOXES)).save("a.json")
    Theta(font="/nowhere/x.ttf").save("b.json")
    digests = [Theta.load(name).digest for name in ("a.json", "b.json")]
    assert call("theta", "validate", "a.json") == f"a.json: valid, digest {digests[0]}\n"
    assert "/nowhere/x.ttf" in call("theta", "validate", "a.json", "b.json", status=2)
    assert call("theta", "validate", "--no-fonts", "b.json") == f"b.json: valid, digest {digests[1]}\n"


def test_fields_are_explained() -> None:
    assert call("theta", "explain", "font-size") == describe.explain("font_size") + "\n"
    everything = call("theta", "explain")
    assert [paragraph.partition(":")[0] for paragraph in everything.split("\n\n")] == list(PARAMETERS)


# -- docs --------------------------------------------------------------------------------------------


def commands(group: click.Group, path: str) -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        found.append((f"{path} {name}", command))
        if isinstance(command, click.Group):
            found += commands(command, f"{path} {name}")
    return found


@pytest.mark.parametrize(("path", "command"), commands(cli.command, "glyphrender"), ids=lambda value: str(value)[:30])
def test_the_docs_have_every_command_and_option(path: str, command: click.Command) -> None:
    heading = rf"^##+ {path}(?: .*)?$"
    text = "\n".join(page.read_text(encoding="utf-8") for page in DOCS)
    assert re.search(heading, text, re.M), f"{path} has no heading in docs/cli*.md"
    section = re.split(heading, text, flags=re.M)[1]
    section = re.split(r"^##+ ", section, flags=re.M)[0]
    for parameter in command.params:
        for option in parameter.opts:
            if option.startswith("--"):
                assert f"`{option}" in section, f"{path} {option} is not in docs/cli*.md"
