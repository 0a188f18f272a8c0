"""`render`: which files are read, in what order and under which names; formats; processes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from box_fonts import BOXES
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from glyphrender import DataError, Theta, cli, render
from glyphrender.cli.inputs import Input, Reader, inputs_of, joined

SAMPLE = Path(__file__).parent / "data/udhr-eng.txt"


def call(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    result = CliRunner().invoke(cli.command, list(map(str, arguments)), input=stdin)
    assert result.exit_code == 0, result.stderr
    return result


def pages(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(directory.glob("page_*"))]


def expected(text: str, **theta: object) -> list[bytes]:
    return [page.png() for page in render(text, Theta(**theta))]  # type: ignore[arg-type]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree with what one finds there."""
    monkeypatch.chdir(tmp_path)
    for name, data in {
        "src/b.py": b"import a\n",
        "src/a.py": b"a = 1",
        "src/a/z.py": b"",
        "src/a-b.txt": "naïve\n".encode("utf-16"),
        "src/.git/config": b"[core]\n",
        "src/logo.png": b"\x89PNG\r\n\x1a\n\0\0",
        "src/data.gz": bytes(range(1, 256)),
        "src/build/out.txt": b"out\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "src"


# -- from arguments to text --------------------------------------------------------------------------


def test_a_tree_is_one_document_with_a_heading_for_each_file_in_the_order_of_paths(tree: Path) -> None:
    result = call("render", "src")
    text = (
        "==> src/a/z.py <==\n\n==> src/a-b.txt <==\nnaïve\n\n==> src/a.py <==\na = 1\n\n"
        "==> src/b.py <==\nimport a\n\n==> src/build/out.txt <==\nout\n"
    )
    assert pages(Path("pages")) == expected(text)
    assert result.stderr == ("glyphrender: skipped 2 files without text: src/data.gz (binary), src/logo.png (binary)\n")


def test_skipped_files_are_in_the_json(tree: Path) -> None:
    result = call("render", "src", "--json")
    assert [entry["file"] for entry in json.loads(result.stdout)["skipped"]] == ["src/data.gz", "src/logo.png"]
    assert result.stderr == ""


def test_a_tree_of_nothing_but_binary_files_is_an_error(tree: Path) -> None:
    result = CliRunner().invoke(cli.command, ["render", "src", "--include", "*.png"])
    assert result.exit_code == 2
    assert "src/logo.png" in result.stderr
    assert not Path("pages").exists()


def test_a_dangling_link_in_a_tree_is_skipped(tree: Path) -> None:
    (tree / "link").symlink_to("nowhere")
    assert "src/link (dangling)" in call("render", "src").stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices have no names there")
def test_pipes_devices_and_links_to_folders_in_a_tree_are_skipped_and_named(tree: Path) -> None:
    os.mkfifo(tree / "pipe.txt")
    (tree / "zero.txt").symlink_to("/dev/zero")
    (tree / "loop.txt").symlink_to("loop.txt")
    (tree / "up").symlink_to("..")
    skipped = json.loads(call("render", "src", "--json").stdout)["skipped"]
    reasons = {entry["file"]: entry["reason"] for entry in skipped}
    assert reasons["src/pipe.txt"] == "a pipe"
    assert reasons["src/zero.txt"] == "a device"
    assert reasons["src/loop.txt"] == "dangling"
    assert reasons["src/up"] == "a link to a directory"


@pytest.mark.skipif(sys.platform == "win32", reason="devices have no names there")
def test_a_device_that_is_named_is_refused_and_a_pipe_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for device in ("/dev/zero", "/dev/null"):
        result = CliRunner().invoke(cli.command, ["render", device])
        assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
        assert f"{device} is a device, not a regular file. Name a file, a folder, or - for" in result.stderr
    os.mkfifo("pipe")
    with subprocess.Popen(["sh", "-c", "echo from a pipe > pipe"]):
        assert "1 page" in call("render", "pipe").stdout


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"include": ["*.py"]}, ["a/z.py", "a.py", "b.py"]),
        ({"include": ["a/*"]}, ["a/z.py"]),
        ({"exclude": ["build", "*.png", "*.gz", "a"]}, ["a-b.txt", "a.py", "b.py"]),
        ({"exclude": ["build/"], "include": ["*.txt"]}, ["a-b.txt"]),
        ({"include": ["*.py", "*.txt"], "exclude": ["a/z.py", "?.py"]}, ["a-b.txt", "build/out.txt"]),
    ],
)
def test_include_and_exclude(options: dict[str, list[str]], names: list[str], tree: Path) -> None:
    assert [source.name for source in inputs_of(["src"], **options)] == [f"src/{name}" for name in names]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("argument", "name"),
    [("src", "src/b.py"), ("./src/", "src/b.py"), ("src/b.py", "src/b.py"), (".", "src/b.py")],
)
def test_a_name_is_the_path_as_given(argument: str, name: str, tree: Path) -> None:
    assert name in [source.name for source in inputs_of([argument])]


