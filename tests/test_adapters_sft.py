"""Rows with pages as TRL takes them: its own collator and trainer, on a tiny GLM-4.1V."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from glyphrender import DataError, Theta, render
from glyphrender.adapters.data import PagesTransform, Sampled, stream
from glyphrender.adapters.sft import Conversations, Prompts, epoch_callback

pytest.importorskip("trl")
import datasets
from tiny_glm4v import tiny_glm4v
from trl import SFTConfig, SFTTrainer
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`gradient_checkpointing` is deprecated:FutureWarning"),  # TRL 1.16
    pytest.mark.filterwarnings("ignore:'pin_memory' argument is set as true:UserWarning"),  # torch, without a GPU
]

ROOT = Path(__file__).parents[1]
THETA = Theta(page_size=(196, 84), auto_crop_width=False, auto_crop_last_page=False)
LONG = "The buyer pays.\n" * 12
ROWS = [
    {"id": "a", "contract": LONG, "amendment": "The seller pays.", "question": "Who?", "answer": "he"},
    {"id": "b", "contract": "Nobody pays.", "amendment": "", "question": "Who pays?", "answer": "nobody"},
]
PAGES = PagesTransform(text=("contract", "amendment"), theta=THETA)
PROMPTS = Prompts(
    pages=PAGES,
    system="You read contracts.",
    prompt="The contract: {contract} Its amendment: {amendment}{question}",
    completion="{answer}!",
)


@pytest.fixture(scope="module")
def tiny() -> tuple[Any, Any]:
    return tiny_glm4v()


def shown(processor: Any, ids: Any) -> str:
    """What the model is shown: a run of visual tokens as <n>, and not what pads it."""
    text = re.sub(r"(<\|endoftext\|>)+$", "", processor.tokenizer.decode(ids))
    return re.sub(r"(<\|image\|>)+", lambda run: f"<{len(run[0]) // len('<|image|>')}>", text)


def image(count: int) -> str:
    """`count` pages of 196 × 84 px: 21 visual tokens each."""
    return "<|begin_of_image|><21><|end_of_image|>" * count


def test_documents_stand_between_the_texts_of_the_prompt() -> None:
    row = PROMPTS(ROWS[0])
    images = [page.image for name in PAGES.columns for page in render(ROWS[0][name], THETA)]
    assert len(images) == 3
    assert row == {
        "images": images,
        "prompt": [
            {"role": "system", "content": [{"type": "text", "text": "You read contracts."}]},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "The contract: "},
                    {"type": "image"},
                    {"type": "image"},
                    {"type": "text", "text": " Its amendment: "},
                    {"type": "image"},
                    {"type": "text", "text": "Who?"},
                ],
            },
        ],
        "completion": [{"role": "assistant", "content": [{"type": "text", "text": "he!"}]}],
    }


def test_the_loss_is_on_the_completion_alone(tiny: tuple[Any, Any]) -> None:
    """Through TRL's collator and GLM's processor, what the model sees and what it is to learn."""
    _, processor = tiny
    collate = DataCollatorForVisionLanguageModeling(processor, completion_only_loss=True)
    batch = collate([PROMPTS(row) for row in ROWS])
    begin = "[gMASK]<sop><|system|>\nYou read contracts.<|user|>\nThe contract: "
    assert [shown(processor, ids) for ids in batch["input_ids"]] == [
        f"{begin}{image(2)} Its amendment: {image(1)}Who?<|assistant|>\nhe!",
        f"{begin}{image(1)} Its amendment: Who pays?<|assistant|>\nnobody!",
    ]
    learnt = [processor.tokenizer.decode(labels[labels >= 0]) for labels in batch["labels"]]
    assert learnt == ["he!<|endoftext|>", "nobody!<|endoftext|>"]
    assert len(batch["image_grid_thw"]) == 4


def test_of_messages_the_loss_is_on_the_turns_of_the_assistant(tiny: tuple[Any, Any]) -> None:
    _, processor = tiny
    document = {"type": "document", "text": LONG}
    turns = [
        {"role": "user", "content": [document, {"type": "text", "text": "Who?"}]},
        {"role": "assistant", "content": "he"},
        {"role": "user", "content": [{"type": "text", "text": "And here? "}, {**document, "text": "Nobody pays."}]},
        {"role": "assistant", "content": [{"type": "text", "text": "nobody"}]},
    ]
    rows = datasets.Dataset.from_list([{"messages": [{**turn, "content": _parts(turn["content"])} for turn in turns]}])
    dataset = rows.with_transform(Conversations(pages=PagesTransform(theta=THETA)))
    collate = DataCollatorForVisionLanguageModeling(processor, assistant_only_loss=True)
    batch = collate([dataset[0]])
    said = f"[gMASK]<sop><|user|>\n{image(2)}Who?<|assistant|>\nhe<|endoftext|><|user|>\nAnd here? {image(1)}"
    assert shown(processor, batch["input_ids"][0]) == f"{said}<|assistant|>\nnobody"
    labels = batch["labels"][0]
    assert processor.tokenizer.decode(labels[labels >= 0]) == "he<|endoftext|>nobody<|endoftext|>"
    # The same turns as they are written by hand, with text for content.
    assert Conversations(pages=PagesTransform(theta=THETA))({"messages": turns})["messages"][1]["content"] == "he"


def _parts(content: Any) -> list[dict[str, str]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def test_both_forms_of_prompts_say_the_same(tiny: tuple[Any, Any]) -> None:
    _, processor = tiny
    messages = Prompts(pages=PAGES, prompt=PROMPTS.prompt, completion="{answer}!", system="{id}", kind="messages")
    assert set(messages(ROWS[0])) == {"images", "messages"}
    pairs = Prompts(pages=PAGES, prompt=PROMPTS.prompt, completion="{answer}!", system="{id}")
    one = DataCollatorForVisionLanguageModeling(processor)([messages(ROWS[0])])
    other = DataCollatorForVisionLanguageModeling(processor)([pairs(ROWS[0])])
    assert one["input_ids"].equal(other["input_ids"])
    assert one["pixel_values"].equal(other["pixel_values"])


def test_conversations_take_prompts_and_completions() -> None:
    row = {
        "prompt": [{"role": "user", "content": [{"type": "document", "text": "Nobody pays."}]}],
        "completion": [{"role": "assistant", "content": "nobody"}],
    }
    done = Conversations(pages=PagesTransform(theta=THETA))({name: [each, each] for name, each in row.items()})
    assert done["images"] == [[page.image for page in render("Nobody pays.", THETA)]] * 2
    assert done["prompt"][1] == [{"role": "user", "content": [{"type": "image"}]}]
    assert done["completion"][0] == row["completion"]


def test_theta_of_a_conversation_follows_its_documents() -> None:
    def row(text: str, question: str) -> dict[str, Any]:
        parts = [{"type": "document", "text": text}, {"type": "text", "text": question}]
        return {"messages": [{"role": "user", "content": parts}]}

    conversations = Conversations(pages=PagesTransform(theta=Sampled(fixed={"dpi": 72})))
    first, same, other = (conversations(row(*said))["images"] for said in (("a", "1"), ("a", "2"), ("b", "1")))
    assert first == same
    assert first != other


def trained(tiny: tuple[Any, Any], dataset: Any, directory: Path, **settings: Any) -> SFTTrainer:
    model, processor = tiny
    callbacks = settings.pop("callbacks", [])
    resume = settings.pop("resume", None)
    defaults = {
        "per_device_train_batch_size": 2,
        "max_length": None,
        "remove_unused_columns": False,
        "report_to": "none",
        "use_cpu": True,
        "bf16": False,
        "save_strategy": "no",
        "disable_tqdm": True,
    }
    arguments = SFTConfig(output_dir=str(directory), **(defaults | settings))
    trainer = SFTTrainer(
        model=model, args=arguments, train_dataset=dataset, processing_class=processor, callbacks=callbacks
    )
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def test_the_trainer_draws_theta_anew_in_each_epoch_and_goes_on_where_it_was(
    tiny: tuple[Any, Any], tmp_path: Path
) -> None:
    epochs: list[int] = []

    def theta(row: Any, rng: Any) -> Theta:
        epochs.append(pages.epoch)
        return THETA

    pages = PagesTransform(text=PAGES.text, theta=theta)
    prompts = Prompts(pages=pages, prompt=PROMPTS.prompt, completion="{answer}")
    dataset = datasets.Dataset.from_list(ROWS).with_transform(prompts)

    def train(**settings: Any) -> list[int]:
        pages.set_epoch(99)
        callback = epoch_callback(pages)
        trained(tiny, dataset, tmp_path, callbacks=[callback], learning_rate=1e-6, **settings)
        seen = [epoch for epoch in epochs if epoch != 99]  # the trainer looks at a row before it trains
        epochs.clear()
        return seen

    assert train(num_train_epochs=2, save_strategy="epoch") == [0, 0, 1, 1]
    assert train(num_train_epochs=3, resume=str(tmp_path / "checkpoint-2")) == [2, 2]


def test_a_stream_trains_too(tiny: tuple[Any, Any], tmp_path: Path) -> None:
    """The loss of the first step is that of the map-style dataset."""
    rows = datasets.Dataset.from_list(ROWS)
    losses = [
        trained(tiny, dataset, tmp_path, max_steps=1, learning_rate=0.0).state.log_history[-1]["train_loss"]
        for dataset in (rows.with_transform(PROMPTS), stream(rows, PROMPTS))
    ]
    assert 4 < losses[0] < 7  # the logarithm of 268 tokens is 5.6
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_the_tutorial_runs(capsys: pytest.CaptureFixture[str]) -> None:
    tutorial = runpy.run_path(str(ROOT / "docs/tutorial_sft.py"))
    loss = tutorial["main"](ROOT / "benchmarks/texts/pride-and-prejudice.txt")
    assert 4 < loss < 7
    printed = capsys.readouterr().out
    assert re.search(r"a batch has \d+ pages", printed)
    assert re.search(r"the first answer to be learnt: .*<\|endoftext\|>", printed)


@pytest.mark.parametrize(
    "rows, row, says",
    [
        (PROMPTS, {**ROWS[0], "answer": None}, r"row \(id='a'\): answer is None, not str"),
        (PROMPTS, {**ROWS[0], "contract": 1}, "contract is 1, not str"),
        (PROMPTS, {"contract": "", "amendment": ""}, "no column 'question'"),
        (Conversations(pages=PAGES), {"text": "a"}, "prompt has None where a list of messages should be"),
        (Conversations(pages=PAGES), {"messages": [{"content": "a"}]}, "where a message"),
        (Conversations(pages=PAGES), {"messages": [{"role": "user", "content": None}]}, "where text or a list"),
        (
            Conversations(pages=PAGES),
            {"messages": [{"role": "user", "content": [{"type": "image"}]}]},
            'where a part {"type": "text" or "document", "text"} should be',
        ),
        (
            Conversations(pages=PAGES),
            {"messages": [{"role": "assistant", "content": [{"type": "document", "text": "a"}]}]},
            "a model answers in text",
        ),
    ],
)
def test_a_bad_row_is_named(rows: Any, row: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        rows(row)


@pytest.mark.parametrize(
    "settings, says",
    [
        ({"prompt": "{text"}, "malformed"),
        ({"prompt": "{text} {}"}, "braces that name no column"),
        ({"prompt": "{text!r}"}, "braces that name no column"),
        ({"completion": "}"}, "malformed"),
        ({"prompt": "Read."}, "the prompt leaves out the document 'text'"),
        ({"kind": "chat"}, "kind='chat' is unknown"),
    ],
)
def test_a_bad_template_is_refused_before_a_row_is_read(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        Prompts(pages=PagesTransform(), **settings)


def test_the_examples_of_the_documentation_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs/training-data.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    for example in examples:
        exec(compile(example, "training-data.md", "exec"), names)
    assert len(examples) == 6
    read = [names["before"]["id"], *(row["id"] for row in names["after"])]
    assert len(set(read)) == len(read) == len(names["read"]) == 2  # of three rows, rank 0 of two has two
