"""Parquet inputs of corpora: the same rows whoever decodes them, and no bomb takes the memory of its content."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import glyphrender
from glyphrender import Theta
from glyphrender.adapters.corpus import Options, render_corpus, rows
from glyphrender.adapters.corpus.parquet_pages import pages_of
from glyphrender.adapters.corpus.plan import plan
from glyphrender.adapters.corpus.sources import Record

pa = pytest.importorskip("pyarrow")
import pyarrow.parquet as pq  # noqa: E402

pytestmark = pytest.mark.slow


def records_of(path: Path, **more: Any) -> list[Record]:
    options = Options(**more)
    (cut, *_) = plan([path], options, path.parent / "out").shards
    return list(cut.cut.source.records(0, 0))


def written(path: Path, texts: list[Any], kind: Any = None, **how: Any) -> Path:
    table = pa.table({"id": [f"n{n}" for n in range(len(texts))], "text": pa.array(texts, kind or pa.string())})
    pq.write_table(table, path, **how)
    return path


TEXTS = [None if n % 11 == 3 else f"{n} " * (n * 7 % 60) + "é文" * (n % 3) for n in range(300)]


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd", "brotli"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_texts_that_are_decoded_one_at_a_time_are_those_of_pyarrow(
    compression: str, version: str, dictionary: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, texts in {"nulls": TEXTS, "repeats": TEXTS[:50] * 6, "one": ["one"], "none": [None, None]}.items():
        path = written(
            tmp_path / f"{name}.parquet",
            texts,
            compression=compression,
            data_page_version=version,
            use_dictionary=dictionary,
            data_page_size=500,
            dictionary_pagesize_limit=2000,
            write_batch_size=20,
            row_group_size=120,
        )
        expected = records_of(path)
        assert [record.values and record.values["text"] for record in expected] == texts
        with monkeypatch.context() as patch:
            patch.setattr(rows, "WIDE", 0)
            assert records_of(path) == expected


def test_a_column_without_nulls_and_one_of_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("text", pa.binary())])
    table = pa.table({"id": ["a", "b", "c"], "text": [b"x", None, b"\xff"]}, schema=schema)
    pq.write_table(table, tmp_path / "in.parquet")
    expected = records_of(tmp_path / "in.parquet")
    monkeypatch.setattr(rows, "WIDE", 0)
    assert records_of(tmp_path / "in.parquet") == expected
    assert expected[0].values == {"id": "a", "text": b"x"}


def test_the_longest_text_alone_fails_and_its_neighbours_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["first", "x" * 5000, "third", None, "y" * 5001]
    monkeypatch.setattr(rows, "WIDE", 0)
    for dictionary in (True, False):
        path = written(tmp_path / "in.parquet", texts, use_dictionary=dictionary)
        found = records_of(path, max_bytes=5000)
        assert [record.values and record.values["text"] for record in found] == [*texts[:4], None]
        assert found[4].fault == "5,001 bytes, more than max_bytes=5000"


def test_pages_say_what_pyarrow_wrote(tmp_path: Path) -> None:
    rng = random.Random(1)
    texts = [rng.randbytes(rng.randrange(3000)).hex() for _ in range(500)]
    for dictionary in (True, False):
        path = written(
            tmp_path / "in.parquet", texts, use_dictionary=dictionary, data_page_size=20_000, compression="zstd"
        )
        with path.open("rb") as file:
            for group in range(pq.ParquetFile(path).num_row_groups):
                for index in range(2):
                    column = pq.ParquetFile(path).metadata.row_group(group).column(index)
                    pages = pages_of(file, column)
                    assert sum(page.values for page in pages if page.kind != 2) == column.num_values
                    # What is left are the headers.
                    headers = column.total_uncompressed_size - sum(page.size for page in pages)
                    assert 10 * len(pages) < headers < 5000 * len(pages)  # with statistics
                    assert (pages[0].kind == 2) == dictionary


def memory_of(path: Path, out: Path, *arguments: str) -> tuple[int, dict[str, Any], list[str]]:
    """Return the most memory of a run in MB, its summary, and the reasons of what failed."""
    program = (
        "import re, sys; from glyphrender.cli import command\n"
        "try: command(['corpus', *sys.argv[1:]], prog_name='glyphrender')\n"
        "except SystemExit: pass\n"
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1024)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(glyphrender.__file__).parents[1])}
    command = [sys.executable, "-c", program, str(path), "-o", str(out), "--json", "--format", "webdataset", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)
    assert done.returncode == 0, done.stderr
    summary, peak = done.stdout.strip().splitlines()[-2:]
    failures = [json.loads(line)["reason"] for line in (out / "failed.jsonl").read_text().splitlines()]
    return int(peak), json.loads(summary), failures


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
@pytest.mark.parametrize(
    ("compression", "dictionary"), [("zstd", True), ("snappy", True), ("snappy", False), ("gzip", False)]
)
def test_a_cell_of_80_mb_takes_no_memory_and_its_neighbours_are_rendered(
    compression: str, dictionary: bool, tmp_path: Path
) -> None:
    plain = written(tmp_path / "plain.parquet", ["before", "after"])
    usual, _, _ = memory_of(plain, tmp_path / "plain", "--max-bytes", "1000")
    bomb = written(
        tmp_path / "in.parquet",
        ["before", "z" * (80 << 20), "after"],
        compression=compression,
        use_dictionary=dictionary,
    )
    peak, summary, failures = memory_of(bomb, tmp_path / "out", "--max-bytes", "1000")
    assert (summary["items"], summary["failed"]) == (2, 1)
    assert failures == ["83,886,080 bytes, more than max_bytes=1000"]
    assert peak < usual + 100


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_bombs_of_dictionaries_lists_and_runs(tmp_path: Path) -> None:
    usual, _, _ = memory_of(written(tmp_path / "plain.parquet", ["a"]), tmp_path / "plain")
    long = pa.array(["y" * (1 << 20)])
    repeated = pa.DictionaryArray.from_arrays(pa.array([0] * 3000, pa.int32()), long)
    lists = pa.ListArray.from_arrays(pa.array([0, 3000, 6000], pa.int32()), pa.array(["y" * 1000] * 6000))
    bombs = {
        "3 GB in a dictionary": pa.table({"text": repeated}),
        "lists as texts": pa.table({"text": lists}),
        "nothing, a million times": pa.table({"text": pa.nulls(1_000_000, pa.string())}),
    }
    for name, table in bombs.items():
        path = tmp_path / "bomb.parquet"
        pq.write_table(table, path, compression="zstd", row_group_size=1_000_000)
        out = tmp_path / name.replace(" ", "-")
        if name.startswith("nothing"):
            with pytest.raises(glyphrender.DataError, match="1,000,000 rows in"):
                render_corpus([path], out, Options(format="webdataset"))
            continue
        peak, summary, failures = memory_of(path, out, "--max-bytes", "1000")
        assert summary["items"] == 0
        assert len(failures) == table.num_rows
        assert peak < usual + 150, name


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_file_is_read_as_far_as_it_goes_and_never_stops_the_run(seed: int, tmp_path: Path) -> None:
    """benchmarks/hostile_parquet.py tries more of them."""
    rng = random.Random(seed)
    small = Theta(page_size=(150, 60), margin_x=4, margin_y=4)
    (tmp_path / "good.jsonl").write_text('{"id": "good", "text": "good"}\n')
    for number in range(15):
        path = written(
            tmp_path / "in.parquet",
            [f"text {n}" for n in range(20)],
            row_group_size=7,
            compression=rng.choice(["none", "snappy", "zstd"]),
            use_dictionary=rng.random() < 0.5,
        )
        data = bytearray(path.read_bytes())
        for _ in range(rng.choice([1, 3, 10])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data)
        options = Options(theta=small, format="webdataset")
        manifest = render_corpus([path, tmp_path / "good.jsonl"], tmp_path / f"out{number}", options)
        assert manifest["items"] >= 1
