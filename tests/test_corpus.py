"""Corpora: what real readers find in them, what is listed as failed, and runs that are killed."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corpus_stop import Stopped, stop_after_two_shards, tree
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

import glyphrender
from glyphrender import DataError, DependencyError, FontError, Theta, render
from glyphrender._system.hidden_names import hidden_name
from glyphrender.adapters.corpus import FORMATS, Options, render_corpus
from glyphrender.adapters.corpus.names import folder_of
from glyphrender.adapters.corpus.rows import Parquet
from glyphrender.adapters.corpus.run import CorpusProgress
from glyphrender.adapters.corpus.sources import JsonLines, SequentialReader

pa = pytest.importorskip("pyarrow")
import pyarrow.parquet as pq  # noqa: E402

pytestmark = pytest.mark.slow

SMALL = Theta(page_size=(150, 60), margin_x=4, margin_y=4)
TEXTS = [f"Item {number} is {'rather ' * (number % 7 * 8)}short." for number in range(40)]


def write_jsonl(path: Path, items: list[Any]) -> Path:
    lines = [item if isinstance(item, str) else json.dumps(item) for item in items]
    data = "".join(f"{line}\n" for line in lines).encode()
    if path.suffix == ".gz":
        data = gzip.compress(data)
    elif path.suffix == ".zst":
        data = pa.compress(data, codec="zstd", asbytes=True)
    path.write_bytes(data)
    return path


def rows(directory: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(directory.glob("data/*.parquet")) for row in pq.read_table(path).to_pylist()]


def failed(directory: Path) -> dict[Any, str]:
    lines = (directory / "failed.jsonl").read_text(encoding="utf-8").splitlines()
    return {entry["place"]: entry["reason"] for entry in map(json.loads, lines)}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "in.jsonl", [{"id": f"n{n}", "text": text} for n, text in enumerate(TEXTS)])


def options(form: str = "parquet", **more: Any) -> Options:
    return Options(**{"theta": SMALL, "format": form, "shard_items": 9, **more})


# -- what readers find -------------------------------------------------------------------------------


def test_parquet_is_a_data_set_of_images_with_the_bytes_that_were_stored(source: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    out = tmp_path / "out"
    manifest = render_corpus([source], out, options())
    # The folder as it is: its manifest and its list of failures are not taken for data.
    found = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))["train"]
    assert found["id"] == [f"n{number}" for number in range(40)]
    assert found["text"] == TEXTS
    page = render(TEXTS[6], SMALL)[0]
    assert (np.asarray(found[6]["images"][0]) == page.array).all()
    stored = found.cast_column("images", datasets.List(datasets.Image(decode=False)))
    expected = [[page.png() for page in render(text, SMALL)] for text in TEXTS]
    assert [[image["bytes"] for image in row["images"]] for row in stored] == expected
    assert [len(row["spans"]) for row in stored] == list(map(len, expected))
    assert Theta.from_dict(json.loads(stored[0]["theta"])) == SMALL
    assert (manifest["items"], manifest["failed"], manifest["pages"]) == (40, 0, sum(map(len, expected)))
    for shard in manifest["shards"]:
        data = (out / shard["file"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (shard["bytes"], shard["sha256"])


# webdataset leaves its files open.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_tars_are_read_by_webdataset(source: Path, tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    render_corpus([source], tmp_path / "out", options("webdataset"))
    shards = sorted(map(str, (tmp_path / "out/data").glob("*.tar")))
    samples = list(webdataset.WebDataset(shards, shardshuffle=False).decode("pil"))
    assert [sample["json"]["id"] for sample in samples] == [f"n{number}" for number in range(40)]
    assert [sample["txt"] for sample in samples] == TEXTS
    page = render(TEXTS[6], SMALL)[1]
    assert (np.asarray(samples[6]["0001.png"].convert("L")) == page.array).all()


def test_png_folders_are_those_of_glyphs_script(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    render_corpus([source], out, options("png"))
    lines = [line for path in sorted(out.glob("data/*.jsonl")) for line in path.read_text().splitlines()]
    for number, item in enumerate(map(json.loads, lines)):
        assert (item["unique_id"], item["context"]) == (f"n{number}", TEXTS[number])
        assert item["image_paths"][0] == f"images/n{number}/page_001.png"
        pages = [(out / path).read_bytes() for path in item["image_paths"]]
        assert pages == [page.png() for page in render(TEXTS[number], SMALL)]
        assert item["image_sha256"] == [hashlib.sha256(page).hexdigest() for page in pages]
    assert len(lines) == 40


# -- what goes in ------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["jsonl.gz", "jsonl.zst", "parquet"])
def test_inputs_of_every_kind_give_the_same_rows(suffix: str, source: Path, tmp_path: Path) -> None:
    items = [json.loads(line) for line in source.read_text().splitlines()]
    other = tmp_path / f"in.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.Table.from_pylist([item | {"other": 1} for item in items]), other, row_group_size=13)
    else:
        write_jsonl(other, items)
    render_corpus([source], tmp_path / "one", options())
    for jobs in (1, 2):
        render_corpus([other], tmp_path / f"other{jobs}", options(), jobs=jobs)
        assert rows(tmp_path / f"other{jobs}") == rows(tmp_path / "one")


def test_a_folder_of_texts(tmp_path: Path) -> None:
    files = {"b/2.txt": b"two", "a.md": "eins".encode("utf-16"), "b/.git/x": b"no", "c.bin": b"\xff\0\x81"}
    for name, data in files.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)
    write_jsonl(tmp_path / "in/items.jsonl", [{"id": 7, "text": "seven"}])
    (tmp_path / "in/link").symlink_to("nowhere")
    os.mkfifo(tmp_path / "in/pipe")
    out = tmp_path / "in/out"  # not entered
    for _ in range(2):
        render_corpus([tmp_path / "in"], out, options(), resume=True)
    texts = {row["id"]: row["text"] for row in rows(out)}
    assert texts == {"7": "seven", "in/a.md": "eins", "in/b/2.txt": "two"}
    assert list(failed(out)) == ["in/c.bin", "in/link", "in/pipe"]
    with pytest.raises(DataError, match="pipe is no regular file"):
        render_corpus([tmp_path / "in/pipe"], tmp_path / "new", options())


def test_texts_are_read_whatever_the_fields_of_items_are_called(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.txt").write_text("a text")
    write_jsonl(tmp_path / "in/items.jsonl", [{"name": 7, "body": "seven", "text": "not this", "id": "nor this"}])
    named = options(id_field="name", text_field="body")
    render_corpus([tmp_path / "in"], tmp_path / "out", named)
    assert {row["id"]: row["text"] for row in rows(tmp_path / "out")} == {"7": "seven", "in/a.txt": "a text"}
    assert not failed(tmp_path / "out")
    with pytest.raises(DataError, match=r"text_field=\(\) names no field"):
        Options(text_field=())


def test_a_failure_has_the_id_that_the_item_would_have(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", [{"id": None, "unique_id": "u", "text": ""}, {"id": None, "text": ""}])
    render_corpus([source], tmp_path / "out", options())
    lines = (tmp_path / "out/failed.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["u", None]


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".parquet"])
def test_an_input_that_shrinks_while_it_is_read_loses_nothing_silently(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"in{suffix}"

    def write(count: int) -> None:
        items = [{"id": f"n{n}", "text": text} for n, text in enumerate(TEXTS[:count])]
        if suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist(items), path)
        else:
            write_jsonl(path, items)

    write(40)
    with pytest.raises(DataError, match=rf"in{suffix} has become shorter since the run began: 4 records of train-"):
        render_corpus([path], tmp_path / "out", options(), progress=lambda progress: progress.done or write(5))
    assert not (tmp_path / "out/manifest.json").exists()
    write(40)
    assert render_corpus([path], tmp_path / "out", options(), resume=True)["items"] == 40


def test_theta_of_an_item_is_a_preset_json_or_an_object(tmp_path: Path) -> None:
    of_glyph = {"dpi": 72, "page-size": "200,100"}
    given = [None, "dense", '{"font_size": 8}', {"font_size": 8}, of_glyph]
    eight = SMALL.replace(font_size=8)
    expected = [SMALL, Theta.preset("dense"), eight, eight, Theta.load(of_glyph)]
    write_jsonl(tmp_path / "in.jsonl", [{"id": n, "text": "a", "theta": theta} for n, theta in enumerate(given)])
    render_corpus([tmp_path / "in.jsonl"], tmp_path / "out", options())
    assert [Theta.from_dict(json.loads(row["theta"])) for row in rows(tmp_path / "out")] == expected
    # A column of objects gives every row every field, with nothing in most.
    columns = [{"text": "a", "theta": {"font_size": 8.0, "dpi": None}}, {"text": "b", "theta": {"dpi": 96.0}}]
    pq.write_table(pa.Table.from_pylist(columns), tmp_path / "in.parquet")
    render_corpus([tmp_path / "in.parquet"], tmp_path / "columns", options())
    found = [Theta.from_dict(json.loads(row["theta"])) for row in rows(tmp_path / "columns")]
    assert found == [SMALL.replace(font_size=8), SMALL.replace(dpi=96)]
    assert [row["id"] for row in rows(tmp_path / "columns")] == ["in.parquet, row 1", "in.parquet, row 2"]


def test_sampled_thetas_depend_on_seed_and_position_alone(source: Path, tmp_path: Path) -> None:
    found = []
    for number, (seed, size) in enumerate([(1, 9), (1, 20), (2, 20)]):
        render_corpus([source], tmp_path / str(number), options(sample=seed, shard_items=size))
        found.append([row["theta"] for row in rows(tmp_path / str(number))])
    assert found[0] == found[1] != found[2]
    assert len(set(found[0])) == 40


# -- what fails --------------------------------------------------------------------------------------


def test_what_is_broken_is_listed_and_stops_nothing(tmp_path: Path) -> None:
    items: list[Any] = [
        {"id": "good", "text": "good"},
        '{"id": "cut',
        "",
        "[1, 2]",
        {"id": "none"},
        {"id": "number", "text": 5},
        {"id": "empty", "text": ""},
        {"id": ["a"], "text": "a"},
        {"id": "theta", "text": "a", "theta": {"font_size": -1}},
        {"id": "preset", "text": "a", "theta": "densest"},
        {"id": "font", "text": "a", "theta": {"font": "No Such Font"}},
        {"id": "long", "text": "word " * 5000},
        {"id": "huge", "text": "x" * 50_000},
        '{"id": "lone", "text": "a\\ud800"}',
        "[" * 5000,
        {"id": "last", "text": "last"},
    ]
    source = write_jsonl(tmp_path / "in.jsonl", items)
    source.write_bytes(source.read_bytes() + b'{"text": "\x93"}\n{"text": "no end of line"}')
    out = tmp_path / "out"
    manifest = render_corpus([source], out, options(max_pages=20, max_bytes=40_000))
    assert [row["id"] for row in rows(out)] == ["good", "last", "in.jsonl, line 18"]
    reasons = {int(place.split()[-1]): reason for place, reason in failed(out).items()}
    for line, word in {
        2: "not JSON", 4: "list", 5: "'text' or 'context'", 6: "int", 7: "empty", 8: "id", 9: "font_size=-1",
        10: "densest", 11: "No Such Font", 12: "max_pages=20", 13: "max_bytes=40000", 14: "U+D800", 15: "not JSON",
        17: "byte 0x93",
    }.items():  # fmt: skip
        assert word in reasons[line]
    assert len(reasons) == manifest["failed"] == 14
    assert manifest["items"] == 3


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_a_compressed_file_that_ends_early_gives_the_lines_before(suffix: str, tmp_path: Path) -> None:
    rng = random.Random(1)
    items = [{"id": n, "no text": rng.randbytes(200).hex()} for n in range(8000)]  # 3 MB: more than a block
    source = write_jsonl(tmp_path / f"in.jsonl.{suffix}", items)
    source.write_bytes(source.read_bytes()[:-1000])
    render_corpus([source], tmp_path / "out", options(shard_items=3000))
    (damage,) = [reason for place, reason in failed(tmp_path / "out").items() if place is None]
    assert f"in.jsonl.{suffix} is damaged after line " in damage
    lines = int(damage.partition("after line ")[2].split()[0])
    assert 2000 < lines < 8000
    assert len(failed(tmp_path / "out")) == lines + 1


def test_a_parquet_file_with_a_broken_row_group_gives_the_others(tmp_path: Path) -> None:
    source = tmp_path / "in.parquet"
    items = [{"id": f"n{n}", "text": f"{n} " * 500} for n in range(30)]
    pq.write_table(pa.Table.from_pylist(items), source, row_group_size=10, use_dictionary=False)
    column = pq.ParquetFile(source).metadata.row_group(1).column(1)
    data = bytearray(source.read_bytes())
    begin, size = column.data_page_offset, column.total_compressed_size
    data[begin : begin + size] = bytes(size)
    source.write_bytes(data)
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no more")
    pq.write_table(pa.table({"words": ["a"]}), tmp_path / "other.parquet")
    inputs = [tmp_path / name for name in ("bad.parquet", "in.parquet", "other.parquet")]
    manifest = render_corpus(inputs, tmp_path / "out", options(shard_items=7))
    assert [row["id"] for row in rows(tmp_path / "out")] == [f"n{n}" for n in (*range(10), *range(20, 30))]
    lines = (tmp_path / "out/failed.jsonl").read_text().splitlines()
    reasons = [entry["reason"] for entry in map(json.loads, lines)]
    assert "bad.parquet cannot be read as parquet" in reasons[0]
    assert "other.parquet has no column 'text' or 'context'; it has 'words'" in reasons[1]
    assert len(reasons) == manifest["failed"] == 12


def test_nothing_is_begun_for_what_cannot_work(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    empty = write_jsonl(tmp_path / "empty.jsonl", [])
    for inputs, how, error, words in [
        ([tmp_path / "none.jsonl"], options(), DataError, "none.jsonl does not exist"),
        ([empty], options(), DataError, "holds no record"),
        ([source], options(theta=Theta(font="No Such Font")), FontError, "No Such Font"),
    ]:
        with pytest.raises(error, match=words):
            render_corpus(inputs, out, how)
        assert not out.exists()
    with pytest.raises(DataError, match="format='jpg'"):
        Options(format="jpg")
    with pytest.raises(DataError, match="shard_items=0"):
        Options(shard_items=0)


def test_a_wrong_address_of_ray_is_told_at_once(source: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    program = (
        "import sys; from glyphrender.adapters.corpus import render_corpus;"
        "render_corpus([sys.argv[1]], sys.argv[2], ray='127.0.0.1:1')"
    )
    command = [sys.executable, "-c", program, str(source), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment())
    assert "EndpointError: --ray 127.0.0.1:1: no Ray cluster ([Errno 111] Connection refused)" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_missing_extra_is_named(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DependencyError, match=r"\.\[corpus\]"):
        render_corpus([source], tmp_path / "out", options())
    with pytest.raises(DependencyError, match=r"\.\[ray\]"):
        render_corpus([source], tmp_path / "out", options("png"), ray="local")
    assert not (tmp_path / "out").exists()
    assert render_corpus([source], tmp_path / "out", options("webdataset"))["items"] == 40


# -- ids are data ------------------------------------------------------------------------------------

NASTY_IDS = ["../../x", "/etc/passwd", "a/../../b", "..", ".", "\0", "a\0b", "x" * 5000, "CON", "con", "Aux.txt",
             "A", "a", "a ", "a.", "文", "é", "e\u0301", "a\\b", "C:\\x", "~", "a~1", "-rf", "\n", " ", "nul.png",
             "com1"]  # fmt: skip


def test_no_id_leads_out_of_its_folder_and_none_meets_another(tmp_path: Path) -> None:
    ids = [*NASTY_IDS, "a", "a", "../../x"]
    source = write_jsonl(tmp_path / "in.jsonl", [{"id": name, "text": f"{n}"} for n, name in enumerate(ids)])
    out = tmp_path / "deep/er/out"
    before = sorted(tmp_path.iterdir())
    render_corpus([source], out, options("png"), jobs=2)
    assert sorted(path for path in tmp_path.iterdir() if path != tmp_path / "deep") == before
    assert sorted(path.name for path in (tmp_path / "deep/er").iterdir()) == ["out"]
    lines = [json.loads(line) for path in sorted(out.glob("data/*")) for line in path.read_text().splitlines()]
    assert [line["unique_id"] for line in lines] == ids
    folders = [Path(line["image_paths"][0]).parent.name for line in lines]
    assert sorted(folders) == sorted(path.name for path in (out / "images").iterdir())
    assert len({name.casefold() for name in folders}) == len(ids)
    for n, line in enumerate(lines):
        assert (out / line["image_paths"][0]).read_bytes() == render(f"{n}", SMALL)[0].png()


def test_items_without_ids_of_inputs_of_one_name_keep_their_pages(tmp_path: Path) -> None:
    """Their places are ids that agree: neither may take the other's folder, in one shard or in two."""
    texts = ["one", "two", "three"]
    for name, text in zip("abc", texts, strict=True):
        (tmp_path / name).mkdir()
        write_jsonl(tmp_path / name / "in.jsonl", [{"text": text}, {"id": "in.jsonl, line 1", "text": text * 2}])
    out = tmp_path / "out"
    manifest = render_corpus([tmp_path / name / "in.jsonl" for name in "abc"], out, options("png"))
    assert (manifest["items"], manifest["failed"]) == (6, 0)
    lines = [json.loads(line) for path in sorted(out.glob("data/*")) for line in path.read_text().splitlines()]
    assert len({line["image_paths"][0] for line in lines}) == 6
    for line, text in zip(lines, [text * times for text in texts for times in (1, 2)], strict=True):
        assert (out / line["image_paths"][0]).read_bytes() == render(text, SMALL)[0].png()


