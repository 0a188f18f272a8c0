"""`glyphrender ratio` and `fit`: the figures of the library, and one line for each mistake."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from test_cli import refused, run

from glyphrender import Theta, compression_ratio
from glyphrender._system.seal import is_sealed_csv, sealed_csv
from glyphrender.cli.bench import command as bench_command
from glyphrender.cli.fit import command as fit_command
from glyphrender.cli.models import command as models_command
from glyphrender.cli.options import dollars
from glyphrender.cli.ratio import command as ratio_command
from glyphrender.errors import VisionModelError
from glyphrender.models.prices import Price
from glyphrender.models.vision import VISION_MODELS
from glyphrender.report.scatter import HEIGHT, WIDTH, Point, scatter
from glyphrender.report.tables import text_table

SAMPLE = Path(__file__).parent / "data/udhr-eng.txt"
TEXT = SAMPLE.read_text(encoding="utf-8")


def ratio(*arguments: str | Path) -> Result:
    return CliRunner().invoke(ratio_command, [*map(str, arguments)], catch_exceptions=False)


def fit(*arguments: str | Path) -> Result:
    return CliRunner().invoke(fit_command, [*map(str, arguments)], catch_exceptions=False, standalone_mode=False)


def test_the_figures_are_those_of_the_library() -> None:
    rows = json.loads(ratio(SAMPLE, "--json", "--vision", "qwen3-vl", "--vision", "glm-4.1v").stdout)
    assert [row["vision"] for row in rows] == ["qwen3-vl", "glm-4.1v"]
    for row in rows:
        found = compression_ratio(TEXT, theta=Theta(), model=row["vision"])
        money = {"worth_it": True, "cost_as_pages": None, "cost_as_text": None}
        assert row == {"text": row["text"], **found.to_dict(), **money}


def test_the_table_has_a_line_for_each_text_and_model(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "b.bin").write_bytes(b"\0\1\2")
    result = ratio(tmp_path, "--vision", "llama-4", "--set", "dpi=96")
    heading, line = result.stdout.splitlines()
    assert heading.split()[:3] == ["text", "model", "ρ"]
    found = compression_ratio(TEXT, theta=Theta(dpi=96), model="llama-4")
    assert line.split()[1:5] == ["llama-4", f"{found.rho:.2f}", f"~{found.text_tokens:,}", f"{found.visual_tokens:,}"]
    assert "b.bin was passed over: binary" in result.stderr


def test_several_texts_have_a_line_of_their_sums_for_each_model(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "b.txt").write_text(TEXT * 2)
    models = ("--vision", "claude-opus-5", "--vision", "Qwen/Qwen3-VL-8B-Instruct")
    *_, opus, qwen = ratio(tmp_path, *models).stdout.splitlines()
    found = [compression_ratio(text, model="claude-opus-5") for text in (TEXT, TEXT * 2)]
    text, visual = (sum(getattr(each, name) for each in found) for name in ("text_tokens", "visual_tokens"))
    assert opus.split()[:6] == ["2", "texts", "claude", f"{text / visual:.2f}", f"~{text:,}", f"{visual:,}"]
    assert qwen.split()[:3] == ["2", "texts", "qwen3-vl"]
    *rows, total, _ = json.loads(ratio(tmp_path, *models, "--json").stdout)
    assert [row["text"][-5:] for row in rows] == ["a.txt", "a.txt", "b.txt", "b.txt"]
    assert (total["total"], total["texts"], total["rho"]) == (True, 2, text / visual)
    assert total["cost_as_text"] == pytest.approx(text * 5e-6)
    assert total["cost_as_pages"] == pytest.approx(rows[0]["cost_as_pages"] + rows[2]["cost_as_pages"])
    assert len(ratio(SAMPLE).stdout.splitlines()) == 2  # one text has no sums


def test_money_is_shown_where_a_price_is_known_and_asked_for_where_it_is_not(tmp_path: Path) -> None:
    heading, line = ratio(SAMPLE, "--vision", "claude-opus-4-5").stdout.splitlines()
    assert heading.split()[-4:] == ["as", "pages", "as", "text"]
    cost = compression_ratio(TEXT, model="claude-standard").cost(Price.of(5, 25))
    assert line.split()[-2:] == [dollars(cost.as_pages), dollars(cost.as_text)]
    mine = tmp_path / "mine.toml"
    mine.write_text('[[price]]\nmodel = "glyph"\ninput = 0.5\noutput = 1\n')
    for arguments in (("--vision", "zai-org/Glyph", "--prices", mine), ("--price", "0.5,1")):
        assert ratio(SAMPLE, *arguments).stdout.splitlines()[0].endswith("as text")
    unpriced = ratio(SAMPLE, "--vision", "claude")
    assert "as pages" not in unpriced.stdout
    assert "no price is known for claude." in unpriced.stderr
    assert "--prices FILE" in unpriced.stderr
    assert ratio(SAMPLE).stderr == ""  # open models have no price to know


def test_text_that_is_cheaper_is_said_first(tmp_path: Path) -> None:
    short = tmp_path / "short.txt"
    short.write_text("Short.")
    result = ratio(short, SAMPLE, "--vision", "glm-4.1v", "--vision", "gpt-4o-mini")
    assert result.output.startswith("glyphrender: not worth it for 3 of 4: pages cost no less than text: ")
    assert "short.txt for glm-4.1v (" in result.stderr
    assert [row.get("worth_it") for row in json.loads(ratio(short, SAMPLE, "--json").stdout)] == [False, True, True]
    assert "not worth it" not in ratio(SAMPLE, "--price", "0,0").stderr
    assert fit(short, "--pages", "1").output.startswith("glyphrender: not worth it: ")
    bench = CliRunner().invoke(bench_command, [str(short), "--preset", "dense", "--vision", "gpt-4o", "--read", "0"])
    assert "not worth it: pages cost no less than text: " in bench.stderr
    assert bench.stdout.splitlines()[0].split()[-4:] == ["as", "pages", "as", "text"]


def test_fit_warns_of_type_that_is_hard_to_read_and_keeps_its_status() -> None:
    result = fit(SAMPLE, "--rho", "4", "--vision", "claude-opus-5")
    assert result.return_value == 0
    assert "px is hard to read" in result.stderr
    assert " as pages, $" in result.stdout
    values = json.loads(fit(SAMPLE, "--rho", "4", "--vision", "claude-opus-5", "--json").stdout)
    assert "hard to read" in values["warning"]
    assert values["cost_as_pages"] < values["cost_as_text"]


def test_models_are_listed_by_family_and_names_are_resolved() -> None:
    def models(*arguments: str) -> Result:
        return CliRunner().invoke(models_command, arguments, catch_exceptions=False)

    lines = models().stdout.splitlines()
    assert {line.split()[1] for line in lines[1 : 1 + len(VISION_MODELS)]} == set(VISION_MODELS)
    assert any(line.split()[:3] == ["claude-opus-5", "5", "25"] for line in lines)
    found = json.loads(models("zai-org/Glyph", "claude-opus-4-5@20251101", "--json").stdout)["models"]
    assert [(row["name"], row["model"]) for row in found] == [
        ("zai-org/Glyph", "glm-4.1v"), ("claude-opus-4-5@20251101", "claude-standard"),
    ]  # fmt: skip
    assert found[1]["price"]["source"].startswith("https://platform.claude.com/")
    everything = json.loads(models("--json").stdout)
    assert len(everything["prices"]) > 40
    with pytest.raises(VisionModelError, match="Did you mean qwen3-vl"):
        models("qwen4-vl")


@pytest.mark.slow
def test_all_models_are_in_the_table_of_all() -> None:
    lines = ratio(SAMPLE, "--all", "--align").stdout.splitlines()[1:]
    assert [line.split()[1] for line in lines] == list(VISION_MODELS)
    resampled = {line.split()[1] for line in lines if line.split()[9] != "0"}
    assert resampled == {name for name in VISION_MODELS if name.startswith("gemini-3")}


@pytest.mark.slow
def test_a_model_that_refuses_a_page_has_no_figures_among_all() -> None:
    wide = ("--set", "page_size=14000,40", "--set", "auto_crop_width=no")
    rows = json.loads(ratio(SAMPLE, "--all", "--json", *wide).stdout)
    assert {row["vision"] for row in rows if "error" in row} >= {"glm-4.1v", "qwen3-vl"}
    assert "refused" in ratio(SAMPLE, "--all", *wide).stdout
    with pytest.raises(Exception, match="page 1: an image of 14000"):
        ratio(SAMPLE, *wide)


def test_fit_prints_the_options_that_give_its_pages(tmp_path: Path) -> None:
    result = fit(SAMPLE, "--rho", "2.5", "--align", "-o", tmp_path / "theta.json")
    assert result.return_value == 0
    reason, figures, options = result.stdout.splitlines()
    assert reason.endswith("pt is the largest that meets it")
    theta = Theta.load(tmp_path / "theta.json")
    found = compression_ratio(TEXT, theta=theta)
    assert found.rho >= 2.5
    assert figures.startswith(f"ρ {found.rho:.2f}: {found.text_tokens:,} text tokens")
    assert json.loads(ratio(SAMPLE, "--json", *options.split()).stdout)[0]["rho"] == found.rho


def test_fit_counts_one_page_as_one_page(tmp_path: Path) -> None:
    (short := tmp_path / "short.txt").write_text("One page.", encoding="utf-8")
    assert " on 1 page, type " in fit(short, "--pages", "1").stdout


def test_fit_that_misses_says_how_far_it_got() -> None:
    result = fit(SAMPLE, "--pages", "1", "--over", "font-size=8,12", "--min-font-pixels", "8.5", "--json")
    assert result.return_value == 1
    values = json.loads(result.stdout)
    assert (values["met"], values["bound"]) == (False, "min_font_pixels")
    assert Theta.from_dict(values["theta"]).font_size == pytest.approx(8.53, abs=0.03)


def test_bench_measures_every_text_theta_and_model(tmp_path: Path) -> None:
    Theta(font_size=8).save(tmp_path / "eight.json")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/a.txt").write_text(TEXT)
    (tmp_path / "texts/b.txt").write_text(TEXT[:3000])
    options = ("--preset", "dense", "--theta", tmp_path / "eight.json", "--vision", "glm-4.1v", "--vision", "gemini-3")
    options += ("--read", 0, "--dpi", 72, "--dpi", 96, "--csv", tmp_path / "out.csv", "--plot", tmp_path / "out.svg")
    arguments = [tmp_path / "texts", *options]
    result = CliRunner().invoke(bench_command, [*map(str, arguments)], catch_exceptions=False)
    assert len(result.stdout.splitlines()) == 1 + 2 * 2 * 2 * 2
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16
    theta = Theta(font_size=8, dpi=96).align_to("glm-4.1v")
    expected = compression_ratio(TEXT, theta=theta, model="glm-4.1v")
    (row,) = [
        row
        for row in rows
        if (row["preset"], row["model"], row["text"][-5:]) == ("eight.json 96 dpi", "glm-4.1v", "a.txt")
    ]
    assert (row["ρ"], row["visual"], row["resampled"]) == (f"{expected.rho:.3f}", str(expected.visual_tokens), "0")
    marks = ET.parse(tmp_path / "out.svg").getroot().findall(".//{*}path/{*}title")
    assert len(marks) == 16


@pytest.mark.parametrize("name", ["a\rb", "a\nb", 'a "b", c', "a\udce9", "", "a\0b"])
def test_figures_are_known_again_whatever_the_name_of_a_file_is(name: str) -> None:
    assert is_sealed_csv(sealed_csv([["text", "pages"], [name, "3"]]))


def test_a_list_of_digests_without_a_row_is_not_taken_for_figures() -> None:
    assert not is_sealed_csv(b"path,sha256\n")


def test_bench_replaces_figures_only_if_nobody_has_changed_them(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text(TEXT)
    figures = tmp_path / "out.csv"
    given = [
        str(tmp_path / "in.txt"),
        "--preset",
        "dense",
        "--vision",
        "glm-4.1v",
        "--read",
        "0",
        "--csv",
        str(figures),
    ]
    assert [CliRunner().invoke(bench_command, given).exit_code for _ in range(2)] == [0, 0]
    ours = figures.read_text(encoding="utf-8")
    heading, row = ours.splitlines()
    unsealed = ",".join(heading.split(",")[:-1])
    for spoilt in (
        f"{ours}{row}\n",
        f"{ours}my note\n",
        ours.replace("dense", "mine"),
        f"\ufeff{ours}",
        ours.replace("\n", "\r\n"),
        f"{unsealed}\n",
        f"{ours}\n",
    ):
        figures.write_text(spoilt, encoding="utf-8", newline="")
        result = CliRunner().invoke(bench_command, given)
        assert "did not write it as it is now" in str(result.exception)
        assert figures.read_text(encoding="utf-8") == spoilt.replace("\r\n", "\n")


@given(
    points=st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1e6)), min_size=1, max_size=20),
    name=st.text(max_size=9),
)
def test_points_stand_inside_the_plot(points: list[tuple[float, float]], name: str) -> None:
    root = ET.fromstring(scatter({name: [Point(x, y, name, name) for x, y in points]}, x="x", y="y", title="t"))
    marks = [path for path in root.findall("{*}path") if path.attrib["class"].startswith("f-series")]
    assert len(marks) == len(points)
    for mark in marks:
        x, y = map(float, mark.attrib["d"][1:].split("a")[0].split())
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["bench"], ["Missing argument"]),
        (["bench", "in.txt", "--preset", "nope"], ["nope", "glyph-en"]),
        (["bench", "in.txt", "--vision", "nope"], ["nope", "glyphrender models"]),
        (["bench", "in.txt", "--preset", "dense", "--read", "0", "--csv", "no/where.csv"], ["no/where.csv", "written"]),
        (["ratio"], ["Missing argument"]),
        (["ratio", "in.txt", "--vision", "glm-9v"], ["glm-9v", "Did you mean glm-"]),
        (["models", "glm-9v"], ["glm-9v", "Did you mean glm-"]),
        (["ratio", "in.txt", "--price", "3"], ["--price 3 is not two numbers", "0.25,2"]),
        (["ratio", "in.txt", "--price", "nan,1"], ["--price nan,1 is no price"]),
        (["ratio", "in.txt", "--prices", "none.toml"], ["none.toml", "cannot be read as TOML"]),
        (["bench", "in.txt", "--prices", "in.txt"], ["in.txt", "cannot be read as TOML"]),
        (["ratio", "in.txt", "--tokenizer", "glm-9"], ["glm-9", "glm-4", "'.[ratio]'"]),
        (["ratio", "in.txt", "--tokenizer", "none.json"], ["none.json", "cannot be read"]),
        (["ratio", "in.txt", "--all", "--vision", "glm-4.1v"], ["--all", "--vision"]),
        (["ratio", "in.txt", "--align", "--vision", "gemini-3"], ["gemini-3", "resamples every page"]),
        (["ratio", "in.txt", "--preset", "glyph-en@glm-9v"], ["glm-9v"]),
        (["ratio", "none.txt"], ["none.txt", "does not exist"]),
        (["fit", "in.txt"], ["no target", "--rho, --tokens, --pages"]),
        (["fit", "in.txt", "--rho", "2", "--pages", "1"], ["--rho and --pages"]),
        (["fit", "in.txt", "--rho", "-2"], ["rho=-2.0", "above 0"]),
        (["fit", "in.txt", "--rho", "2", "--over", "colour"], ["colour", "font_size"]),
        (["fit", "in.txt", "--rho", "2", "--over", "dpi=72"], ["--over dpi=72", "font_size=6,12"]),
        (["fit", ".", "--rho", "2"], ["is a folder"]),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, arguments: list[str], named: list[str]) -> None:
    (tmp_path / "in.txt").write_text("Some text.\n")
    message = refused(*arguments, cwd=tmp_path)
    for name in named:
        assert name in message


@pytest.mark.slow
def test_standard_input_and_the_empty_text(tmp_path: Path) -> None:
    done = run("ratio", "-", cwd=tmp_path, input="")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].split()[:4] == ["stdin", "glm-4.1v", "1.00", "0"]


def test_columns_line_up_whatever_the_script() -> None:
    lines = text_table(("name", "n"), [("東京", "1"), ("e\u0301", "22"), ("short",)]).splitlines()
    assert lines == ["name    n", "東京    1", "e\u0301      22", "short"]
