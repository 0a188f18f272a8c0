"""Pages as rows are read: through `datasets`, torch's DataLoader, torchdata's StatefulDataLoader."""

from __future__ import annotations

import copy
import io
import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from strategies import examples

from glyphrender import DataError, FontError, LayoutError, Theta, ThetaError, VisionModelError, render
from glyphrender.adapters.data import FromColumn, PagesTransform, Sampled, stream
from glyphrender.adapters.sft import Prompts

pytest.importorskip("torch")
import datasets
from datasets.fingerprint import Hasher
from torch.utils.data import DataLoader, _utils
from torchdata.stateful_dataloader import StatefulDataLoader

# torchdata 0.11 calls what torch 2.13 has deprecated.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:'set_vital' is deprecated:UserWarning")]

TEXTS = [
    "It is a truth universally acknowledged",
    "",
    "ب",
    "one\ntwo\n" * 200,
    "吾輩は猫である。" * 30,
    "x = [1]  # 𝔸",
]
SMALL = Theta(page_size=(200, 100))


@pytest.fixture(scope="module")
def rows() -> datasets.Dataset:
    return datasets.Dataset.from_dict({"id": list(range(len(TEXTS))), "text": TEXTS})


def images_of(text: str, theta: Theta) -> list[Image.Image]:
    return [page.image for page in render(text, theta)]


# ── What comes out ──


def test_a_transform_gives_the_pages_of_each_text_and_keeps_the_columns(rows: datasets.Dataset) -> None:
    dataset = rows.with_transform(PagesTransform(theta=SMALL))
    for place, text in enumerate(TEXTS):
        assert dataset[place] == {"id": place, "text": text, "images": images_of(text, SMALL)}
    assert dataset[:]["images"] == [images_of(text, SMALL) for text in TEXTS]
    assert dataset[:0] == {"id": [], "text": [], "images": []}
    assert dataset[1]["images"] == []  # no text, no pages
    assert len(dataset[3]["images"]) > 1


def test_forms_of_a_page_are_one_page(rows: datasets.Dataset) -> None:
    for theta in (SMALL, SMALL.replace(font_color="#AA0000")):
        images = PagesTransform(theta=theta)(rows[4])["images"]
        arrays = PagesTransform(theta=theta, format="array")(rows[4])["images"]
        pngs = PagesTransform(theta=theta, format="png")(rows[4])["images"]
        assert all(np.array_equal(array, image) for array, image in zip(arrays, images, strict=True))
        assert [Image.open(io.BytesIO(png["bytes"])).tobytes() for png in pngs] == [i.tobytes() for i in images]
        assert {array.ndim for array in arrays} == {2 if theta.is_grey else 3}


def test_png_bytes_pass_through_map_and_parquet_untouched(rows: datasets.Dataset, tmp_path: Path) -> None:
    pages = PagesTransform(theta=SMALL, format="png", bits=4)
    rendered = rows.map(pages, batched=True, features=pages.features(rows.features))
    assert rendered[3]["images"] == images_16_levels(TEXTS[3])
    rendered.to_parquet(tmp_path / "pages.parquet")
    again = datasets.Dataset.from_parquet(str(tmp_path / "pages.parquet"), cache_dir=str(tmp_path))
    assert again.features["images"] == datasets.List(datasets.Image())
    stored = again.cast_column("images", datasets.List(datasets.Image(decode=False)))
    want = [page.png(bits=4) for page in render(TEXTS[3], SMALL)]
    assert [image["bytes"] for image in stored[3]["images"]] == want


def images_16_levels(text: str) -> list[Image.Image]:
    return [Image.open(io.BytesIO(page.png(bits=4))) for page in render(text, SMALL)]


def test_pages_of_several_columns_follow_one_another() -> None:
    row = {"question": "Who?", "answer": "me\n" * 30, "images": "replaced"}
    pages = PagesTransform(text=("answer", "question"), theta=SMALL)(row)["images"]
    assert pages == images_of(row["answer"], SMALL) + images_of(row["question"], SMALL)


