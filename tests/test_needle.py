"""The needle map: one fact at a known depth, the same fact at every depth, and a picture that says what was right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import texts
from PIL import Image

from glyphrender import DataError
from glyphrender.document.document import Document
from glyphrender.evals.arms import Poser, conditions_of
from glyphrender.evals.benchmarks import BENCHMARKS, load_benchmark
from glyphrender.evals.needle import KINDS, load, needle
from glyphrender.evals.needle_map import needle_cells, needle_map, needle_png, needle_table
from glyphrender.evals.report import check_report, write_report
from glyphrender.evals.runner import Run, run
from glyphrender.evals.summary import run_name
from glyphrender.inference.conversation import Conversation
from glyphrender.inference.endpoint import Reply
from glyphrender.models.tokenizers import tokenizer
from glyphrender.models.vision import vision_model
from glyphrender.theta import Theta

ENGLISH, CHINESE = texts.declaration("eng"), texts.declaration("zho")
VISION = vision_model("glm-4.1v")


@pytest.mark.parametrize("own", [(), (ENGLISH, CHINESE)], ids=["drawn", "own"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_needle_stands_at_its_depth_in_a_text_of_its_length(kind: str, own: tuple[str, ...]) -> None:
    made = needle(own, kinds=[kind], lengths=[2000, 6000], depths=[0, 25, 50, 75, 100], repeats=2)
    assert len(made.items) == 20
    for item in made.items:
        text, answer = item.drawables[0], item.answers[0]
        assert item.meta["length"] <= len(text) <= 1.5 * item.meta["length"] + 400
        assert text.count(answer) == 1
        about = item.turns[0].parts[1]
        assert isinstance(about, str)
        if kind != "two_hops":
            at = text.index(answer) / len(text)
            assert abs(at - item.meta["depth"] / 100) < 0.12, item.key
        assert made.score(item, answer).error == 0
        assert made.score(item, f"It is {answer}.").error == 0
        assert made.score(item, "").error == 1
        for decoy in item.meta["decoys"]:
            assert decoy in text
            assert made.score(item, decoy).error == 1
            assert made.score(item, f"{answer} or {decoy}").error == 1


def test_a_needle_is_the_same_at_every_depth_and_another_in_every_repeat() -> None:
    made = needle(kinds=["uuid"], lengths=[2000], depths=[0, 50, 100], repeats=3)
    answers = [made.items[index].answers[0] for index in range(9)]
    assert len(set(answers)) == 3
    assert answers[0] == answers[1] == answers[2]
    texts_ = [sorted(made.items[index].drawables[0].splitlines()) for index in range(3)]
    assert texts_[0] == texts_[1] == texts_[2]
    again = needle(kinds=["uuid"], lengths=[2000], depths=[0, 50, 100], repeats=3)
    assert [item.digest for item in made.items] == [item.digest for item in again.items]


def test_the_second_hop_stands_half_a_text_on() -> None:
    for depth in (0, 25, 75):
        item = needle(kinds=["two_hops"], lengths=[6000], depths=[depth], repeats=1).items[0]
        text = item.drawables[0]
        person = str(item.turns[0].parts[1]).split("parcel of ")[1].split("?")[0]
        first = text.index(f"The parcel of {person} ")
        locker = text[first:].split("locker ")[1][:4]
        second = text.index(f"Locker {locker} ")
        assert abs(first / len(text) - depth / 100) < 0.12
        assert abs(second / len(text) - (depth + 50) % 100 / 100) < 0.12


def test_wrong_settings_get_one_line(tmp_path: Path) -> None:
    for given, named in (
        ({"kinds": ["hay"]}, "hay"),
        ({"kinds": []}, "tasks"),
        ({"lengths": [10]}, "lengths=10"),
        ({"lengths": [400, 400]}, "lengths"),
        ({"depths": [101]}, "depths=101"),
        ({"repeats": 0}, "repeats=0"),
        ({"texts": [" "]}, "empty"),
    ):
        with pytest.raises(DataError, match=named):
            needle(**given)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="lengths='x'"):
        load([], lengths="x")
    with pytest.raises(DataError, match=r"absent\.txt"):
        load([str(tmp_path / "absent.txt")])
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    with pytest.raises(DataError, match="UTF-8"):
        load([str(tmp_path / "latin.txt")])
    (tmp_path / "a.txt").write_text(ENGLISH, encoding="utf-8")
    made = load([str(tmp_path / "a.txt")], tasks=["word"], lengths="1000,2000", depths="50", repeats="1")
    assert (len(made.items), made.revision.startswith("sha256:")) == (2, True)


@dataclass
class Forgetful:
    """A model that finds what stands in the first half of a text, and in pages only if the text is short."""

    @property
    def identity(self) -> list[Any]:
        return ["forgetful"]

    def complete(self, conversation: Conversation, **_: Any) -> Reply:
        parts = conversation.turns[-1].parts
        text = "".join(part.text if isinstance(part, Document) else str(part) for part in parts)
        drawn = isinstance(parts[0], Document)
        item = next(item for item in MAP.items if item.turns[0].text == text)
        seen = item.meta["depth"] <= 50 and not (drawn and item.meta["length"] > 1000)
        return Reply(text=item.answers[0] if seen else "no idea", prompt_tokens=9, completion_tokens=3)


MAP = needle(kinds=["word", "uuid"], lengths=[1000, 3000], depths=[0, 50, 100], repeats=1)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    conditions = conditions_of(["text", "pages"], [Theta.preset("dense@glm-4.1v")])
    poser = Poser(vision=VISION, tokenizer=tokenizer("glm-4"))
    folder = tmp_path_factory.mktemp("needle")
    return run(MAP, Forgetful(), conditions=conditions, poser=poser, replies=folder / "r.sqlite", concurrency=1)


def test_cells_count_what_was_right(done: Run) -> None:
    found = {(cell.condition, cell.length, cell.depth): cell.right for cell in needle_cells(done.outcomes)}
    assert found["text", 3000, 50] == found["pages", 1000, 50] == 1
    assert found["text", 3000, 100] == found["pages", 3000, 0] == 0
    table = needle_table(done)
    assert "| uuid | pages | 1,000 | 1/1 | 1/1 | 0/1 | 2/3 |" in table
    assert table.count("\n") == 2 + 2 * 2 * 2


def test_the_picture_is_dark_where_all_is_right(done: Run) -> None:
    picture = needle_map(done)
    colors = {color for _, color in picture.getcolors(1 << 20) or []}
    assert {(253, 231, 128), (0, 34, 78)} <= colors
    with Image.open(BytesIO(needle_png(done))) as read:
        assert read.size == picture.size
    other = replace(done.outcomes[0], item=replace(done.outcomes[0].item, meta={}))
    with pytest.raises(DataError, match="benchmark needle"):
        needle_cells([other])


def test_the_report_of_a_run_has_the_map_and_is_replaced_by_the_next(done: Run, tmp_path: Path) -> None:
    paths = write_report(tmp_path, done)
    assert paths[".map.png"].read_bytes().startswith(b"\x89PNG")
    assert needle_table(done) in paths[".map.md"].read_text(encoding="utf-8")
    assert write_report(tmp_path, done) == paths
    paths[".map.png"].write_bytes(b"mine")
    with pytest.raises(DataError, match=r"map\.png"):
        write_report(tmp_path, done)


def test_a_map_that_somebody_has_changed_is_refused_before_a_run(done: Run, tmp_path: Path) -> None:
    for path in write_report(tmp_path, done).values():
        whole = path.read_bytes()
        path.write_bytes(whole + b"my note")
        with pytest.raises(DataError, match="did not write it as it is now"):
            check_report(tmp_path, run_name(done))
        path.write_bytes(whole)
    check_report(tmp_path, run_name(done))


def test_the_table_of_benchmarks_knows_the_needle_map() -> None:
    entry = BENCHMARKS["needle"]
    assert entry.tasks == KINDS
    made = load_benchmark("needle", [], tasks=["word"], options={"lengths": "1000", "repeats": "1", "depths": "0"})
    assert len(made.items) == 1
