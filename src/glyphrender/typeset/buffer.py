"""HarfBuzz buffers: text of one face, script and direction → arrays of glyphs.

The Python binding of HarfBuzz makes one object a glyph. Reading these objects takes 2.5 µs a word, seven times as long
as HarfBuzz takes to shape the word. The wheels for Linux and macOS export HarfBuzz's C interface, so there its arrays
are read instead. That interface, and the layout of the two structures that are read, have not changed since 2012. Where
the wheel does not export it, the objects are read. A test checks that both ways give the same glyphs.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from operator import attrgetter
from threading import local
from typing import Any, Final, Protocol

import numpy as np
import uharfbuzz as hb
from numpy.typing import NDArray

from glyphrender.fonts.face import EM, Face

# HarfBuzz drops joiners, variation selectors and bidi controls from its result: once the text is shaped, they have done
# their work.
_DROP: Final = hb.BufferFlags.REMOVE_DEFAULT_IGNORABLES
# The flags without dotted circles, and with them.
_FLAGS: Final = (_DROP | hb.BufferFlags.DO_NOT_INSERT_DOTTED_CIRCLE, _DROP)


class Buffer(Protocol):
    """A shaper of texts that have one face, script, direction, language and set of features."""

    def __call__(self, text: str, before: str = "", after: str = "", *, circles: bool = True) -> NDArray[np.int32]:
        """Return the glyphs of `text` as [6, glyphs], in visual order.

        The rows are: zeros (room for the caller's use), cluster (a character of `text`), glyph id, advance, x offset,
        and y offset. Lengths are EM units, y up. The letters of `text` join with `before` and `after`, which are not
        shaped themselves. With `circles`, a sign without a base gets a dotted circle.
        """


def buffer(face: Face, *, script: str, rtl: bool, language: str, features: dict[str, bool]) -> Buffer:
    """Return a buffer for text in `face`.

    Args:
        face: the face.
        script: an ISO 15924 tag.
        rtl: whether the text runs from right to left.
        language: a BCP 47 tag, or empty.
        features: OpenType feature → whether it is on; features that are not named keep HarfBuzz's default.

    Raises:
        FontError: the file of `face` cannot be read.
    """
    kind = NativeBuffer if c_library() is not None else ObjectBuffer
    return kind(face, script=script, rtl=rtl, language=language, features=features)


class ObjectBuffer:
    """A buffer that reads the objects of the Python binding."""

    _INFO: Final = tuple(map(attrgetter, ("cluster", "codepoint")))
    _POSITION: Final = tuple(map(attrgetter, ("x_advance", "x_offset", "y_offset")))

    def __init__(self, face: Face, *, script: str, rtl: bool, language: str, features: dict[str, bool]) -> None:
        self.font, self.features, self.language = face.hb_font, features, language
        self.script, self.direction = script, "rtl" if rtl else "ltr"
        self.buffer = hb.Buffer()

    def __call__(self, text: str, before: str = "", after: str = "", *, circles: bool = True) -> NDArray[np.int32]:
        """See `Buffer`."""
        buffer = self.buffer
        buffer.clear_contents()
        buffer.add_str(before + text + after, len(before), len(text))
        buffer.direction, buffer.script, buffer.flags = self.direction, self.script, _FLAGS[circles]
        if self.language:
            buffer.language = self.language
        hb.shape(self.font, buffer, self.features)
        infos, positions = buffer.glyph_infos, buffer.glyph_positions
        glyphs = np.zeros((6, len(infos)), np.int32)
        for row, field in enumerate(self._INFO, 1):
            glyphs[row] = np.fromiter(map(field, infos), np.int32, len(infos))
        for row, field in enumerate(self._POSITION, 3):
            glyphs[row] = np.fromiter(map(field, positions), np.int32, len(infos))
        glyphs[1] -= len(before)
        return glyphs


class NativeBuffer:
    """A buffer that calls HarfBuzz's C interface and reads its arrays."""

    def __init__(self, face: Face, *, script: str, rtl: bool, language: str, features: dict[str, bool]) -> None:
        library = c_library()
        assert library is not None
        self.library, self.font = library, _font(face)
        self.script, self.direction = _tag(script), _RTL if rtl else _LTR
        self.language = library.hb_language_from_string(language.encode(), -1) if language else None
        self.features = (_Feature * len(features))(
            *(_Feature(_tag(tag), value, 0, 0xFFFFFFFF) for tag, value in features.items())
        )

    def __call__(self, text: str, before: str = "", after: str = "", *, circles: bool = True) -> NDArray[np.int32]:
        """See `Buffer`."""
        library, buffer = self.library, thread_buffer()
        library.hb_buffer_reset(buffer)
        characters = (before + text + after).encode("utf-32-le", "surrogatepass")
        library.hb_buffer_add_utf32(buffer, characters, len(characters) // 4, len(before), len(text))
        library.hb_buffer_set_direction(buffer, self.direction)
        library.hb_buffer_set_script(buffer, self.script)
        if self.language:
            library.hb_buffer_set_language(buffer, self.language)
        library.hb_buffer_set_flags(buffer, int(_FLAGS[circles]))
        library.hb_shape(self.font, buffer, self.features, len(self.features))
        # hb_glyph_info_t is codepoint, mask, cluster and two private numbers; hb_glyph_position_t is x_advance,
        # y_advance, x_offset, y_offset and one private number. All are 32 bits wide.
        info = _five(library.hb_buffer_get_glyph_infos, buffer)
        position = _five(library.hb_buffer_get_glyph_positions, buffer)
        glyphs = np.zeros((6, len(info)), np.int32)
        glyphs[1:3] = info.T[[2, 0]]
        glyphs[3:] = position.T[[0, 2, 3]]
        glyphs[1] -= len(before)
        return glyphs


_LTR, _RTL = 4, 5  # hb_direction_t


class _Feature(ctypes.Structure):
    _fields_ = (
        ("tag", ctypes.c_uint32),
        ("value", ctypes.c_uint32),
        ("start", ctypes.c_uint),
        ("end", ctypes.c_uint),
    )


class _Variation(ctypes.Structure):
    _fields_ = (("tag", ctypes.c_uint32), ("value", ctypes.c_float))


# The C functions that are called: name → (type of the result, types of the arguments). A result is a pointer or
# nothing.
_FUNCTIONS: Final[dict[str, tuple[Any, ...]]] = {
    "hb_blob_create_from_file_or_fail": (ctypes.c_void_p, ctypes.c_char_p),
    "hb_face_create": (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint),
    "hb_font_create": (ctypes.c_void_p, ctypes.c_void_p),
    "hb_font_set_scale": (None, ctypes.c_void_p, ctypes.c_int, ctypes.c_int),
    "hb_font_set_variations": (None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint),
    "hb_language_from_string": (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int),
    "hb_buffer_create": (ctypes.c_void_p,),
    "hb_buffer_reset": (None, ctypes.c_void_p),
    "hb_buffer_add_utf32": (
        None,
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_int,
    ),
    "hb_buffer_set_direction": (None, ctypes.c_void_p, ctypes.c_int),
    "hb_buffer_set_script": (None, ctypes.c_void_p, ctypes.c_uint32),
    "hb_buffer_set_language": (None, ctypes.c_void_p, ctypes.c_void_p),
    "hb_buffer_set_flags": (None, ctypes.c_void_p, ctypes.c_uint),
    "hb_shape": (None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint),
    "hb_buffer_get_glyph_infos": (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p),
    "hb_buffer_get_glyph_positions": (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p),
}


@cache
def c_library() -> Any:
    """Return the HarfBuzz library inside the binding's module, or None where it exports no C interface."""
    try:
        # PyDLL, not CDLL, holds the interpreter's lock during a call. HarfBuzz in the wheels is built for one thread
        # (HB_NO_MT), so no other thread may run while it does.
        library = ctypes.PyDLL(hb._harfbuzz.__file__)
        for name, (result, *arguments) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (AttributeError, OSError):
        return None
    return library


@cache
def _font(face: Face) -> int:
    """Return the address of an hb_font_t like `face.hb_font`. It is never freed, because faces are kept too."""
    library = c_library()
    _ = face.hb_font  # raises FontError if the file cannot be read
    blob = library.hb_blob_create_from_file_or_fail(os.fsencode(face.path))
    font: int = library.hb_font_create(library.hb_face_create(blob, face.index))
    library.hb_font_set_scale(font, EM, EM)
    if face.variations:
        axes = (_Variation * len(face.variations))(*(_Variation(_tag(tag), value) for tag, value in face.variations))
        library.hb_font_set_variations(font, axes, len(axes))
    return font


_buffers = local()


def thread_buffer() -> int:
    """Return the address of this thread's hb_buffer_t."""
    pointer: int | None = getattr(_buffers, "pointer", None)
    if pointer is None:
        pointer = _buffers.pointer = c_library().hb_buffer_create()
    return pointer


def _five(get: Any, buffer: int) -> NDArray[np.int32]:
    """Return the structures that `get` points to, as [glyphs, 5] numbers."""
    length = ctypes.c_uint()
    pointer = get(buffer, ctypes.byref(length))
    # The memory is copied. A ctypes array over it would be a new class for each length, which takes longer to make.
    return np.frombuffer(ctypes.string_at(pointer, 20 * length.value), np.int32).reshape(-1, 5)


def _tag(tag: str) -> int:
    return int.from_bytes(tag.encode("ascii"), "big")
