"""An atomic write: the file is the old or the new one, whatever goes wrong."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from killed import killed_at

from glyphrender import DataError
from glyphrender._system.atomic_write import write_atomically
from glyphrender._system.seal import is_sealed, sealed


def test_it_is_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.csv", "ρ\n")
    write_atomically(tmp_path / "a.csv", "ρ, θ\n")
    assert (tmp_path / "a.csv").read_bytes() == "ρ, θ\n".encode()
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("wrong", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_was_there_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: BaseException) -> None:
    path = tmp_path / "a.csv"
    write_atomically(path, "old")

    def fail(self: Path, target: Path) -> Path:
        raise wrong

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(DataError if isinstance(wrong, OSError) else KeyboardInterrupt):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.pdf", b"\r\n\0\xff")
    assert (tmp_path / "a.pdf").read_bytes() == b"\r\n\0\xff"


@pytest.mark.parametrize("durable", [True, False])
def test_the_file_is_synced_before_it_is_renamed_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    path, events = tmp_path / "a.csv", []
    sync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        events.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else f"file, {path.exists()}")
        sync(descriptor)

    def renamed(self: Path, target: Path) -> Path:
        events.append("renamed")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    write_atomically(path, "new", durable=durable)
    assert events == (["file, False", "renamed", "folder"] if durable else ["renamed"])


def test_only_a_file_that_may_be_replaced_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    for content in (sealed("one"), sealed("two")):
        write_atomically(path, content, replaces=is_sealed)
        assert path.read_bytes() == content
    for mine in (b"mine", sealed("two") + b"mine", sealed("two").replace(b"two", b"2")):
        path.write_bytes(mine)
        with pytest.raises(DataError, match="is there already, and glyphrender did not write it as it is now"):
            write_atomically(path, sealed("three"), replaces=is_sealed)
        assert path.read_bytes() == mine
    path.write_bytes(b"")
    write_atomically(path, sealed("three"), replaces=is_sealed)


def test_a_link_is_followed_and_rights_are_kept(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dangling").symlink_to("new")
    for name in ("link", "dangling"):
        write_atomically(tmp_path / name, "text")
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / name).read_text() == "text"
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o640


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(tmp_path / "pipe", "text")
    assert os.read(reader, 10) == b"text"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()
    write_atomically(os.devnull, "text")
    assert Path(os.devnull).is_char_device()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_kill_at_any_step_leaves_the_old_or_the_new_file_and_the_next_write_removes_the_rest(tmp_path: Path) -> None:
    path, step = tmp_path / "a.csv", 1
    (tmp_path / ".a.csv.part").write_text("mine")
    (tmp_path / ".a.csv.0123456789abcdef.part").write_text("mine")
    while True:
        write_atomically(path, "old")
        assert len(list(tmp_path.iterdir())) == 3, step
        if not killed_at(step, lambda: write_atomically(path, "new")):
            break
        assert path.read_text() in ("old", "new"), step
        step += 1
    assert step > 5


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be written") as caught:
        write_atomically(tmp_path / "absent" / "a.csv", "text")
    assert caught.value.path == str(tmp_path / "absent" / "a.csv")
