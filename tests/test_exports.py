"""Exports for trainers: what is written, that nothing of the user's is lost, and the lint of what a trainer shows."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from glyphrender import DataError, Theta, VisionModelError, render
from glyphrender.train.exports.export import TRAINERS, export, lint
from glyphrender.train.exports.files import image_size
from glyphrender.train.exports.resizing import llama_factory_size, ms_swift_size, qwen_vl_utils_size
from glyphrender.train.exports.settings import read_settings, settings_text
from glyphrender.train.rows.chat_rows import ChatRow, chat_rows
from glyphrender.train.rows.page_policy import PagePolicy

pytest.importorskip("pyarrow")
import pyarrow.parquet

SIZES = json.loads((Path(__file__).parent / "data" / "trainer_sizes.json").read_text(encoding="utf-8"))
FUNCTIONS: dict[str, Callable[..., tuple[int, int]]] = {
    "llama_factory_size": llama_factory_size,
    "ms_swift_size": ms_swift_size,
    "qwen_vl_utils_size": qwen_vl_utils_size,
}
LONG = "The buyer pays the seller on the first day of the month.\n" * 6
SMALL = Theta(page_size=(280, 56), auto_crop_width=False, auto_crop_last_page=False)
# A page of A4 at 72 dpi, as Glyph's own script draws it: not on the grid of any model.
A4 = Theta(page_size=(595, 842), auto_crop_width=False, auto_crop_last_page=False)


def rows(*, only_pages: bool = False) -> list[ChatRow]:
    records: list[dict[str, Any]] = [
        {"id": "one", "context": LONG, "question": "Who pays?", "answers": ["the buyer", "a buyer"], "task": "qa"},
        {"id": "none", "instruction": "Say ho.", "output": "<think>Hm.</think>Ho"},
        {
            "id": "two",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": f"Read.\n\n{LONG}\n\nWho?"},
                {"role": "assistant", "content": "He."},
                {"role": "user", "content": "Whom?"},
                {"role": "assistant", "content": "Her."},
            ],
        },
    ]
    found = chat_rows(records, policy=PagePolicy(min_characters=100))
    return [row for row in found if row.documents or not only_pages]


def of(trainer: str) -> list[ChatRow]:
    """Rows that `trainer` takes: TRL's GRPO takes no batch of rows with pages and rows without."""
    return rows(only_pages=trainer in TRAINERS and not TRAINERS[trainer].mixed)


def written(path: Path, trainer: str, theta: Theta = SMALL, **options: Any) -> Path:
    export(of(trainer), path, trainer=trainer, theta=theta, **{"model": "glm-4.1v", **options})
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(params=list(TRAINERS))
def trainer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# -- the size that a trainer makes of an image -------------------------------------------------------


@pytest.mark.parametrize("rule", SIZES["rules"], ids=lambda rule: f"{rule['function']} {rule['settings']}")
def test_sizes_equal_those_of_the_trainers_own_code(rule: dict[str, Any]) -> None:
    """benchmarks/trainer_sizes.py called their functions, and wrote what they gave."""
    for given, theirs in zip(SIZES["given"], rule["sizes"], strict=True):
        try:
            ours = list(FUNCTIONS[rule["function"]](*given, **rule["settings"]))
        except DataError:
            ours = None
        assert ours == theirs, given


def test_the_public_settings_that_train_9_px_type_at_6_5_px_are_caught(tmp_path: Path) -> None:
    """VTC-R1's image_max_pixels for LLaMA-Factory, on pages of Glyph's size."""
    settings = tmp_path / "public.yaml"
    settings.write_text("template: glm4v\ncutoff_len: 32768\nimage_max_pixels: 262144  # 512 x 512\n")
    report = lint(written(tmp_path / "out", "llama-factory", A4), settings=settings)
    (page,) = report.shown
    assert (page.size, page.resized, page.shown) == ((595, 842), (430, 609), (420, 616))
    assert "shown at 420×616 px: 9 px type at 6.5 px" in str(report.errors[0])
    assert "Set image_max_pixels: 589824" in str(report.errors[0])
    with pytest.raises(DataError, match=r"is not written: .* shown at 420×616 px: 9 px type at 6\.5 px"):
        written(tmp_path / "refused", "llama-factory", A4, settings=settings)
    assert not (tmp_path / "refused").exists()


