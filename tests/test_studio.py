"""The studio without its widgets: fields, texts, links, figures, exports, and answers to a visitor."""

from __future__ import annotations

import base64
import contextlib
import json
import math
import shlex
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from nasty import NASTY
from strategies import examples, thetas

from glyphrender import DataError, Theta, ThetaError, VisionModelError, compression_ratio, fit, render
from glyphrender.cli.render import command as render_command
from glyphrender.cli.studio import command as studio_command
from glyphrender.models.prices import prices
from glyphrender.models.vision import VISION_MODELS, vision_model
from glyphrender.studio import replies
from glyphrender.studio.cards import figures_html, notices_html, problems_html
from glyphrender.studio.choices import WIDGETS, Choices
from glyphrender.studio.drawing import check_page, page_of
from glyphrender.studio.exports import command_line, python_line
from glyphrender.studio.fields import FOREMOST, Problem, Widget, fields, groups, theta_of, widget_value
from glyphrender.studio.figures import figures, model_names, price_of, verdict
from glyphrender.studio.handlers import Handlers, Settings
from glyphrender.studio.samples import SAMPLES, sample
from glyphrender.studio.source import MOST_CHARACTERS, Source, folder, text_source, uploaded
from glyphrender.studio.state import State
from glyphrender.studio.widget_updates import SKIP, sizes_of
from glyphrender.theta import PARAMETERS

TABLE = prices()
PROSE = sample("Prose").text
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{x}}${x}"
CHAT = json.dumps([{"role": "user", "content": "Why *not*?"}, {"role": "assistant", "content": "Because."}])


def test_importing_the_studio_loads_neither_torch_nor_gradio() -> None:
    program = (
        "import sys, importlib\n"
        "for name in ('app', 'handlers', 'serving', 'exports'): importlib.import_module(f'glyphrender.studio.{name}')\n"
        "print(*[name for name in ('torch', 'transformers', 'gradio', 'pandas', 'fastapi') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


# ── Fields ──


def test_every_field_of_theta_has_a_widget_in_one_place() -> None:
    placed = [*FOREMOST, *(name for names in groups().values() for name in names)]
    assert sorted(placed) == sorted(PARAMETERS)
    assert list(fields()) == list(PARAMETERS) == list(WIDGETS)


def test_widgets_say_what_the_metadata_of_their_fields_says() -> None:
    for name, field in fields().items():
        assert PARAMETERS[name].help.rstrip(".")[1:] in field.help
        if PARAMETERS[name].unit:
            assert PARAMETERS[name].unit in field.label
        if field.widget is Widget.CHOICE:
            assert [value for _, value in field.choices] == [str(each) for each in PARAMETERS[name].choices]


@pytest.mark.parametrize("preset", Theta.preset_names())
def test_a_preset_comes_back_from_its_widgets_as_it_was(preset: str) -> None:
    theta = Theta.preset(preset)
    values = {name: widget_value(name, value) for name, value in theta.fields().items()}
    assert theta_of(values) == (theta, ())


@examples(25)
@given(theta=thetas())
def test_any_theta_comes_back_from_its_widgets_as_it_was(theta: Theta) -> None:
    values = {name: widget_value(name, value) for name, value in theta.fields().items()}
    assert theta_of(values) == (theta, ())


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("value", [None, "", "no such value \0", float("nan"), -1e300, [], {}, True])
def test_a_wrong_value_is_told_in_words_at_its_field(name: str, value: object) -> None:
    theta, wrong = theta_of({name: value})
    assert (theta is None) == bool(wrong)
    assert all(problem.field in PARAMETERS and problem.message for problem in wrong)


def test_fields_that_contradict_each_other_are_told_each_at_its_own_field() -> None:
    theta, wrong = theta_of({"font_size": 20, "margin_x": 600})
    assert theta is None
    assert [problem.field for problem in wrong] == ["line_height", "margin_x"]
    assert "margin_x" not in wrong[0].message


# ── Texts ──


def test_a_folder_has_the_pages_that_render_gives_it(tmp_path: Path) -> None:
    files = {"pkg/b.py": "y = 2\n", "pkg/a.py": "x = 1", "pkg/sub/c.md": "# Title\n\ntext\n", "pkg/.git/x": "hidden"}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "pkg/data.bin").write_bytes(bytes(range(256)))
    given_files = [(name, (tmp_path / name).read_bytes()) for name in [*files, "pkg/data.bin"]]
    source = uploaded(given_files)
    assert source.name == "pkg"
    assert [name for name, _ in source.files] == ["pkg/a.py", "pkg/b.py", "pkg/sub/c.md"]
    assert "data.bin" in source.notices[0]
    theta = Theta.preset("code").replace(markup="FILES")
    drawn = source.document(theta)[0].png()
    assert drawn == _rendered(
        tmp_path, command_line(source, Theta.preset("code").replace(markup="FILES"), preset="code")
    )


