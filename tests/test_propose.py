"""Proposals: a text is looked at, and the cheapest legible flow and preset are named with the reason."""

from __future__ import annotations

import random
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

from glyphrender import Theta, ThetaError, compression_ratio, fit, propose, render
from glyphrender.cli.propose import command as propose_command
from glyphrender.cli.ratio import command as ratio_command
from glyphrender.ratio.look import LookKind, look
from glyphrender.ratio.propose import better_flow

WORDS = ("It", "is", "a", "truth", "universally", "acknowledged,", "that", "single", "man", "of", "fortune.")


def wrapped(paragraphs: int, seed: int = 0) -> str:
    """Return paragraphs of words, wrapped at 66 characters, with blank lines between them."""
    rng, text = random.Random(seed), ""
    for _ in range(paragraphs):
        row = ""
        for word in rng.choices(WORDS, k=rng.randint(20, 60)):
            if len(row) + 1 + len(word) > 66:
                text, row = f"{text}{row}\n", ""
            row = f"{row} {word}".strip()
        text += f"{row}\n\n"
    return text


PROSE = " ".join(WORDS * 20) + "\n\n" + " ".join(WORDS * 9) + "\n"
CODE = "def double(x):\n    y = x * 2\n    return y\n\n\nclass A:\n    size = 3\n\n    def f(self):\n        pass\n" * 9
LOG = "2026-01-02 10:00:01 INFO server: started on port 80\n2026-01-02 10:00:02 WARN no peers\n" * 9
CHAT = "user: how are you today?\nassistant: fine, and you? I am here to help with anything at all.\n" * 9
TABLE = "name,age,city\nAda,36,London\nGrace,85,Arlington\n" * 9


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (PROSE, LookKind.PROSE),
        (wrapped(9), LookKind.WRAPPED),
        (CODE, LookKind.CODE),
        (LOG, LookKind.LOG),
        (CHAT, LookKind.CHAT),
        (TABLE, LookKind.TABLE),
        ("", LookKind.PROSE),
        ("\n\n", LookKind.PROSE),
    ],
)
def test_a_text_is_told_by_its_lines(text: str, kind: LookKind) -> None:
    assert look(text).kind is kind


@pytest.mark.slow
def test_wrapped_prose_is_joined_and_costs_less() -> None:
    text = wrapped(30)
    found = propose(text, model="qwen3-vl")
    assert found.kind is LookKind.WRAPPED
    assert found.theta.unwrap
    as_it_is = compression_ratio(text, theta="glyph-en@qwen3-vl", model="qwen3-vl")
    assert compression_ratio(text, theta=found.theta, model="qwen3-vl").rho > as_it_is.rho
    assert "wrapped prose" in found.reason
    assert f"{as_it_is.rho:.2f} with its lines as they are" in found.reason


@pytest.mark.slow
def test_type_that_is_too_small_is_named_and_never_proposed() -> None:
    text = wrapped(9)
    found = propose(text, model="qwen3-vl", min_font_pixels=7)
    small = [each for each in found.alternatives if not each.legible]
    assert {each.name.split()[0] for each in small} == {"dense"}
    assert all(each.font_pixels < 7 for each in small)
    assert "but type of 6.75 px, below 7" in found.reason
    assert propose(text, model="qwen3-vl", min_font_pixels=6).theta.font_size == 6.75
    with pytest.raises(ThetaError, match="no preset") as caught:
        propose(text, model="qwen3-vl", min_font_pixels=30)
    assert caught.value.field == "min_font_pixels"


def test_lines_of_code_logs_and_tables_are_never_joined() -> None:
    for text in (CODE, LOG, TABLE):
        for each in propose(text, model="qwen3-vl").alternatives:
            assert not each.theta.unwrap
            assert each.theta.blank_lines.value in ("KEEP", "HALF")


@pytest.mark.slow
def test_auto_is_the_proposal() -> None:
    text = wrapped(4)
    assert render(text, "auto").theta == propose(text).theta
    assert render(text, "auto@qwen3-vl").theta == propose(text, model="qwen3-vl").theta
    ratio = compression_ratio(text, theta="auto", model="qwen3-vl")
    assert ratio.theta == propose(text, model="qwen3-vl").theta
    fitted = fit(text, theta="auto", model="qwen3-vl", rho=2).theta
    assert set(fitted.diff(ratio.theta)) <= {"font_size", "line_height"}
    with pytest.raises(ThetaError, match="whole text"):
        render(iter([text]), "auto")


@pytest.mark.slow
def test_a_better_flow_keeps_the_type() -> None:
    text, theta = wrapped(60), Theta.preset("glyph-en@qwen3-vl")
    better = better_flow(theta, text, model="qwen3-vl")
    assert better is not None
    assert set(better.theta.diff(theta)) <= {"unwrap", "blank_lines"}
    assert better_flow(better.theta, text, model="qwen3-vl") is None
    of_code = better_flow(theta, CODE, model="qwen3-vl")
    assert of_code is None or of_code.name == "blank_lines=HALF"


