"""Look-ups: one visual token a key and one a value; questions follow from the seed; a start looks one token back."""

from __future__ import annotations

import numpy as np
import pytest

from glyphrender import layout
from glyphrender.errors import DataError
from glyphrender.train.reader.align import AlignmentHead, cell_labels
from glyphrender.train.reader.look_back import LOOK_UP
from glyphrender.train.reader.lookups import Lookups, ask_values, draw_pairs, list_pairs, lookup_rows, page_of
from glyphrender.train.reader.reading_trainer import ReadingCollator
from glyphrender.train.reader.tiny_reader import tiny_reader
from glyphrender.train.rows.sample import Pages, Text

PAIRS = [("K7", "4821"), ("B3", "0172"), ("Z9", "5555")]


def texts(sample) -> list[tuple[str, bool]]:
    return [(part.text, part.learn) for part in sample.parts if isinstance(part, Text)]


def test_a_key_fills_one_visual_token_and_its_value_the_next():
    pages = page_of(PAIRS)
    (page,) = layout(pages.text, pages.theta)
    cells = cell_labels(page, lambda each: list(map(ord, each)), slots=4, blank=0)
    assert ["".join(map(chr, cell)) for cell in cells.tolist()] == ["K7= ", "4821", "B3= ", "0172", "Z9= ", "5555"]


def test_a_conversation_learns_the_values_that_it_asks_for_and_nothing_else():
    learned = [text for text, learn in texts(ask_values(PAIRS, [2, 0])) if learn]
    assert learned == ["5555<|endoftext|>", "4821<|endoftext|>"]
    assert [text for text, learn in texts(ask_values(PAIRS, [2, 0])) if not learn][2] == "<|user|>\nK7?<|assistant|>\n"


def test_a_listed_value_follows_its_key_directly():
    assert texts(list_pairs(PAIRS, [1, 1]))[2:] == [("B3", False), ("0172", True), ("\nB3", False), ("0172", True)]


def test_a_page_has_different_keys_and_too_many_are_refused():
    keys = [key for key, _ in draw_pairs(240, np.random.default_rng(0))]
    assert len(set(keys)) == 240
    with pytest.raises(DataError, match=r"lines=241 is not from 1 to the 240 keys\. Use fewer lines a page\."):
        draw_pairs(241, np.random.default_rng(0))


def test_samples_follow_from_seed_and_index_and_a_batch_has_one_number_of_lines_and_one_kind():
    data = Lookups(lines=(2, 4, 8), pairs=0.5, batch=4, count=80, seed=3)
    again = Lookups(lines=(2, 4, 8), pairs=0.5, batch=4, count=80, seed=3)
    assert data[17] == again[17] != data[16]
    assert data[17] != Lookups(lines=(2, 4, 8), pairs=0.5, batch=4, count=80, seed=4)[17]
    shapes = [(sample.kind, sample.pages[0].text.count("\n")) for sample in data]
    assert all(len(set(shapes[start : start + 4])) == 1 for start in range(0, 80, 4))
    assert len(set(shapes)) == 6


def test_prompts_of_grpo_ask_what_the_samples_ask():
    samples = Lookups(questions=1, count=5, seed=9)
    for row, sample in zip(lookup_rows(5, seed=9), samples, strict=True):
        assert sample.pages == (Pages(row["context"], sample.pages[0].theta),)
        assert texts(sample)[1:] == [
            (row["question"] + "<|assistant|>\n", False),
            (row["answer"][0] + "<|endoftext|>", True),
        ]
        assert f"{row['question'][:2]}= {row['answer'][0]}" in row["context"].split("\n")


def test_the_first_head_of_a_reader_that_looks_up_starts_on_the_token_before():
    import torch

    model, processor = tiny_reader(**LOOK_UP)
    model.set_attn_implementation("eager")
    batch = ReadingCollator(processor, 4)([ask_values(PAIRS, [1])])
    inputs = {name: value for name, value in batch.items() if name not in ("labels", "cell_labels")}
    with torch.no_grad():
        first = model(**inputs, output_attentions=True).attentions[0][0, 0]
    image = (batch["mm_token_type_ids"][0] == 1).nonzero().flatten().tolist()
    for key, value in zip(image[::2], image[1::2], strict=True):
        assert first[value, key] > 0.9
    for place in range(image[-1] + 3, len(first)):
        assert first[place, place - 1] > 0.5


def test_stage_0_with_sums_is_least_where_a_visual_token_is_the_sum_of_its_characters():
    import torch

    torch.manual_seed(0)
    embeddings, labels = torch.randn(20, 256), torch.randint(20, (6, 4))
    plain, sums = AlignmentHead(256, 4), AlignmentHead(256, 4, sums=1.0)
    visual = sums.sum_of(embeddings, labels)
    added = [
        float(sums(token, embeddings, labels)[0] - plain(token, embeddings, labels)[0])
        for token in (visual, 3 * visual)
    ]
    assert added == pytest.approx([0.0, 4.0], abs=1e-4)
    assert float(plain(visual, embeddings, labels)[1]) == 1.0
