"""glyphrender: text → page images for vision-language models.

    from glyphrender import Theta, render

    document = render(text, Theta.preset("dense"))
    document[0].image             # PIL; "dense" is for prose, and loses identifiers
    document.save("pages")        # page_0001.png …, manifest.json

The public names are those in `__all__`. Each is imported when it is first used, so that `import glyphrender` is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from glyphrender._system.version import __version__

if TYPE_CHECKING:
    from glyphrender.document.document import Document as Document
    from glyphrender.document.extension import Extended as Extended
    from glyphrender.document.layout import layout as layout
    from glyphrender.document.layout import layout_each as layout_each
    from glyphrender.document.page import Page as Page
    from glyphrender.document.render import render as render
    from glyphrender.document.render import render_file as render_file
    from glyphrender.document.span import Span as Span
    from glyphrender.document.stream import PageStream as PageStream
    from glyphrender.errors import BudgetSpent as BudgetSpent
    from glyphrender.errors import DataError as DataError
    from glyphrender.errors import DependencyError as DependencyError
    from glyphrender.errors import EndpointError as EndpointError
    from glyphrender.errors import FontError as FontError
    from glyphrender.errors import GlyphRenderError as GlyphRenderError
    from glyphrender.errors import LayoutError as LayoutError
    from glyphrender.errors import RequestRefused as RequestRefused
    from glyphrender.errors import ResourceError as ResourceError
    from glyphrender.errors import ThetaError as ThetaError
    from glyphrender.errors import TokenizerError as TokenizerError
    from glyphrender.errors import VisionModelError as VisionModelError
    from glyphrender.models.tokenizers import TOKENIZERS as TOKENIZERS
    from glyphrender.models.vision import VISION_MODELS as VISION_MODELS
    from glyphrender.raster.typesetter import Typesetter as Typesetter
    from glyphrender.raster.typesetter import default_typesetter as default_typesetter
    from glyphrender.ratio.align import align as align
    from glyphrender.ratio.costs import Ratio as Ratio
    from glyphrender.ratio.fit import Fit as Fit
    from glyphrender.ratio.fit import fit as fit
    from glyphrender.ratio.propose import Proposal as Proposal
    from glyphrender.ratio.propose import propose as propose
    from glyphrender.ratio.ratio import Worth as Worth
    from glyphrender.ratio.ratio import compression_ratio as compression_ratio
    from glyphrender.ratio.ratio import worth_it as worth_it
    from glyphrender.rich.code import from_code as from_code
    from glyphrender.rich.conversation import Transcript as Transcript
    from glyphrender.rich.conversation import from_messages as from_messages
    from glyphrender.rich.diff import from_diff as from_diff
    from glyphrender.rich.markdown import from_markdown as from_markdown
    from glyphrender.rich.rich_text import RichText as RichText
    from glyphrender.rich.style import BlockStyle as BlockStyle
    from glyphrender.rich.style import Style as Style
    from glyphrender.rich.terminal import from_terminal as from_terminal
    from glyphrender.text.parts import Part as Part
    from glyphrender.text.parts import PartSpan as PartSpan
    from glyphrender.theta import Theta as Theta
    from glyphrender.theta import ThetaLike as ThetaLike

# Module → the public names that it has. `__all__` follows from this table; a test compares the imports above with it,
# which are for type checkers and editors.
_PUBLIC = {
    "document.document": ("Document",),
    "document.extension": ("Extended",),
    "document.layout": ("layout", "layout_each"),
    "document.page": ("Page",),
    "document.render": ("render", "render_file"),
    "document.span": ("Span",),
    "document.stream": ("PageStream",),
    "errors": (
        "BudgetSpent",
        "DataError",
        "DependencyError",
        "EndpointError",
        "FontError",
        "GlyphRenderError",
        "LayoutError",
        "RequestRefused",
        "ResourceError",
        "ThetaError",
        "TokenizerError",
        "VisionModelError",
    ),
    "models.tokenizers": ("TOKENIZERS",),
    "models.vision": ("VISION_MODELS",),
    "raster.typesetter": ("Typesetter", "default_typesetter"),
    "ratio.align": ("align",),
    "ratio.costs": ("Ratio",),
    "ratio.fit": ("Fit", "fit"),
    "ratio.propose": ("Proposal", "propose"),
    "ratio.ratio": ("Worth", "compression_ratio", "worth_it"),
    "rich.code": ("from_code",),
    "rich.conversation": ("Transcript", "from_messages"),
    "rich.diff": ("from_diff",),
    "rich.markdown": ("from_markdown",),
    "rich.rich_text": ("RichText",),
    "rich.style": ("BlockStyle", "Style"),
    "rich.terminal": ("from_terminal",),
    "text.parts": ("Part", "PartSpan"),
    "theta": ("Theta", "ThetaLike"),
}
_HOME = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"glyphrender.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'glyphrender' has no attribute {name!r}")


def __dir__() -> list[str]:
    # The public names alone: completion in an editor should not offer what this module itself imports.
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