def test_the_flag_is_set_where_a_trainer_would_shrink_pages(tmp_path: Path) -> None:
    large = Theta(page_size=(896, 1232), auto_crop_width=False, auto_crop_last_page=False)
    out = written(tmp_path / "out", "llama-factory", large)
    assert read_settings(out / "settings.yaml")["image_max_pixels"] == str(896 * 1232)
    assert f"image_max_pixels: {896 * 1232}" in (out / "README.md").read_text(encoding="utf-8")
    assert lint(out).errors == ()
    (out / "settings.yaml").unlink()  # the trainer's defaults
    assert "shown at" in str(lint(out).errors[0])


def test_a_grid_of_another_patch_resamples_twice(tmp_path: Path) -> None:
    """verl puts images on a grid of 28 px unless told; that of Qwen3-VL is 32."""
    theta = Theta(page_size=(320, 288), auto_crop_width=False, auto_crop_last_page=False)
    out = written(tmp_path / "out", "verl", theta, model="qwen3-vl", tokenizer=len)
    assert read_settings(out / "overrides.txt")["data.image_patch_size"] == "16"
    assert lint(out, tokenizer=len).errors == ()
    settings = tmp_path / "verl.yaml"
    settings.write_text("data:\n  max_prompt_length: 9000\n")
    errors = [str(error) for error in lint(out, settings=settings, tokenizer=len).errors]
    assert "resampled twice, at 308×280 px between" in errors[0]
    assert "data.image_patch_size=16" in errors[0]


def test_the_limits_of_ms_swift_are_those_of_its_environment_for_qwen_alone(tmp_path: Path) -> None:
    settings = tmp_path / "run.yaml"
    settings.write_text("max_length: 9000\nENV:\n  MAX_PIXELS: 100352\n")
    theta = Theta(page_size=(588, 840), auto_crop_width=False, auto_crop_last_page=False)
    assert lint(written(tmp_path / "glm", "ms-swift", theta), settings=settings).errors == ()
    report = lint(
        written(tmp_path / "qwen", "ms-swift", theta, model="qwen2.5-vl", tokenizer=len),
        settings=settings,
        tokenizer=len,
    )
    assert report.shown[0].shown == (252, 364)
    assert "IMAGE_MAX_TOKEN_NUM" in str(report.errors[0])


def test_pages_off_the_grid_are_a_warning_and_the_default_is_on_it(tmp_path: Path) -> None:
    (warning,) = lint(written(tmp_path / "off", "trl-sft", A4)).findings
    assert warning.level == "warning"
    assert "2 pages are resampled onto the model's grid" in str(warning)
    export(rows(), tmp_path / "on", trainer="trl-sft", model="glm-4.1v")
    assert lint(tmp_path / "on").findings == ()


# -- what is written ---------------------------------------------------------------------------------


def test_llama_factory_gets_sharegpt_rows_and_an_entry_for_them(tmp_path: Path) -> None:
    """Schema: llamafactory 0.9.5, data/parser.py and converter.py; benchmarks/trainer_loaders.py loads it there."""
    out = written(tmp_path / "out", "llama-factory")
    (entry,) = json.loads((out / "dataset_info.json").read_text()).values()
    assert entry["formatting"] == "sharegpt"
    data = json.loads((out / entry["file_name"]).read_text())
    assert [row["id"] for row in data] == ["one", "none", "two"]
    pages = [page.png() for page in render(LONG, SMALL)]
    turns = data[0][entry["columns"]["messages"]]
    assert turns == [
        {"from": "human", "value": "<image>" * len(pages) + "\n\nWho pays?"},
        {"from": "gpt", "value": "the buyer"},
    ]
    assert [(out / name).read_bytes() for name in data[0][entry["columns"]["images"]]] == pages
    assert data[1]["images"] == []
    assert [turn["from"] for turn in data[2]["conversations"]] == ["system", "human", "gpt", "human", "gpt"]
    assert data[1]["conversations"][-1]["value"] == "<think>Hm.</think>Ho"
    settings = read_settings(out / "settings.yaml")
    assert settings["template"] == "glm4v"
    assert settings["mask_history"] == "true"