@pytest.mark.parametrize(
    "text", [CHAT, json.dumps({"messages": json.loads(CHAT)}), "\n".join(map(json.dumps, json.loads(CHAT)))]
)
def test_a_chat_is_read_as_messages_and_set_as_a_conversation(text: str) -> None:
    source = text_source(text)
    assert len(source.messages) == 2
    assert source.document(Theta()).text == "#1 user\nWhy *not*?\n#2 assistant\nBecause.\n"


@pytest.mark.parametrize(
    "text", ['[1, 2, "role"]', '{"role": 3}', '[{"role": "user", "content": 5}]', '[{"role"', "[]"]
)
def test_json_that_is_no_chat_stays_a_text(text: str) -> None:
    assert not text_source(text).messages
    assert text_source(text).text == text


def test_a_long_text_is_cut_with_a_notice() -> None:
    source = text_source("word " * (MOST_CHARACTERS // 4))
    assert len(source.text) == MOST_CHARACTERS
    assert f"{MOST_CHARACTERS:,}" in source.notices[0]
    files = [(f"{name}.txt", b"x" * (MOST_CHARACTERS // 2 + 1)) for name in "abc"]
    assert sum(len(text) for _, text in folder(files).files) == MOST_CHARACTERS
    assert "first" in folder(files).notices[-1]


def test_a_hidden_folder_that_the_user_names_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (".github/a.yml", ".github/.cache/b.yml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("on: push")
    monkeypatch.chdir(tmp_path)
    begun: list[Settings] = []
    monkeypatch.setattr("glyphrender.studio.serving.serve", lambda settings, **_: begun.append(settings))
    CliRunner().invoke(studio_command, [".github"], catch_exceptions=False, standalone_mode=False)
    source = begun[0].source
    assert source is not None
    assert source.files == ((".github/a.yml", "on: push"),)
    made: dict[str, Any] = {}
    exec(python_line(source, Theta()), made)
    assert made["document"].text == source.document(Theta()).text


@pytest.mark.parametrize("given_folder", [True, False])
def test_the_command_reads_files_only_as_far_as_it_shows_them(
    given_folder: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b.txt", "c.txt"):
        (tmp_path / name).write_bytes(b"word " * 6_000_000)
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    begun: list[Settings] = []
    monkeypatch.setattr("glyphrender.studio.serving.serve", lambda settings, **_: begun.append(settings))
    arguments = [str(tmp_path if given_folder else tmp_path / "b.txt"), "--encoding", "cp1252"]
    tracemalloc.start()
    CliRunner().invoke(studio_command, arguments, catch_exceptions=False, standalone_mode=False)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    source = begun[0].source
    assert source is not None
    assert "first" in source.notices[0]
    assert most < 20_000_000
    if given_folder:
        assert [name.rpartition("/")[2] for name, _ in source.files] == ["a.txt", "b.txt"]
        assert source.files[0][1] == "café"
    assert len(source.text) + sum(len(text) for _, text in source.files) == MOST_CHARACTERS


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_any_text_is_drawn_counted_and_linked(text: str) -> None:
    source = text_source(text)
    found = replies.drawn(source, Theta())
    assert found.html
    assert not found.problems
    linked = State.from_query(State(text=source.text).to_query())
    assert linked.text == source.text or linked.lost == (source.digest, len(source.text))


def test_files_that_are_not_text_are_refused_in_one_line() -> None:
    for files in ([], [("a.bin", bytes(9))], [("a.bin", bytes(9)), ("b.bin", b"\xff\xfe\xfd")]):
        with pytest.raises(DataError) as refused:
            uploaded(files)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("end", ["", "> * [the book]: https://example.org\n"])
def test_the_first_page_of_marked_up_text_is_that_of_the_whole_text(end: str) -> None:
    text = "# Title\n\nSome *words* of [the book] and `code`.\n\n" * 1_000 + end
    theta = Theta(markup="MARKDOWN")
    page = page_of(text_source(text), theta)
    assert page is not None
    assert page.png() == render(text, theta)[0].png()


# ── Links ──


@examples(8)
@given(theta=thetas(), other=st.none() | thetas(), text=st.text(), page=st.integers(1, 999))
def test_a_link_restores_the_state(theta: Theta, other: Theta | None, text: str, page: int) -> None:
    text = text_source(text, chats=False).text
    state = State(
        text=text, name="a b&c.md", preset="dense", theta=theta, other=other, page=page, prices={"m": (1, 0.5)}
    )
    assert State.from_query(state.to_query()) == state


def test_a_link_keeps_the_end_of_a_long_name() -> None:
    name = State.from_query(State(name=f"{'long name ' * 24}.md").to_query()).name
    assert len(name) == 200
    assert name.endswith("long name .md")


def test_a_link_of_a_long_text_says_which_text_it_was() -> None:
    text = "".join(map(chr, range(0x4E00, 0x7E00)))
    state = State.from_query(State(text=text).to_query())
    assert state.text == ""
    assert state.lost == (text_source(text).digest, len(text))
    assert len(State(text=text).to_query()) < 200


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("font_size=0", ThetaError),
        ("preset=none", ThetaError),
        ("nothing=1", DataError),
        ("model=gpt-2", VisionModelError),
        ("&".join(f"model={name}" for name in VISION_MODELS), VisionModelError),
        ("price=x", DataError),
        ("price=m:-1:2", DataError),
        ("page=0", DataError),
        ("text=%%%", DataError),
        ("text=eNrtwTEBAAAAwqD1T20ND6AAAA", DataError),
        ("lost=xyz:1", DataError),
        ("json.fallback={", DataError),
        ("json.nothing=1", ThetaError),
        ("b.dpi=x", ThetaError),
        ("font_size=20&line_height=5", ThetaError),
    ],
)
def test_a_damaged_link_is_refused_in_one_line(query: str, error: type[Exception]) -> None:
    with pytest.raises(error) as refused:
        State.from_query(query)
    assert "\n" not in str(refused.value)


def test_a_small_link_cannot_unpack_into_a_huge_text() -> None:
    packed = base64.urlsafe_b64encode(zlib.compress(b"a" * 5_000_000)).decode()
    with pytest.raises(DataError, match="too long"):
        State.from_query(f"text={packed}")


# ── Figures ──


def test_the_figures_are_those_of_the_library() -> None:
    document = render(PROSE)
    for found in figures(document, ["glm-4.1v", "qwen3-vl", "claude-opus-5", "llava-next"], table=TABLE):
        assert (found.ratio is None) == bool(found.refused)
        if found.ratio is not None:
            ratio = compression_ratio(PROSE, model=found.asked, over_limit="ignore")
            assert found.ratio.to_dict() == ratio.to_dict()
            assert found.worth_it == ratio.worth_it


def test_a_price_of_the_visitor_goes_before_the_table_and_loses_its_date() -> None:
    own = price_of("claude-opus-5", TABLE, {"claude-opus-5": (7.0, 3.0)})
    assert own is not None
    assert own.cost(text_tokens=1_000_000, image_tokens=1_000_000) == pytest.approx(10.0)
    assert own.date == ""
    assert price_of("qwen3-vl", TABLE, {}) is None
    lines = replies.price_lines(["claude-opus-5", "gemini-3-pro"], TABLE)
    read, wrong = replies.prices_read(lines)
    assert not wrong
    assert all(price_of(name, TABLE, read) == TABLE.of(name) for name in read)


def test_every_model_that_can_be_chosen_is_known() -> None:
    names = [name for _, name in model_names(TABLE)]
    assert set(VISION_MODELS) <= set(names)
    assert len(names) == len(set(names))
    assert all(vision_model(name) for name in names)


def test_the_verdict_says_whether_pages_are_worth_it() -> None:
    short, long = (figures(render(text), ["qwen3-vl"], table=TABLE)[0] for text in ("Short.", PROSE * 9))
    assert verdict(short).startswith("Not worth it")
    assert verdict(long).startswith("Worth it")
    assert verdict(figures(render(""), ["qwen3-vl"], table=TABLE)[0]) == "There is no text yet."


# ── Exports ──


def _rendered(folder: Path, line: str) -> bytes:
    """Run an exported command in `folder`, and return its first page."""
    program, command, *arguments = shlex.split(line)
    assert (program, command) == ("glyphrender", "render")
    with contextlib.chdir(folder):
        result = CliRunner().invoke(render_command, arguments, catch_exceptions=False, standalone_mode=False)
    assert result.exit_code == 0
    (first, *_) = sorted((folder / "pages").glob("*.png"))
    return first.read_bytes()


@pytest.mark.parametrize(
    ("theta", "preset"),
    [
        (Theta(), ""),
        (Theta.preset("dense"), "dense"),
        (Theta.preset("code").replace(font_size=8.25, continuation_mark="↪", page_bg_color="#FFFFEE"), "code"),
        (Theta(page_size=(400, 300.5), fallback=("Noto Serif", "DejaVu Sans"), para_bg_color="#EEEEEE"), ""),
        (Theta.preset("artistic_pixel").replace(kerning=False, newline_markup="<font color='#FF0000'>¶ $x</font>"), ""),
    ],
)
def test_the_exported_command_and_python_draw_the_page_of_the_studio(
    theta: Theta, preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = text_source(PROSE, name="-my 'notes'.txt")
    page = page_of(source, theta)
    assert page is not None
    (tmp_path / source.name).write_text(PROSE, encoding="utf-8")
    assert _rendered(tmp_path, command_line(source, theta, preset=preset)) == page.png()
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(python_line(source, theta, preset=preset), names)
    assert names["document"][0].png() == page.png()  # type: ignore[index]


def test_a_theta_that_set_cannot_write_is_exported_as_a_file() -> None:
    theta = Theta(fallback=("No, such",), font_size=8)
    line = command_line(text_source("a"), theta)
    assert "--theta theta.json" in line
    assert Theta.load(json.loads(theta.to_json())) == theta


@pytest.mark.parametrize("source", [text_source(CHAT), uploaded([("f/a.py", b"x = 1\n"), ("f/b.py", b"y = 2")])])
def test_exported_python_of_a_chat_or_a_folder_draws_the_page_of_the_studio(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if source.messages:
        Path("chat.json").write_text(source.text)
    for name, text in source.files:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
    names: dict[str, object] = {}
    exec(python_line(source, Theta(dpi=96)), names)
    page = page_of(source, Theta(dpi=96))
    assert page is not None
    assert names["document"][0].png() == page.png()  # type: ignore[index]


# ── Answers ──


def values_of(theta: Theta | None = None, **changes: object) -> list[object]:
    """Values of all widgets, as Gradio passes them."""
    theta = theta or Theta()
    values: dict[str, object] = {
        "text": PROSE,
        "held": None,
        "name": "",
        "preset": "",
        "models": ["qwen3-vl", "claude-opus-5"],
        "prices": "",
        "number": 1,
        "view": replies.VIEWS[0],
        "other": None,
        "against": replies.KEPT,
        "follow": True,
        "sizes": sizes_of(theta),
    }
    widgets = {name: widget_value(name, value) for name, value in theta.fields().items()}
    return list({**values, **widgets, **changes}.values())


def test_a_wrong_value_leaves_the_page_and_says_why_at_the_field() -> None:
    page, problems, *_ = Handlers(Settings()).draw(*values_of(page_size="huge", dpi=None))
    assert page == SKIP
    assert 'data-field="page_size"' in problems
    assert 'data-field="dpi"' in problems
    assert Handlers(Settings()).count(*values_of(page_size="huge")) == (SKIP,) * 5


def test_the_line_height_follows_the_font_size_in_proportion() -> None:
    theta = Theta(font_size=10, line_height=12)
    draw = Handlers(Settings()).draw
    _, problems, height, sizes = draw(*values_of(theta, font_size=20))
    assert not problems
    assert height["value"] == 24
    assert sizes == (20, 24, 1.2)
    _, problems, height, _ = draw(*values_of(theta, font_size=20, follow=False))
    assert "overlap" in problems
    assert height == SKIP
    _, _, height, sizes = draw(*values_of(theta, line_height=15))
    assert height == SKIP
    assert sizes == (10, 15, 1.5)


def test_fit_and_propose_set_the_fields_and_say_why() -> None:
    handlers = Handlers(Settings())
    html, _, sizes, *rest = handlers.fit("rho", 3, None, *values_of(text=PROSE * 9))
    assert "Met" in html
    found = fit(PROSE * 9, rho=3, model="qwen3-vl")
    assert sizes[0] == found.theta.font_size
    assert rest[WIDGETS.index("font_size")]["value"] == found.theta.font_size
    html, preset, *rest = handlers.propose("rho", 3, 7, *values_of(text=PROSE * 9))
    assert "Prose (its lines" in html
    assert preset == ""
    for arguments in (("rho", None, None), ("rho", -1, None), ("pages", 0, None), ("nothing", 1, None)):
        html, *rest = handlers.fit(*arguments, *values_of())
        assert "gs-problems" in html
        assert all(each == SKIP for each in rest)


def test_a_link_from_the_studio_restores_all_widgets() -> None:
    handlers = Handlers(Settings())
    theta = Theta.preset("dense").replace(dpi=96, fallback=("Noto Serif",))
    values = values_of(
        theta, preset="dense", models=["gpt-5.4"], prices="gpt-5.4 = 1, 2", number=2, other=Theta(dpi=90)
    )
    link = handlers.share("http://127.0.0.1:7860/?old=1", *values)
    assert link.startswith("http://127.0.0.1:7860/?preset=dense&dpi=96")
    pairs = list(State.from_query(link.partition("?")[2]).prices.items())
    assert pairs == [("gpt-5.4", (1.0, 2.0))]
    text, held, _, preset, models, lines, page, other, sizes, *fields_and_notice = handlers.restore(
        [*parse_qsl(link.partition("?")[2]), ("__theme", "dark")]
    )
    assert (text["value"], held, preset, page, other) == (PROSE, None, "dense", 2, Theta(dpi=90))
    assert models["value"] == ["gpt-5.4"]
    assert "1, 2" in lines
    assert sizes == sizes_of(theta)
    assert len(fields_and_notice) == len(WIDGETS) + 1
    nothing = handlers.restore([])
    assert all(each == SKIP for each in nothing)
    wrong = handlers.restore([("dpi", "<b>")])
    assert all(each == SKIP for each in wrong[:-1])
    assert "&lt;b&gt;" in wrong[-1]


def test_files_of_the_machine_cannot_be_named_by_strangers() -> None:
    handlers = Handlers(Settings(font_files=False))
    _, problems, *_ = handlers.draw(*values_of(font="/etc/passwd"))
    assert 'data-field="font"' in problems
    _, problems, *_ = handlers.draw(*values_of(fallback="a, ../b"))
    assert 'data-field="fallback"' in problems
    assert "opens no files" in handlers.restore([("font", "/etc/passwd")])[-1]
    assert "opens no files" in handlers.use('{"font-path": "/etc/passwd"}')[0]
    assert "opens no files" in handlers.use('{"fallback": ["/etc/passwd"]}')[0]
    for name in ("letters.ttf", "LETTERS.OTF", "letters.ttc#1", " letters.woff2", "..\\letters"):
        _, problems, *_ = handlers.draw(*values_of(font=name))
        assert "opens no files" in problems
        assert "opens no files" in handlers.restore([("b.json.fallback", json.dumps(["Inter", name]))])[-1]
    _, problems, *_ = Handlers(Settings(font_files=True)).draw(*values_of(font="/no/such.ttf"))
    assert "/no/such.ttf" in problems


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 10**400, "x", True, [], {}])
def test_numbers_that_are_none_are_told_of_in_words(value: Any) -> None:
    handlers = Handlers(Settings())
    for target in ("rho", "visual_tokens", "pages"):
        html, *rest = handlers.fit(target, value, None, *values_of())
        if value is not True:
            assert "gs-problems" in html
            assert all(each == SKIP for each in rest)
    _, problems, *_ = handlers.draw(*values_of(font_size=value, line_height=value, number=value))
    assert 'data-field="font_size"' in problems


def test_names_and_addresses_that_no_browser_sends_give_a_link() -> None:
    handlers = Handlers(Settings())
    for address in ("http://[", "http://[::1", "http://x:99999/", "\0"):
        assert "dpi=80" in handlers.share(address, *values_of(Theta(dpi=80)))
    for name in ("\udcff.md", "a\nb.md", "\u202egpj.md"):
        link = handlers.share("http://localhost/", *values_of(name=name))
        assert State.from_query(urlsplit(link).query).text == PROSE


def test_an_upload_that_is_gone_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "here.txt").write_text("here")
    for files in (
        [str(tmp_path / "gone.txt")],
        [str(tmp_path / "here.txt"), str(tmp_path / "gone.txt")],
        str(tmp_path),
    ):
        *rest, notices, page = Handlers(Settings()).open(files)
        assert "Drop them again" in notices
        assert all(each == SKIP for each in (*rest, page))


def test_the_preset_says_which_fields_differ_from_it() -> None:
    handlers = Handlers(Settings())
    assert handlers.origin(*values_of())["info"] == "A θ to begin with"
    assert handlers.origin(*values_of(Theta(dpi=96)))["info"] == "1 field differs from it: dpi"
    dense = Theta.preset("dense")
    assert handlers.origin(*values_of(dense, preset="dense"))["info"] == "A θ to begin with"
    five = Theta(dpi=96, columns=2, font_size=8, line_height=9, alignment="JUSTIFY")
    assert handlers.origin(*values_of(five))["info"].startswith("5 fields differ from it: ")
    assert handlers.origin(*values_of(five))["info"].endswith(", …")
    assert handlers.origin(*values_of(dpi=0)) == SKIP


def test_pages_too_large_for_a_browser_are_not_drawn_and_still_counted() -> None:
    theta = Theta(dpi=600)
    with pytest.raises(ThetaError, match="megapixels"):
        check_page(theta)
    page, problems, *_ = Handlers(Settings()).draw(*values_of(theta))
    assert page == SKIP
    assert 'data-field="dpi"' in problems
    assert "studio-rho" in Handlers(Settings()).count(*values_of(theta))[0]


def test_json_of_theta_is_taken_in_our_form_and_in_that_of_glyph() -> None:
    handlers = Handlers(Settings())
    _, _, sizes, *_ = handlers.use(Theta(font_size=8, line_height=11).to_json())
    assert sizes[:2] == (8, 11)
    _, _, sizes, *_ = handlers.use('{"font-size": 7, "line-height": 8, "dpi": 72}')
    assert sizes[:2] == (7, 8)
    for text in ("", "[1]", "{", '{"dpi": 0}', '{"nothing": 1}', "[" * 100_000):
        html, *rest = handlers.use(text)
        assert "gs-problems" in html
        assert all(each == SKIP for each in rest)


def test_nothing_that_a_visitor_types_becomes_markup() -> None:
    handlers = Handlers(Settings())
    answers = [
        *handlers.draw(*values_of(text=HOSTILE, name=HOSTILE, models=[HOSTILE]))[:1],
        *handlers.draw(*values_of(font=HOSTILE, page_size=HOSTILE))[1:2],
        *handlers.count(*values_of(text=HOSTILE, models=[HOSTILE, "qwen3-vl"], prices=f"{HOSTILE} = x"))[:2],
        handlers.use(json.dumps({HOSTILE: 1}))[0],
        handlers.restore([(HOSTILE, HOSTILE)])[-1],
        notices_html([HOSTILE]),
        problems_html([Problem(field="dpi", message=HOSTILE)]),
        figures_html(figures(render(HOSTILE), [HOSTILE], table=TABLE)),
        folder([(HOSTILE, b"a"), (HOSTILE + "b", bytes(3))]).notices
        and notices_html(folder([(HOSTILE, b"a")]).notices),
    ]
    for html in answers:
        assert "<script" not in html
        assert "<img src=x" not in html


def test_a_folder_or_a_long_text_is_shown_and_kept_apart_from_the_text_box(tmp_path: Path) -> None:
    handlers = Handlers(Settings(most_bytes=2_000_000))
    (tmp_path / "a.txt").write_text("word " * 100_000)
    box, kept, name, _, page = handlers.open([str(tmp_path / "a.txt")])
    assert isinstance(kept, Source)
    assert (name, page, box["interactive"]) == ("a.txt", 1, False)
    assert len(box["value"]) < 30_000
    assert Choices.of(values_of(held=kept)).source is kept
    (tmp_path / "b.txt").write_text("short")
    box, kept, *_ = handlers.open([str(tmp_path / "b.txt")])
    assert (box["value"], kept, box["interactive"]) == ("short", None, True)
    (tmp_path / "c.txt").write_text("x" * 2_000_001)
    *unchanged, notice, _ = handlers.open([str(tmp_path / "c.txt")])
    assert all(each == SKIP for each in unchanged)
    assert "2 MB" in notice


def test_a_refused_file_and_a_lost_text_are_told_in_words_that_help_in_the_studio(tmp_path: Path) -> None:
    handlers = Handlers(Settings())
    (tmp_path / "a.bin").write_bytes(bytes(9))
    refused = handlers.open([str(tmp_path / "a.bin")])[3]
    assert "a.bin is not text" in refused
    assert "--errors" not in refused
    lost = handlers.restore([("lost", f"{'0' * 16}:70000")])[-1]
    assert "70,000 characters" in lost


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("notes.md", {"markup": "MARKDOWN"}),
        ("fix.patch", {"markup": "DIFF"}),
        ("fit.py", {"preset": "code"}),
        ("build.log", {"preset": "log"}),
    ],
)
def test_what_suits_a_file_by_its_name_is_offered_and_set_on_request(name: str, changed: dict[str, str]) -> None:
    handlers = Handlers(Settings())
    assert handlers.offer(name, None)["visible"]
    theta = Theta(dpi=96, unwrap=True)  # which θ refuses beside markup
    button, preset, _, *widgets = handlers.suit(*values_of(theta, name=name))
    expected = Theta.preset(changed["preset"]) if "preset" in changed else theta.replace(unwrap=False, **changed)
    assert (button["visible"], preset) == (False, changed.get("preset", ""))
    got = [each["value"] if isinstance(each, dict) else each for each in widgets]
    assert got == [widget_value(name, value) for name, value in expected.fields().items()]


def test_nothing_is_offered_for_plain_text_and_a_folder_is_set_as_most_of_its_files() -> None:
    handlers = Handlers(Settings())
    assert not handlers.offer("book.txt", None)["visible"]
    assert not handlers.offer("", None)["visible"]
    assert all(each == SKIP for each in handlers.suit(*values_of()))
    code = Source(name="src", files=(("a.py", "x"), ("b.rs", "y"), ("README.md", "z")))
    mixed = Source(name="src", files=(("a.py", "x"), ("b.txt", "y")))
    assert handlers.offer("src", code)["value"] == "Set it as code"
    assert not handlers.offer("src", mixed)["visible"]


def test_an_answer_that_is_no_page_does_not_say_that_a_page_was_not_drawn() -> None:
    _, html = replies.fitted(text_source(PROSE), Theta(), model="qwen3-vl", target="rho", value=-1, least_pixels=7)
    assert "gs-problems" in html
    assert "Not drawn" not in html


def test_samples_are_texts_with_presets_that_draw_them() -> None:
    handlers = Handlers(Settings())
    for title, (_, preset) in SAMPLES.items():
        box, kept, *_ = handlers.sample(title)
        assert box["value"]
        assert kept is None
        assert replies.drawn(sample(title), Theta.preset(preset)).html
    assert all(each == SKIP for each in handlers.sample("no sample"))


def test_two_thetas_stand_side_by_side() -> None:
    handlers = Handlers(Settings())
    kept, _ = handlers.keep(*values_of(Theta(font_size=12, line_height=13)))
    html, problems, *_ = handlers.draw(*values_of(view=replies.VIEWS[2], other=kept))
    assert not problems
    assert html.count("<img") == 2
    assert "font_size 12.0 → 9.0" in html
    assert "Keep a θ first" in handlers.draw(*values_of(view=replies.VIEWS[2]))[0]


def test_the_page_is_shown_as_the_first_model_sees_it_and_beside_a_second() -> None:
    handlers = Handlers(Settings())
    html, problems, *_ = handlers.draw(*values_of(view=replies.VIEWS[1]))
    assert not problems
    assert "qwen3-vl" in html
    html, problems, *_ = handlers.draw(*values_of(view=replies.VIEWS[2], against="glm-4.1v"))
    assert not problems
    assert html.count("<img") == 2
    _, problems, *_ = handlers.draw(*values_of(view=replies.VIEWS[2], against="gpt-2"))
    assert "not a known vision model" in problems
