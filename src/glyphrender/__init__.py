"""glyphrender: text → page images for vision-language models.

    from glyphrender import Theta, render

    document = render(text, Theta.preset("dense"))
    document[0].image             # PIL
    document.save("pages")        # page_0001.png …, manifest.json

Everything public is in `__all__`; it is imported when first used, so that `import glyphrender` is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glyphrender.document import Document, Page, Span, layout, render
    from glyphrender.errors import (
        DataError,
        DependencyError,
        EndpointError,
        FontError,
        GlyphRenderError,
        LayoutError,
        ThetaError,
        TokenizerError,
        VisionModelError,
    )
    from glyphrender.theta import Theta

__version__ = "0.1.0"

_HOME = {
    "Document": "document",
    "Page": "document",
    "Span": "document",
    "layout": "document",
    "render": "document",
    "Theta": "theta",
}

__all__ = [
    "DataError",
    "DependencyError",
    "Document",
    "EndpointError",
    "FontError",
    "GlyphRenderError",
    "LayoutError",
    "Page",
    "Span",
    "Theta",
    "ThetaError",
    "TokenizerError",
    "VisionModelError",
    "__version__",
    "layout",
    "render",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        value = getattr(import_module(f"glyphrender.{_HOME.get(name, 'errors')}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'glyphrender' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
