"""Glyph's calls: its file names, its page breaks (ReportLab's, where installed), its crops (Pillow's)."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from killed import killed_at, tree
from PIL import Image, ImageChops

from glyphrender import compat, layout
from glyphrender._system.processes import can_fork
from glyphrender._system.seal import is_sealed_png
from glyphrender.compat import batch_process_to_images, cropped, load_config, text_to_images, theta_of
from glyphrender.errors import DataError, FontError, GlyphRenderError, ThetaError

ROOT = Path(__file__).resolve().parents[1]
# The searched θ of the paper (arXiv 2510.17800) with a bundled font.
CONFIG = {
    "page-size": "595,842",
    "dpi": 72,
    "margin-x": 10,
    "margin-y": 10,
    "font-path": "DejaVu Sans",
    "font-size": 9,
    "line-height": 10,
    "font-color": "#000000",
    "alignment": "LEFT",
    "horizontal-scale": 1.0,
    "auto-crop-width": True,
    "auto-crop-last-page": True,
}
# (842 − 2·10 margin − 2·6 frame padding) / 10 pt a line.
LINES_A_PAGE = 81


def batch_of(folder: Path, items: list) -> None:
    (folder / "items.json").write_text(json.dumps(items), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    batch_process_to_images(folder / "items.json", folder / "out", folder / "out.jsonl", folder / "config.json")


def lines(count: int) -> str:
    return "\n".join(f"line {number}" for number in range(count))


@pytest.fixture
def config_file(tmp_path):
    path = tmp_path / "config_en.json"
    path.write_text(json.dumps(CONFIG), encoding="utf-8")
    return path


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


# -- one text ------------------------------------------------------------------------------------------


def test_pages_are_named_and_returned_as_absolute_paths(tmp_path, config_file, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = text_to_images(lines(2 * LINES_A_PAGE + 1), "out", config_path="config_en.json", unique_id="book/one")
    expected = [tmp_path / "out" / "book" / "one" / f"page_00{number}.png" for number in (1, 2, 3)]
    assert paths == [str(path) for path in expected]
    assert names(tmp_path / "out" / "book") == ["one"]
    for path in paths:
        with Image.open(path) as image:
            image.load()
            assert image.format == "PNG"


def test_the_default_id_is_half_the_md5(tmp_path):
    # RFC 1321's own test vector.
    (path,) = text_to_images("message digest", tmp_path, config_dict=CONFIG)
    assert Path(path).parent.name == "f96b697d7cb7938d"
    (path,) = text_to_images("\ud83d", tmp_path, config_dict=CONFIG)  # not UTF-8, and Glyph's own call fails
    assert Path(path).parent.name == hashlib.md5(b"\xed\xa0\xbd").hexdigest()[:16]


def test_a_config_mapping_goes_before_the_file(tmp_path, config_file):
    wide = CONFIG | {"auto-crop-width": False, "auto-crop-last-page": False}
    (path,) = text_to_images("a", tmp_path, config_path=config_file, config_dict=wide)
    with Image.open(path) as image:
        assert image.size == (595, 842)


def test_an_empty_text_is_a_blank_page(tmp_path):
    (path,) = text_to_images("", tmp_path, config_dict=CONFIG, unique_id="empty")
    with Image.open(path) as image:
        assert image.size == (595, 842)
        assert image.getextrema() == (255, 255)


def test_soft_hyphens_and_zero_width_spaces_are_taken_out(tmp_path):
    plain, marked = (
        text_to_images(text, tmp_path, config_dict=CONFIG, unique_id=text[:3])
        for text in ("one page", "one\u00ad pa\u200bge\u00ad")
    )
    assert [Path(path).read_bytes() for path in plain] == [Path(path).read_bytes() for path in marked]


def test_a_shorter_text_leaves_no_page_of_the_longer(tmp_path):
    first = text_to_images(lines(300), tmp_path, config_dict=CONFIG, unique_id="it")
    assert len(first) == 4
    again = text_to_images(lines(100), tmp_path, config_dict=CONFIG, unique_id="it")
    assert names(tmp_path / "it") == [Path(path).name for path in again]
    assert len(again) == 2


def test_a_failure_leaves_the_earlier_pages_and_nothing_else(tmp_path):
    (path,) = text_to_images("kept", tmp_path, config_dict=CONFIG, unique_id="it")
    before = Path(path).read_bytes()
    with pytest.raises(FontError):
        text_to_images("lost", tmp_path, config_dict=CONFIG | {"font-path": "No Such Family"}, unique_id="it")
    assert Path(path).read_bytes() == before
    assert names(tmp_path) == ["it"]


@pytest.mark.parametrize("unique_id", ["", ".", "..", "../up", "a/../../b", "/abs"])
def test_an_id_cannot_lead_out_of_the_directory(tmp_path, unique_id):
    with pytest.raises(DataError, match="unique_id"):
        text_to_images("a", tmp_path / "out", config_dict=CONFIG, unique_id=unique_id)
    assert names(tmp_path) == []


def test_no_config_is_a_value_error_as_in_glyph(tmp_path):
    with pytest.raises(ThetaError, match="config_path and config_dict"):
        text_to_images("a", tmp_path)
    with pytest.raises(ValueError):
        text_to_images("a", tmp_path)


def test_unwritable_and_unreadable_files_are_named(tmp_path):
    (tmp_path / "file").write_text("[]")
    with pytest.raises(DataError, match="file"):
        text_to_images("a", tmp_path / "file", config_dict=CONFIG)
    with pytest.raises(DataError, match="no JSON object"):
        load_config(tmp_path / "file")
    with pytest.raises(DataError, match=r"absent\.json"):
        load_config(tmp_path / "absent.json")


@pytest.mark.parametrize("unique_id", ["./.", ".//", "/", "///", "a/..", "a\0b", "\ud800", "x" * 300, 7, None, b"a"])
def test_an_id_that_is_no_plain_folder_is_named_and_nothing_is_touched(tmp_path, unique_id):
    (tmp_path / "page_777.png").write_text("mine")
    if unique_id is None:
        with pytest.raises(DataError, match="item 0 has no text in 'unique_id'"):
            batch_of(tmp_path, [{"unique_id": None, "context": "a"}])
    else:
        with pytest.raises(DataError):
            text_to_images("a", tmp_path, config_dict=CONFIG, unique_id=unique_id)
    assert not [name for name in names(tmp_path) if name not in ("page_777.png", "items.json", "config.json")]
    assert (tmp_path / "page_777.png").read_text() == "mine"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "notes.txt").write_text("mine"),
        lambda folder: (folder / "page_009.png").write_bytes(b"of another tool"),
        lambda folder: (folder / "page_001.png").write_bytes((folder / "page_001.png").read_bytes() + b"x"),
        lambda folder: (folder / "sub").mkdir(),
        lambda folder: (folder / "page_002.png").symlink_to("page_001.png"),
    ],
)
def test_a_folder_with_anything_but_unchanged_pages_is_refused(tmp_path, spoil):
    text_to_images("old", tmp_path, config_dict=CONFIG, unique_id="it")
    spoil(tmp_path / "it")
    before = tree(tmp_path)
    with pytest.raises(DataError, match="it holds other files"):
        text_to_images("new", tmp_path, config_dict=CONFIG, unique_id="it")
    assert tree(tmp_path) == before


def test_a_seal_changes_no_pixel(tmp_path):
    (path,) = text_to_images("sealed", tmp_path, config_dict=CONFIG)
    with Image.open(path) as image:
        image.load()
        assert len(image.text["glyphrender"]) == 64
        assert is_sealed_png(Path(path).read_bytes())
        image.save(path, pnginfo=None)
    assert not is_sealed_png(Path(path).read_bytes())


@pytest.mark.slow
@pytest.mark.skipif(not can_fork(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_kill_at_any_step_never_mixes_the_pages_of_two_texts(tmp_path):
    def write(text, where):
        return text_to_images(text, where, config_dict=CONFIG, unique_id="a/b")

    old, new = lines(300), lines(200).upper()
    write(old, tmp_path / "old"), write(new, tmp_path / "new")
    whole = [tree(tmp_path / "old"), tree(tmp_path / "new")]
    found, step = [], 1
    while True:
        write(old, tmp_path / "out")
        assert tree(tmp_path / "out") == whole[0], step
        if not killed_at(step, lambda: write(new, tmp_path / "out")):
            break
        found.append(whole.index({name: data for name, data in tree(tmp_path / "out").items() if "/." not in name}))
        step += 1
    assert step > 15
    assert set(found) == {0, 1}


@pytest.mark.slow
def test_names_of_a_thousand_pages_sort(tmp_path):
    config = CONFIG | {"page-size": "60,44", "auto-crop-width": False}
    paths = text_to_images("a\n" * 1005, tmp_path, config_dict=config, unique_id="it")
    assert len(paths) > 1000
    assert paths == sorted(paths) == sorted(map(str, (tmp_path / "it").iterdir()))
    assert paths[0].endswith("page_0001.png")


# -- geometry ------------------------------------------------------------------------------------------


def test_a_page_of_the_searched_config_has_81_lines():
    pages = list(layout(lines(200), theta_of(CONFIG)))
    assert [len(page.lines) for page in pages] == [LINES_A_PAGE, LINES_A_PAGE, 200 - 2 * LINES_A_PAGE]


def test_a_scaled_page_breaks_its_lines_where_the_unscaled_does():
    # Glyph squeezes the finished image, so its lines do not depend on the scale.
    text = "It is a truth universally acknowledged, that a single man in possession of a good fortune " * 40
    whole, half = (
        [line.text for page in layout(text, theta_of(CONFIG | {"horizontal-scale": scale})) for line in page.lines]
        for scale in (1.0, 0.5)
    )
    assert whole == half


def test_a_scaled_page_is_as_narrow_as_glyphs(tmp_path):
    config = CONFIG | {"horizontal-scale": 0.8, "auto-crop-width": False}
    (path,) = text_to_images("a", tmp_path, config_dict=config)
    with Image.open(path) as image:
        assert image.width == int(595 * 0.8)


def test_lines_may_overlap_as_in_glyph(tmp_path):
    assert text_to_images("a\nb", tmp_path, config_dict=CONFIG | {"line-height": 5})


def test_crops_keep_the_margin_beside_the_ink(tmp_path):
    config = CONFIG | {"margin-x": 17, "margin-y": 23}
    whole = config | {"auto-crop-width": False, "auto-crop-last-page": False}
    for full, crop in zip(
        text_to_images(lines(100), tmp_path, config_dict=whole, unique_id="full"),
        text_to_images(lines(100), tmp_path, config_dict=config, unique_id="crop"),
        strict=True,
    ):
        with Image.open(full) as image, Image.open(crop) as cut:
            *_, right, bottom = ImageChops.invert(image).point(lambda level: level * (level > 5)).getbbox()
            last = crop.endswith("page_002.png")
            assert cut.size == (right + 17, bottom - 1 + 23 if last else 842)
            assert ImageChops.difference(image.crop((0, 0, *cut.size)), cut).getbbox() is None


@given(
    arrays.arrays(
        np.uint8,
        arrays.array_shapes(min_dims=2, max_dims=2, max_side=9)
        | arrays.array_shapes(min_dims=2, max_dims=2, max_side=9).map(lambda shape: (*shape, 3)),
        elements=st.sampled_from([0, 5, 6, 250, 255]),
    ),
    st.integers(0, 3),
    st.integers(0, 3),
)
def test_ink_is_what_pillow_finds(pixels, right, bottom):
    image = Image.fromarray(pixels)
    paper = Image.new(image.mode, image.size, image.getpixel((0, 0)))
    box = ImageChops.difference(image, paper).point(lambda level: level * (level > 5)).getbbox()
    size = image.size if box is None else (min(image.width, box[2] + right), min(image.height, box[3] + bottom))
    assert cropped(pixels, right=right, bottom=bottom).shape[:2] == size[::-1]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"alignment": "JUSTIFY", "margin-x": 30},
        {"font-size": 12, "line-height": 14, "page-size": "420,595"},
    ],
    ids=["searched", "justified", "A5"],
)
def test_page_counts_are_reportlabs(changes, monkeypatch):
    pytest.importorskip("reportlab")
    pytest.importorskip("pdf2image")
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    import glyph_pipeline

    text = (ROOT / "benchmarks/texts/pride-and-prejudice.txt").read_text(encoding="utf-8")[:200_000]
    text = re.sub(r"(?<!\n)\n(?!\n)", " ", text)
    config = glyph_pipeline.SEARCHED_CONFIG | {"font-path": str(ROOT / "fonts/dejavu/DejaVuSans.ttf")} | changes
    theirs = len(re.findall(rb"/Type /Page\b(?!s)", glyph_pipeline.pdf(text, config)))
    ours = len(list(layout(text, theta_of(config))))
    assert ours == pytest.approx(theirs, rel=0.05)


# -- many texts ----------------------------------------------------------------------------------------


@pytest.fixture
def batch(tmp_path, config_file):
    items = [
        {"unique_id": "one", "context": lines(100), "answer": "✓"},
        {"unique_id": "two", "context": "short", "config": {"auto-crop-width": False}},
        {"unique_id": "three", "context": "third", "config": None},
    ]
    (tmp_path / "items.json").write_text(json.dumps(items), encoding="utf-8")
    return {
        "json_path": tmp_path / "items.json",
        "output_dir": tmp_path / "out",
        "output_jsonl_path": tmp_path / "items.jsonl",
        "config_path": config_file,
    }


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_batch_adds_image_paths_to_its_items(tmp_path, batch, processes):
    batch_process_to_images(**batch, processes=processes)
    items = json.loads(batch["json_path"].read_text(encoding="utf-8"))
    written = read(batch["output_jsonl_path"])
    for item, line in zip(items, written, strict=True):
        paths = line.pop("image_paths")
        assert line == item
        assert paths == text_to_images(
            item["context"],
            batch["output_dir"],
            config_dict=CONFIG | (item.get("config") or {}),
            unique_id=item["unique_id"],
        )
    with Image.open(batch["output_dir"] / "two" / "page_001.png") as image:
        assert image.width == 595


def test_a_batch_takes_up_where_it_was_interrupted(batch):
    batch_process_to_images(**batch, processes=1)
    whole = batch["output_jsonl_path"].read_text(encoding="utf-8")
    first, second, _ = whole.splitlines(keepends=True)
    batch["output_jsonl_path"].write_text(first + second[:20], encoding="utf-8")
    kept = batch["output_dir"] / "one" / "page_001.png"
    kept.write_bytes(b"not drawn again")
    batch_process_to_images(**batch, processes=1, is_recover=True)
    assert batch["output_jsonl_path"].read_text(encoding="utf-8") == whole
    assert kept.read_bytes() == b"not drawn again"


def test_a_new_batch_begins_the_list_anew_and_leaves_other_folders(batch):
    other = batch["output_dir"] / "other"
    other.mkdir(parents=True)
    batch_process_to_images(**batch, processes=1)
    batch_process_to_images(**batch, processes=1)
    assert len(read(batch["output_jsonl_path"])) == 3
    assert other.exists()


@pytest.mark.skipif(not can_fork(), reason="no fork here")
def test_a_process_of_a_batch_that_is_killed_is_an_error_and_the_batch_can_be_continued(batch, monkeypatch):
    parent, whole = os.getpid(), compat.text_to_images

    def dies(text, *args, **kwargs):
        if text == "short" and os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(text, *args, **kwargs)

    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    start = time.monotonic()
    with monkeypatch.context() as patch:
        patch.setattr(compat, "text_to_images", dies)
        with pytest.raises(GlyphRenderError, match=r"a process was killed.*Use fewer jobs"):
            batch_process_to_images(**batch, processes=2)
    assert time.monotonic() - start < 200
    batch_process_to_images(**batch, processes=2, is_recover=True)
    assert [line["unique_id"] for line in read(batch["output_jsonl_path"])] == ["one", "two", "three"]


@pytest.mark.parametrize(
    "content",
    [
        b"mine",
        b"mine\n",
        b'{"a": 1}\n',
        b"[1]\n",
        b'{"unique_id": "one"}\n',
        b'{"unique_id": "one", "image_paths": 7}\n',
    ],
)
@pytest.mark.parametrize("is_recover", [True, False])
def test_a_list_that_no_batch_wrote_is_refused_and_stays(batch, content, is_recover):
    batch["output_jsonl_path"].write_bytes(content)
    with pytest.raises(DataError, match="no list of a batch"):
        batch_process_to_images(**batch, is_recover=is_recover)
    assert batch["output_jsonl_path"].read_bytes() == content
    assert not batch["output_dir"].exists()


@pytest.mark.parametrize("name", ["json_path", "config_path"])
def test_an_input_is_not_overwritten(batch, name):
    before = batch[name].read_bytes()
    with pytest.raises(DataError, match="is an input and the output"):
        batch_process_to_images(**batch | {"output_jsonl_path": batch[name]})
    assert batch[name].read_bytes() == before


@pytest.mark.parametrize("wrong", [{"processes": 0}, {"processes": "2"}, {"batch_size": 0}, {"batch_size": None}])
def test_wrong_numbers_are_named(batch, wrong):
    with pytest.raises(DataError, match=next(iter(wrong))):
        batch_process_to_images(**batch, **wrong)


@pytest.mark.parametrize(
    ("items", "named"),
    [
        ({}, "no JSON list"),
        ([{"context": "a"}], "item 0 has no text in 'unique_id'"),
        ([{"unique_id": "a", "context": ""}], "item 0 has no text in 'context'"),
        ([7], "item 0"),
        ([{"unique_id": "a", "context": "a", "config": "dense"}], "the config of item 0"),
        ([{"unique_id": "a", "context": "a", "config": [1]}], "the config of item 0"),
        ([{"unique_id": "a\0", "context": "a"}], "NUL"),
        ([{"unique_id": "\ud800", "context": "a"}], "surrogate"),
        ([{"unique_id": "a", "context": "a"}, {"unique_id": "a", "context": "b"}], "two items"),
        ([{"unique_id": "a", "context": "a"}, {"unique_id": "./a", "context": "b"}], "two items"),
        ([{"unique_id": "a/b", "context": "a"}, {"unique_id": "a", "context": "b"}], "lies in that of"),
    ],
)
def test_a_bad_list_is_refused_before_anything_is_written(batch, items, named):
    batch["json_path"].write_text(json.dumps(items), encoding="utf-8")
    with pytest.raises(DataError, match=named):
        batch_process_to_images(**batch)
    assert not batch["output_jsonl_path"].exists()
