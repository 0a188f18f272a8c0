"""`corpus`: options, the summary, statuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from glyphrender import Theta, cli, render

SMALL = ["--set", "page_size=150,60", "--set", "margin_x=4", "--set", "margin_y=4"]


def call(*arguments: str | Path, status: int = 0) -> Result:
    result = CliRunner().invoke(cli.command, ["corpus", *map(str, arguments)])
    assert result.exit_code == status, result.stderr
    return result


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_text('{"key": "a", "body": "one"}\nbroken\n{"key": "b", "body": "two", "how": {"font_size": 8}}\n')
    return path


FIELDS = ["--id-field", "key", "--text-field", "body", "--theta-field", "how"]


def test_summary_files_and_failures(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = call(source, "-o", out, *SMALL, *FIELDS, "--format", "png", "--shard-items", "1")
    assert result.stdout.startswith("2 items, 2 pages, ")
    assert " bytes in 3 shards, " in result.stdout
    assert result.stderr == f"glyphrender: 1 failed, see {out}/failed.jsonl\n"
    small = Theta(page_size=(150, 60), margin_x=4, margin_y=4, font_size=8)
    assert (out / "images/b/page_001.png").read_bytes() == render("two", small)[0].png()
    again = call(source, "-o", out, *SMALL, *FIELDS, "--format", "png", "--shard-items", "1", "--resume", "--json")
    values = json.loads(again.stdout)
    assert (values["items"], values["failed"], values["pages"], values["shards"]) == (2, 1, 2, 3)


def test_a_folder_that_is_taken_is_the_users_mistake(source: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    out = tmp_path / "out"
    call(source, "-o", out, *FIELDS, "--format", "webdataset")
    taken = [source, "-o", out, *FIELDS, "--format", "webdataset"]
    for arguments, words in [
        (taken, "holds a corpus"),
        ([*taken, "--bits", "4", "--resume"], "options.bits was None and is 4"),
        ([source, "-o", source], "is a file"),
        ([tmp_path / "gone.jsonl", "-o", tmp_path / "new"], "does not exist"),
    ]:
        assert words in str(CliRunner().invoke(cli.command, ["corpus", *map(str, arguments)]).stderr)
    assert not (tmp_path / "new").exists()


def test_the_status_is_1_where_not_one_item_could_be_rendered(source: Path, tmp_path: Path) -> None:
    result = call(source, "-o", tmp_path / "out", "--format", "png", status=1)
    assert "3 failed" in result.stderr


def test_progress_is_a_line_now_and_then(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from glyphrender.cli import corpus

    monkeypatch.setattr(corpus, "SILENCE", 0.0)
    result = call(source, "-o", tmp_path / "out", *FIELDS, "--format", "png", "--shard-items", "2")
    assert "corpus 1/2 shards, 1 items, 1 pages, 1 failed; " in result.stderr
    assert " items/s, " in result.stderr
