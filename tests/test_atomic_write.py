"""An atomic write: the file is the old or the new one, whatever goes wrong."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from glyphrender import DataError
from glyphrender._system.atomic_write import write_atomically


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


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be written") as caught:
        write_atomically(tmp_path / "absent" / "a.csv", "text")
    assert caught.value.path == str(tmp_path / "absent" / "a.csv")
