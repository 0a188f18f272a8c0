"""The errors that glyphrender raises on purpose. Any other exception that escapes is a bug.

    GlyphRenderError
    ├── ThetaError            a field of θ, or two together, cannot be used       .field, .fields, .mistakes
    ├── FontError             a font is missing, unreadable or incomplete         .family
    ├── LayoutError           no line fits the page, or a limit is passed         .page
    ├── DataError             an input cannot be read, or an output written       .path
    ├── ResourceError         the machine failed: memory, disk, a killed process  .errno
    ├── DependencyError       an optional package or library is missing           .extra
    ├── TokenizerError        text tokens cannot be counted                       .tokenizer
    ├── VisionModelError      visual tokens cannot be counted                     .model
    ├── TrainingError         training stopped: a loss or gradient is not finite  .step, .path
    └── EndpointError         a model server failed, or its answer is unusable    .url, .status
        ├── RequestRefused    the server does not serve this request; asking again gives the same
        └── BudgetSpent       a stated limit on requests or tokens is reached

Every message is one line that names the field or file, its value, and the way out. The attributes on the right say the
same to a program. An attribute is empty ("" or None) where the error has nothing to name. All errors can be pickled,
and keep their attributes and notes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Self


def shown(value: object) -> str:
    """Return `value` as text for a message of one line. A long text is cut in the middle.

    >>> shown("x" * 80)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…xxxxxxxxxxxxxxx'"
    """
    try:
        # A member of an enumeration of strings is shown as its value. The repr of an array has several lines.
        text = " ".join(repr(str(value) if isinstance(value, str) else value).split())
    except ValueError:  # Python does not print an integer of more than 4,300 digits
        text = f"a huge {type(value).__name__}"
    except RecursionError:
        text = f"a deeply nested {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:40]}…{text[-16:]}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "page"), counted(1200, "page")
    ('1 page', '1,200 pages')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def one_line(message: str) -> str:
    """Return `message` on one line of bounded length.

    Characters that do not print, such as a newline in a file name, become escapes. A word of more than 500 characters,
    such as a path or a value that a message repeats, is cut in the middle.

    >>> one_line("a\\nb")
    'a\\\\nb'
    """
    if not message.isprintable():
        message = "".join(
            character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
            for character in message
        )
    if len(message) <= _LONGEST_WORD:
        return message
    words = (w if len(w) <= _LONGEST_WORD else f"{w[:240]}…{w[-240:]}" for w in message.split(" "))
    return " ".join(words)


_LONGEST_WORD = 500


class GlyphRenderError(Exception):
    """Base of every error in this package. The message becomes one line; see `one_line`."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))

    def with_context(self, context: str) -> Self:
        """Return an error of the same class and with the same attributes, whose message starts with `context`.

        >>> error = ThetaError("dpi=0 is out of range.", field="dpi").with_context("row 3")
        >>> str(error), error.field
        ('row 3: dpi=0 is out of range.', 'dpi')
        """
        error = type(self)(f"{context}: {self}")
        error.__dict__.update(self.__dict__)
        return error


