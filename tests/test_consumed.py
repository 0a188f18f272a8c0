"""Output of programs: control sequences, overwritten lines and overstruck characters are read and not drawn."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, texts
from test_invariants import check_accounts, same

from glyphrender import Document, Page, Part, Theta, Typesetter, cli, default_typesetter, layout, render
from glyphrender.text.consumed import Consumption
from glyphrender.text.source import chunks
from glyphrender.typeset import shares as module

STRIP = Consumption(sequences=True)
OVERWRITE = Consumption(overwritten=True)
TERMINAL = Consumption(sequences=True, overwritten=True)
ESC, CSI, OSC, ST, BEL = "\x1b", "\x1b[", "\x1b]", "\x1b\\", "\x07"

# Sequences of ECMA-48 and xterm, each of which a terminal obeys and does not show.
SEQUENCES = {
    "color": f"{CSI}1;31m", "color with colons": f"{CSI}38:2::255:0:0m", "no parameters": f"{CSI}m",
    "private mode": f"{CSI}?2004h", "cursor style, with a space": f"{CSI}1 q", "soft reset": f"{CSI}!p",
    "erase line": f"{CSI}2K", "key": f"{CSI}200~", "8-bit CSI": "\x9b0m", "device attributes": f"{CSI}>0;276;0c",
    "title, closed by BEL": f"{OSC}0;a title of words{BEL}", "link, closed by ST": f"{OSC}8;id=1;http://x.y/z w{ST}",
    "8-bit OSC and ST": "\x9d2;t\x9c", "image in text": f"{OSC}1337;File=inline=1:{'QUJD' * 3000}{BEL}",
    "DCS": f"{ESC}P1$r0m{ST}", "sixel": f"{ESC}Pq#0;2;0;0;0#0~~@@vv$-{ST}", "8-bit DCS": "\x90q\x9c",
    "APC": f"{ESC}_Ga=T,f=100;iVBORw0{ST}", "PM": f"{ESC}^private{ST}", "SOS": f"{ESC}Xstring{ST}",
    "8-bit APC, PM, SOS": "\x9fa\x9c\x9eb\x9c\x98c\x9c", "save cursor": f"{ESC}7", "index": f"{ESC}D",
    "reset": f"{ESC}c", "character set": f"{ESC}(B", "UTF-8": f"{ESC}%G", "size of line": f"{ESC}#8",
    "7-bit controls, with a space": f"{ESC} F", "keypad": f"{ESC}=", "canceled": f"{ESC}Pabc\x18",
    "broken off by the next": f"{OSC}0;title{CSI}0m", "through tmux": f"{ESC}Ptmux;{ESC}{OSC}52;c;QQ=={BEL}{ST}",
}  # fmt: skip


@pytest.mark.parametrize("kind", SEQUENCES)
def test_a_control_sequence_is_consumed_as_a_whole(kind: str) -> None:
    sequence = SEQUENCES[kind]
    assert STRIP.kept(f"a{sequence}b") == "ab"
    assert STRIP.kept(f"{sequence} word {sequence}{sequence}\n{sequence}") == " word \n"
    assert OVERWRITE.kept(f"a{sequence}b") == f"a{sequence}b"


@pytest.mark.parametrize(
    "text, kept",
    [
        (f"a{OSC}0;no end\nb", "a0;no end\nb"),  # no text hides behind a string without an end
        (f"a{ESC}Pno end", "ano end"),
        (f"{OSC}0;x\r\nnext{BEL}", "0;x\r\nnext\x07"),
        (f"a{CSI}31", "a"),  # broken off at the end of the text, of the line, or by a character that is none of its own
        (f"a{CSI}31\nm", "a\nm"),
        (f"a{CSI}3é", "aé"),
        (f"a{ESC}", "a"),
        (f"a{ESC}éb", "aéb"),
        (f"{CSI}[A", "A"),  # as ECMA-48 reads it: "[" is the final character
    ],
)
def test_a_sequence_without_an_end_hides_no_text(text: str, kept: str) -> None:
    assert STRIP.kept(text) == kept


@pytest.mark.parametrize(
    "text, kept",
    [
        ("  5%\r 10%\r100%\n", "100%\n"),
        ("\r  0%\r 50%", " 50%"),
        ("50%\r", "50%"),  # the last stretch that draws anything
        ("50%\r\r\r\nnext", "50%\r\nnext"),
        ("one\r\ntwo\r\n", "one\r\ntwo\r\n"),  # CR LF is no overwriting
        ("50%\r    \r\n", "    \r\n"),  # erased by spaces
        (f"50%\r{CSI}K\n", "\n"),  # erased by EL
        (f"50%\r{CSI}0m\n", "50%\n"),  # a color erases nothing
        (f"a\r{CSI}2Kb\r\n", "b\r\n"),
        (f"- idle{CSI}1G{CSI}0K+ reify{CSI}1G{CSI}0Kadded 5\n", "added 5\n"),  # npm and yarn: CHA, to column 1
        (f"{CSI}2K{CSI}1Gone{CSI}2K\x9bGtwo{CSI}G\n", "two\n"),
        (f"50%{CSI}1G\r\n{CSI}10Gx", "50%\r\nx"),
        ("a\rb\vc\rd\x85e\rf\n", "b\vd\x85f\n"),
        ("N\bNA\bAM\bME\bE _\bu_\bs x\b_", "NAME us x"),  # bold and underlined in a manual page
        ("o\b+\bo", "o"),
        ("|\b/\b-\b\\\b done", " done"),  # a spinner
        ("abc\b \bd\b\b\b\b\be", "e"),
        ("e\u0301\bx", "x"),
        (f"{CSI}1ma{CSI}0m\bb", "b"),
    ],
)
def test_what_is_drawn_is_what_the_terminal_shows_at_the_end(text: str, kept: str) -> None:
    assert TERMINAL.kept(text) == kept


def test_lone_carriage_returns_end_no_line_where_they_overwrite() -> None:
    assert [given.count_line_ends("a\rb\r\nc\n") for given in (STRIP, OVERWRITE)] == [3, 2]


LOG = Theta.preset("log").replace(page_size=(168, 84), page_grid=1, min_pixels=0)


def lines(pages: object) -> list[str]:
    """Return what is drawn on each line of `pages`."""
    return [TERMINAL.kept(line.text) for page in pages for line in page.lines]  # type: ignore[attr-defined]


def alike(ours: list[Page], theirs: list[Page]) -> None:
    assert [page.size for page in ours] == [page.size for page in theirs]
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one.array, other.array)


pieces = st.lists(
    st.one_of(texts(max_size=12), st.sampled_from([*SEQUENCES.values(), "\r", "\b", " ", "\n", "10%\r", "word "])),
    max_size=12,
)


@pytest.mark.slow
@examples(150)
@given(pieces.map(lambda some: f"{''.join(some)}\nx"), st.sampled_from(("LEFT", "JUSTIFY")))
def test_a_page_is_that_of_the_text_without_what_is_consumed(text: str, alignment: str) -> None:
    """Words are cut where something was consumed inside them, so fonts that kern or join may differ, and only these."""
    text = "".join(character for character in text if character < "\u0300" or character in "\u2028\u2029中文。א")
    theta = LOG.replace(kerning=False, alignment=alignment, ansi="STRIP", carriage_return="OVERWRITE")
    drawn = list(layout(text, theta))
    check_accounts(text, drawn)
    plain = theta.replace(ansi="ESCAPE", carriage_return="LINE")
    alike(drawn, list(layout(TERMINAL.kept(text), plain)))


@pytest.mark.slow
@examples(20)
@given(pieces.map("".join), st.sampled_from((1, 7, 64)), st.randoms(use_true_random=False))
def test_pages_do_not_depend_on_how_the_output_arrives(text: str, size: int, random: object) -> None:
    whole = list(layout(text, LOG))
    check_accounts(text, whole)
    cuts = sorted(random.randint(0, len(text)) for _ in range(5))  # type: ignore[attr-defined]
    parts = [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]
    same(list(layout(iter(parts), LOG)), whole)
    same(list(layout(io.StringIO(text, newline=""), LOG)), whole)
    document = render("", LOG)
    for part in parts:
        document.extend_text(part)
    same(list(document), whole)
    cut = [chunk.text for chunk in chunks(text, size=size, consumed=TERMINAL)]
    assert "".join(cut) == text
    assert cut == [chunk.text for chunk in chunks(iter(text), size=size, consumed=TERMINAL)]
    strip = [chunk.text for chunk in chunks(text, size=size, consumed=STRIP)]
    assert strip == [chunk.text for chunk in chunks(iter(parts), size=size, consumed=STRIP)]
    assert "".join(map(STRIP.kept, strip)) == STRIP.kept(text)  # no sequence is cut
    assert "".join(map(TERMINAL.kept, cut)) == TERMINAL.kept(text)
    longest = max(map(len, text.split("\n")), default=0) + 1
    same(list(layout(text, LOG, typesetter=Typesetter(chunk_size=max(size, longest)))), whole, tolerance=16)


def test_processes_lay_out_shares_of_output(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"{CSI}3{step % 8}m{step}%\r{CSI}0m step {step}\n{OSC}0;t{BEL}\n" for step in range(40))
    theta = LOG.replace(line_numbers=3)
    monkeypatch.setattr(module, "SHARE", 60)
    whole = list(layout(text, theta))
    pages = []
    following = (0, 0)
    for share in module.shares_of(text, 2, TERMINAL):
        own, following = module.lay_out(text, share, theta, default_typesetter().shaper, lambda given=following: given)
        pages += own
    for page, other in zip(pages, whole, strict=True):
        assert (page.start, page.end, page.size) == (*other.span, other.size)
        np.testing.assert_array_equal(default_typesetter().draw(page), other.array)
    assert len(whole) > 5


def test_words_and_places_are_those_of_the_source() -> None:
    text = f"{CSI}32mINFO{CSI}0m a {CSI}1mbold{CSI}0mness word\n"
    (page,) = layout(text, LOG)
    assert page.text == text
    assert [word.text.replace(CSI, "^") for word in page.words] == ["INFO", "a", "bold^0mness", "word"]
    for word in page.words:
        assert text[word.start : word.end] == word.text
    (found,) = page.find("ness")
    (whole,) = (word for word in page.words if "bold" in word.text)
    assert found.box[0] == pytest.approx(whole.box[0] + (whole.box[2] - whole.box[0]) / 2)
    assert found.box[2] == pytest.approx(whole.box[2])


def test_lines_of_several_logs_are_numbered_where_progress_bars_overwrite() -> None:
    theta = LOG.replace(line_numbers=2)
    logs = {"a": "1%\r2%\r\nb\n", "b": "1%\r", "c": "\nx\ry\n"}
    items = [item for name, text in logs.items() for item in (Part(name=name, heading=name), text)]
    document = Document.read(items, theta)
    assert [part.line for part in document.parts] == [1, 4, 6]
    assert lines(document) == ["a\n", "2%\r\n", "b\n", "b\n", "1%\r\n", "c\n", "\n", "y\n"]


@pytest.mark.parametrize("command", [["render", "-o", "out"], ["show", "-o", "out.html"], ["ratio"]])
def test_a_text_full_of_escape_sequences_gets_one_hint(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("log.txt").write_text(f"{CSI}1mline{CSI}0m\n" * 600, encoding="utf-8")
    hint = "1,200 escape sequences are drawn; --preset log or --set ansi=STRIP leaves them out."
    name, *options = command
    run = CliRunner().invoke(cli.command, [name, "log.txt", *options])
    assert run.exit_code == 0, run.stderr
    assert run.stderr.count(hint) == 1
    for quiet in (["--preset", "log"], ["--set", "ansi=STRIP"], ["--json"][: name != "show"]):
        run = CliRunner().invoke(cli.command, [name, "log.txt", *options, *quiet])
        assert run.exit_code == 0, run.stderr
        assert (hint in run.stderr) == (not quiet)


def test_the_drawn_text_of_a_page_keeps_the_space_behind_a_sequence() -> None:
    text = "one\x1b[31m  two\x1b[0m three\x1b[1m\n\x1b[4mfour"
    pages = render(text, {"ansi": "STRIP", "page_size": (60, 30), "margin_x": 4, "margin_y": 4})
    assert "".join(page.drawn_text for page in pages) == "one  two three\nfour"
    assert "".join(page.text for page in pages) == text