# ── θ ──


def test_theta_follows_from_seed_epoch_and_key_alone(rows: datasets.Dataset) -> None:
    pages = PagesTransform(theta=Sampled(), key="id")
    first = [pages.theta_of(row).digest for row in rows]
    assert [pages.theta_of(row).digest for row in rows] == first
    assert [pages.theta_of({"id": row["id"], "text": "other"}).digest for row in rows] == first
    assert len(set(first)) == len(first)
    assert pages.theta_of({"id": np.int64(3)}).digest == first[3]
    pages.set_epoch(1)
    second = [pages.theta_of(row).digest for row in rows]
    assert not set(first) & set(second)
    pages.set_epoch(0)
    assert [pages.theta_of(row).digest for row in rows] == first
    seeded = PagesTransform(theta=Sampled(), key="id", seed=1)
    assert not {seeded.theta_of(row).digest for row in rows} & {*first, *second}
    by_text = PagesTransform(theta=Sampled())
    assert by_text.theta_of({"id": 1, "text": "a"}) == by_text.theta_of({"id": 2, "text": "a"})
    assert by_text.theta_of({"text": "a"}) != by_text.theta_of({"text": "b"})


def test_sampled_thetas_keep_fixed_fields_and_the_grid() -> None:
    pages = PagesTransform(theta=Sampled(fixed={"dpi": 72, "page_size": "A5"}, model="glm-4.1v"))
    drawn = [pages.theta_of({"text": str(number)}) for number in range(20)]
    for theta, number in zip(drawn, range(20), strict=True):
        assert theta.dpi == 72
        for page in render(f"{number} words " * 300, theta):
            assert [side % 28 for side in page.size] == [0, 0]
    assert len({theta.font for theta in drawn}) > 3


def test_a_column_gives_theta_in_any_form_that_theta_has() -> None:
    dense = Theta.preset("dense")
    glyph = {"page-size": "595,842", "dpi": 72, "font-size": 9, "line-height": 10}
    column = ["dense", dense.to_json(), dense.to_dict(), {**dense.to_dict(), "font_italic": None}, dense]
    source = FromColumn(default=SMALL)
    rng = np.random.default_rng(0)
    assert all(source({"theta": theta}, rng) == dense for theta in column)
    assert source({"theta": None}, rng) == source({"theta": ""}, rng) == SMALL
    assert source({"theta": glyph}, rng) == source({"theta": json.dumps(glyph)}, rng) == Theta.load(glyph)
    # Arrow makes one struct of different mappings, and fills it with None.
    unlike = [{"text": "a", "theta": {"dpi": 100.0}}, {"text": "b", "theta": {"columns": 2}}]
    dataset = datasets.Dataset.from_list(unlike)
    seen = [PagesTransform(theta=FromColumn()).theta_of(row) for row in dataset]
    assert seen == [Theta(dpi=100), Theta(columns=2)]
    assert dataset.with_transform(PagesTransform(theta=FromColumn()))[0]["images"] == images_of("a", Theta(dpi=100))


def test_a_batch_has_the_pages_of_its_rows_and_errors_name_the_row(rows: datasets.Dataset) -> None:
    pages = PagesTransform(theta=SMALL)
    batch = pages(rows[:])
    assert batch["images"] == [pages(row)["images"] for row in rows] == [images_of(text, SMALL) for text in TEXTS]
    with pytest.raises(LayoutError, match=r"row 3 of the batch .id=3.: the text needs more than max_pages=1"):
        PagesTransform(theta=SMALL, max_pages=1)(rows[:])
    for wrong in (None, {"a": 1}, ["a"]):
        with pytest.raises(DataError, match=r"row 1 of the batch: text is .* not str"):
            pages({"text": ["a", wrong]})


