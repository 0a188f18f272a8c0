"""Pipes and devices among the files of a folder, or named in place of a file, are refused and never waited for."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eval_judge import POSER

from glyphrender import Theta, render
from glyphrender.adapters.corpus import render_corpus
from glyphrender.adapters.corpus.options import Options
from glyphrender.document.sheet import saved
from glyphrender.errors import DataError
from glyphrender.evals.arms import conditions_of
from glyphrender.evals.efficiency.expected import configuration
from glyphrender.evals.item import Item, ItemTurn
from glyphrender.evals.nolima import load_nolima
from glyphrender.evals.ruler import load as ruler
from glyphrender.inference.replies import Replies
from glyphrender.models.preprocessor import vision_from_config
from glyphrender.search.journal import Journal
from glyphrender.text.source import read
from glyphrender.train.exports.export import lint
from glyphrender.train.recipe import Recipe
from glyphrender.train.run.run_folder import RunFolder

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are not supported")


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    """End a test that waits for a pipe."""
    signal.alarm(60)
    yield
    signal.alarm(0)


def _corpus_begun(folder: Path) -> None:
    (folder / "in.txt").write_text("text")
    (folder / "out/.run").mkdir(parents=True)
    os.mkfifo(folder / "out/.run/run.json")
    render_corpus([folder / "in.txt"], folder / "out", Options(format="png"), resume=True)


def _corpus_manifest(folder: Path) -> None:
    (folder / "in.txt").write_text("text")
    (folder / "out").mkdir()
    os.mkfifo(folder / "out/manifest.json")
    render_corpus([folder / "in.txt"], folder / "out", Options(format="png"), resume=True)


def _corpus_lock(folder: Path) -> None:
    (folder / "in.txt").write_text("text")
    (folder / "out/.run").mkdir(parents=True)
    os.mkfifo(folder / "out/.run/lock")
    render_corpus([folder / "in.txt"], folder / "out", Options(format="png"))


def _export_manifest(folder: Path) -> None:
    os.mkfifo(folder / "export.json")
    lint(folder)


def _saved_page(folder: Path) -> None:
    render("text", Theta()).save(folder / "pages")
    (page,) = (folder / "pages").glob("*.png")
    page.unlink()
    os.mkfifo(page)
    saved(folder / "pages", 1, 1)


def _replies(folder: Path) -> None:
    os.mkfifo(folder / "replies.sqlite")
    Replies(folder / "replies.sqlite")


def _journal(folder: Path) -> None:
    os.mkfifo(folder / "journal.jsonl")
    Journal(folder / "journal.jsonl", settings={}, resume=True)


def _image(folder: Path) -> None:
    os.mkfifo(folder / "a.png")
    item = Item(
        key="a", task="t", turns=(ItemTurn("user", (folder / "a.png", "Which?")),), answers=("x",), max_tokens=4
    )
    POSER.pose(item, conditions_of(["pages"], [Theta()])[0])


def _texts_of_ruler(folder: Path) -> None:
    os.mkfifo(folder / "a.txt")
    ruler([str(folder)])


def _configuration(folder: Path) -> None:
    os.mkfifo(folder / "config.json")
    configuration(str(folder))


def _preprocessor(folder: Path) -> None:
    os.mkfifo(folder / "preprocessor_config.json")
    vision_from_config(folder)


def _recipe_of_a_run(folder: Path) -> None:
    os.mkfifo(folder / "recipe.toml")
    RunFolder.open(folder, Recipe.load("tiny-cpt"))


def _device(folder: Path) -> None:
    read("/dev/zero")


@pytest.mark.parametrize(
    "opened",
    [
        _corpus_begun, _corpus_manifest, _corpus_lock, _export_manifest, _saved_page, _replies, _journal, _image,
        _texts_of_ruler, _configuration, _preprocessor, _recipe_of_a_run, _device,
    ],
)  # fmt: skip
def test_what_is_no_regular_file_is_refused_and_not_waited_for(opened: Callable[[Path], None], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        opened(tmp_path)


def test_a_pipe_in_a_folder_of_books_is_no_book(tmp_path: Path) -> None:
    (tmp_path / "needle_set.json").write_text("[]")
    (tmp_path / "books").mkdir()
    os.mkfifo(tmp_path / "books/a.txt")
    with pytest.raises(DataError, match="holds no book"):
        load_nolima([tmp_path / "needle_set.json", tmp_path / "books"])
