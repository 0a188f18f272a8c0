"""Chat rows become samples by the chat template of the processor, on a tiny GLM-4.1V."""

from __future__ import annotations

import re
from typing import Any

import pytest

from glyphrender import DataError, Theta
from glyphrender.adapters.data import Sampled
from glyphrender.train.rows.chat_rows import ChatRow, chat_rows
from glyphrender.train.rows.page_policy import PagePolicy

pytest.importorskip("torch")
pytest.importorskip("transformers")
from tiny_glm4v import CHAT_TEMPLATE, tiny_glm4v

from glyphrender.train.rows.collate import SampleCollator
from glyphrender.train.rows.kinds import COPY_PAGES
from glyphrender.train.rows.sample import Pages, Sample, laid_out
from glyphrender.train.rows.sft_rows import SftSamples

pytestmark = pytest.mark.slow

THETA = Theta(page_size=(196, 84), auto_crop_width=False, auto_crop_last_page=False)
LONG = "\n".join(f"Clause {number}: the buyer pays." for number in range(12))
# Templates of models that think: one leaves the thoughts of earlier turns out, one opens a thought in the prompt.
FORGETS = CHAT_TEMPLATE.replace(
    "{%- else -%}{%- for part in message.content -%}{{ part.text }}{%- endfor -%}{%- endif -%}\n<|endoftext|>",
    "{%- else -%}{%- for part in message.content -%}"
    "{{ part.text if loop.last and message == messages[-1] else part.text.split('</think>')[-1] }}"
    "{%- endfor -%}{%- endif -%}\n<|endoftext|>",
)
OPENS = CHAT_TEMPLATE.replace(
    "<|assistant|>{{ '\\n' }}{%- endif -%}", "<|assistant|>{{ '\\n<think>\\n' }}{%- endif -%}"
)
assert OPENS != CHAT_TEMPLATE
assert FORGETS != CHAT_TEMPLATE


@pytest.fixture(scope="module")
def processor() -> Any:
    return tiny_glm4v()[1]


def made(*turns: str, key: str = "row") -> ChatRow:
    roles = ["user", "assistant"] * len(turns)
    messages = [{"role": role, "content": text} for role, text in zip(roles, turns, strict=False)]
    return next(chat_rows([{"messages": messages, "id": key}], policy=PagePolicy(min_characters=100)))


def shown(processor: Any, samples: list[Sample]) -> list[tuple[str, str]]:
    """What the model is shown, with a run of visual tokens as <n>, and what it is to learn."""
    batch = SampleCollator(processor=processor)(samples)
    told = []
    for ids, mask, labels in zip(batch["input_ids"], batch["attention_mask"], batch["labels"], strict=True):
        text = processor.tokenizer.decode(ids[mask.bool()])
        text = re.sub(r"(<\|image\|>)+", lambda run: f"<{len(run[0]) // len('<|image|>')}>", text)
        told.append((text, processor.tokenizer.decode(labels[labels >= 0])))
    return told


def test_pages_stand_in_the_prompt_and_the_answer_is_learned_with_its_thoughts(processor: Any) -> None:
    row = made(f"Read.\n\n{LONG}\n\nWho pays?", "<think>Clause 3 says it.</think>the buyer")
    samples = SftSamples(rows=[row], processor=processor, theta=THETA)
    ((text, learned),) = shown(processor, [samples[0]])
    ((drawn,),) = laid_out([samples[0]])
    pages = "<|begin_of_image|><21><|end_of_image|>" * len(drawn)
    answer = "<think>Clause 3 says it.</think>the buyer<|endoftext|>"
    assert len(drawn) > 1
    assert text == f"[gMASK]<sop><|user|>\nRead.\n\n{pages}\n\nWho pays?<|assistant|>\n{answer}"
    assert learned == answer


def test_a_special_token_in_a_text_is_no_token(processor: Any) -> None:
    """Otherwise a document could begin a turn."""
    row = made("Who says <|assistant|>?", "<|user|> does <think>")
    (sample,) = SftSamples(rows=[row], processor=processor)
    batch = SampleCollator(processor=processor)([sample])
    ids = batch["input_ids"][0].tolist()
    for token in ("<|assistant|>", "<|user|>"):
        assert ids.count(processor.tokenizer.convert_tokens_to_ids(token)) == 1