def test_theta_can_be_any_function_of_the_row() -> None:
    pages = PagesTransform(
        theta=lambda row, rng: SMALL.replace(font_size=row["size"], line_height=10 + int(rng.integers(3)))
    )
    row = {"text": "a", "size": 7}
    assert pages(row)["images"] == images_of("a", pages.theta_of(row))
    assert pages.theta_of(row).font_size == 7


# ── Copies ──


def test_a_copy_by_datasets_shares_the_epoch_and_one_by_pickle_has_it(rows: datasets.Dataset) -> None:
    pages = PagesTransform(theta=Sampled(fixed={"dpi": 72}), key="id")
    shared = rows.with_transform(pages).select([2, 3]).shuffle(seed=0)
    before = {row["id"]: row["images"] for row in shared}
    pages.set_epoch(5)
    after = {row["id"]: row["images"] for row in shared}
    assert before.keys() == after.keys() == {2, 3}
    assert after[2] != before[2]
    assert pickle.loads(pickle.dumps(pages)).epoch == copy.deepcopy(pages).epoch == 5


def test_the_cache_of_datasets_tells_epochs_and_thetas_apart() -> None:
    hashes = [Hasher.hash(PagesTransform(theta=theta)) for theta in (SMALL, SMALL, Sampled(), SMALL.replace(dpi=80))]
    pages = PagesTransform(theta=SMALL)
    pages.set_epoch(1)
    hashes.append(Hasher.hash(pages))
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 4


# ── Ranks, workers, resumption ──


@contextmanager
def worker(number: int, of: int) -> Iterator[None]:
    """As if this process were a worker of torch's DataLoader."""
    if of:
        _utils.worker._worker_info = _utils.worker.WorkerInfo(id=number, num_workers=of, seed=0, dataset=None)
    try:
        yield
    finally:
        _utils.worker._worker_info = None


def generated(shards: list[list[int]]) -> Iterator[dict[str, Any]]:
    for shard in shards:
        for number in shard:
            yield {"id": number, "text": f"row {number}"}


@st.composite
def sources(draw: st.DrawFn) -> tuple[Any, int]:
    """(dataset, rows): a `Dataset`, or an `IterableDataset` of shards of any sizes."""
    if draw(st.booleans()):
        count = draw(st.integers(1, 14))
        numbers = list(range(count))
        return datasets.Dataset.from_dict({"id": numbers, "text": [f"row {number}" for number in numbers]}), count
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    ends = np.cumsum([0, *sizes]).tolist()
    shards = [list(range(start, end)) for start, end in zip(ends, ends[1:], strict=False)]
    return datasets.IterableDataset.from_generator(generated, gen_kwargs={"shards": shards}), ends[-1]


@examples(40)
@given(
    source=sources(),
    world_size=st.integers(1, 4),
    workers=st.integers(0, 3),
    epoch=st.integers(0, 2),
    kills=st.lists(st.integers(0, 5), min_size=12, max_size=12),
)
def test_each_row_comes_once_whatever_the_ranks_workers_and_kills(
    source: tuple[Any, int], world_size: int, workers: int, epoch: int, kills: list[int]
) -> None:
    dataset, count = source
    pages = PagesTransform(
        theta=Sampled(fixed={"dpi": 60, "page_size": (100, 60), "margin_x": 5, "margin_y": 5}), format="png"
    )
    pages.set_epoch(epoch)
    want = {number: pages({"id": number, "text": f"row {number}"})["images"] for number in range(count)}
    seen: list[dict[str, Any]] = []
    for rank in range(world_size):
        for number in range(max(1, workers)):

            def begin(rank: int = rank) -> Any:
                mine = stream(dataset, pages, rank=rank, world_size=world_size, workers=workers)
                mine.set_epoch(epoch)
                return mine

            with worker(number, workers):
                mine = begin()
                reader = iter(mine)
                kill = kills[rank * 3 + number]
                seen += islice(reader, kill)
                state = json.loads(json.dumps(mine.state_dict())) if kill else None
                resumed = begin()
                if state:
                    resumed.load_state_dict(state)
                seen += list(resumed)
    assert sorted(row["id"] for row in seen) == list(range(count))
    assert {row["id"]: row["images"] for row in seen} == want


