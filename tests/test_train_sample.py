"""Samples, and the batches that the collator makes of them, against transformers' own processor."""

import pytest

from glyphrender import Theta, layout
from glyphrender.errors import DataError
from glyphrender.models.vision import vision_model
from glyphrender.train.rows.sample import Pages, Sample, Text, visual_tokens

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_glm4v import tiny_glm4v  # noqa: E402
from vision_language_models import family  # noqa: E402

from glyphrender.adapters.collator import Collator, render_chat  # noqa: E402
from glyphrender.train.rows.collate import SampleCollator, image_markup  # noqa: E402

VERSE = "In the beginning was the Word.\n" * 30
THETA = Theta(page_size=(140, 84), margin_x=0, margin_y=0, page_grid=28)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def processor():
    return tiny_glm4v()[1]


def chat_sample(processor, text, question, answer):
    """Return the sample of a chat with one document, and the chat with its pages as transformers takes it."""
    pages = [page.image for page in layout(text, THETA)]
    content = [{"type": "image", "image": page} for page in pages] + [{"type": "text", "text": question}]
    chat = [{"role": "user", "content": content}, {"role": "assistant", "content": [{"type": "text", "text": answer}]}]
    markup = image_markup(processor)
    before, after = render_chat(processor, chat[:1], answer=True).split(markup * len(pages))
    learned = render_chat(processor, chat).removeprefix(before + markup * len(pages) + after)
    parts = (Text(before, markup=True), Pages(text, THETA), Text(after, markup=True))
    return Sample(parts=(*parts, Text(learned, learn=True, markup=True)), key=question, ends=False), chat, pages


@pytest.mark.parametrize("name", ["glm-4.1v", "qwen2-vl", "qwen3-vl"])
def test_a_chat_becomes_the_batch_that_the_processor_and_the_chat_collator_make(name):
    processor = family(name)[1]
    given = [("What was?", "The Word."), ("Where is an answer that is longer?", "In the beginning,\n\nalways.")]
    made = [chat_sample(processor, VERSE[: 300 * (1 + n)], *pair) for n, pair in enumerate(given)]
    batch = SampleCollator(processor=processor)([sample for sample, _, _ in made])
    texts = [render_chat(processor, chat) for _, chat, _ in made]
    own = processor(text=texts, images=[pages for _, _, pages in made], padding=True, return_tensors="pt")
    for name in ("input_ids", "attention_mask", "mm_token_type_ids", "image_grid_thw"):
        assert torch.equal(batch[name], own[name]), name
    torch.testing.assert_close(batch["pixel_values"], own["pixel_values"], atol=1e-6, rtol=0)
    rows = [{"messages": chat} for _, chat, _ in made]
    assert torch.equal(batch["labels"], Collator(processor=processor)(rows)["labels"])


def test_special_tokens_in_a_text_of_a_corpus_are_characters(processor):
    text = "See <|user|> and <|image|> here."
    sample = Sample(parts=(Pages("A page.", THETA), Text(text, learn=True)), key="a")
    ids = SampleCollator(processor=processor)([sample])["input_ids"][0].tolist()
    assert processor.decode(ids).endswith(text + processor.tokenizer.eos_token)
    assert ids.count(processor.image_token_id) == visual_tokens(sample, vision_model("glm-4.1v"))


def test_learned_tokens_are_those_of_the_learned_texts_and_the_end(processor):
    parts = (Text("One. ", learn=True), Pages(VERSE, THETA), Text("Two. "), Text("Three.", learn=True))
    for ends in (True, False):
        batch = SampleCollator(processor=processor)([Sample(parts=parts, key="a", ends=ends)])
        learned = batch["labels"][batch["labels"] >= 0]
        assert processor.decode(learned) == "ne. Three." + processor.tokenizer.eos_token * ends


def test_the_first_token_is_not_learned_so_padding_does_not_change_the_loss(processor):
    model = tiny_glm4v()[0]
    samples = [
        Sample(parts=(Text("One.", learn=True), Pages(VERSE[:n], THETA), Text("Two.", learn=True))) for n in (9, 90)
    ]
    collate = SampleCollator(processor=processor)
    both, alone = collate(samples), [collate([sample]) for sample in samples]
    assert (both["labels"] >= 0).sum(1).tolist() == [8, 8]
    with torch.no_grad():
        losses = [float(model(**batch).loss) for batch in (both, *alone)]
    assert losses[0] == pytest.approx((losses[1] + losses[2]) / 2, rel=1e-4)


def test_samples_that_cannot_be_learned_are_refused_by_name(processor):
    collate = SampleCollator(processor=processor, max_length=20)
    for parts, words in [
        ((Pages("A page.", THETA),), "nothing to learn"),
        ((Pages("A page.", THETA), Text("", learn=True)), "nothing to learn"),
        ((Pages("", THETA), Text("A", learn=True)), "pages of an empty text"),
        ((Text("<|image|>", learn=True, markup=True),), "stands for an image"),
        ((Text("A" * 30, learn=True),), "31 tokens, above max_length=20"),
    ]:
        with pytest.raises(DataError, match=f"'b7'.*{words}|'b7' has {words}"):
            collate([Sample(parts=parts, key="b7")])
    with pytest.raises(DataError, match="no parts"):
        Sample(parts=(), key="b7")
    with pytest.raises(DataError, match="is no part"):
        Sample(parts=("text",), key="b7")


def test_samples_over_budget_are_left_out_and_counted(processor):
    collate = SampleCollator(processor=processor, max_length=20, over="drop")
    long, short = (Sample(parts=(Text("A" * n, learn=True),), key=str(n)) for n in (30, 3))
    assert len(collate([long, short])["input_ids"]) == 1
    assert (collate.counts["samples"], collate.counts["dropped"]) == (2, 1)
    blank = collate([long])
    assert (blank["labels"] < 0).all()
    assert len(blank["image_grid_thw"]) == collate.counts["blank"] == 1


def test_a_model_takes_the_batch(processor):
    model = tiny_glm4v()[0]
    sample = Sample(parts=(Pages(VERSE, THETA), Text("The Word.", learn=True)), key="a")
    other = Sample(parts=(Text("No pages here.", learn=True),), key="b")
    assert torch.isfinite(model(**SampleCollator(processor=processor)([sample, other])).loss)
