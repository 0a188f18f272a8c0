"""The errors that glyphrender raises on purpose; anything else that escapes is a bug.

    GlyphRenderError
    ├── ThetaError            a field of θ, or two together, cannot be used
    ├── FontError             a font is missing, unreadable, or lacks what is needed
    ├── LayoutError           no line fits the page, or a limit on pages or pixels is passed
    ├── DataError             an input that cannot be read, or an output that cannot be written
    ├── DependencyError       an optional package or a system library is missing; says how to get it
    ├── TokenizerError        text tokens cannot be counted
    ├── VisionModelError      visual tokens cannot be counted
    └── EndpointError         a model server failed, or answered what cannot be used
        ├── RequestRefused    the server does not serve this request; asking again gives the same
        └── BudgetSpent       a stated limit on requests or tokens is reached

Every message is one line that names the field or file, its value, and the way out.
"""

from __future__ import annotations


class GlyphRenderError(Exception):
    """Base of every error in this package."""


class ThetaError(GlyphRenderError, ValueError):
    """A value of θ is out of range, of the wrong type, or contradicts another.

    Attributes:
        field: name of the first field at fault, as in `Theta`.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class FontError(GlyphRenderError):
    """A font cannot be found, cannot be read, or has no glyphs for Unicode text."""


class LayoutError(GlyphRenderError):
    """The text cannot be laid out: no line fits the page, or a limit would be passed."""


class DataError(GlyphRenderError):
    """Input that cannot be read as text, or output that cannot be written."""


class DependencyError(GlyphRenderError, ImportError):
    """An optional package, or a library of the system, is missing."""


class TokenizerError(GlyphRenderError):
    """Text tokens cannot be counted with this tokenizer."""


class VisionModelError(GlyphRenderError):
    """Visual tokens cannot be counted for this model or image size."""


class EndpointError(GlyphRenderError):
    """A model server refused, failed, or answered what cannot be used."""


class RequestRefused(EndpointError):
    """A model server answered that it will not serve this request. Asking again gives the same answer."""


class BudgetSpent(EndpointError):
    """A stated limit on requests or tokens is reached. What was answered is kept, and the run can be resumed."""