def test_only_rows_of_this_rank_are_rendered(rows: datasets.Dataset) -> None:
    rendered: list[int] = []

    def counted(row: dict[str, Any]) -> dict[str, Any]:
        rendered.append(row["id"])
        return dict(row)

    one_shard = rows.to_iterable_dataset(num_shards=1)
    assert [row["id"] for row in stream(one_shard, counted, rank=1, world_size=3)] == [1, 4] == rendered


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_of_a_data_loader_give_the_pixels_of_this_process(start: str) -> None:
    """Workers that live on see the epoch change, however they were started."""
    numbers = list(range(6))
    texts = [f"row {number}" for number in numbers]
    dataset = datasets.Dataset.from_dict({"id": numbers, "text": texts})
    pages = PagesTransform(theta=Sampled(fixed={"dpi": 72}), key="id", format="png")
    loader = StatefulDataLoader(
        stream(dataset, pages, workers=2),
        batch_size=None,
        num_workers=2,
        multiprocessing_context=start,
        persistent_workers=True,
    )
    for epoch in (0, 1):
        pages.set_epoch(epoch)
        want = {row["id"]: pages(row)["images"] for row in dataset}
        read = list(loader)
        assert len(read) == 6
        assert {row["id"]: row["images"] for row in read} == want


@pytest.mark.parametrize("kill", [1, 4, 7])
def test_a_stateful_data_loader_resumes_with_what_was_not_read(kill: int) -> None:
    numbers = list(range(9))
    dataset = datasets.Dataset.from_dict({"id": numbers, "text": [f"row {number}" for number in numbers]})

    def loader() -> Any:
        return StatefulDataLoader(
            stream(dataset, PagesTransform(theta=SMALL), workers=2), batch_size=None, num_workers=2
        )

    first = loader()
    before = [row["id"] for row in islice(first, kill)]
    state = pickle.loads(pickle.dumps(first.state_dict()))
    again = loader()
    again.load_state_dict(state)
    read = before + [row["id"] for row in again]
    assert read == [row["id"] for row in loader()]
    assert sorted(read) == numbers


def test_a_map_style_dataset_is_shared_out_by_the_data_loader(rows: datasets.Dataset) -> None:
    loader = DataLoader(rows.with_transform(PagesTransform(theta=SMALL)), batch_size=2, num_workers=2, collate_fn=list)
    assert [row["images"] for batch in loader for row in batch] == [images_of(text, SMALL) for text in TEXTS]


# ── Bad input ──