def test_a_name_does_not_tell_where_on_the_machine_a_file_is(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert inputs_of([str(tree)], include=["b.py"])[0].name == "src/b.py"
    assert inputs_of([str(tree / "b.py")])[0].name == "b.py"
    monkeypatch.chdir(tree / "a")
    assert inputs_of([".."], include=["b.py"])[0].name == "src/b.py"


def test_a_glob_is_sorted(tree: Path) -> None:
    assert [source.name for source in inputs_of(["src/*.py"])] == ["src/a.py", "src/b.py"]
    assert [source.name for source in inputs_of(["src/**/*.txt"])] == ["src/a-b.txt", "src/build/out.txt"]


def test_the_output_directory_is_not_walked(tree: Path) -> None:
    call("render", ".", "-o", "out")
    first = pages(Path("out"))
    call("render", ".", "-o", "out")
    assert pages(Path("out")) == first


def test_one_file_is_a_document_without_a_heading_and_nothing_is_added(tree: Path) -> None:
    call("render", "src/a.py")
    assert pages(Path("pages")) == expected("a = 1")


def test_headings_can_be_changed_and_left_out(tree: Path) -> None:
    call("render", "src/b.py", "src/a.py", "--heading", "# {path} {x}")
    assert pages(Path("pages")) == expected("# src/b.py {x}\nimport a\n\n# src/a.py {x}\na = 1\n")
    call("render", "src/b.py", "src/a.py", "--heading", "")
    assert pages(Path("pages")) == expected("import a\na = 1\n")


def test_standard_input(tree: Path) -> None:
    call("render", "-", stdin=b"\xef\xbb\xbfcaf\xc3\xa9\r\n")
    assert pages(Path("pages")) == expected("café\r\n")


def test_an_empty_text_has_no_pages(tree: Path) -> None:
    assert json.loads(call("render", "src/a/z.py", "--json").stdout)["pages"] == 0
    assert json.loads(Path("pages/manifest.json").read_text())["pages"] == []


# -- from bytes to text ------------------------------------------------------------------------------

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "cp1252", "shift_jis", "gb18030", "iso2022_jp"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_text_is_read_alike_however_its_blocks_fall(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "".join(c for c in "naïve “café” 東京タワー Ω😀\r\n" * 3 if c.encode(encoding, "ignore"))
    (tmp_path / "t.txt").write_bytes(text.encode(encoding))
    source = Input(name="t.txt", path=tmp_path / "t.txt")
    marked = encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32")
    for size in (5, 7, 8, 1 << 20):
        monkeypatch.setattr("glyphrender.cli.inputs.BLOCK", size)
        blocks = Reader(encoding=None if marked else encoding).text(source)
        assert blocks is not None
        assert "".join(blocks) == text


@given(st.binary(max_size=60), st.sampled_from([b"", b"\xef\xbb\xbf"]), st.integers(4, 70))
def test_the_first_bad_byte_is_the_one_that_python_finds(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, bom: bytes, size: int
) -> None:
    data = bom + data.replace(b"\0", b"x")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return
    path = tmp_path_factory.getbasetemp() / "bytes.txt"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("glyphrender.cli.inputs.BLOCK", size)
        blocks = Reader().text(Input(name="x", path=path))
        assert blocks is not None
        try:
            text = data.decode("utf-8").removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            with pytest.raises(DataError, match=rf"byte 0x{data[error.start]:02x} at offset {error.start}\)"):
                list(blocks)
        else:
            assert "".join(blocks) == text


def test_replacing_what_is_not_text(tree: Path) -> None:
    Path("latin.txt").write_bytes(b"caf\xe9\n")
    call("render", "latin.txt", "--errors", "replace")
    assert pages(Path("pages")) == expected("caf\ufffd\n")
    call("render", "latin.txt", "--encoding", "cp1252")
    assert pages(Path("pages")) == expected("café\n")


def test_files_are_read_block_by_block(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glyphrender.cli.inputs.BLOCK", 1000)
    Path("long.txt").write_text("word\n" * 2000)
    reader = Reader()
    text = joined([Input(name="long.txt", path=Path("long.txt"))], reader, "")
    next(text), next(text)
    assert 0 < reader.bytes <= 2000
    text.close()  # type: ignore[attr-defined]


# -- what is written ---------------------------------------------------------------------------------


def test_each_file_is_a_document_of_its_own(tree: Path) -> None:
    summary = json.loads(call("render", "src", "--each", "-o", "out", "--include", "*.py", "--json").stdout)
    assert pages(Path("out/src/a.py")) == expected("a = 1")
    assert pages(Path("out/src/b.py")) == expected("import a\n")
    assert [entry["output"] for entry in summary["documents"]] == ["out/src/a/z.py", "out/src/a.py", "out/src/b.py"]
    assert summary["pages"] == 2


def test_two_files_of_one_name_are_refused(tree: Path) -> None:
    Path("b.py").write_text("other\n")
    result = CliRunner().invoke(cli.command, ["render", str(tree / "b.py"), "b.py", "--each"])
    assert result.exit_code == 2
    assert "pages/b.py" in result.stderr


def test_the_file_of_a_document_that_is_too_long_is_named(tree: Path) -> None:
    Path("long.txt").write_text("word\n" * 1000)
    result = CliRunner().invoke(cli.command, ["render", "src/b.py", "long.txt", "--each", "--max-pages", "1"])
    assert result.exit_code == 2
    assert result.stderr.startswith("glyphrender: long.txt: ")
    assert sorted(path.name for path in Path("pages").iterdir()) == ["src"]  # complete ones stay


def test_arrays_hold_the_pixels_of_the_images(tree: Path) -> None:
    for options, shape in ((), 2), (("--set", "font_color=navy"), 3):
        call("render", SAMPLE, "-o", "png", *options)
        call("render", SAMPLE, "-o", "npy", "--format", "npy", *options)
        images, arrays = pages(Path("png")), [np.load(path) for path in sorted(Path("npy").glob("*.npy"))]
        assert len(images) == len(arrays) > 1
        for image, array in zip(images, arrays, strict=True):
            assert array.ndim == shape
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(image))), array)
    manifest = json.loads(Path("npy/manifest.json").read_text())
    assert [page["file"] for page in manifest["pages"]] == sorted(path.name for path in Path("npy").glob("*.npy"))


