"""Folders that are replaced: only ours, in one step, and whole whatever kills the process."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from killed import killed_at, tree

from glyphrender import DataError, Part, Theta, render
from glyphrender._system import folder_output
from glyphrender._system.hidden_names import hidden_beside, hidden_name, lock
from glyphrender.document.manifest import PAGES_FOLDER, file_name, read_manifest
from glyphrender.document.saving import save

SMALL = Theta(page_size=(120, 60), margin_x=4, margin_y=4)
OLD, NEW = "old words " * 60, "NEW WORDS " * 40


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A folder with the old document in it."""
    render(OLD, SMALL).save(tmp_path / "pages")
    return tmp_path / "pages"


# -- what is not ours stays --------------------------------------------------------------------------


def extension(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    (folder / "manifest.json").write_text('{"manifest_version": 3}')
    (folder / "background.js").write_text("precious")
    (folder / "src").mkdir()


def changed_manifest(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        values = json.loads((folder / "manifest.json").read_text())
        change(values)
        (folder / "manifest.json").write_text(json.dumps(values))

    return spoil


SPOILT: dict[str, Callable[[Path], object]] = {
    "a web extension": extension,
    "a note beside the pages": lambda folder: (folder / "notes.txt").write_text("mine"),
    "a hidden file": lambda folder: (folder / ".git").write_text("mine"),
    "an empty folder": lambda folder: (folder / "sub").mkdir(),
    "a link": lambda folder: (folder / "link").symlink_to("page_0001.png"),
    "a dangling link": lambda folder: (folder / "link").symlink_to("nowhere"),
    "a page of another document": lambda folder: (folder / "page_0099.png").write_bytes(b"mine"),
    "a page that was drawn on": lambda folder: (folder / "page_0001.png").write_bytes(b"better"),
    "a page that is a link": lambda folder: (
        (folder / "page_0001.png").rename(folder.parent / "moved.png"),
        (folder / "page_0001.png").symlink_to("../moved.png"),
    ),
    "a page that is a folder": lambda folder: (
        (folder / "page_0001.png").unlink(),
        (folder / "page_0001.png").mkdir(),
    ),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "a manifest that is a list": lambda folder: (folder / "manifest.json").write_text("[]"),
    "a manifest cut off": lambda folder: (folder / "manifest.json").write_text("{"),
    "a manifest nested deep": lambda folder: (folder / "manifest.json").write_text("[" * 100_000),
    "a manifest with notes": changed_manifest(lambda values: values.update(author="me")),
    "a page with a label": changed_manifest(lambda values: values["pages"][0].update(label="cat")),
    "a manifest with a note among the versions": changed_manifest(
        lambda values: values["versions"].update(mine="note")
    ),
    "a manifest with another θ": changed_manifest(lambda values: values["theta"].update(font_size=7.5)),
    "a manifest that lists a file outside": changed_manifest(
        lambda values: values["pages"][0].update(file="../keep.txt")
    ),
    "a manifest that lists a note": changed_manifest(lambda values: values["pages"][0].update(file="notes.txt")),
    "a corpus": lambda folder: (folder / "manifest.json").write_text('{"inputs": [], "options": {}, "shards": []}'),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("format", ["png", "npy"])
def test_a_folder_with_anything_else_in_it_is_refused_and_stays(
    pages: Path, spoil: Callable[[Path], object], format: str
) -> None:
    (pages.parent / "keep.txt").write_text("mine")
    spoil(pages)
    before = tree(pages.parent)
    with pytest.raises(
        DataError, match=r"pages holds other files \(.*\)\. Choose an empty or a new directory"
    ) as caught:
        render(NEW, SMALL).save(pages, format=format)
    assert "\n" not in str(caught.value)
    assert caught.value.path == str(pages)
    assert tree(pages.parent) == before


def test_a_manifest_of_an_earlier_version_which_has_no_digest_is_replaced(pages: Path) -> None:
    changed_manifest(lambda values: values.pop("sha256"))(pages)
    assert render(NEW, SMALL).save(pages)["sha256"]


def test_a_file_that_appears_while_pages_are_drawn_stays(pages: Path) -> None:
    def write(number: int) -> None:
        (pages / "notes.txt").write_text("mine")

    with pytest.raises(DataError, match=r"other files \(notes.txt\)"):
        render(NEW, SMALL).save(pages, progress=write)
    assert (pages / "notes.txt").read_text() == "mine"
    assert [path.name for path in pages.parent.iterdir()] == ["pages"]


@pytest.mark.parametrize("can", [True, False], ids=["exchange", "two renamings"])
def test_a_file_that_appears_after_the_last_look_stays(pages: Path, monkeypatch: pytest.MonkeyPatch, can: bool) -> None:
    exchange, before = folder_output.exchange, tree(pages)

    def late(one: Path, other: Path) -> bool:
        if not (pages / "notes.txt").exists() and not (one / "notes.txt").exists():
            (pages / "notes.txt").write_text("mine")
        return can and exchange(one, other)

    monkeypatch.setattr(folder_output, "exchange", late)
    with pytest.raises(DataError, match=r"other files \(notes.txt\)"):
        render(NEW, SMALL).save(pages)
    assert tree(pages) == before | {"notes.txt": b"mine"}
    assert [path.name for path in pages.parent.iterdir()] == ["pages"]


def test_the_working_directory_is_refused(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pages)
    for name in (".", "../pages"):
        with pytest.raises(DataError, match="is the working directory"):
            render(NEW, SMALL).save(name)


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("deep/real")
    (tmp_path / "loop").symlink_to("loop")
    for text in (OLD, NEW):
        manifest = render(text, SMALL).save(tmp_path / "dangling")
        assert json.loads((tmp_path / "deep/real/manifest.json").read_text()) == manifest
    with pytest.raises(DataError, match="cannot be written"):
        render(NEW, SMALL).save(tmp_path / "loop")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "deep", "loop"]
    assert (tmp_path / "dangling").is_symlink()


def test_whatever_a_manifest_tells_of_pages_they_are_replaced(tmp_path: Path) -> None:
    tall, told = "\u0f66\u0f92\u0fb2\u0f74\u0f56 " * 40 + "\ue000", set()
    for _ in range(2):
        manifest = render(iter([Part(name="a", heading="a"), tall]), SMALL).save(tmp_path / "pages")
        told |= {key for page in manifest["pages"] for key in page}
    assert {"collisions", "parts"} < told


def test_the_rights_of_a_folder_are_kept(pages: Path) -> None:
    pages.chmod(0o750)
    render(NEW, SMALL).save(pages)
    assert stat.S_IMODE(pages.stat().st_mode) == 0o750


# -- whole, whatever kills the process ---------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
@pytest.mark.parametrize("can", [True, False], ids=["exchange", "two renamings"])
@pytest.mark.parametrize("fresh", [True, False], ids=["fresh", "replacing"])
def test_a_kill_at_any_step_leaves_the_old_or_the_new_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can: bool, fresh: bool
) -> None:
    target = tmp_path / "in" / "pages"
    whole: dict[str, dict[str, bytes | str]] = {"absent": {}}
    for name, text in (("old", OLD), ("new", NEW)):
        render(text, SMALL).save(tmp_path / name)
        whole[name] = tree(tmp_path / name)
    before = "absent" if fresh else "old"
    if not can:
        monkeypatch.setattr(folder_output, "exchange", lambda one, other: False)
    found, step = set(), 1
    while True:
        render(OLD, SMALL).save(target)  # removes or puts back what the run before has left
        assert tree(target) == whole["old"], step
        assert [path.name for path in target.parent.iterdir()] == ["pages"], step
        if fresh:
            shutil.rmtree(target)
        if not killed_at(step, lambda: render(NEW, SMALL).save(target)):
            break
        states = [name for name in whole if tree(target) == whole[name]]
        assert states, f"step {step} left {sorted(tree(target))}"
        found.update(states)
        step += 1
    assert step > 15
    # Where the system exchanges, a reader finds one or the other at every moment.
    assert found == {before, "new"} if can or fresh else {"absent", "old", "new"}


@pytest.mark.parametrize("locks", [True, False], ids=["locks", "no locks"])
def test_an_old_document_is_put_back_even_if_the_next_save_fails(
    pages: Path, monkeypatch: pytest.MonkeyPatch, locks: bool
) -> None:
    if not locks:
        monkeypatch.setattr(folder_output, "lock", lambda path, wait=0.0: None)
        monkeypatch.setattr(folder_output, "locked", lambda path: nullcontext(False))
    old = tree(pages)
    pages.rename(hidden_name(pages, "old"))  # killed between two renamings
    with pytest.raises(ZeroDivisionError):
        render(NEW, SMALL).save(pages, progress=lambda number: 1 // 0)
    assert tree(pages) == old
    assert [path.name for path in pages.parent.iterdir()] == ["pages"]


def test_hidden_folders_of_users_and_of_running_processes_stay(pages: Path) -> None:
    mine = [pages.with_name(name) for name in (".pages.part", ".pages.deadbeef.part", f".pages.{'0' * 16}.old")]
    running = hidden_name(pages, "part")
    strange = hidden_name(pages, "part")
    for folder in (*mine, running, strange):
        folder.mkdir()
    (strange / "thesis.docx").write_text("mine")
    held = lock(running)
    assert held is not None
    render(NEW, SMALL).save(pages)
    assert {path for path in pages.parent.iterdir() if path != pages} == {*mine, running, strange}
    os.close(held)
    render(NEW, SMALL).save(pages)
    assert not running.exists()
    assert (strange / "thesis.docx").exists()


def test_a_file_that_a_killed_run_took_along_is_told_of(pages: Path) -> None:
    old = hidden_name(pages, "old")
    pages.rename(old)
    (old / "notes.txt").write_text("mine")
    render(OLD, SMALL).save(pages.with_name("other"))
    pages.with_name("other").rename(pages)
    with pytest.raises(DataError, match=r"\.old holds notes.txt, which a killed run took"):
        render(NEW, SMALL).save(pages)
    assert (old / "notes.txt").exists()


def test_two_writers_leave_the_document_of_the_last(pages: Path) -> None:
    with folder_output.FolderOutput(pages, PAGES_FOLDER) as first:
        render(NEW, SMALL).save(pages)
        new = tree(pages)
        assert len(hidden_beside(pages)) == 1
        for name, data in new.items():
            assert isinstance(data, bytes)
            (first.folder / name).write_bytes(data)
        first.publish()
    assert tree(pages) == new
    assert not hidden_beside(pages)


def test_names_are_of_one_target_and_fit_a_file_system(tmp_path: Path) -> None:
    long = tmp_path / ("é" * 120)
    hidden_name(long, "part").mkdir()
    hidden_name(tmp_path / "other", "part").mkdir()
    assert len(hidden_beside(long)) == len(hidden_beside(tmp_path / "other")) == 1
    assert hidden_beside(tmp_path / ("é" * 119)) == []


def test_files_are_synced_before_they_have_their_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    sync, rename = os.fsync, os.rename

    def synced(descriptor: int) -> None:
        events.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    def renamed(source: Path, target: Path) -> None:
        events.append("renamed")
        rename(source, target)

    if not Path("/proc/self/fd").exists():
        pytest.skip("no /proc here")
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    manifest = render(OLD, SMALL).save(tmp_path / "pages")
    before, after = events[: events.index("renamed")], events[events.index("renamed") + 1 :]
    assert {Path(name).name for name in before[:-1]} == {page["file"] for page in manifest["pages"]} | {"manifest.json"}
    assert Path(before[-1]).suffix == ".part"  # the names in the folder
    assert after == [str(tmp_path)]


# -- names of pages ----------------------------------------------------------------------------------


class Blank:
    """A page of which only the file matters."""

    size, missing, theta = (1, 1), {}, SMALL

    def __init__(self, number: int) -> None:
        self.number, self.span = number, (0, 0)

    def png(self, *, bits: int | None) -> bytes:
        return str(self.number).encode()

    def __getattr__(self, name: str) -> tuple[()]:
        return ()  # whatever else a manifest may tell of a page


@pytest.mark.slow
def test_names_of_pages_sort_as_the_pages_do_whatever_their_number(tmp_path: Path) -> None:
    for pages in (1, 9_999, 10_000, 123_456):
        names = [file_name(number, pages=pages) for number in {1, 9, 10, 999, 1000, 1001, 9999, pages}]
        assert sorted(names) == sorted(names, key=lambda name: int(name[5:-4]))
    manifest = save(map(Blank, range(1, 10_002)), tmp_path / "pages", theta=SMALL)  # type: ignore[arg-type]
    names = [page["file"] for page in manifest["pages"]]
    assert names == sorted(names) == sorted(path.name for path in (tmp_path / "pages").glob("*.png"))
    assert (tmp_path / "pages" / names[9_999]).read_bytes() == b"10000"
    assert names[0] == "page_00001.png"


# -- options -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"format": "jpg"},
        {"format": 7},
        {"bits": 3},
        {"bits": "4"},
        {"bits": 16},
        {"bits": True},
        {"bits": 4, "format": "npy"},
        {"jobs": 0},
        {"jobs": -1},
        {"jobs": "2"},
        {"jobs": 1.5},
        {"jobs": True},
        {"jobs": None},
    ],
    ids=str,
)
def test_a_wrong_option_is_named_before_work_starts(tmp_path: Path, options: dict[str, Any]) -> None:
    drawn: list[int] = []
    with pytest.raises(DataError) as caught:
        render(OLD, SMALL).save(tmp_path / "pages", progress=drawn.append, **options)
    assert f"{next(iter(options))}={next(iter(options.values()))!r}" in str(caught.value)
    assert not drawn
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_place_of_a_manifest_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(DataError):
        render("a").save(tmp_path)
    with pytest.raises(DataError, match="a pipe"):
        read_manifest(tmp_path)
    assert stat.S_ISFIFO(os.stat(tmp_path / "manifest.json").st_mode)