@examples(300)
@given(st.lists(st.one_of(st.text(max_size=200), st.sampled_from(NASTY_IDS)), max_size=20, unique=True))
def test_folder_names_are_plain_and_differ(ids: list[str]) -> None:
    folders = [folder_of(name) for name in ids]
    assert len({name.casefold() for name in folders}) == len(ids)
    for name in folders:
        assert name.isascii()
        assert 0 < len(name) <= 100
        assert not set(name) & set('/\\:*?"<>| \0')
        assert not name.startswith(".")
        assert not name.endswith(".")
        assert name.partition(".")[0] not in ("con", "nul", "aux", "com1")  # a device of Windows, whatever follows


# -- one result, whoever makes it --------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_processes_change_nothing(form: str, source: Path, tmp_path: Path) -> None:
    tallies: list[tuple[int, int, int]] = []

    def progress(progress: CorpusProgress) -> None:
        tallies.append((progress.shards, progress.done, progress.items))

    render_corpus([source], tmp_path / "one", options(form))
    render_corpus([source], tmp_path / "three", options(form), jobs=3, progress=progress)
    assert tree(tmp_path / "one") == tree(tmp_path / "three")
    assert len(list((tmp_path / "one/data").iterdir())) == 5
    assert not (tmp_path / "one/.run").exists()
    assert (tallies[0], tallies[-1]) == ((5, 0, 0), (5, 5, 40))