def test_a_pdf_is_one_file_and_one_each_with_each(tree: Path) -> None:
    pytest.importorskip("img2pdf")
    summary = json.loads(call("render", "src/b.py", "-o", "b.pdf", "--json").stdout)
    assert (summary["pages"], summary["bytes"]) == (1, Path("b.pdf").stat().st_size)
    call("render", "src/b.py", "-o", "other", "--format", "pdf", "--jobs", "2")
    assert Path("other").read_bytes() == Path("b.pdf").read_bytes()
    call("render", "src", "-o", "out", "--each", "--include", "*.py", "--exclude", "z.py", "--format", "pdf")
    call("render", "src/b.py", "--format", "pdf")
    assert Path("pages.pdf").read_bytes() == Path("b.pdf").read_bytes()
    assert sorted(path.name for path in Path("out/src").iterdir()) == ["a.py.pdf", "b.py.pdf"]
    assert Path("out/src/b.py.pdf").read_bytes() == Path("b.pdf").read_bytes()
    refused = CliRunner().invoke(cli.command, ["render", "src/b.py", "-o", "b.pdf", "--format", "npy"])
    assert refused.exit_code == 2
    assert "Leave out .pdf" in refused.stderr


def test_bits(tree: Path) -> None:
    call("render", "src/b.py", "--bits", "1")
    (image,) = (Image.open(io.BytesIO(page)) for page in pages(Path("pages")))
    assert image.mode == "1"