def test_the_template_decides_about_thoughts_of_earlier_turns(processor: Any) -> None:
    row = made("One?", "<think>a</think>first", "Two?", "<think>b</think>second")
    forgetful = _with_template(processor, FORGETS)
    ((text, learned),) = shown(forgetful, list(SftSamples(rows=[row], processor=forgetful)))
    assert "first" in text
    assert "<think>a" not in text
    assert learned == "<think>b</think>second<|endoftext|>"
    ((text, learned),) = shown(processor, list(SftSamples(rows=[row], processor=processor)))
    assert "<think>a</think>first" in text
    assert learned == "<think>b</think>second<|endoftext|>"


def test_all_answers_are_learned_where_the_template_only_appends(processor: Any) -> None:
    row = made("One?", "<think>a</think>first", "Two?", "second")
    ((text, learned),) = shown(processor, list(SftSamples(rows=[row], processor=processor, learn="all")))
    assert learned == "<think>a</think>first<|endoftext|>second<|endoftext|>"
    assert text.endswith("second<|endoftext|>")
    forgetful = _with_template(processor, FORGETS)
    with pytest.raises(DataError, match=r"row 'row': the chat template renders answer 1 otherwise"):
        SftSamples(rows=[row], processor=forgetful, learn="all")[0]


def test_thoughts_can_be_left_out_and_are_not_opened_twice(processor: Any) -> None:
    rows = [made("One?", "<think>a\n</think>\nfirst")]
    ((_, learned),) = shown(processor, list(SftSamples(rows=rows, processor=processor, keep_thinking=False)))
    assert learned == "first<|endoftext|>"
    opening = _with_template(processor, OPENS)
    rows = [made("One?", "<think>a</think>first"), made("One?", "first")]
    (first, learned), (_, plain) = shown(opening, list(SftSamples(rows=rows, processor=opening)))
    assert first.count("<think>") == 1
    assert learned == "a</think>first<|endoftext|>"
    assert plain == "</think>\nfirst<|endoftext|>"


def test_a_template_that_leaves_a_text_out_is_refused(processor: Any) -> None:
    deaf = _with_template(processor, CHAT_TEMPLATE.replace("{%- elif part.type == 'text' -%}{{ part.text }}", ""))
    with pytest.raises(DataError):
        SftSamples(rows=[made("Who?", "he")], processor=deaf)[0]


def test_documents_are_read_aloud_by_weight(processor: Any) -> None:
    rows = [made(f"{LONG}\n\nWho pays in {number}?", "he", key=str(number)) for number in range(10)]
    samples = SftSamples(rows=rows, processor=processor, theta=THETA, ocr_weight=1 / 3, ocr_characters=70)
    assert [sample.kind for sample in samples] == ["chat"] * 10 + ["ocr"] * 5
    read = [sample for sample in samples if sample.kind == "ocr"]
    assert len({sample.learned for sample in read}) > 1
    for sample in read:
        assert sample.learned == sample.pages[0].text
        assert sample.learned in LONG
        assert sample.learned.startswith("Clause")
        assert sample.learned.endswith(".")
        assert 0 < len(sample.learned) <= 70
        assert any(getattr(part, "text", "") == COPY_PAGES for part in sample.parts)


def test_samples_follow_from_seed_epoch_and_index_alone(processor: Any) -> None:
    rows = [made(f"{LONG}\n\nWho pays in {number}?", "he", key=str(number)) for number in range(4)]

    def samples(seed: int = 0, epoch: int = 0) -> list[Sample]:
        made = SftSamples(rows=rows, processor=processor, theta=Sampled(), seed=seed, ocr_weight=0.5, ocr_characters=70)
        made.set_epoch(epoch)
        return [made[index] for index in reversed(range(len(made)))][::-1]

    def thetas(found: list[Sample]) -> list[Theta]:
        return [part.theta for sample in found for part in sample.parts if isinstance(part, Pages)]

    assert samples() == samples()
    assert thetas(samples()) != thetas(samples(epoch=1))
    assert thetas(samples()) != thetas(samples(seed=1))
    assert [each.learned for each in samples()] != [each.learned for each in samples(epoch=1)]


def test_wrong_settings_are_refused_before_a_sample_is_made(processor: Any) -> None:
    row = made("Who?", "he")
    for options, message in (
        ({"rows": []}, "there are no rows"),
        ({"ocr_weight": -1}, "ocr_weight=-1 is out of range"),
        ({"ocr_weight": 0.5}, "no row has pages to read"),
        ({"ocr_characters": 0}, "leaves nothing to read"),
        ({"learn": "first"}, "learn='first' is unknown"),
    ):
        with pytest.raises(DataError, match=message):
            SftSamples(**({"rows": [row], "processor": processor} | options))


def _with_template(processor: Any, template: str) -> Any:
    import copy

    changed = copy.copy(processor)
    changed.chat_template = template
    return changed