def test_ms_swift_gets_a_line_of_messages_and_images(tmp_path: Path) -> None:
    """Schema: ms-swift 4.6.0, dataset/preprocessor/core.py; benchmarks/trainer_loaders.py loads it there."""
    out = written(tmp_path / "out", "ms-swift")
    data = [json.loads(line) for line in (out / "data.jsonl").read_text().splitlines()]
    assert [message["role"] for message in data[2]["messages"]] == ["system", "user", "assistant", "user", "assistant"]
    assert data[0]["messages"][0]["content"].count("<image>") == len(data[0]["images"]) > 1
    assert {image_size(out / name) for row in data for name in row["images"]} == {(280, 56)}
    assert read_settings(out / "settings.yaml") == {
        "dataset": "data.jsonl",
        "max_length": "1024",
        "loss_scale": "last_round",
    }


def test_verl_gets_prompts_with_the_bytes_of_pages_and_what_is_right(tmp_path: Path) -> None:
    """Schema: verl 0.9.1, utils/dataset/rl_dataset.py; benchmarks/trainer_loaders.py loads it there."""
    table = pyarrow.parquet.read_table(written(tmp_path / "out", "verl") / "data.parquet")
    assert set(table.column_names) == {"data_source", "prompt", "images", "ability", "reward_model", "extra_info"}
    first, _, last = table.to_pylist()
    assert [message["role"] for message in last["prompt"]] == ["system", "user", "assistant", "user"]
    assert first["prompt"][0]["content"].count("<image>") == len(first["images"])
    assert first["images"][0]["bytes"] == next(iter(render(LONG, SMALL))).png()
    assert first["reward_model"] == {"style": "rule", "ground_truth": "the buyer"}
    assert first["extra_info"] == {"index": 0, "key": "one", "answers": ["the buyer", "a buyer"]}
    assert first["data_source"] == "glyphrender/qa"


def test_equal_rows_give_equal_bytes_and_a_document_of_two_rows_is_one_file(trainer: str, tmp_path: Path) -> None:
    first, second = written(tmp_path / "a", trainer), written(tmp_path / "b", trainer)
    assert contents(first) == contents(second)
    pages = [name for name in contents(first) if name.endswith(".png")]
    assert len(pages) in (0, len(list(render(LONG, SMALL))) * 2)  # LONG, and LONG without its last newline
    export(of(trainer) * 2, tmp_path / "c", trainer=trainer, theta=SMALL, model="glm-4.1v")
    assert [name for name in contents(tmp_path / "c") if name.endswith(".png")].sort() == pages.sort()


def test_no_export_has_a_finding_on_aligned_pages(trainer: str, tmp_path: Path) -> None:
    for model in ("glm-4.1v", "qwen2.5-vl", "qwen3-vl"):
        out = tmp_path / model
        report = export(of(trainer), out, trainer=trainer, model=model, tokenizer=len)
        assert report.findings == ()
        assert (report.rows, report.pages) == (len(of(trainer)), lint(out, tokenizer=len).pages)
        assert all(page.shown == page.size for page in report.shown)


# -- what is refused ---------------------------------------------------------------------------------