def test_more_processes_give_the_same_files(tree: Path) -> None:
    Path("long.txt").write_text(SAMPLE.read_text() * 25)  # more pages than a process draws at a time
    call("render", "long.txt", "-o", "one")
    call("render", "long.txt", "-o", "two", "--jobs", "2")
    assert len(pages(Path("one"))) > 32
    assert {p.name: p.read_bytes() for p in Path("one").iterdir()} == {
        p.name: p.read_bytes() for p in Path("two").iterdir()
    }


def test_theta_from_a_file_then_settings(tree: Path) -> None:
    Theta(font=str(BOXES), font_size=12, line_height=14).save("theta.json")
    call("render", "src/b.py", "--theta", "theta.json", "--set", "dpi=96", "--set", "font-size=13")
    assert pages(Path("pages")) == expected("import a\n", font=str(BOXES), font_size=13, line_height=14, dpi=96)


def test_an_earlier_document_is_replaced_whole(tree: Path) -> None:
    call("render", SAMPLE)
    call("render", "src/b.py")
    assert sorted(path.name for path in Path("pages").iterdir()) == ["manifest.json", "page_0001.png"]


def test_the_bar_is_for_terminals(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("render", "src/b.py").stderr == ""
    monkeypatch.setattr("glyphrender.cli.render._on_terminal", lambda: True)
    assert "render" in call("render", "src/b.py").stderr
    assert "render" in call("render", "-", stdin=b"text\n").stderr


def test_documents_by_several_processes_are_those_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(5):
        Path(f"{number}.txt").write_text(f"document {number}\n" * 200, encoding="utf-8")
    Path("binary").write_bytes(b"\0\1\2" * 100)
    one = call("render", ".", "--each", "-o", "one", "--json")
    two = call("render", ".", "--each", "-o", "two", "--json", "--jobs", "2", "--exclude", "one")
    ours, theirs = json.loads(one.stdout), json.loads(two.stdout)
    assert ours["skipped"] == theirs["skipped"]
    assert [document["output"][4:] for document in theirs["documents"]] == [f"{number}.txt" for number in range(5)]
    files = [path.relative_to("one") for path in Path("one").rglob("*") if path.is_file()]
    assert len(files) > 10
    assert all((Path("one") / file).read_bytes() == (Path("two") / file).read_bytes() for file in files)


def test_an_error_in_one_process_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(1, 4):
        Path(f"{number}.txt").write_text("long text " * 40_000, encoding="utf-8")
    Path("0.txt").write_bytes(b"caf\xe9 \xff")
    result = CliRunner().invoke(cli.command, ["render", ".", "--each", "-o", "out", "--jobs", "2"])
    assert result.exit_code == 2
    assert "0.txt is not UTF-8" in result.stderr
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]
