"""Errors carry data, and lose none of it on the way."""

from __future__ import annotations

import copy
import pickle
import re
from pathlib import Path

import pytest

from glyphrender import errors
from glyphrender.adapters.data import FromColumn
from glyphrender.evals.efficiency.expected import configuration
from glyphrender.models.vision import vision_from_config
from glyphrender.train.recipe import Recipe
from glyphrender.train.recipe.fields import value_of

EXAMPLES = [
    errors.GlyphRenderError("a message"),
    errors.ThetaError("a message", field="dpi"),
    errors.FontError("a message", family="Verdana"),
    errors.LayoutError("a message", page=3),
    errors.DataError("a message", path=Path("book.txt")),
    errors.ResourceError("a message", errno=28),
    errors.DependencyError("a message", extra="ratio"),
    errors.TokenizerError("a message", tokenizer="glm-4"),
    errors.VisionModelError("a message", model="qwen3-vl"),
    errors.TrainingError("a message", step=7, path=Path("nan/step-7.pt")),
    errors.EndpointError("a message", url="http://127.0.0.1:8000/v1", status=503),
    errors.RequestRefused("a message", url="http://127.0.0.1:8000/v1", status=400),
    errors.BudgetSpent("a message", url="http://127.0.0.1:8000/v1"),
]


def data(error: errors.GlyphRenderError) -> dict[str, object]:
    return dict(vars(error))


def test_every_error_is_tried_and_has_attributes_of_its_own() -> None:
    classes = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)}
    assert {type(error) for error in EXAMPLES} == classes
    assert all(data(error) for error in EXAMPLES[1:])


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_pickles_and_copies_are_equal(error: errors.GlyphRenderError) -> None:
    error = copy.copy(error)
    error.add_note("while rendering row 3")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert str(again) == "a message"
        assert data(again) == data(error)
        assert again.__notes__ == ["while rendering row 3"]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_context_goes_before_the_message_and_the_data_stay(error: errors.GlyphRenderError) -> None:
    inside = error.with_context("row 3")
    assert type(inside) is type(error)
    assert str(inside) == "row 3: a message"
    assert str(pickle.loads(pickle.dumps(inside))) == "row 3: a message"
    assert data(inside) == data(error)


@pytest.mark.parametrize("error", EXAMPLES[1:], ids=lambda error: type(error).__name__)
def test_data_can_be_left_out(error: errors.GlyphRenderError) -> None:
    assert set(data(type(error)("a message")).values()) <= {"", None, ()}


def test_paths_are_text() -> None:
    assert errors.DataError("a message", path=Path("a") / "b").path == str(Path("a") / "b")


def test_the_tree_names_every_class_and_attribute() -> None:
    tree = errors.__doc__ or ""
    for error in EXAMPLES[:-2]:
        (line,) = re.findall(rf"^.*\b{type(error).__name__}\b.*$", tree, re.MULTILINE)
        assert all(f".{name}" in line for name in data(error))


@pytest.mark.parametrize("value", ["[" * 9000 + "]" * 9000, '{"a":' * 9000 + "1" + "}" * 9000, "1" * 9000])
def test_a_value_nested_too_deep_or_with_too_many_digits_is_one_error(value: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(f'{{"depth": {value}}}')
    (tmp_path / "preprocessor_config.json").write_text(f'{{"patch_size": {value}}}')
    (tmp_path / "recipe.toml").write_text(f"depth = {value.replace(':', '=')}")
    for read in (
        lambda: configuration(str(tmp_path)),
        lambda: vision_from_config(tmp_path),
        lambda: Recipe.load(tmp_path / "recipe.toml"),
        lambda: FromColumn()({"theta": f'{{"dpi": {value}}}'}, None),  # type: ignore[arg-type]
    ):
        with pytest.raises(errors.DataError) as raised:
            read()
        assert "\n" not in str(raised.value)
    text = value.replace(":", "=")
    assert value_of(text) == text
