"""Typeset: where the characters of a text go. No pixels are drawn here.

The way of a text, in the order of the calls in `layout.py`:

    analyse.py      a chunk of the source → a table of segments (`segments.py`): levels, break opportunities, words
    word_cache.py   words → segments in the glyph store; `word_index.py` finds a word that was met before
    new_words.py    new words → characters (`word_characters.py`) → `units.py` → glyphs (`shape.py`: HarfBuzz, by
                    `buffer.py`) → the glyph store (`glyph_store.py`)
    break_lines.py  segments → lines (`line_table.py`), of the widths in `line_metrics.py`: `greedy.py` for most
                    paragraphs, `careful.py` for those with tabs or hyphens, `optimal.py` for even lines
    paginate.py     lines → columns → pages (`page_layout.py`), whose size is known
    place.py        lines → where each glyph stands, in pixels (`line_boxes.py`); only when a page is drawn or asked

`style.py` is what a shaped word depends on; `shaper.py` owns what is remembered; `furniture.py` shapes what is not text
of the source; `shares.py` cuts a long text into parts for several processes.
"""