class ThetaError(GlyphRenderError, ValueError):
    """A value of θ is out of range, has the wrong type, or contradicts another value.

    Attributes:
        field: name of the field to change first, as in `Theta`.
        fields: names of all fields that the message is about, `field` first. A θ with several mistakes gives one error
            that names them all.
        mistakes: the errors of the single mistakes, in a θ with several; else empty.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.fields: tuple[str, ...] = (field,) if field else ()
        self.mistakes: tuple[ThetaError, ...] = ()

    @classmethod
    def joined(cls, errors: Sequence[ThetaError]) -> ThetaError:
        """Return one error for several mistakes: their messages, one after the other on one line.

        >>> two = [ThetaError("dpi=0 is out of range.", field="dpi"), ThetaError("columns=0 is too.", field="columns")]
        >>> error = ThetaError.joined(two)
        >>> str(error), error.field, error.fields
        ('dpi=0 is out of range. columns=0 is too.', 'dpi', ('dpi', 'columns'))
        """
        if len(errors) == 1:
            return errors[0]
        error = cls(" ".join(map(str, errors)), field=errors[0].field)
        error.fields = tuple(dict.fromkeys(field for each in errors for field in each.fields))
        error.mistakes = tuple(alone for each in errors for alone in each.mistakes or (each,))
        return error


class FontError(GlyphRenderError):
    """A font cannot be found, cannot be read, or has no glyphs for Unicode text.

    Attributes:
        family: the family or the font file that was asked for.
    """

    def __init__(self, message: str, *, family: str = "") -> None:
        super().__init__(message)
        self.family = family


class LayoutError(GlyphRenderError):
    """The text cannot be laid out: no line fits the page, or a limit would be passed.

    Attributes:
        page: number of the page at which layout stopped; the first page is 1.
    """

    def __init__(self, message: str, *, page: int | None = None) -> None:
        super().__init__(message)
        self.page = page


class DataError(GlyphRenderError):
    """An input cannot be read as text or settings, or an output cannot be written.

    Attributes:
        path: the file or directory at fault.
    """

    def __init__(self, message: str, *, path: str | os.PathLike[str] = "") -> None:
        super().__init__(message)
        self.path = os.fspath(path)


class ResourceError(GlyphRenderError):
    """The machine failed, not the input: memory or disk space ran out, a disk failed, or a process was killed.

    The same call may succeed later, or on another machine.

    Attributes:
        errno: number of the system's error (`errno.ENOSPC`, …), where there was one.
    """

    def __init__(self, message: str, *, errno: int | None = None) -> None:
        super().__init__(message)
        self.errno = errno


def the_extra(extra: str) -> str:
    """Return the name of an extra with the command that installs it, for a message.

    The package may come from a clone or from an index, where the name is enough.

    >>> the_extra("pdf")
    "the extra pdf (in a clone of glyphrender: pip install '.[pdf]')"
    """
    return f"the extra {extra} (in a clone of glyphrender: pip install '.[{extra}]')"


class DependencyError(GlyphRenderError, ImportError):
    """An optional package, or a library of the system, is missing.

    Attributes:
        extra: the extra of glyphrender that installs it: "ratio" for `pip install '.[ratio]'` in a clone.
    """

    def __init__(self, message: str, *, extra: str = "") -> None:
        super().__init__(message)
        self.extra = extra

    @classmethod
    def of(cls, error: ImportError, need: str, *, extra: str, otherwise: str = "") -> DependencyError:
        """Return the error for a package that is not installed, or that is installed and cannot be loaded.

        Args:
            error: what the import raised.
            need: what needs which package: "a PDF needs the package img2pdf".
            extra: the extra that installs the package.
            otherwise: another way out: ", or pass a tokenizer".

        >>> print(DependencyError.of(ModuleNotFoundError(), "a PDF needs the package img2pdf", extra="pdf"))
        a PDF needs the package img2pdf. Install the extra pdf (in a clone of glyphrender: pip install '.[pdf]').
        """
        if isinstance(error, ModuleNotFoundError):
            return cls(f"{need}. Install {the_extra(extra)}{otherwise}.", extra=extra)
        reason = str(error).rstrip(".") or type(error).__name__
        return cls(f"{need}, which is installed and cannot be loaded ({reason}). Reinstall it{otherwise}.", extra=extra)


class TokenizerError(GlyphRenderError):
    """Text tokens cannot be counted with this tokenizer.

    Attributes:
        tokenizer: name of the tokenizer.
    """

    def __init__(self, message: str, *, tokenizer: str = "") -> None:
        super().__init__(message)
        self.tokenizer = tokenizer


class VisionModelError(GlyphRenderError):
    """Visual tokens cannot be counted for this model or this image size.

    Attributes:
        model: name of the vision model.
    """

    def __init__(self, message: str, *, model: str = "") -> None:
        super().__init__(message)
        self.model = model


class TrainingError(GlyphRenderError):
    """Training stopped, because it can lead nowhere: the loss of a batch or the gradient of a step is not finite.

    Attributes:
        step: number of the step that was not taken; the first step is 1.
        path: the file that its batch is saved in.
    """

    def __init__(self, message: str, *, step: int | None = None, path: str | os.PathLike[str] = "") -> None:
        super().__init__(message)
        self.step = step
        self.path = os.fspath(path)


class EndpointError(GlyphRenderError):
    """A model server refused a request, failed, or gave an answer that cannot be used.

    Attributes:
        url: address of the server.
        status: HTTP status of its answer, where there was one.
    """

    def __init__(self, message: str, *, url: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.url = url
        self.status = status


class RequestRefused(EndpointError):
    """A model server answered that it will not serve this request. Asking again gives the same answer."""


class BudgetSpent(EndpointError):
    """A stated limit on requests or tokens is reached. All replies so far are kept, and the run can be resumed."""
