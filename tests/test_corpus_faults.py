"""Corpora on a machine that fails: what depends on the machine ends the run, which can then be resumed."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from corpus_stop import Stopped, stop_after_two_shards, tree

import glyphrender
from glyphrender import DataError, DependencyError, GlyphRenderError, Page, ResourceError, Theta
from glyphrender.adapters.corpus import FORMATS, Options, formats, items, render_corpus, shard
from glyphrender.adapters.corpus.faults import machine_fault
from glyphrender.adapters.corpus.run import CorpusProgress
from glyphrender.fonts.face import Face

pytest.importorskip("pyarrow")
pytestmark = pytest.mark.slow

SMALL = Theta(page_size=(150, 60), margin_x=4, margin_y=4)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    entries = [{"id": f"n{n}", "text": f"text {n} " * (n % 5 + 1)} for n in range(12)]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def options(form: str = "webdataset") -> Options:
    return Options(theta=SMALL, format=form, shard_items=3)


MACHINE: list[tuple[str, Callable[[], BaseException]]] = [
    ("no memory", MemoryError),
    ("no memory for an array", lambda: MemoryError("Unable to allocate 34.3 MiB")),
    ("a full disk", lambda: OSError(errno.ENOSPC, "No space left on device")),
    ("no more open files", lambda: OSError(errno.EMFILE, "Too many open files")),
    ("a broken disk", lambda: OSError(errno.EIO, "Input/output error")),
    ("an error of arrow's without a number", lambda: OSError("write failed")),
    ("a library that cannot be mapped", lambda: ImportError("failed to map segment from shared object")),
    ("no more threads", lambda: RuntimeError("can't start new thread")),
    ("an extension that was given no memory", lambda: SystemError("error return without exception set")),
    ("a process that was killed", lambda: ResourceError("a process was killed")),
]
RECORD: list[tuple[str, Callable[[], BaseException]]] = [
    ("a value", lambda: ValueError("bad")),
    ("a type", lambda: TypeError("bad")),
    ("an index", lambda: IndexError("bad")),
    ("a depth", lambda: RecursionError("bad")),
    ("a division", lambda: ZeroDivisionError("bad")),
    ("a limit of ours", lambda: glyphrender.LayoutError("too many pages")),
]
STAGES: dict[str, tuple[Any, str]] = {
    "the item": (items.Theta, "replace"),
    "layout": (shard, "layout"),
    "drawing and encoding": (Page, "png"),
}


def failing(original: Any, error: Callable[[], BaseException], at: int) -> Any:
    """Return `original`, but for its call number `at`, which raises."""
    calls = [0]

    def call(*args: Any, **more: Any) -> Any:
        calls[0] += 1
        if calls[0] == at:
            raise error()
        return original(*args, **more)

    return call


# One function judges the errors of all stages, so every error is raised in one stage, and one error in the other.
@pytest.mark.parametrize(
    ("stage", "name", "error"),
    [("layout", *each) for each in MACHINE] + [("drawing and encoding", *MACHINE[0])],
    ids=[f"layout, {name}" for name, _ in MACHINE] + [f"drawing and encoding, {MACHINE[0][0]}"],
)
def test_the_machine_at_fault_ends_the_run_and_resuming_completes_it(
    stage: str, name: str, error: Callable[[], BaseException], source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    where, attribute = STAGES[stage]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, attribute, failing(getattr(where, attribute), error, 5))
        with pytest.raises(GlyphRenderError) as raised:
            render_corpus([source], out, options())
    assert isinstance(raised.value, ResourceError | DependencyError)
    assert "in.jsonl, line " in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (out / "manifest.json").exists()
    assert len(list((out / ".run").glob("train-*.json"))) == 1  # the shard before is done
    assert render_corpus([source], out, options(), resume=True)["items"] == 12
    render_corpus([source], tmp_path / "whole", options())
    assert tree(out) == tree(tmp_path / "whole")


@pytest.mark.parametrize(("name", "error"), RECORD, ids=[name for name, _ in RECORD])
def test_a_record_at_fault_is_a_line_and_stops_nothing(
    name: str, error: Callable[[], BaseException], source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Page, "png", failing(Page.png, error, 1))
    manifest = render_corpus([source], tmp_path / "out", options())
    assert (manifest["items"], manifest["failed"]) == (11, 1)


def test_the_cause_of_a_typed_error_counts(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundled font that cannot be opened for want of descriptors is a FontError, and no fault of the record."""
    written = [json.loads(line) for line in source.read_text().splitlines()]
    written[4]["theta"] = {"font": "Inter"}
    source.write_text("".join(json.dumps(entry) + "\n" for entry in written))

    def full(*_: Any, **__: Any) -> Any:
        try:
            raise OSError(errno.EMFILE, "Too many open files")
        except OSError as error:
            raise glyphrender.FontError("Inter.ttf cannot be read (Too many open files).") from error

    layout = shard.layout
    with monkeypatch.context() as patch:
        patch.setattr(shard, "layout", failing(layout, lambda: _raised(full), 5))
        with pytest.raises(ResourceError, match=r"in\.jsonl, line 5: .*Too many open files"):
            render_corpus([source], tmp_path / "out", options())
        # The shard before is done, so this is line 8.
        patch.setattr(shard, "layout", failing(layout, lambda: glyphrender.FontError("cannot be drawn by Skia."), 5))
        with pytest.raises(ResourceError, match=r"in\.jsonl, line 8: .*cannot be drawn by Skia"):
            render_corpus([source], tmp_path / "out", options(), resume=True)
    assert render_corpus([source], tmp_path / "out", options(), resume=True)["items"] == 12
    assert machine_fault(glyphrender.FontError("no such family")) == ""