def test_ray_changes_nothing(source: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    # A process of its own: Ray's threads and sockets outlive its shutdown, and warnings are errors here.
    program = (
        "import sys; from glyphrender import Theta; from glyphrender.adapters.corpus import Options, render_corpus;"
        "theta = Theta(page_size=(150, 60), margin_x=4, margin_y=4);"
        "render_corpus([sys.argv[1]], sys.argv[2], Options(theta=theta, shard_items=9), jobs=2, ray='local')"
    )
    command = [sys.executable, "-c", program, str(source), str(tmp_path / "ray")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment())
    assert done.returncode == 0, done.stderr
    render_corpus([source], tmp_path / "one", options())
    assert tree(tmp_path / "one") == tree(tmp_path / "ray")


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".parquet"])
def test_a_process_reads_a_source_that_cannot_be_sought_in_once(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [{"id": f"item {number}", "text": f"text {number}"} for number in range(30)]
    path = tmp_path / f"in{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(items), path)
    else:
        write_jsonl(path, items)
    kind = Parquet if suffix == ".parquet" else JsonLines
    begun = []
    original = kind.records

    def counted(self: Any, first: int, seek: int) -> Iterator[Any]:
        begun.append(first)
        return original(self, first, seek)

    monkeypatch.setattr(kind, "records", counted)
    manifest = render_corpus([path], tmp_path / "out", options())
    assert len(manifest["shards"]) == 4
    assert begun == [0]
    render_corpus([path], tmp_path / "again", options())
    assert begun == [0, 0]  # a run leaves no reader behind for the next


@examples(100)
@given(
    st.one_of(st.binary(max_size=300), st.text("ab \r\n\n", max_size=120).map(str.encode)),
    st.integers(1, 9),
    st.integers(1, 60),
)
def test_cuts_are_a_partition_of_the_lines_that_are_not_blank(data: bytes, items: int, size: int) -> None:
    import tempfile

    lines = data.split(b"\n")[: None if not data.endswith(b"\n") else -1] if data else []
    wanted = [number for number, line in enumerate(lines) if line and not line.isspace()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "in.jsonl")
        path.write_bytes(data)
        source = JsonLines(path=path, name="in", max_bytes=40)
        survey = source.survey(items, size)
        whole = list(source.records(0, 0))
        with SequentialReader() as reader:
            parts = [record for cut in survey.cuts for record in cut.records(reader)]
    assert survey.count == len(wanted)
    assert parts == whole
    assert [record.number for record in parts] == wanted
    assert all(cut.items <= items for cut in survey.cuts)
    assert all(before.first + before.count == after.first for before, after in pairwise(survey.cuts))
    assert not survey.cuts or survey.cuts[-1].first + survey.cuts[-1].count == len(lines)


# -- going on ----------------------------------------------------------------------------------------


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(glyphrender.__file__).parents[1])}


