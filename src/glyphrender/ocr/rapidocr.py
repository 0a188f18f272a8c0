"""RapidOCR as a second reader of pages: PP-OCR models from a wheel, without internet or GPU (extra `rapidocr`).

RapidOCR shares no code or data with Tesseract. If both read a θ better, the gain is not a peculiarity of one reader.
RapidOCR reads Chinese and English with the same weights. It takes 1.7 s of one core for 1,000 characters, many times as
long as Tesseract. So use it for excerpts and to check a result, rather than for a search.

Three settings differ from RapidOCR's defaults. First, pages are enlarged to twice their size: of 10 lines at 9 px,
RapidOCR misses one at the original size and none at twice the size. Second, boxes are sorted into lines by their
overlap. RapidOCR's own order puts any two boxes less than 10 px apart on one line, which shuffles lines of 10 px.
Third, the check for upside-down lines is off.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from glyphrender.errors import DataError, DependencyError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["RapidOcr"]

_PARAMETERS: Final = {
    "Global.log_level": "critical",
    "Global.use_cls": False,
    # This limit applies to the enlarged page. The default of 2000 px would shrink wide pages again.
    "Global.max_side_len": 100_000,
    # By default a side below 736 px is enlarged to 736 px: an excerpt 80 px high would become nine times as high.
    "Det.limit_type": "max",
    "Det.limit_side_len": 100_000,
    # A batch is padded to its longest line. On one core, one line at a time is a fifth faster.
    "Rec.rec_batch_num": 1,
    # RapidOCR's own threads slow down the threads or processes that call it.
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}
# An engine keeps state between the steps of one page, so each thread has its own. An engine takes 0.2 s and 55 MB.
_engines = threading.local()


@dataclass(frozen=True, kw_only=True, slots=True)
class RapidOcr:
    """A `PageReader` that finds the lines of a page and reads them. It may be called from any thread.

    Attributes:
        enlarge: factor by which each side is enlarged before the page is read, by Lanczos interpolation.

    Raises:
        DependencyError: rapidocr or onnxruntime is not installed.
        DataError: `enlarge` is below 1.
    """

    enlarge: int = 2

    def __post_init__(self) -> None:
        try:
            import onnxruntime  # noqa: F401
            import rapidocr  # noqa: F401
        except ImportError as error:
            need, otherwise = f"reading pages by RapidOCR needs the package {error.name}", ", or pass another reader"
            raise DependencyError.of(error, need, extra="rapidocr", otherwise=otherwise) from error
        if self.enlarge < 1:
            raise DataError(f"enlarge={self.enlarge} is below 1. Use 1 for pages as they are, or 2.")

    def __call__(self, image: Image, /) -> str:
        """Return the text that RapidOCR reads on `image`: one line of text for each line that it finds.

        Lines go across all columns of a page.
        """
        import numpy as np
        from PIL.Image import Resampling

        color = image.convert("RGB")
        if self.enlarge != 1:
            size = (color.width * self.enlarge, color.height * self.enlarge)
            color = color.resize(size, Resampling.LANCZOS)
        found = _engine()(np.asarray(color)[:, :, ::-1])
        if found.boxes is None or found.txts is None:
            return ""
        return in_reading_order(
            TextBox(top=box[:, 1].min(), bottom=box[:, 1].max(), left=box[:, 0].min(), text=text)
            for box, text in zip(found.boxes, found.txts, strict=True)
        )


class TextBox(NamedTuple):
    """A part of a line: its place in pixels, and its text."""

    top: float
    bottom: float
    left: float
    text: str


def in_reading_order(boxes: Iterable[TextBox]) -> str:
    """Return the text of `boxes`, line by line from left to right.

    Boxes whose middles are less than half a height apart are on one line.
    """
    lines: list[list[TextBox]] = []
    for box in sorted(boxes, key=lambda box: box.top + box.bottom):
        if lines:
            last = lines[-1][-1]
            apart = (box.top + box.bottom - last.top - last.bottom) / 2
            if apart < min(box.bottom - box.top, last.bottom - last.top) / 2:
                lines[-1].append(box)
                continue
        lines.append([box])
    return "\n".join(" ".join(box.text for box in sorted(line, key=lambda box: box.left)) for line in lines)


def _engine() -> Any:
    """Return the engine of this thread."""
    if not hasattr(_engines, "engine"):
        from rapidocr import RapidOCR

        _engines.engine = RapidOCR(params=dict(_PARAMETERS))
    return _engines.engine
