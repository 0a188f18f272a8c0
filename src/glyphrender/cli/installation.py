"""Which parts of the installation work: each is used once, in the smallest way that shows it.

A part whose extra is not installed is missing, which is no fault. A part that is installed and fails is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Literal, TypeAlias

__all__ = ["InstalledPart", "parts"]

_TEXT: Final = "This page is read here."

State: TypeAlias = Literal["works", "missing", "broken"]
#: The name of a part, its extra, and a function that uses it.
Check: TypeAlias = tuple[str, str, Callable[[], str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class InstalledPart:
    """A part of the installation.

    Attributes:
        name: what the part does.
        extra: the extra that installs it; empty for the core.
        state: "works", "missing" (the extra is not installed) or "broken".
        detail: what was seen: versions, the device, or why it is broken.
    """

    name: str
    extra: str
    state: State
    detail: str


def parts(checks: Sequence[Check] | None = None) -> Iterator[InstalledPart]:
    """Yield the parts, in a fixed order. Each is tried when it is reached.

    Args:
        checks: name, extra and function of each part. The function returns what was seen, or raises. By default the
            parts of glyphrender.
    """
    from glyphrender.errors import DependencyError

    for name, extra, check in _CHECKS if checks is None else checks:
        state: State = "works"
        try:
            detail = check()
        except (DependencyError, ImportError) as error:
            # A package that is there and cannot be loaded is broken; `DependencyError` says so in its words.
            there = "cannot be loaded" in str(error) or (
                isinstance(error, ImportError) and not isinstance(error, ModuleNotFoundError | DependencyError)
            )
            state, detail = ("broken", str(error)) if there else ("missing", _way_out(extra))
        except Exception as error:
            state, detail = "broken", f"{type(error).__name__}: {error}"
        yield InstalledPart(name=name, extra=extra, state=state, detail=detail)


def _way_out(extra: str) -> str:
    from glyphrender.errors import the_extra

    return f"install {the_extra(extra)}"


def _versions(*packages: str) -> str:
    found = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _page() -> Any:
    from glyphrender.document.render import render

    return render(_TEXT, {"font_size": 16, "line_height": 20})[0]


def _drawing() -> str:
    size = len(_page().png())
    return f"a page of {size:,} bytes; {_versions('skia-python', 'uharfbuzz', 'numpy', 'pillow')}"


def _fonts() -> str:
    from glyphrender.fonts import families

    own, every = len(list(families(system=False))), len(list(families(system=True)))
    return f"{own} families come along, {every - own} more are in the system's folders"


def _tokenizers() -> str:
    from glyphrender.models.tokenizers import tokenizer

    return f"{tokenizer('qwen3').count(_TEXT)} tokens; {_versions('splintr-rs')}"


def _tesseract() -> str:
    from glyphrender.ocr.tesseract import Tesseract

    return _read(Tesseract()(_page().image), _versions("tesserocr"))


def _rapidocr() -> str:
    from glyphrender.ocr.rapidocr import RapidOcr

    return _read(RapidOcr()(_page().image), _versions("rapidocr", "onnxruntime"))


def _read(text: str, versions: str) -> str:
    if "page" not in text:
        raise ValueError(f"read {text.strip()[:40]!r} in place of {_TEXT!r}")
    return f"reads a page; {versions}"


def _markup() -> str:
    from glyphrender.rich.markdown import from_markdown

    styled = from_markdown("# Heading\n\n```python\nimport this\n```\n")
    bold = [styled.source[span.start : span.end] for span in styled.spans if span.style.weight]
    if bold != ["# Heading", "import"]:
        raise ValueError(f"draws {bold} in bold in place of a heading and a keyword")
    return f"Markdown with code; {_versions('markdown-it-py', 'Pygments')}"


def _torch() -> str:
    import torch
    import transformers  # noqa: F401

    from glyphrender.inference.transformers import torch_device

    device = torch_device()
    total = float(torch.ones(2, device=device).sum())
    if total != 2:
        raise ValueError(f"1 + 1 is {total} on {device}")
    return f"device {device}; {_versions('torch', 'transformers')}"


def _imported(*modules: str, packages: tuple[str, ...] = ()) -> Callable[[], str]:
    """Return a check that imports modules and names versions."""

    def check() -> str:
        from importlib import import_module

        for module in modules:
            import_module(module)
        return _versions(*(packages or modules))

    return check


def _pdf() -> str:
    import img2pdf

    size = len(img2pdf.convert(_page().png()))
    return f"a PDF of {size:,} bytes; {_versions('img2pdf')}"


_CHECKS: Final[tuple[Check, ...]] = (
    ("pages", "", _drawing),
    ("fonts", "", _fonts),
    ("styles", "markup", _markup),
    ("text tokens", "ratio", _tokenizers),
    ("model servers", "chat", _imported("openai")),
    ("models here", "transformers", _torch),
    ("training", "train", _imported("trl", "peft", "accelerate", "datasets")),
    ("benchmarks", "evals", _imported("pyarrow", "datasets", "bm25s", "nltk", "rjieba", "pypdfium2")),
    ("corpora", "corpus", _imported("pyarrow")),
    ("Tesseract", "reader", _tesseract),
    ("RapidOCR", "rapidocr", _rapidocr),
    ("PDF", "pdf", _pdf),
    ("hyphenation", "hyphenate", _imported("pyphen")),
    ("Thai words", "icu", _imported("icu4py.breakers", packages=("icu4py",))),
    ("compiled drawing", "fast", _imported("numba")),
)