def test_what_another_call_began_is_not_gone_on_with(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(Stopped):
        render_corpus([source], out, options(), progress=stop_after_two_shards)
    kept = tree(out)
    with pytest.raises(DataError, match="not complete, which --resume goes on with"):
        render_corpus([source], out, options())
    with pytest.raises(DataError, match=r"theta.font_size was 9.0 and is 8.0"):
        render_corpus([source], out, options(theta=SMALL.replace(font_size=8)), resume=True)
    with pytest.raises(DataError, match=r"options.max_pages was 1000 and is 3"):
        render_corpus([source], out, options(max_pages=3), resume=True)
    text = source.read_text()
    source.write_text(text.replace("Item 39", "Item 93"))
    with pytest.raises(DataError, match=r"inputs.0.sha256 was"):
        render_corpus([source], out, options(), resume=True)
    source.write_text(text)
    assert tree(out) == kept
    hidden_name(out / "manifest.json", "part").write_text("killed while")  # by the writing of the manifest
    seen: list[CorpusProgress] = []
    render_corpus([source], out, options(), resume=True, progress=seen.append)
    assert (seen[-1].before, seen[-1].done) == (2, 3)
    render_corpus([source], tmp_path / "whole", options())
    assert tree(out) == tree(tmp_path / "whole")
    with pytest.raises(DataError, match="holds a corpus"):
        render_corpus([source], out, options())
    assert render_corpus([source], out, options(), resume=True)["items"] == 40  # nothing is left to do
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/mine.txt").write_text("mine")
    for resume in (False, True):
        with pytest.raises(DataError, match="holds other files"):
            render_corpus([source], tmp_path / "notes", options(), resume=resume)


def test_a_folder_named_run_of_another_program_is_refused_and_stays(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("Main.run.xml", "mine.part", "run.json.bak", "train-00000-of-00004.part"):
        (out / ".run" / name).mkdir(parents=True)
        with pytest.raises(DataError, match=r"\.run/.* is of another program"):
            render_corpus([source], out, options())
        (out / ".run" / name).rmdir()
    (out / ".run/lock").touch()  # killed before its first step
    render_corpus([source], out, options())
    (out / ".run").mkdir()
    (out / ".run/Main.run.xml").write_text("mine")
    render_corpus([source], out, options(), resume=True)
    assert (out / ".run/Main.run.xml").read_text() == "mine"


def test_a_link_in_place_of_the_folder_of_a_run_is_not_followed(source: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.run").symlink_to(tmp_path / "mine")
    with pytest.raises(DataError, match=r"\.run is of another program"):
        render_corpus([source], tmp_path / "out", options())
    assert list((tmp_path / "mine").iterdir()) == []


def test_two_runs_do_not_write_one_folder(source: Path, tmp_path: Path) -> None:
    def again(progress: CorpusProgress) -> None:
        with pytest.raises(DataError, match="is being written by another run"):
            render_corpus([source], tmp_path / "out", options(), resume=True)

    render_corpus([source], tmp_path / "out", options(), progress=again)


@pytest.mark.parametrize("form", ["parquet", "png"])
def test_a_run_that_is_killed_ends_like_one_left_alone(form: str, tmp_path: Path) -> None:
    """SIGKILL to the whole process group, three times; benchmarks/corpus.py kills ten times."""
    items = [{"id": f"n{n}", "text": f"{n} " + "word " * (n % 90)} for n in range(480)]
    source = write_jsonl(tmp_path / "in.jsonl", items)
    chosen = options(form, shard_items=6)
    render_corpus([source], tmp_path / "whole", chosen)
    command = [sys.executable, "-m", "glyphrender", "corpus", str(source), "--shard-items", "6", "--format", form]
    command += ["--set", "page_size=150,60", "--set", "margin_x=4", "--set", "margin_y=4", "--jobs", "2", "--resume"]
    rng = random.Random(form)
    out = tmp_path / "killed"
    for kill in range(1, 4):
        process = subprocess.Popen([*command, "-o", str(out)], start_new_session=True, env=environment())
        while process.poll() is None and len(list(out.glob(".run/*.json"))) < 10 * kill:
            time.sleep(0.002)
        try:
            process.wait(rng.uniform(0, 0.03))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not (out / "manifest.json").exists()
    subprocess.run([*command, "-o", str(out)], check=True, env=environment(), stdout=subprocess.DEVNULL)
    assert tree(out) == tree(tmp_path / "whole")


def test_a_kill_between_any_two_steps_is_recovered_from(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call that changes the disk, in turn, is where the run ends without cleaning up."""
    from glyphrender.adapters.corpus import shard as module

    few = write_jsonl(tmp_path / "few.jsonl", [json.loads(line) for line in source.read_text().splitlines()[:4]])
    chosen = options("png", shard_items=2)
    render_corpus([few], tmp_path / "whole", chosen)
    monkeypatch.setattr(module.shutil, "rmtree", lambda *_, **__: None)  # what a kill leaves is left
    ends = 0
    for steps in range(1, 60):
        out = tmp_path / f"out{steps}"
        with monkeypatch.context() as patch:
            for step in _counted_down(steps):
                _end_at(patch, step)
            try:
                render_corpus([few], out, chosen)
            except _Killed:
                ends += 1
            else:
                break
        monkeypatch.undo()
        render_corpus([few], out, chosen, resume=True)
        assert tree(out) == tree(tmp_path / "whole"), steps
        monkeypatch.setattr(module.shutil, "rmtree", lambda *_, **__: None)
    assert ends > 15


class _Killed(BaseException):
    pass


def _counted_down(steps: int) -> Iterator[Any]:
    left = [steps]

    def step(original: Any) -> Any:
        def call(*args: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise _Killed
            return original(*args, **more)

        return call

    yield step


def _end_at(patch: pytest.MonkeyPatch, step: Any) -> None:
    for name in ("rename", "replace", "mkdir", "write_bytes", "write_text"):
        patch.setattr(Path, name, step(getattr(Path, name)))


@pytest.mark.parametrize("jobs", [0, -1, "2", True, 1.5])
def test_a_wrong_number_of_processes_is_named(tmp_path: Path, jobs: Any) -> None:
    with pytest.raises(DataError, match=r"jobs=.* is no whole number of 1 or more"):
        render_corpus([tmp_path / "absent.jsonl"], tmp_path / "out", jobs=jobs)
    with pytest.raises(DataError, match="is not 8, 4, 2 or 1"):
        Options(bits=True)
