"""A tiny reader is a plain GLM-4.1V of transformers, and stage 0 knows which characters stand in each of its cells."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from glyphrender import Theta, layout
from glyphrender.errors import DataError, DependencyError
from glyphrender.train.reader.align import cell_labels, cells_of_text
from glyphrender.train.reader.reading import Prose, RandomCharacters, Transcriptions, plain_prose

BOOK = Path(__file__).parents[1] / "benchmarks" / "texts" / "pride-and-prejudice.txt"
PAGE = {
    "dpi": 72,
    "margin_x": 0,
    "margin_y": 0,
    "auto_crop_width": False,
    "auto_crop_last_page": False,
    "overlap": "ALLOW",
}


def read_cells(labels: np.ndarray, columns: int) -> list[str]:
    """Return the characters of each row of cells, blanks (0) left out."""
    rows = labels.reshape(-1, columns * labels.shape[1])
    return ["".join(chr(code) for code in row if code) for row in rows.tolist()]


def labels_of(text: str, theta: Theta, slots: int) -> np.ndarray:
    (page,) = layout(text, theta)
    return cell_labels(page, lambda each: list(map(ord, each)), slots=slots, blank=0)


def test_cells_of_monospaced_type_have_their_characters_in_order():
    pages = RandomCharacters(a_cell=4)((4, 3), np.random.default_rng(0))
    assert read_cells(labels_of(pages.text, pages.theta, 4), 4) == pages.text.split("\n")


def test_one_character_a_cell_leaves_its_space_to_the_cell():
    pages = RandomCharacters(a_cell=1)((16, 3), np.random.default_rng(0))
    assert [pages.text.count("\n"), len(pages.text)] == [2, 50]
    assert read_cells(labels_of(pages.text, pages.theta, 1), 16) == pages.text.split("\n")


@pytest.mark.parametrize("kerning", [True, False])
@pytest.mark.parametrize("font", ["DejaVu Sans", "DejaVu Serif", "Inter"])
def test_cells_of_proportional_type_hold_the_whole_line_in_order(font, kerning):
    line = "AVAVA Wave, To Yes. fi ffl"
    theta = Theta(**PAGE, page_size=(336, 28), font=font, font_size=18, line_height=28, kerning=kerning)
    assert read_cells(labels_of(line, theta, 8), 12) == [line]


def test_kerning_moves_characters_to_the_cells_that_they_are_drawn_in():
    """A character's cell is where its ink is, so labels differ with kerning where the ink does."""
    line = "AVAVAVAVAVAVAVAVAVAV"
    cells = [
        labels_of(line, Theta(**PAGE, page_size=(336, 28), font_size=18, line_height=28, kerning=kerning), 8)
        for kerning in (True, False)
    ]
    assert (cells[0] != cells[1]).any()


def test_two_lines_in_a_cell_have_each_a_band_of_the_slots():
    theta = Theta(**PAGE, page_size=(56, 28), font="DejaVu Sans Mono", font_size=11.62, line_height=14)
    labels = labels_of("abcdefgh\nABCDEFG", theta, 12)
    assert ["".join(chr(code or 32) for code in cell) for cell in labels.tolist()] == ["abcd  ABCD  ", "efgh  EFG   "]


@pytest.mark.parametrize("height", [14, 28])
def test_each_character_is_looked_for_in_the_cell_that_has_it(height):
    text = 'It is a "truth",\nuniversally - Yes!\nAVA To. ffi'
    theta = Theta(**PAGE, page_size=(308, 84), font="DejaVu Serif", font_size=14, line_height=height)
    (page,) = layout(text, theta)
    labels, cells = labels_of(text, theta, 16), cells_of_text(page)
    assert [letter for letter, cell in zip(text, cells, strict=True) if cell < 0] == ["\n", "\n"]
    for cell in range(len(labels)):
        written = [letter for letter, place in zip(text, cells.tolist(), strict=True) if place == cell]
        assert written == [chr(code) for code in labels[cell] if code]


def test_a_page_of_broken_cells_is_refused_with_the_way_out():
    with pytest.raises(DataError, match=r"100×28 px is not made of whole cells of 28 px. Set page_grid=28"):
        labels_of("a", Theta(**PAGE, page_size=(100, 28), font_size=18, line_height=28), 4)


def test_fewer_slots_than_lines_in_a_cell_are_refused():
    with pytest.raises(DataError, match=r"slots=1 are fewer than the 2 lines in a cell"):
        labels_of("a", Theta(**PAGE, page_size=(56, 28), font_size=12, line_height=14), 1)


@pytest.mark.parametrize("anywhere", [False, True])
@pytest.mark.parametrize("size, height", [(22, 28), (14, 14), (12, 14)])
def test_lines_of_prose_fill_pages_and_are_not_broken_again(size, height, anywhere):
    text = plain_prose(BOOK.read_text()[:60_000])
    writer = Prose(text=text, font_size=size, line_height=height, anywhere=anywhere)
    for number in range(20):
        pages = writer((8, 3), np.random.default_rng(number))
        (page,) = layout(pages.text, pages.theta)
        assert [line.text.rstrip("\n") for line in page.lines] == pages.text.split("\n")
        assert len(page.lines) == 84 // height
        assert page.size == (224, 84)