def _raised(call: Callable[[], Any]) -> BaseException:
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "error", [MemoryError, lambda: OSError(errno.ENOSPC, "No space left on device"), lambda: OSError("disk is full")]
)
def test_an_output_that_cannot_be_written_ends_the_run(
    form: str, error: Callable[[], BaseException], source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    original = formats.writer

    def writer(*args: Any) -> Any:
        made = original(*args)
        made.add = failing(made.add, error, 2)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shard, "writer", writer)
        with pytest.raises((DataError, ResourceError)) as raised:
            render_corpus([source], out, options(form))
    cause = raised.value.__cause__
    assert isinstance(raised.value, ResourceError) or (isinstance(cause, OSError) and cause.errno == errno.ENOSPC)
    assert not list((out / ".run").glob("*.part"))
    render_corpus([source], out, options(form), resume=True)
    render_corpus([source], tmp_path / "whole", options(form))
    assert tree(out) == tree(tmp_path / "whole")


def limited(address_space: int, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run `glyphrender corpus` with so many bytes of address space."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))

    environment = {**os.environ, "PYTHONPATH": str(Path(glyphrender.__file__).parents[1])}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "GLYPHRENDER_RASTER": "harfbuzz"}
    command = [sys.executable, "-m", "glyphrender", "corpus", *arguments]
    return subprocess.run(command, preexec_fn=limit, capture_output=True, text=True, timeout=600, env=environment)


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS")
def test_a_low_limit_of_memory_loses_no_item(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    # A page of 6,000 by 6,000 pixels has 36 MB.
    big = ["--set", "page_size=6000,6000", "--set", "auto_crop_width=false", "--set", "auto_crop_last_page=false"]
    arguments = [str(source), "-o", str(out), "--format", "png", "--jobs", "2", "--shard-items", "2", *big]
    done = limited(260 << 20, arguments)
    assert done.returncode == 1, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "memory" in done.stderr
    assert not (out / "manifest.json").exists()
    again = limited(8 << 30, [*arguments, "--resume", "--json"])
    assert again.returncode == 0, again.stderr
    assert (json.loads(again.stdout)["items"], json.loads(again.stdout)["failed"]) == (12, 0)


@pytest.mark.parametrize("what", ["gone", "shorter", "one too many", "shard gone", "receipt changed"])
def test_resuming_renders_again_what_the_receipt_claims_and_is_not_there(
    what: str, source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(Stopped):
        render_corpus([source], out, options("png"), progress=stop_after_two_shards)
    page = out / "images/n1/page_001.png"
    match what:
        case "gone":
            page.unlink()
        case "shorter":
            page.write_bytes(page.read_bytes()[:-1])
        case "one too many":
            (page.parent / "page_009.png").write_bytes(b"left by another run")
        case "receipt changed":
            receipt = out / ".run/train-00000-of-00004.json"
            receipt.write_text(receipt.read_text().replace('"pages": ', '"pages": 9'))
        case _:
            (out / "data/train-00000-of-00004.jsonl").unlink()
    seen: list[CorpusProgress] = []
    render_corpus([source], out, options("png"), resume=True, progress=seen.append)
    assert (seen[-1].before, seen[-1].done) == (1, 3)
    render_corpus([source], tmp_path / "whole", options("png"))
    assert tree(out) == tree(tmp_path / "whole")


def test_resuming_removes_nothing_of_the_user_from_a_folder_of_pages(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(Stopped):
        render_corpus([source], out, options("png"), progress=stop_after_two_shards)
    note = out / "images/n1/note.txt"
    note.write_text("mine")
    with pytest.raises(DataError, match=r"note\.txt is no page of this corpus\. Move it away, and resume"):
        render_corpus([source], out, options("png"), resume=True)
    assert note.read_text() == "mine"
    note.unlink()
    render_corpus([source], out, options("png"), resume=True)
    render_corpus([source], tmp_path / "whole", options("png"))
    assert tree(out) == tree(tmp_path / "whole")


def test_all_that_a_receipt_claims_is_synced_before_it_exists(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[int] = set()
    checked: list[int] = []
    fsync, write = os.fsync, shard.write_atomically

    def remembered(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def receipt(path: Path, content: bytes) -> None:
        claimed = json.loads(content)["receipt"]
        files = [tmp_path / "out" / claimed["file"]]
        for folder, sizes in claimed["images"].items():
            place = tmp_path / "out/images" / folder
            files += [place, *(place / f"page_{number:03d}.png" for number in range(1, len(sizes) + 1))]
        files += [tmp_path / "out/images", tmp_path / "out/data"]
        assert all(file.stat().st_ino in synced for file in files)
        checked.append(len(files))
        write(path, content)

    monkeypatch.setattr(os, "fsync", remembered)
    monkeypatch.setattr(shard, "write_atomically", receipt)
    render_corpus([source], tmp_path / "out", options("png"))
    assert len(checked) == 4
    assert min(checked) >= 9


# -- θ of records ------------------------------------------------------------------------------------


def test_a_record_names_no_file_as_a_font_and_none_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "font.ttf"
    os.mkfifo(pipe)
    boxes = Path(__file__).parent / "data/fonts/Boxes.ttf"
    given: list[Any] = [
        {"font": str(pipe)},
        {"fallback": [str(pipe)]},
        {"font": "/dev/stdin"},
        {"font": "/dev/zero"},
        {"font": str(tmp_path)},
        {"font": "Some Installed Family"},
        {"font": "DejaVu Sans", "font_axes": "wght=450"},
        {"font-path": str(pipe)},
        json.dumps({"font": "../DejaVu Sans.ttf"}),
        {"font": "dejavu serif"},
        {"font": str(boxes)},
    ]
    source = tmp_path / "in.jsonl"
    source.write_text(
        "".join(json.dumps({"id": n, "text": "A", "theta": theta}) + "\n" for n, theta in enumerate(given))
    )
    opened: list[Path] = []
    original = Face.from_file.__func__  # type: ignore[attr-defined]

    def from_file(cls: type[Face], path: Any, **more: Any) -> Face:
        opened.append(Path(path))
        return original(cls, path, **more)  # type: ignore[no-any-return]

    monkeypatch.setattr(Face, "from_file", classmethod(from_file))
    chosen = Options(theta=SMALL.replace(fallback=(str(boxes),)), format="webdataset")
    manifest = render_corpus([source], tmp_path / "out", chosen)
    failures = [json.loads(line) for line in (tmp_path / "out/failed.jsonl").read_text().splitlines()]
    assert (manifest["items"], [entry["id"] for entry in failures]) == (2, [str(n) for n in range(9)])
    reasons = [entry["reason"] for entry in failures]
    assert "has no axis 'wght'" in reasons.pop(6)
    assert all("neither bundled nor named by the θ of the corpus" in reason for reason in reasons)
    assert {path.name for path in opened} <= {"Boxes.ttf", "DejaVuSans.ttf"}


def test_odd_keys_of_a_record_are_unknown_fields(tmp_path: Path) -> None:
    keys = ["self", "cls", "args", "fields", "changes", "", "\0", "θ", "__class__", "x" * 100_000]
    source = tmp_path / "in.jsonl"
    source.write_text(
        "".join(json.dumps({"id": n, "text": "A", "theta": {key: 1}}) + "\n" for n, key in enumerate(keys))
        + '{"id": "twice", "text": "A", "theta": "{\\"dpi\\": 72, \\"dpi\\": 96}"}\n'
        + '{"id": "huge", "text": "A", "theta": {"font-size": 1'
        + "0" * 400
        + "}}\n"
        + '{"id": "infinite", "text": "A", "theta": {"dpi": 1e999}}\n{"id": "good", "text": "A"}\n'
    )
    manifest = render_corpus([source], tmp_path / "out", Options(theta=SMALL, format="webdataset"))
    reasons = [json.loads(line)["reason"] for line in (tmp_path / "out/failed.jsonl").read_text().splitlines()]
    assert (manifest["items"], len(reasons)) == (1, len(keys) + 3)
    assert all(reason.startswith("Theta has no field ") for reason in reasons[: len(keys)])
    assert all(len(reason) < 600 and "Error:" not in reason for reason in reasons)
    assert reasons[len(keys)] == "its theta sets 'dpi' twice. Keep one of them."