def test_an_export_replaces_an_unchanged_export_and_nothing_else(trainer: str, tmp_path: Path) -> None:
    out = written(tmp_path / "out", trainer)
    before = contents(out)
    assert contents(written(out, trainer)) == before
    (out / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"holds other files \(notes\.txt\)"):
        written(out, trainer)
    (out / "notes.txt").unlink()
    manifest = (out / "export.json").read_text()
    (out / "export.json").write_text(manifest.replace('"seed": 0', '"seed": 77'))
    with pytest.raises(DataError, match=r"export\.json, which was changed since"):
        written(out, trainer)
    (out / "export.json").write_text(manifest)
    (out / "README.md").write_text("my own words")
    with pytest.raises(DataError, match=r"README\.md, which was changed since"):
        written(out, trainer)
    assert (out / "README.md").read_text() == "my own words"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_of_somebody_else_is_never_replaced(trainer: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name, text in (("export.json", '{"files": {"secret.key": ""}, "trainer": "verl"}'), ("secret.key", "mine")):
        out.mkdir(exist_ok=True)
        (out / name).write_text(text)
        with pytest.raises(DataError, match="holds other files"):
            written(out, trainer)
    assert (out / "secret.key").read_text() == "mine"


def test_an_export_that_fails_leaves_nothing(trainer: str, tmp_path: Path) -> None:
    def broken() -> Any:
        yield rows()[0]
        raise DataError("the source ended")

    for given, message in ((broken(), "the source ended"), ([], "has no rows")):
        with pytest.raises(DataError, match=message):
            export(given, tmp_path / "deep" / "out", trainer=trainer, theta=SMALL, model="glm-4.1v")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("marker", ["<image>", "<video>", "<|image|>", "<|image_pad|>"])
def test_a_text_that_a_trainer_would_take_for_an_image_is_refused(marker: str, trainer: str, tmp_path: Path) -> None:
    for record in (
        {"id": "r", "instruction": f"What is {marker}?", "output": "A tag."},
        {"id": "r", "instruction": "Which tag?", "output": f"It is {marker}."},
    ):
        with pytest.raises(DataError, match=r"row 'r': <.*> stands in a text"):
            export(chat_rows([record]), tmp_path / "out", trainer=trainer, model="glm-4.1v")
    # On a page it is only a picture of these characters.
    context = {"context": f"{marker}\n{LONG}", "question": "What?", "answer": "A tag."}
    rows = chat_rows([context], policy=PagePolicy(min_characters=100))
    assert export(rows, tmp_path / "out", trainer=trainer, model="glm-4.1v").errors == ()


def test_faulty_rows_and_rows_over_budget_are_named_or_dropped_and_counted(trainer: str, tmp_path: Path) -> None:
    """One row of a hundred thousand does not end the export of those who drop it."""
    wide = {"id": "wide", "messages": [{"role": "user", "content": LONG}, {"role": "assistant", "content": "he"}]}
    marked = {"id": "marked", "context": LONG, "question": "What is <image>?", "answer": "A tag."}
    bad = list(chat_rows([wide, marked], policy=PagePolicy(min_characters=100)))
    options: dict[str, Any] = {"trainer": trainer, "model": "glm-4.1v", "theta": SMALL, "tokenizer": len}
    good = of(trainer)[:1]
    tokens = 20 + 8 * 3 + sum((280 // 28) * (56 // 28) + 2 for _ in render(LONG, SMALL))
    for row, message in (
        (bad[1], "row 'marked': <image> stands in a text"),
        (bad[0], "row 'wide': .* above max_tokens=9"),
    ):
        with pytest.raises(DataError, match=message):
            export([row], tmp_path / "out", max_tokens=9, **options)
    counts: Counter[str] = Counter()
    narrow = [bad[0].with_response("he " * 100)] if not TRAINERS[trainer].prompts_only else []
    report = export(
        [*good, *narrow, bad[1]], tmp_path / "out", max_tokens=tokens, faults="drop", counts=counts, **options
    )
    assert report.rows == 1
    assert counts == Counter({"faults": 1} | ({"over budget": 1} if narrow else {}))
    with pytest.raises(DataError, match="faults='ignore' is unknown"):
        export(good, tmp_path / "out", faults="ignore", **options)


def test_unknown_names_are_refused_before_a_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="trainer='axolotl' is unknown"):
        written(tmp_path / "out", "axolotl")
    with pytest.raises(VisionModelError):
        written(tmp_path / "out", "verl", model="gpt-2")
    with pytest.raises(DataError, match=r"nothing\.yaml cannot be read"):
        written(tmp_path / "out", "verl", settings=tmp_path / "nothing.yaml")
    with pytest.raises(DataError, match="is no folder"):
        lint(tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"has no export\.json\. Name the trainer and the model"):
        lint(tmp_path / "empty")
    with pytest.raises(DataError, match="cannot be read"):
        lint(tmp_path / "empty", trainer="ms-swift", model="glm-4.1v")
    settings = tmp_path / "run.yaml"
    settings.write_text("image_max_pixels: many\n")
    with pytest.raises(DataError, match="image_max_pixels='many' is no whole number"):
        written(tmp_path / "out", "llama-factory", settings=settings)


# -- what the lint finds in the files ----------------------------------------------------------------


def _line(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "data.jsonl"
    first, *rest = path.read_text().splitlines()
    values = json.loads(first)
    change(values)
    path.write_text("\n".join([json.dumps(values), *rest]))


def _page(folder: Path) -> Path:
    return next(folder.glob("*.png"))


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "an image too few": (
        lambda f: _line(f, lambda row: row["images"].pop()),
        r"line 1: the text has 2 places for images, and the row has 1 image\.",
    ),
    "a marker too many": (
        lambda f: _line(f, lambda row: row["messages"][0].update(content="<image>" * 9)),
        r"line 1: the text has 9 places for images, and the row has 2 images\.",
    ),
    "a page that is gone": (lambda f: _page(f).unlink(), r"\.png is missing"),
    "a page that is no image": (lambda f: _page(f).write_bytes(b"GIF89"), r"\.png is no image"),
    "a page that was shrunk by hand": (
        lambda f: Image.new("L", (100, 30)).save(_page(f)),
        r"1 page is resampled|1 page of 100×30 px",
    ),
    "an empty answer": (lambda f: _line(f, lambda row: row["messages"][-1].update(content=" ")), "the answer is empty"),
    "no answer": (lambda f: _line(f, lambda row: row["messages"].pop()), "ends with a turn of user"),
    "two questions": (
        lambda f: _line(f, lambda row: row["messages"].insert(0, row["messages"][0])),
        "turns of user and assistant do not alternate",
    ),
    "a turn without text": (lambda f: _line(f, lambda row: row["messages"][0].update(content=3)), "turn 0 has no text"),
    "a turn of nobody": (lambda f: _line(f, lambda row: row["messages"][0].pop("role")), "turn 0 has no known role"),
    "no messages": (lambda f: _line(f, lambda row: row.pop("messages")), "the chat ends with a turn of nobody"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_rows_that_a_trainer_would_refuse_or_misread_are_found(name: str, tmp_path: Path) -> None:
    spoil, message = SPOILT[name]
    out = written(tmp_path / "out", "ms-swift")
    spoil(out)
    report = lint(out)
    assert any(re.search(message, str(finding)) for finding in report.findings), str(report)


def test_a_page_that_is_gone_is_one_finding_and_no_count_of_images(tmp_path: Path) -> None:
    out = written(tmp_path / "out", "ms-swift")
    _page(out).unlink()
    (gone,) = lint(out).findings
    assert re.search(r"\.png is missing\. Export again\.$", gone.message), str(gone)


def test_parquet_rows_without_images_or_answers_are_found(tmp_path: Path) -> None:
    """TRL decides by the first row whether a dataset has images."""
    for trainer, column, message in (
        ("trl-sft", "images", "images is missing"),
        ("trl-grpo", "answers", "answers is empty"),
        ("verl", "reward_model", "ground_truth is empty"),
        ("verl", "data_source", "data_source is empty"),
        ("trl-sft", "completion", "ends with a turn of user"),
    ):
        path = written(tmp_path / f"{trainer}-{column}", trainer) / "data.parquet"
        table = pyarrow.parquet.read_table(path)
        pyarrow.parquet.write_table(
            table.set_column(
                table.column_names.index(column),
                table.schema.field(column),
                pyarrow.nulls(len(table), table.schema.field(column).type),
            ),
            path,
        )
        assert any(message in str(error) for error in lint(path.parent).errors), (trainer, column)


def test_a_row_whose_images_cannot_be_read_is_no_row_without_images(tmp_path: Path) -> None:
    path = written(tmp_path / "out", "trl-grpo") / "data.parquet"
    table = pyarrow.parquet.read_table(path)
    rows = table.to_pylist()
    for image in rows[0]["images"]:
        image["bytes"] = b"GIF89"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema=table.schema), path)
    findings = lint(path.parent).findings
    assert len(findings) == len(rows[0]["images"])
    assert all("an image of a row is no image" in each.message for each in findings), findings


def test_rows_of_another_program_are_linted_too(tmp_path: Path) -> None:
    """LLaMA-Factory's own example has tags of its own, beside entries of the hub; TRL's rows may have text content."""
    render("Who pays?", SMALL).save(tmp_path / "pages")
    shutil.copy(tmp_path / "pages" / "page_0001.png", tmp_path / "1.png")
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    columns = {"messages": "messages", "images": "images"}
    demo = {"file_name": "demo.json", "formatting": "sharegpt", "columns": columns, "tags": tags}
    info = {"alpaca": {"file_name": "missing.json"}, "hub": {"hf_hub_url": "a/b"}, "demo": demo}
    (tmp_path / "dataset_info.json").write_text(json.dumps(info))
    messages = [{"role": "user", "content": "<image>Who?"}, {"role": "assistant", "content": "He."}]
    (tmp_path / "demo.json").write_text(json.dumps([{"messages": messages, "images": ["1.png"]}]))
    report = lint(tmp_path, trainer="llama-factory", model="glm-4.1v")
    assert (report.rows, report.pages, report.findings) == (1, 1, ())
    image = {"bytes": (tmp_path / "1.png").read_bytes(), "path": None}
    prompt, completion = [{**messages[0], "content": "Who?"}], messages[1:]
    for count, markers in ((1, 0), (2, 0)):
        rows = [{"images": [image] * count, "prompt": prompt, "completion": completion}]
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "data.parquet")
        assert len(lint(tmp_path, trainer="trl-sft", model="glm-4.1v").errors) == markers


LIMITS = [
    ("llama-factory", "cutoff_len: 60", "above cutoff_len=60: it is cut off, images included. Set cutoff_len to"),
    ("ms-swift", "max_length: 60", "above max_length=60: it is dropped"),
    ("verl", "data.max_prompt_length=60", "above data.max_prompt_length=60: it is refused"),
    ("trl-sft", "max_length: 60", "above max_length=60: it is cut off"),
]


@pytest.mark.parametrize("trainer, settings, message", LIMITS, ids=[each[0] for each in LIMITS])
def test_rows_above_the_limit_of_a_trainer_are_found(trainer: str, settings: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_text(settings)
    out = written(tmp_path / "out", trainer)
    assert any(message in str(error) for error in lint(out, settings=path).errors)
    assert lint(out).errors == ()


def test_a_limit_of_null_is_no_limit(tmp_path: Path) -> None:
    out = written(tmp_path / "out", "trl-sft")
    assert read_settings(out / "settings.yaml")["max_length"] == "null"
    long = list(chat_rows([{"instruction": "Count.", "output": "one two " * 2000}]))
    assert export(long, tmp_path / "long", trainer="trl-sft", model="glm-4.1v").errors == ()
    (tmp_path / "long" / "settings.yaml").unlink()
    assert "max_length=1,024" in str(lint(tmp_path / "long").errors[0])


def test_findings_are_counted_beyond_the_first_few(tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(rows() * 20, out, trainer="ms-swift", theta=SMALL, model="glm-4.1v")
    for page in out.glob("*.png"):
        page.unlink()
    report = lint(out)
    assert len(report.errors) < 15
    assert "more findings of this kind" in str(report)


# -- settings ----------------------------------------------------------------------------------------


def test_settings_are_read_from_yaml_and_from_overrides(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_text(
        "# a comment\ndata:\n  max_prompt_length: 9000 # tokens\n  list:\n    - a\n  deep:\n    patch: '16'\n"
        "top: 1\nenv:\n  MAX_PIXELS: 5\ndata.image_patch_size=14\nempty:\nurl: http://a#b\n"
    )
    assert read_settings(path) == {
        "data.max_prompt_length": "9000",
        "data.deep.patch": "16",
        "top": "1",
        "MAX_PIXELS": "5",
        "data.image_patch_size": "14",
        "url": "http://a#b",
    }
    values = {"a": True, "b": None, "c.d": 3}
    for overrides in (False, True):
        path.write_text(settings_text(values, overrides=overrides))
        assert read_settings(path) == {"a": "true", "b": "null", "c.d": "3"}


def test_an_export_is_linted_where_it_was_moved(trainer: str, tmp_path: Path) -> None:
    """No file of an export names the place where it was written."""
    out = written(tmp_path / "out", trainer)
    shutil.move(out, tmp_path / "elsewhere")
    assert lint(tmp_path / "elsewhere").errors == ()
    assert all(str(tmp_path).encode() not in data for data in contents(tmp_path / "elsewhere").values())