def test_a_line_that_ends_inside_a_word_fits_where_it_stands_alone():
    """The kerning of "-T" makes the line 1.3 px narrower before "Though" than it is alone."""
    text = "the last with trembling energy.--Though Lydia had never been a favourite with them, " * 40
    writer = Prose(text=text, font_size=14, line_height=14)
    assert "the last with trembling energy.--" in [
        line.text for page in layout(text, writer.theta((8, 30))) for line in page.lines
    ]
    for number in range(40):
        pages = writer((8, 3), np.random.default_rng(number))
        (page,) = layout(pages.text, pages.theta)
        assert [line.text.rstrip("\n") for line in page.lines] == pages.text.split("\n")


def test_pages_from_anywhere_have_lines_that_the_whole_text_has_not_and_words_of_its_part():
    text = " ".join(f"word{number}" for number in range(2000))
    writer = Prose(text=text, font_size=14, part=(0, 0.9), anywhere=True)
    pages = [writer((8, 3), np.random.default_rng(number)).text for number in range(40)]
    known, words = set(writer.lines(8)), set(text.split()[:1800])
    lines = [line for page in pages for line in page.split("\n")]
    assert len(set(pages)) == 40
    assert sum(line not in known for line in lines) > len(lines) / 4
    assert set(" ".join(lines).split()) <= words


def test_parts_of_a_text_have_no_line_in_common():
    text = " ".join(f"word{number}" for number in range(2000))
    first, second = (Prose(text=text, font_size=14, part=part).lines(8) for part in ((0, 0.9), (0.9, 1)))
    words = [set(" ".join(lines).split()) for lines in (first, second)]
    assert not words[0] & words[1]
    assert len(words[0] | words[1]) == 2000


def test_samples_follow_from_seed_and_number_and_a_batch_has_one_shape():
    rows = {
        seed: Transcriptions(
            writer=RandomCharacters(a_cell=4),
            shapes=[(2, 1), (4, 3), (8, 8)],
            question="Read.",
            batch=4,
            count=80,
            seed=seed,
        )
        for seed in (0, 1)
    }
    assert rows[0][33] == rows[0][33]
    assert rows[0][33].learned != rows[1][33].learned
    sizes = [[sample.pages[0].theta.page_size for sample in list(rows[0])[at : at + 4]] for at in range(0, 80, 4)]
    assert all(len(set(batch)) == 1 for batch in sizes)
    assert len({batch[0] for batch in sizes}) == 3


def test_prose_that_does_not_fill_a_page_is_refused():
    with pytest.raises(DataError, match=r"has 1 lines of 8 cells, a page has 3"):
        Prose(text="Too short.", font_size=22)((8, 3), np.random.default_rng(0))


@pytest.fixture(scope="module")
def reader():
    pytest.importorskip("torch")
    from glyphrender.train.reader.tiny_reader import tiny_reader

    return tiny_reader(seed=3)


@pytest.mark.slow
def test_a_white_page_is_zero_to_the_model_and_ink_is_large(reader):
    images = reader[1].image_processor(np.full((28, 56, 3), 255, np.uint8), return_tensors="pt")
    assert images["pixel_values"].abs().max() < 1e-6
    ink = reader[1].image_processor(np.zeros((28, 56, 3), np.uint8), return_tensors="pt")["pixel_values"]
    assert float(ink.min()) == pytest.approx(1 / 0.3)
    assert images["image_grid_thw"].tolist() == [[1, 2, 4]]  # small pages are not enlarged


@pytest.mark.slow
def test_the_fast_path_gives_the_pixel_values_of_the_processor(reader):
    from glyphrender.adapters.pixels import Patchify

    pages = list(layout("To be, or not\nto be", Theta(**PAGE, page_size=(112, 56), font_size=14, line_height=28)))
    slow = reader[1].image_processor([page.image for page in pages], return_tensors="pt")
    quick = Patchify.of(reader[1])(pages)
    assert (slow["pixel_values"] - quick["pixel_values"]).abs().max() < 1e-5
    assert (slow["image_grid_thw"] == quick["image_grid_thw"]).all()


@pytest.mark.slow
def test_attention_over_equal_pages_gives_what_transformers_gives_and_saves_nothing_new(reader):
    import torch

    from glyphrender.train.reader.equal_pages import equal_pages
    from glyphrender.train.reader.tiny_reader import tiny_reader

    model, _ = tiny_reader(seed=3)
    plain, _ = tiny_reader(seed=3)
    equal_pages(model)
    assert list(model.state_dict()) == list(plain.state_dict())
    for grid in ([[1, 6, 8]] * 3, [[1, 6, 8], [1, 2, 4]]):
        patches = torch.rand(sum(rows * columns for _, rows, columns in grid), 588)
        one, other = (each.model.visual(patches, grid_thw=torch.tensor(grid)).pooler_output for each in (model, plain))
        assert (one - other).abs().max() < 1e-5


