"""A file that is written anew is the old or the new one, whatever goes wrong."""

from __future__ import annotations

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
