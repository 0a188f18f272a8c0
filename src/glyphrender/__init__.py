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
    from glyphrender.document.document import Document, layout, render
    from glyphrender.document.page import Page, Span
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
    from glyphrender.raster.typesetter import Typesetter, default_typesetter
    from glyphrender.ratio.fit import Fit, fit
    from glyphrender.ratio.ratio import Ratio, compression_ratio, worth_it
    from glyphrender.theta import Theta

__version__ = "0.1.0"

_HOME = {
    "Document": "document.document",
    "Page": "document.page",
    "Span": "document.page",
    "Fit": "ratio.fit",
    "Ratio": "ratio.ratio",
    "compression_ratio": "ratio.ratio",
    "fit": "ratio.fit",
    "layout": "document.document",
    "render": "document.document",
    "Theta": "theta",
    "Typesetter": "raster.typesetter",
    "default_typesetter": "raster.typesetter",
    "worth_it": "ratio.ratio",
}

__all__ = [
    "DataError",
    "DependencyError",
    "Document",
    "EndpointError",
    "Fit",
    "FontError",
    "GlyphRenderError",
    "LayoutError",
    "Page",
    "Ratio",
    "Span",
    "Theta",
    "ThetaError",
    "TokenizerError",
    "Typesetter",
    "VisionModelError",
    "__version__",
    "compression_ratio",
    "default_typesetter",
    "fit",
    "layout",
    "render",
    "worth_it",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        value = getattr(import_module(f"glyphrender.{_HOME.get(name, 'errors')}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'glyphrender' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