@pytest.mark.slow
def test_a_saved_reader_loads_in_transformers_with_the_same_weights(reader, tmp_path):
    from transformers import AutoProcessor, Glm4vForConditionalGeneration

    from glyphrender.train.reader.tiny_reader import save_reader

    save_reader(*reader, tmp_path)
    again = Glm4vForConditionalGeneration.from_pretrained(tmp_path)
    assert all((one == other).all() for one, other in zip(again.parameters(), reader[0].parameters(), strict=True))
    processor = AutoProcessor.from_pretrained(tmp_path, trust_remote_code=True)
    assert list(processor.image_processor.image_std) == [-0.3] * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"hidden_size": 130}, r"hidden_size=130 is not a multiple of heads=4"),
        ({"rope_sections": (4, 4)}, r"rope_sections=\(4, 4\) are 8 frequencies. A head of 32 with rotary=0.75 has 12"),
    ],
)
def test_widths_that_do_not_fit_are_refused(wrong, message):
    from glyphrender.train.reader.tiny_reader import tiny_reader

    with pytest.raises(DataError, match=message):
        tiny_reader(**wrong)


@pytest.mark.slow
@pytest.mark.usefixtures("reader")  # which skips the test without torch
def test_a_version_of_transformers_without_the_image_processor_is_told(monkeypatch):
    from glyphrender.train.reader.tiny_reader import tiny_reader

    monkeypatch.setitem(sys.modules, "transformers.models.glm4v.image_processing_pil_glm4v", None)
    with pytest.raises(DependencyError, match="a tiny reader needs torch and transformers"):
        tiny_reader()


@pytest.mark.slow
def test_pointing_is_the_cross_entropy_of_the_attention_that_the_model_has():
    import torch

    from glyphrender.train.reader.align import Pointing
    from glyphrender.train.reader.reading_trainer import ReadingCollator
    from glyphrender.train.reader.tiny_reader import READ, tiny_reader

    model, processor = tiny_reader(seed=1)
    model.set_attn_implementation("eager")
    samples = list(Transcriptions(writer=RandomCharacters(a_cell=2), shapes=[(3, 2)], question=READ, count=3))
    batch = ReadingCollator(processor, 2)(samples)
    looks, image = batch.pop("looks"), batch["mm_token_type_ids"] == 1
    del batch["cell_labels"]
    pointing = Pointing(model, [1])
    with torch.no_grad():
        attention = model(**batch, output_attentions=True).attentions[1]
        loss, right = pointing(looks, image)
    pointing.remove()
    text = [sample.learned for sample in samples]
    assert [int((row >= 0).sum()) for row in looks] == [len(each) - each.count("\n") for each in text]
    expected, found = [], []
    for sample in range(3):
        for place in looks[sample].ge(0).nonzero().flatten().tolist():
            over = attention[sample, :, place][:, image[sample]]
            expected.append(-(over / over.sum(-1, keepdim=True))[:, looks[sample, place]].log())
            found.append(over.argmax(-1) == looks[sample, place])
            # The token that follows is the character of the cell that is looked for.
            letter = processor.tokenizer.decode(batch["input_ids"][sample, place + 1])
            column, row = int(looks[sample, place]) % 3, int(looks[sample, place]) // 3
            assert letter in text[sample].split("\n")[row][2 * column : 2 * column + 2]
    assert float(loss) == pytest.approx(float(torch.stack(expected).mean()), rel=1e-4)
    assert float(right) == pytest.approx(float(torch.stack(found).float().mean()))


@pytest.mark.slow
def test_slips_change_what_is_seen_and_not_what_is_learned(reader):
    import torch

    from glyphrender.train.reader.reading_trainer import ReadingCollator
    from glyphrender.train.reader.tiny_reader import READ

    _, processor = reader
    samples = list(Transcriptions(writer=RandomCharacters(a_cell=4), shapes=[(6, 4)], question=READ, count=8))
    whole = ReadingCollator(processor, 4)(samples)
    torch.manual_seed(3)
    batch = ReadingCollator(processor, 4, slips=0.2)(samples)
    for name in ("labels", "looks", "cell_labels", "pixel_values"):
        assert torch.equal(batch[name], whole[name])
    changed = batch["input_ids"] != whole["input_ids"]
    (line_end,) = processor.tokenizer("\n", add_special_tokens=False)["input_ids"]
    kept = (whole["labels"] < 0) | (whole["labels"] == line_end) | (whole["labels"] == processor.tokenizer.eos_token_id)
    assert not changed[kept].any()
    # A fifth of the characters is drawn anew; some draw themselves.
    assert 0.15 < float(changed[~kept].float().mean()) < 0.25
