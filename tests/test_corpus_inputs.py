"""Inputs of corpora that are damaged, cut short, endless, special or hostile."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import random
import socket
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import glyphrender
from glyphrender import DataError, DependencyError, Theta
from glyphrender.adapters.corpus import Options, render_corpus
from glyphrender.adapters.corpus.faults import pyarrow
from glyphrender.adapters.corpus.sources import JsonLines, Record

pa = pytest.importorskip("pyarrow")
pytestmark = pytest.mark.slow

SMALL = Theta(page_size=(150, 60), margin_x=4, margin_y=4)


def options(**more: Any) -> Options:
    return Options(**{"theta": SMALL, "format": "webdataset", **more})


def lines_of(count: int, seed: int = 1) -> bytes:
    rng = random.Random(seed)
    return b"".join(b'{"text": "line %d %x"}\n' % (n, rng.getrandbits(120)) for n in range(count))


def zstandard(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def read(path: Path) -> tuple[list[Record], str]:
    """Return the records of a file and its fault; both readings of the file must agree."""
    source = JsonLines(path=path, name=path.name, max_bytes=1 << 26)
    survey = source.survey(1000, 1 << 23)
    records = list(source.records(0, 0))
    assert len(records) == survey.count
    return records, survey.fault


def texts(records: list[Record]) -> list[Any]:
    return [record.values and record.values["text"] for record in records]


@pytest.mark.parametrize("count", [1000, 30_000])
def test_a_gzip_file_that_ends_early_gives_every_line_that_is_there(count: int, tmp_path: Path) -> None:
    data = gzip.compress(lines_of(count), 1)[:-20]
    there = zlib.decompressobj(31).decompress(data)
    (tmp_path / "in.jsonl.gz").write_bytes(data)
    records, fault = read(tmp_path / "in.jsonl.gz")
    assert len(records) == there.count(b"\n") > count - 3
    assert texts(records) == [json.loads(line)["text"] for line in there.splitlines()[: len(records)]]
    assert (
        fault
        == f"in.jsonl.gz is damaged after line {len(records)} (it ends early, at byte {len(data):,} of {len(data):,})"
    )


@pytest.mark.parametrize("where", [0.0001, 0.3, 0.7, 0.999])
def test_a_gzip_file_damaged_in_its_middle_gives_what_comes_before(where: float, tmp_path: Path) -> None:
    """zlib, fed byte by byte, is the judge of what is there."""
    data = bytearray(gzip.compress(lines_of(8_000), 6))
    at = 30 + int(where * (len(data) - 60))
    data[at : at + 8] = b"\xff" * 8
    (tmp_path / "in.jsonl.gz").write_bytes(data)
    judge, there = zlib.decompressobj(31), list[bytes]()
    with contextlib.suppress(zlib.error):
        for byte in range(len(data)):
            there.append(judge.decompress(data[byte : byte + 1]))
    records, fault = read(tmp_path / "in.jsonl.gz")
    lines = b"".join(there).split(b"\n")[:-1]  # what damage leaves may hold blank lines
    assert len(records) == sum(bool(line.strip()) for line in lines)
    assert "is damaged after line" in fault
    assert " at byte " in fault


@pytest.mark.parametrize("cut", [20, 300_000])
def test_a_zstandard_file_that_ends_early_gives_its_whole_blocks(cut: int, tmp_path: Path) -> None:
    raw = lines_of(30_000)
    data = zstandard(raw)[:-cut]
    (tmp_path / "in.jsonl.zst").write_bytes(data)
    records, fault = read(tmp_path / "in.jsonl.zst")
    # A block of Zstandard holds at most 128 KiB, and can only be decoded as a whole. The bytes that are cut off are
    # less than what they hold.
    lost = len(raw) - sum(len(line) + 1 for line in raw.splitlines()[: len(records)])
    assert lost <= (128 << 10) + 3 * cut
    assert texts(records) == [json.loads(line)["text"] for line in raw.splitlines()[: len(records)]]
    assert "in.jsonl.zst is damaged after line" in fault


def test_a_zstandard_file_damaged_in_its_middle_gives_what_comes_before(tmp_path: Path) -> None:
    raw = lines_of(30_000)
    frames = [zstandard(part) for part in (raw[: len(raw) // 2], raw[len(raw) // 2 :])]
    data = bytearray(b"".join(frames))
    at = len(frames[0])
    data[at : at + 8] = b"\xff" * 8
    (tmp_path / "in.jsonl.zst").write_bytes(data)
    records, fault = read(tmp_path / "in.jsonl.zst")
    assert len(records) == raw[: len(raw) // 2].count(b"\n")
    assert fault


@pytest.mark.parametrize(("suffix", "compress"), [("gz", gzip.compress), ("zst", zstandard)])
def test_members_that_follow_one_another_are_one_file(
    suffix: str, compress: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    raw = lines_of(20_000)
    path = tmp_path / f"in.jsonl.{suffix}"
    # The cuts lie within lines; an empty member holds nothing.
    parts = [raw[:100_001], b"", raw[100_001:100_002], raw[100_002:]]
    path.write_bytes(b"".join(map(compress, parts)))
    assert read(path) == ([Record(n, json.loads(line)) for n, line in enumerate(raw.splitlines())], "")
    path.write_bytes(path.read_bytes() + b"this is no member")
    records, fault = read(path)
    assert len(records) == 20_000
    assert f"in.jsonl.{suffix} is damaged after line 20000" in fault
    if suffix == "gz":
        path.write_bytes(compress(raw) + bytes(70_000))  # padding, which gzip takes too
        assert read(path)[1] == ""


@pytest.mark.parametrize("suffix", ["gz", "zst"])
@pytest.mark.parametrize("content", [b"", b"\x1f", b"\x28\xb5", b"plain text\n", bytes(1000)])
def test_what_is_not_compressed_at_all_is_told(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"in.jsonl.{suffix}"
    path.write_bytes(content)
    records, fault = read(path)
    assert records == []
    assert f"in.jsonl.{suffix} is damaged after line 0" in fault
    with pytest.raises(DataError, match="is damaged after line 0"):
        render_corpus([path], tmp_path / "out", options())
    assert not (tmp_path / "out").exists()


def test_sixteen_million_blank_lines_are_no_items_and_no_shards(tmp_path: Path) -> None:
    blank, good = b"\n" * (4 << 20), b'{"id": "good", "text": "good"}\n'
    (tmp_path / "in.jsonl.gz").write_bytes(gzip.compress(blank + good + b" \r\n\t\n" + blank * 3 + good + blank))
    manifest = render_corpus([tmp_path / "in.jsonl.gz"], tmp_path / "out", options())
    assert (manifest["items"], len(manifest["shards"])) == (2, 2)
    assert manifest["inputs"][0]["records"] == 2
    (tmp_path / "blank.jsonl.gz").write_bytes(gzip.compress(blank))
    with pytest.raises(DataError, match="holds no record"):
        render_corpus([tmp_path / "blank.jsonl.gz"], tmp_path / "none", options())


def test_the_numbers_of_lines_count_blank_ones(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('\n\n{"text": "a"}\n  \nbroken\n\n\n{"text": "b"}\n\n')
    for size in (1, 2, 9):
        out = tmp_path / str(size)
        manifest = render_corpus([tmp_path / "in.jsonl"], out, options(shard_items=size))
        assert (manifest["items"], manifest["failed"]) == (2, 1)
        (failure,) = [json.loads(line) for line in (out / "failed.jsonl").read_text().splitlines()]
        assert (failure["place"], failure["position"]) == ("in.jsonl, line 5", 4)


# -- what is no regular file -------------------------------------------------------------------------


def special(folder: Path, suffix: str) -> list[str]:
    """Put a good file and one of each special kind into `folder`; return the names of the special ones."""
    folder.mkdir()
    good = folder / f"good{suffix}"
    good.write_text('{"id": "good", "text": "good"}\n')
    os.mkfifo(folder / f"pipe{suffix}")
    (folder / f"zero{suffix}").symlink_to("/dev/zero")
    (folder / f"null{suffix}").symlink_to("/dev/null")
    (folder / f"dangling{suffix}").symlink_to(f"nowhere{suffix}")
    (folder / f"loop{suffix}").symlink_to(f"loop{suffix}")
    (folder / f"up{suffix}").symlink_to("..")
    (folder / "linked").symlink_to(folder / f"good{suffix}")
    at = os.getcwd()
    os.chdir(folder)  # the name of a socket has at most 108 bytes
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"socket{suffix}")
    finally:
        os.chdir(at)
    return [f"{kind}{suffix}" for kind in ("dangling", "loop", "null", "pipe", "socket", "up", "zero")]


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and sockets have no names there")
@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet", ".ndjson", ".txt", ""])
def test_what_is_no_regular_file_in_a_folder_is_named_and_never_opened(suffix: str, tmp_path: Path) -> None:
    names = special(tmp_path / "in", suffix)
    if suffix.endswith((".gz", ".zst", ".parquet")):
        (tmp_path / f"in/good{suffix}").unlink()
    (tmp_path / "in/a.md").write_text("a text")
    program = (
        "import sys; from glyphrender.adapters.corpus import Options, render_corpus;"
        "render_corpus([sys.argv[1]], sys.argv[2], Options(format='webdataset'))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(glyphrender.__file__).parents[1])}
    # In the folder above, so that the places are relative. A time limit, because the fault was to wait for ever.
    command = [sys.executable, "-c", program, "in", "out"]
    subprocess.run(command, check=True, timeout=600, env=environment, cwd=tmp_path)
    failures = [json.loads(line) for line in (tmp_path / "out/failed.jsonl").read_text().splitlines()]
    told = " ".join(f"{entry['place']} {entry['reason']}" for entry in failures)
    assert all(f"in/{name} " in told for name in names), told
    assert all(words in told for words in ("a pipe", "a socket", "a device", "link to a directory")), told
    assert str(tmp_path) not in told  # what is told does not depend on where the folder lies
    assert json.loads((tmp_path / "out/manifest.json").read_text())["items"] >= 1


def test_special_files_that_are_named_are_refused_with_one_line(tmp_path: Path) -> None:
    names = special(tmp_path / "in", ".jsonl")
    for name in names:
        if name == "up.jsonl":
            continue
        with pytest.raises(DataError, match=r"no regular file but|does not exist"):
            render_corpus([tmp_path / "in" / name], tmp_path / "out", options())
    for device in ("/dev/zero", "/dev/null"):
        with pytest.raises(DataError, match=f"{device} is no regular file but a device"):
            render_corpus([device], tmp_path / "out", options())
    assert not (tmp_path / "out").exists()


def test_a_text_that_changes_after_the_survey_ends_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.txt").write_text(name * 10)
    change = {
        "longer": lambda: (folder / "b.txt").write_text("longer than before"),
        "gone": (folder / "b.txt").unlink,
    }
    for what, call in change.items():
        (folder / "b.txt").write_text("b" * 10)
        with pytest.raises(DataError, match=r"b\.txt has 18 bytes, and had 10 when|b\.txt cannot be read"):
            render_corpus([folder], tmp_path / what, options(), progress=lambda p, call=call: p.done or call())  # type: ignore[misc]
        (folder / "b.txt").write_text("b" * 10)
        assert render_corpus([folder], tmp_path / what, options(), resume=True)["items"] == 3


# -- pyarrow -----------------------------------------------------------------------------------------


def test_pyarrow_that_does_not_load_is_not_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "pyarrow":
                raise ImportError("libarrow.so: failed to map segment from shared object")

    for name in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(DependencyError, match=r"installed and cannot be loaded .*failed to map segment"):
        pyarrow()
