"""HarfBuzz buffers: text of one face, script and direction → arrays of glyphs.

The Python binding of HarfBuzz makes one object a glyph. Reading these objects takes 2.5 µs a word, seven times as long
as HarfBuzz takes to shape the word. The wheels for Linux and macOS export HarfBuzz's C interface, so there its arrays
are read instead. That interface, and the layout of the two structures that are read, have not changed since 2012. Where
the wheel does not export it, the objects are read. A test checks that both ways give the same glyphs.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from functools import cache, lru_cache
from operator import attrgetter
from threading import local
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
import uharfbuzz as hb
from numpy.typing import NDArray

from glyphrender.fonts.face import EM, Face

# HarfBuzz drops joiners, variation selectors and bidi controls from its result: once the text is shaped, they have done
# their work.
_DROP: Final = hb.BufferFlags.REMOVE_DEFAULT_IGNORABLES
# The flags without dotted circles, and with them.
_FLAGS: Final = (int(_DROP | hb.BufferFlags.DO_NOT_INSERT_DOTTED_CIRCLE), int(_DROP))


# What HarfBuzz holds after a call: the memory of its hb_glyph_info_t and of its hb_glyph_position_t, 20 bytes a glyph.
Shaped: TypeAlias = tuple[bytes, bytes]


class Buffer(Protocol):
    """A shaper of texts that have one face, script, direction, language and set of features."""

    def __call__(self, text: str, before: str = "", after: str = "", *, circles: bool = True) -> Shaped:
        """Return the glyphs of `text` for `glyph_rows`, which reads those of many calls at once.

        The letters of `text` join with `before` and `after`, which are not shaped themselves. With `circles`, a sign
        without a base gets a dotted circle.
        """


def glyph_rows(shaped: Sequence[Shaped]) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Return (the glyphs of all calls as [6, glyphs], in visual order, [calls] how many each call has).

    The rows are: zeros (room for the caller's use), cluster (a character of the text and of the text before it), glyph
    id, advance, x offset, and y offset. Lengths are EM units, y up. A text that changes its font at every character
    needs thousands of calls. To make these arrays for each of them takes longer than HarfBuzz does.
    """
    info = np.frombuffer(b"".join([infos for infos, _ in shaped]), np.int32).reshape(-1, 5)
    position = np.frombuffer(b"".join([positions for _, positions in shaped]), np.int32).reshape(-1, 5)
    # hb_glyph_info_t is codepoint, mask, cluster and two private numbers; hb_glyph_position_t is x_advance, y_advance,
    # x_offset, y_offset and one private number. All are 32 bits wide.
    glyphs = np.zeros((6, len(info)), np.int32)
    glyphs[1:3] = info.T[[2, 0]]
    glyphs[3:] = position.T[[0, 2, 3]]
    return glyphs, np.fromiter(map(len, (infos for infos, _ in shaped)), np.intp, len(shaped)) // 20


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

    # The columns that are read, as `glyph_rows` names them.
    _INFO: Final = {0: attrgetter("codepoint"), 2: attrgetter("cluster")}
    _POSITION: Final = {0: attrgetter("x_advance"), 2: attrgetter("x_offset"), 3: attrgetter("y_offset")}

    def __init__(self, face: Face, *, script: str, rtl: bool, language: str, features: dict[str, bool]) -> None:
        self.font, self.features, self.language = face.hb_font, features, language
        self.script, self.direction = script, "rtl" if rtl else "ltr"

    def __call__(self, text: str, before: str = "", after: str = "", *, circles: bool = True) -> Shaped:
        """See `Buffer`."""
        buffer = hb.Buffer()  # not one for all calls: threads share this object
        buffer.add_str(before + text + after, len(before), len(text))
        buffer.direction, buffer.script, buffer.flags = self.direction, self.script, hb.BufferFlags(_FLAGS[circles])
        if self.language:
            buffer.language = self.language
        hb.shape(self.font, buffer, self.features)
        infos, positions = buffer.glyph_infos, buffer.glyph_positions
        info, position = np.zeros((2, len(infos), 5), np.int32)
        for column, field in self._INFO.items():
            info[:, column] = np.fromiter(map(field, infos), np.int32, len(infos))
        for column, field in self._POSITION.items():
            position[:, column] = np.fromiter(map(field, positions), np.int32, len(infos))
        return info.tobytes(), position.tobytes()


class NativeBuffer:
    """A buffer that calls HarfBuzz's C interface and reads its arrays."""

    def __init__(self, face: Face, *, script: str, rtl: bool, language: str, features: dict[str, bool]) -> None:
        library = c_library()
        assert library is not None
        self.library, self.font = library, _font(face)
        self.features = _features(tuple(features.items()))
        properties = _Properties(_RTL if rtl else _LTR, _tag(script), _language(language))
        self.properties = ctypes.pointer(properties)

    def __call__(self, text: str, before: str = "", after: str = "", *, circles: bool = True) -> Shaped:
        """See `Buffer`."""
        library, buffer = self.library, thread_buffer()
        library.hb_buffer_reset(buffer)
        characters = (before + text + after).encode("utf-32-le", "surrogatepass")
        library.hb_buffer_add_utf32(buffer, characters, len(characters) // 4, len(before), len(text))
        library.hb_buffer_set_segment_properties(buffer, self.properties)
        library.hb_buffer_set_flags(buffer, _FLAGS[circles])
        library.hb_shape(self.font, buffer, self.features, len(self.features))
        length = ctypes.c_uint()
        info = library.hb_buffer_get_glyph_infos(buffer, ctypes.byref(length))
        position = library.hb_buffer_get_glyph_positions(buffer, None)
        # The memory is copied, before the next call writes to it.
        size = 20 * length.value
        return ctypes.string_at(info, size), ctypes.string_at(position, size)


_LTR, _RTL = 4, 5  # hb_direction_t


class _Feature(ctypes.Structure):
    _fields_ = (
        ("tag", ctypes.c_uint32),
        ("value", ctypes.c_uint32),
        ("start", ctypes.c_uint),
        ("end", ctypes.c_uint),
    )


class _Properties(ctypes.Structure):
    _fields_ = (
        ("direction", ctypes.c_int),
        ("script", ctypes.c_uint32),
        ("language", ctypes.c_void_p),
        ("reserved1", ctypes.c_void_p),
        ("reserved2", ctypes.c_void_p),
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
    "hb_buffer_set_segment_properties": (None, ctypes.c_void_p, ctypes.c_void_p),
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


@lru_cache(maxsize=64)
def _features(features: tuple[tuple[str, bool], ...]) -> Any:
    """Return `features` as HarfBuzz reads them."""
    return (_Feature * len(features))(*(_Feature(_tag(tag), value, 0, 0xFFFFFFFF) for tag, value in features))


@lru_cache(maxsize=64)
def _language(tag: str) -> int | None:
    """Return the address of an hb_language_t, which HarfBuzz never frees, or None."""
    language: int | None = c_library().hb_language_from_string(tag.encode(), -1) if tag else None
    return language


def _tag(tag: str) -> int:
    return int.from_bytes(tag.encode("ascii"), "big")
