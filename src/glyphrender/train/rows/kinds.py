"""The kinds of rows that continual pre-training mixes, and the instruction that asks for a copy of pages."""

from __future__ import annotations

from typing import Final

__all__ = ["COPY_PAGES", "CPT_KINDS"]

#: The kinds of rows of continual pre-training (`cpt_rows.py`), as the Glyph paper names them.
CPT_KINDS: Final = ("ocr", "interleaved", "generation")
#: The instruction of rows that transcribe pages; `glyphrender.tasks` asks for copies by the same words.
COPY_PAGES: Final = "Copy all text of the page images, exactly as it stands there, and write nothing else."
