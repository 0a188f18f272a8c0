"""A model of a million parameters learns to read pages that it has not seen, from nothing. This trains for real."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def test_a_tiny_reader_reads_held_out_pages_of_random_characters(tmp_path):
    """3 × 16 of 73 characters, one a visual token: no language model can guess them, so the score is reading alone."""
    pytest.importorskip("torch")
    import torch

    from glyphrender.train.reader.reading import RandomCharacters, Transcriptions
    from glyphrender.train.reader.reading_trainer import read_pages, score, train_reader
    from glyphrender.train.reader.tiny_reader import READ, tiny_reader

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        model, processor = tiny_reader(vision_layers=0)
        pages = {"writer": RandomCharacters(a_cell=1), "shapes": [(16, 3)], "question": READ}
        log = train_reader(
            model, processor, Transcriptions(**pages, count=125 * 16), out=tmp_path, steps=125, alone=40, log_every=20
        )
        held_out = list(Transcriptions(**pages, batch=64, count=64, seed=777_777))
        wanted = [sample.learned for sample in held_out]
        read = score(read_pages(model, processor, held_out), wanted)
    finally:
        torch.set_num_threads(threads)

    # Stage 0 knows the character of nearly every cell before the language model sees one.
    assert log[1]["cells"] > 0.95
    assert log[-1]["loss"] < log[2]["loss"] / 4
    assert read.error.mean < 0.02
    assert read.exact.mean > 0.8
    # The other pages are no part of the reason: what is read is the page, not a page.
    assert score(read_pages(model, processor, held_out[:1]), [wanted[1]]).error.mean > 0.8
