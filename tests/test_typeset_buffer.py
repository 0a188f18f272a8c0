"""HarfBuzz gives the same glyphs by its C interface and by the objects of the Python binding."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from box_fonts import box_font
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from glyphrender.fonts.face import Face
from glyphrender.fonts.stack import font_stack
from glyphrender.typeset import buffer as b

DATA = Path(__file__).parent / "data"
FACES = {name: font_stack(name).primary for name in ("DejaVu Sans", "Noto Naskh Arabic", "Noto Sans Devanagari")}
needs_c = pytest.mark.skipif(b.c_library() is None, reason="this build of uharfbuzz exports no C interface")


def glyphs_of(shaped: b.Shaped) -> NDArray[np.int32]:
    glyphs, counts = b.glyph_rows([shaped, shaped])
    assert counts.tolist() == [glyphs.shape[1] // 2] * 2
    return glyphs[:, : counts[0]]


def both(
    face: Face, text: str, script: str, rtl: bool, language: str = "", features: dict[str, bool] | None = None
) -> None:
    native, objects = (
        kind(face, script=script, rtl=rtl, language=language, features=features or {})
        for kind in (b.NativeBuffer, b.ObjectBuffer)
    )
    np.testing.assert_array_equal(glyphs_of(native(text)), glyphs_of(objects(text)))


@needs_c
@pytest.mark.parametrize(
    ("font", "language", "script", "rtl"),
    [
        ("DejaVu Sans", "eng", "Latn", False),
        ("DejaVu Sans", "rus", "Cyrl", False),
        ("Noto Naskh Arabic", "arb", "Arab", True),
        ("Noto Sans Devanagari", "hin", "Deva", False),
    ],
)
def test_a_declaration(font: str, language: str, script: str, rtl: bool) -> None:
    for line in (DATA / f"udhr-{language}.txt").read_text(encoding="utf-8").splitlines():
        both(FACES[font], line, script, rtl)
        both(FACES[font], line, script, rtl, language[:2], {"liga": False, "kern": False})


@needs_c
@given(st.text(min_size=1, max_size=40))
def test_any_text(text: str) -> None:
    both(FACES["DejaVu Sans"], text, "Latn", False)
    both(FACES["Noto Naskh Arabic"], text, "Arab", True, "fa")


@needs_c
@given(*[st.text(st.sampled_from("بتالعلا ab\u200d\U0001e900"), min_size=1, max_size=6)] * 3)
def test_text_in_context(before: str, text: str, after: str) -> None:
    face = FACES["Noto Naskh Arabic"]
    native, objects = (
        kind(face, script="Arab", rtl=True, language="", features={}) for kind in (b.NativeBuffer, b.ObjectBuffer)
    )
    glyphs = glyphs_of(native(text, before, after))
    np.testing.assert_array_equal(glyphs, glyphs_of(objects(text, before, after)))
    assert ((glyphs[1] >= len(before)) & (glyphs[1] < len(before + text))).all()


@needs_c
def test_a_variable_face_keeps_its_axes(tmp_path: Path) -> None:
    path = tmp_path / "variable.ttf"
    box_font({ord("a"): ((0, 0, 800, 800), 1000)}, axes=[("wght", 400, 400, 900, "Weight")]).save(path)
    widths = []
    for weight in (400, 650, 900):
        face = Face.from_file(path, variations={"wght": weight})
        both(face, "aaa", "Latn", False)
        native = b.NativeBuffer(face, script="Latn", rtl=False, language="", features={})
        widths.append(int(glyphs_of(native("a"))[3, 0]))
    assert widths == sorted(set(widths))


@needs_c
def test_no_other_thread_runs_while_harfbuzz_does() -> None:
    """HarfBuzz in the wheel is built for one thread.

    Three threads at once get wrong glyphs, or crash, within some thousand pages.
    """
    library, buffer = b.c_library(), b.thread_buffer()
    text, length = "office".encode("utf-32-le") * 1_000_000, 6_000_000
    turns, stop = 0, False

    def count() -> None:
        nonlocal turns
        while not stop:
            turns += 1
            time.sleep(0)

    other = threading.Thread(target=count)
    interval = sys.getswitchinterval()
    other.start()
    try:
        sys.setswitchinterval(100)
        before = turns
        while turns == before:  # once the other has had its turn, this thread keeps the interpreter until it waits
            time.sleep(0.001)
        before = turns
        library.hb_buffer_add_utf32(buffer, text, length, 0, length)
        after = turns
    finally:
        stop = True
        library.hb_buffer_reset(buffer)
        sys.setswitchinterval(interval)
        other.join()
    assert after == before


@pytest.mark.slow
def test_pages_are_the_same_without_the_c_interface() -> None:
    program = (
        "import sys\n"
        "from glyphrender import render\n"
        "from glyphrender.typeset import buffer\n"
        "if sys.argv[1] == 'objects': buffer.c_library = lambda: None\n"
        "import hashlib\n"
        "text = 'The fluffy office. \\u0627\\u0644\\u0639\\u0631\\u0628\\u064a\\u0629 \\u0915\\u094d\\u0937\\n' * 5\n"
        "print(hashlib.sha256(render(text)[0].png()).hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program, how], capture_output=True, text=True, check=True, env=os.environ
        ).stdout
        for how in ("native", "objects")
    }
    assert len(digests) == 1