@pytest.mark.slow
def test_the_command_names_the_reason_and_writes_the_parameters(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.txt").write_text(wrapped(90), encoding="utf-8")
    runner = CliRunner()
    done = runner.invoke(propose_command, ["in.txt", "--vision", "qwen3-vl", "-o", "theta.json"])
    assert done.exit_code == 0
    assert done.stdout.startswith("wrapped prose")
    assert Theta.load(tmp_path / "theta.json").unwrap
    hint = runner.invoke(ratio_command, ["in.txt", "--vision", "qwen3-vl"])
    assert "--set unwrap=True" in hint.stderr
    refused = runner.invoke(ratio_command, ["in.txt", "--preset", "auto"])
    assert refused.exit_code == 2
    assert "propose FILE" in refused.stderr


# -- kinds of text in several scripts ----------------------------------------------------------------------

SENTENCES = {
    "English": ["The gull came back to the cliff early in the year.", "Nobody saw it, and nobody was there to see."],
    "Arabic": ["عاد النورس إلى الجرف في وقت مبكر من هذا العام.", "لم يره أحد، ولم يكن هناك أحد ليراه."],
    "Chinese": ["海鸥在今年早些时候回到了悬崖上，没有人看见它。", "那里也没有人可以看见它，因为天还没有亮。"],
}
NAMES = {"English": ("Ada", "Grace Hopper"), "Arabic": ("أحمد", "ليلى حسن"), "Chinese": ("张伟", "李娜")}


def repeated(form: str, script: str, lines: int = 24) -> str:
    """Return lines of one form, each with another time, number, name and sentence."""
    says = SENTENCES[script]
    return "".join(
        form.format(
            minute=f"{at:02}",
            number=at * at,
            name=NAMES[script][at % 2],
            nick=NAMES[script][at % 2][:3],
            says=says[at % 2],
        )
        + "\n"
        for at in range(lines)
    )


@pytest.mark.parametrize("script", SENTENCES)
@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("2026-03-01 10:{minute}:07,{number} INFO {says}", "log"),
        ("[2026年3月1日 10:{minute}] 信息：{says}", "log"),
        ("Mar  1 10:{minute}:07 host sshd[{number}]: {says}", "log"),
        ('10.0.0.{number} - - [01/Mar/2026:10:{minute}:00 +0000] "GET /{number} HTTP/1.1" 200', "log"),
        ('{{"ts": "2026-03-01T10:{minute}", "n": {number}, "says": "{says}"}}', "log"),
        ("{name}: {says}", "chat"),
        ("{name}：{says}", "chat"),
        ("01/03/2026, 10:{minute} - {name}: {says}", "chat"),
        ("[01.03.26, 10:{minute}:07] {name}: {says}", "chat"),
        ("[10:{minute}] <{nick}> {says}", "chat"),
        ("{name},{number},{minute}", "table"),
        ("{name}\t{number}\t{says}", "table"),
        ("| {name} | {number} |", "table"),
        ("{name:<16}{number:>8}   {minute}", "table"),
        ("{says} {says} {says}\n", "prose"),
        ("  - name: {name}\n    number: {number}\n    text: {says}", "code"),
        ("#define NAME_{number} {minute} /* {says} */", "code"),
        ("/* {says}\n   {says} */\nvoid f_{number}(void);\n", "code"),
    ],
)
def test_the_kind_of_a_text_is_known_by_its_lines_in_three_scripts(script: str, form: str, kind: str) -> None:
    assert look(repeated(form, script)).kind.value == kind


@pytest.mark.parametrize("script", SENTENCES)
def test_wrapped_paragraphs_with_indents_are_wrapped_prose(script: str) -> None:
    prose = ("" if script == "Chinese" else " ").join(SENTENCES[script] * 4)
    if script == "Chinese":
        paragraph = "\n".join(f"　　{prose}"[at : at + 30] for at in range(0, len(prose) + 2, 30))
    else:
        paragraph = textwrap.fill(prose, 66, initial_indent="    ")
    assert look(f"{paragraph}\n" * 12).kind.value == "wrapped prose"


@pytest.mark.parametrize("script", SENTENCES)
def test_a_paragraph_a_line_is_prose(script: str) -> None:
    text = "".join("".join(SENTENCES[script]) * (1 + at % 5) + "\n" for at in range(30))
    assert look(text).kind.value == "prose"


def test_verse_and_a_dialogue_of_equal_lines_are_no_table() -> None:
    verse = "Shall I compare thee to a summer's day,\nThou art more lovely, and more temperate,\n" * 8
    assert look(verse).kind.value == "prose"
    dialogue = "".join(
        f"{'QA'[at % 2]}: What do you think about the number {at}, and about all others?\n\n" for at in range(40)
    )
    assert look(dialogue).kind.value == "chat"


def test_ratio_says_that_a_table_stands_in_a_proportional_font(tmp_path: Path) -> None:
    file = tmp_path / "birds.txt"
    file.write_text(repeated("{name:<16}{number:>8}   {minute}", "Arabic"), encoding="utf-8")
    said = CliRunner().invoke(ratio_command, [str(file)])
    assert "looks like a table (spaces stand one below the other" in said.stderr
    said = CliRunner().invoke(ratio_command, [str(file), "--preset", "code"])
    assert "looks like" not in said.stderr