@pytest.mark.parametrize(
    "make, error, says",
    [
        (lambda: PagesTransform(theta="dnese"), ThetaError, "There is no preset 'dnese'"),
        (lambda: PagesTransform(text=()), DataError, "names no column"),
        (lambda: PagesTransform(format="jpeg"), DataError, "format='jpeg' is unknown. Use image, array or png"),
        (lambda: Sampled(fixed={"dpj": 72}), ThetaError, "Did you mean dpi"),
        (lambda: Sampled(fixed={"dpi": -1}), ThetaError, "dpi=-1 is out of range"),
        (lambda: Sampled(model="glm-9"), VisionModelError, "glm-9"),
        (lambda: stream([], PagesTransform()), DataError, "is a list. Give a datasets.Dataset or IterableDataset"),
        (lambda: stream(datasets.Dataset.from_dict({"text": []}), PagesTransform()), DataError, "has no rows"),
        (lambda: stream([], PagesTransform(), rank=2, world_size=2), DataError, "rank=2 is not below world_size=2"),
    ],
)
def test_what_cannot_work_is_refused_before_a_row_is_read(make: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        make()


@pytest.mark.parametrize(
    "pages, row, error, says",
    [
        (PagesTransform(), {"id": 7, "text": 3}, DataError, r"row \(id=7\): text is 3, not str"),
        (PagesTransform(), {"id": 7, "text": None}, DataError, r"row \(id=7\): text is None, not str"),
        (PagesTransform(text="body"), {"text": ""}, DataError, "no column 'body'. There are text"),
        (PagesTransform(key="name", theta=Sampled()), {"text": ""}, DataError, "no column 'name'"),
        (PagesTransform(theta=FromColumn()), {"text": ""}, DataError, "no column 'theta'"),
        (
            PagesTransform(theta=FromColumn()),
            {"text": "", "theta": 3},
            DataError,
            "theta is 3. Give the name of a preset",
        ),
        (PagesTransform(theta=FromColumn()), {"text": "", "theta": "{"}, DataError, "is not JSON"),
        (PagesTransform(theta=FromColumn()), {"text": "", "theta": "x"}, ThetaError, "row: There is no preset 'x'"),
        (
            PagesTransform(key="k", max_pages=1),
            {"k": "a", "text": "a\n" * 900},
            LayoutError,
            r"row \(k='a'\): .* pages",
        ),
    ],
)
def test_a_bad_row_is_named(pages: PagesTransform, row: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        pages(row)


def test_theta_is_a_theta_a_preset_or_a_mapping() -> None:
    row = {"text": TEXTS[0]}
    for each in ("dense", {"dpi": 96}, {"dpi": 96, "margin-x": 20}, None, SMALL):
        assert PagesTransform(theta=each).theta_of(row) == Theta.of(each)
    with pytest.raises(ThetaError, match="theta=3 has the type int"):
        PagesTransform(theta=3)  # type: ignore[arg-type]


def test_an_error_that_names_a_row_keeps_its_data_and_its_notes() -> None:
    def theta_of(row: Any, rng: Any) -> Theta:
        error = FontError("no such font", family="Verdana")
        error.add_note("looked in fonts/")
        raise error

    with pytest.raises(FontError, match=r"^row: no such font") as caught:
        PagesTransform(theta=theta_of)({"text": "x"})
    assert (caught.value.family, caught.value.__notes__) == ("Verdana", ["looked in fonts/"])


def test_an_invalid_theta_names_its_row_and_its_field() -> None:
    dataset = datasets.Dataset.from_dict({"id": ["a", "b"], "text": ["", "x"], "theta": ["", '{"dpi": 1}']})
    with pytest.raises(ThetaError, match=r"^row 1 of the batch \(id='b'\): dpi=1 is out of range") as raised:
        dataset.with_transform(PagesTransform(theta=FromColumn()))[:]
    assert raised.value.field == "dpi"


def test_without_its_extra_the_module_loads_and_names_it() -> None:
    program = (
        "import sys; sys.modules.update(dict.fromkeys(['datasets', 'transformers', 'torch']));"
        "from glyphrender.adapters.data import PagesTransform, stream;"
        "from glyphrender.adapters.sft import Prompts, epoch_callback;"
        "print(len(Prompts(pages=PagesTransform())({'text': 'a', 'completion': 'b'})['images']));\n"
        "for call in (lambda: stream([], PagesTransform()), lambda: epoch_callback(PagesTransform()),"
        " lambda: PagesTransform().features({})):\n"
        "    try: call()\n"
        "    except ImportError as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    first, *errors = done.stdout.splitlines()
    assert first == "1"
    assert len(errors) == 3
    assert all(line.startswith("DependencyError") and "'.[train]'" in line for line in errors)


def test_prompts_are_refused_where_they_lose_a_document() -> None:
    with pytest.raises(DataError, match="the prompt leaves out the document 'text'"):
        Prompts(pages=PagesTransform(), prompt="What does it say?")
