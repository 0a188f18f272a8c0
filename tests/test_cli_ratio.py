"""`glyphrender ratio` and `fit`: the figures of the library, and one line for each mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from test_cli import refused, run

from glyphrender import Theta, compression_ratio
from glyphrender.cli.fit import command as fit_command
from glyphrender.cli.ratio import command as ratio_command
from glyphrender.cli.table import table
from glyphrender.ratio.vision import VISION_MODELS

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
        assert row == {"text": row["text"], **compression_ratio(TEXT, Theta(), row["vision"]).to_dict()}


def test_the_table_has_a_line_for_each_text_and_model(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "b.bin").write_bytes(b"\0\1\2")
    result = ratio(tmp_path, "--vision", "llama-4", "--set", "dpi=96")
    heading, line = result.stdout.splitlines()
    assert heading.split()[:3] == ["text", "model", "ρ"]
    found = compression_ratio(TEXT, Theta(dpi=96), "llama-4")
    assert line.split()[1:5] == ["llama-4", f"{found.rho:.2f}", f"~{found.text_tokens:,}", f"{found.visual_tokens:,}"]
    assert "b.bin was passed over: binary" in result.stderr


def test_all_models_are_in_the_table_of_all() -> None:
    lines = ratio(SAMPLE, "--all", "--align").stdout.splitlines()[1:]
    assert [line.split()[1] for line in lines] == list(VISION_MODELS)
    resampled = {line.split()[1] for line in lines if line.split()[-1] != "0"}
    assert resampled == {name for name in VISION_MODELS if name.startswith("gemini-3")}


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
    found = compression_ratio(TEXT, theta)
    assert found.rho >= 2.5
    assert figures.startswith(f"ρ {found.rho:.2f}: {found.text_tokens:,} text tokens")
    assert json.loads(ratio(SAMPLE, "--json", *options.split()).stdout)[0]["rho"] == found.rho


def test_fit_that_misses_says_how_far_it_got() -> None:
    result = fit(SAMPLE, "--pages", "1", "--over", "font-size=8,12", "--min-font-pixels", "8.5", "--json")
    assert result.return_value == 1
    values = json.loads(result.stdout)
    assert (values["met"], values["bound"]) == (False, "min_font_pixels")
    assert Theta.from_dict(values["theta"]).font_size == pytest.approx(8.53, abs=0.03)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["ratio"], ["Missing argument"]),
        (["ratio", "in.txt", "--vision", "glm-9v"], ["glm-9v", "glm-4.1v", "qwen3-vl"]),
        (["ratio", "in.txt", "--tokenizer", "glm-9"], ["glm-9", "glm-4", "glyphrender[ratio]"]),
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


def test_standard_input_and_the_empty_text(tmp_path: Path) -> None:
    done = run("ratio", "-", cwd=tmp_path, input="")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].split()[:4] == ["stdin", "glm-4.1v", "1.00", "0"]


def test_columns_line_up_whatever_the_script() -> None:
    lines = table(("name", "n"), [("東京", "1"), ("e\u0301", "22"), ("short",)]).splitlines()
    assert lines == ["name    n", "東京    1", "e\u0301      22", "short"]
