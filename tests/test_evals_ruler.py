"""RULER: samples that can be solved and fit, scores, protocols, and files in the official form."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import texts

from glyphrender.errors import DataError, GlyphRenderError
from glyphrender.evals import ruler
from glyphrender.evals.benchmarks import BENCHMARKS, load_benchmark
from glyphrender.evals.item import ScoredReply, labels_of
from glyphrender.evals.ruler_samples import SampleMaker
from glyphrender.evals.ruler_sources import RulerSources, read_sources
from glyphrender.evals.ruler_tasks import RULER_TASKS, RulerSample, split_input
from glyphrender.models.tokenizers import tokenizer
from glyphrender.tasks.task import Score

LENGTH = 2048
NEEDLE = re.compile(r"One of the special magic \w+ for (.+?) is: (.+?)\.")


def squad(paragraphs: list[str]) -> dict[str, Any]:
    """Return questions in SQuAD's form; every third has no answer."""
    asked = [
        {"question": f"Who {n}?", "is_impossible": n % 3 == 2, "answers": [{"text": text[:9]}, {"text": "another"}]}
        for n, text in enumerate(paragraphs)
    ]
    found = [{"context": text, "qas": [question]} for text, question in zip(paragraphs, asked, strict=True)]
    return {"data": [{"paragraphs": found[at : at + 4]} for at in range(0, len(found), 4)]}


def hotpotqa(paragraphs: list[str], *, each: int = 10) -> list[dict[str, Any]]:
    """Return questions in HotpotQA's form, with ten documents each."""
    return [
        {
            "question": f"Which {at}?",
            "answer": paragraphs[at][:9],
            "context": [[f"Title {n}", [paragraphs[n][:200], "."]] for n in range(at, at + each)],
        }
        for at in range(0, 60, each)
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("ruler")
    paragraphs = [text for text in texts.novel()[:150_000].split("\n\n") if 200 < len(text) < 700][:120]
    (folder / "essay.txt").write_text(texts.novel()[:40_000], encoding="utf-8")
    (folder / "dev-v2.0.json").write_text(json.dumps(squad(paragraphs)), encoding="utf-8")
    (folder / "hotpot.json").write_text(json.dumps(hotpotqa(paragraphs)), encoding="utf-8")
    return [str(path) for path in sorted(folder.iterdir())]


@pytest.fixture(scope="module")
def maker(data: list[str]) -> SampleMaker:
    return SampleMaker(sources=read_sources([Path(path) for path in data]), tokenizer=tokenizer("glm-4"), seed=7)


@pytest.mark.parametrize("task", ruler.TASKS)
def test_a_sample_fits_its_length_closely_and_splits_into_its_parts(maker: SampleMaker, task: str) -> None:
    numbers = maker.questions(task, LENGTH, 2) if task.startswith("qa") else [0, 1]
    for number in numbers:
        sample = maker.sample(task, LENGTH, number)
        assert 0.85 * LENGTH <= maker.tokens(task, sample) <= LENGTH
        assert split_input(task, sample.input) == (sample.examples, sample.head, sample.context, sample.tail)
        if task != "qa_1":
            assert all(answer in sample.context for answer in sample.answers)


def test_a_sample_is_the_same_whichever_is_made_first_and_another_with_another_seed(maker: SampleMaker) -> None:
    alone = SampleMaker(sources=maker.sources, tokenizer=maker.tokenizer, seed=7)
    last_first = [alone.sample(task, 1024, number) for number in (5, 0) for task in ("vt", "niah_multikey_2")]
    in_order = [maker.sample(task, 1024, number) for number in (5, 0) for task in ("vt", "niah_multikey_2")]
    assert last_first == in_order
    other = SampleMaker(sources=maker.sources, tokenizer=maker.tokenizer, seed=8)
    assert other.sample("vt", 1024, 0) != in_order[2]


@pytest.mark.parametrize("task", [task for task in ruler.TASKS if task.startswith("niah")])
def test_needles_are_as_many_as_the_task_says_and_no_key_stands_twice(maker: SampleMaker, task: str) -> None:
    settings, sample = RULER_TASKS[task].settings, maker.sample(task, LENGTH, 3)
    found = NEEDLE.findall(sample.context)
    keys = Counter(key for key, _ in found)
    assert set(keys.values()) == {settings["values"]}
    assert len({value for _, value in found}) == len(found)
    if settings["haystack"] != "needle":
        assert len(found) == settings["keys"] * settings["values"]
    asked = [key for key, value in found if value in sample.answers]
    assert len(sample.answers) == settings["queries"] * settings["values"]
    assert all(key in sample.tail for key in asked)


def test_the_chain_of_assignments_leads_to_the_answers(maker: SampleMaker) -> None:
    sample = maker.sample("vt", LENGTH, 0)
    value = re.search(r"the value (\d{5})", sample.tail)
    assert value is not None
    names = {line.split()[1] for line in sample.context.split("\n") if line.endswith(f"= {value[1]}")}
    for _ in range(4):
        names |= {name for name in re.findall(r"VAR (\w+) = VAR \w+", sample.context) if _source(sample, name) in names}
    assert names == set(sample.answers)
    assert len(sample.answers) == 5


def _source(sample: RulerSample, name: str) -> str:
    return re.findall(rf"VAR {name} = VAR (\w+)", sample.context)[0]


def test_the_answers_of_cwe_and_fwe_are_the_most_frequent_words(maker: SampleMaker) -> None:
    listed = re.sub(r"(^| )\d+\. ", "\n", maker.sample("cwe", LENGTH, 0).context).split("\n")[1:]
    common = [word for word, _ in Counter(listed).most_common(10)]
    assert set(common) == set(maker.sample("cwe", LENGTH, 0).answers)
    sample = maker.sample("fwe", LENGTH, 0)
    frequent = [word for word, _ in Counter(sample.context.split()).most_common(4)]
    assert frequent == ["...", *sample.answers]


def test_long_lists_take_words_beyond_those_of_wonderwords(maker: SampleMaker) -> None:
    # 60,000 tokens of a list in which every word stands at least thrice need fewer words than there are; twice that,
    # with words counted as one token each, needs more.
    counted = SampleMaker(sources=maker.sources, tokenizer=tokenizer(lambda text: len(text.split())), seed=7)
    words = re.findall(r"\d+\. ([^\d]+?)(?= \d+\.|$)", counted.sample("cwe", 70_000, 0).context)
    assert len(set(words)) > 9000


def test_the_search_for_a_size_ends_with_one_line_where_nothing_fits(data: list[str], maker: SampleMaker) -> None:
    with pytest.raises(DataError, match="length=256 is too short for the task niah_single_2"):
        load_benchmark("ruler", data, tasks=["niah_single_2"], options={"lengths": "256", "samples": "1"})
    with pytest.raises(DataError, match="the task qa_2 has 0 questions whose documents fit into length=512"):
        load_benchmark("ruler", data, tasks=["qa_2"], options={"lengths": "512", "samples": "1"})
    with pytest.raises(DataError, match="the task qa_2 has 6 questions"):
        load_benchmark("ruler", data, tasks=["qa_2"], options={"lengths": "2048", "samples": "7"})


def loaded(data: list[str], **given: Any) -> Any:
    options = {"lengths": "1024", "samples": "1", **given.pop("options", {})}
    return load_benchmark("ruler", data, options=options, **given)


def test_only_the_context_may_be_drawn_and_the_message_ends_with_the_beginning_of_the_answer(data: list[str]) -> None:
    items = {item.task: item for item in loaded(data, tasks=["vt", "niah_single_1"]).items}
    example, context, end = items["vt"].turns[0].parts
    assert context.text.count("VAR ") == 9
    assert example.count("Memorize and track") == 2
    assert example.endswith("hidden in the following text.\n\n")
    assert re.fullmatch(
        r"\nQuestion: Find all variables that are assigned the value (\d{5}) in the text above\. Answer: According to "
        r"the chain\(s\) of variable assignment in the text above, 5 variables are assigned the value \1, they are: ",
        end,
    )
    assert items["vt"].max_tokens == 30
    assert items["niah_single_1"].turns[0].parts[0].startswith("A special magic number is hidden within")
    assert items["niah_single_1"].buckets == {"length": "1024"}


def test_labels_are_those_of_the_items_and_make_none(data: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = load_benchmark("ruler", data, tasks=["vt", "qa_1"], options={"lengths": "1024,2048", "samples": "2"})
    items = [(item.key, item.task, item.buckets) for item in benchmark.items]
    monkeypatch.delattr(SampleMaker, "sample")
    assert [(label.key, label.task, label.buckets) for label in labels_of(benchmark.items)] == items
    assert len(items) == 8


def test_glyphs_protocol_has_eleven_tasks_without_examples_and_without_the_beginning(data: list[str]) -> None:
    benchmark = loaded(data, protocol="glyph@61afa7f")
    items = {item.task: item for item in benchmark.items}
    assert tuple(items) == ruler.GLYPH_TASKS
    assert len(ruler.TASKS) - len(ruler.GLYPH_TASKS) == 2
    context, question = items["cwe"].turns[0].parts
    assert context.text.startswith("1. ")
    assert question.startswith("Below is a numbered list of words.")
    assert question.endswith("Question: What are the 10 most common words in the above list?")
    with pytest.raises(DataError, match="niah_single_3"):
        loaded(data, tasks=["niah_single_3"], protocol="glyph@61afa7f")


def test_an_answer_mentioned_in_thoughts_scores_unless_the_protocol_cuts_them(data: list[str]) -> None:
    by_name = {name: loaded(data, tasks=["niah_single_1"], protocol=name) for name in ruler.PROTOCOLS}
    assert {name: benchmark.protocol.thoughts for name, benchmark in by_name.items()} == {
        "official": "kept",
        "thinking": "all",
        "glyph@61afa7f": "kept",
    }
    benchmark = by_name["glyph@61afa7f"]
    item = benchmark.items[0]
    assert benchmark.score(item, f"<think>{item.answers[0]}?</think>None.<|user|>").value == 1.0
    assert benchmark.score(item, "").value == 0.0


def test_all_needles_count_and_one_of_several_answers_is_enough_in_qa(data: list[str]) -> None:
    benchmark = loaded(data, tasks=["niah_multivalue", "qa_1"])
    needles, question = benchmark.items
    assert benchmark.score(needles, ", ".join(needles.answers[:3])).value == 0.75
    assert benchmark.score(question, question.answers[1].upper()).value == 1.0


def test_averages_are_by_length_and_weighted(data: list[str]) -> None:
    benchmark = loaded(data, tasks=["vt", "fwe"], options={"lengths": "1024,2K"})
    right = {("1024", "vt"): 1.0, ("1024", "fwe"): 1.0, ("2048", "vt"): 1.0, ("2048", "fwe"): 0.0}
    scored = [
        ScoredReply(item=item, reply="x", score=Score(error=1 - right[item.buckets["length"], item.task]))
        for item in benchmark.items
    ]
    summary = benchmark.summary(scored)
    assert summary == pytest.approx(
        {"average": 0.75, "1024": 1.0, "2048": 0.5, "wAvg. (inc)": 2 / 3, "wAvg. (dec)": 2.5 / 3}
    )


def test_files_in_rulers_form_give_the_items_that_were_generated(data: list[str], tmp_path: Path) -> None:
    made = loaded(data, tasks=["vt", "qa_1"])
    for item in made.items:
        before, context, end = item.turns[0].parts
        prefix = end[end.rindex(" Answer:") :]
        row = {"index": 0, "input": before + context.text + end.removesuffix(prefix), "outputs": list(item.answers)}
        folder = tmp_path / item.task
        folder.mkdir()
        (folder / "validation.jsonl").write_text(json.dumps(row | {"length": 1000, "answer_prefix": prefix}) + "\n")
    read = load_benchmark("ruler", [str(tmp_path)])
    assert {item.task: item.turns for item in read.items} == {item.task: item.turns for item in made.items}
    assert {item.task: item.buckets for item in read.items} == {item.task: item.buckets for item in made.items}


def test_glyphs_processed_file_is_asked_with_its_own_question(tmp_path: Path) -> None:
    path = tmp_path / "processed.jsonl"
    row = {"task_name": "fwe", "question": "Which three?", "context": "... aa bb", "outputs": ["aa"], "unique_id": "u1"}
    path.write_text(json.dumps(row) + "\n" + json.dumps(row | {"task_name": "niah_single_3", "unique_id": "u2"}) + "\n")
    items = load_benchmark("ruler", [str(path)], protocol="glyph@61afa7f").items
    assert [item.key for item in items] == ["u1"]
    assert [getattr(part, "text", part) for part in items[0].turns[0].parts] == ["... aa bb", "Which three?"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outputs": []}, r"validation.jsonl:1: outputs is empty"),
        ({"outputs": "12"}, "outputs"),
        ({"input": "Nothing of the kind"}, "has not the form"),
        ({"length": "long"}, "length"),
        ({"task_name": "niah"}, "no task of RULER"),
    ],
)
def test_a_malformed_sample_is_one_line_with_file_and_line(tmp_path: Path, changes: dict, words: str) -> None:
    (tmp_path / "vt").mkdir()
    text = "Memorize and track it in the following text.\n\nVAR A = 1\nQuestion: Find all variables that are 1."
    row = {"input": text, "outputs": ["A"], "length": 99} | changes
    (tmp_path / "vt" / "validation.jsonl").write_text(json.dumps(row))
    with pytest.raises(DataError, match=words):
        load_benchmark("ruler", [str(tmp_path)])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tasks": ["niah"]}, "Use one of: niah_single_1"),
        ({"options": {"lengths": "4096,x"}}, "lengths="),
        ({"options": {"lengths": "12"}}, "from 256"),
        ({"options": {"samples": "0"}}, "samples="),
        ({"options": {"seed": "-1"}}, "seed="),
        ({"options": {"tokenizer": "glm-9"}}, "tokenizer="),
    ],
)
def test_what_ruler_does_not_have_is_one_line(data: list[str], given: dict, words: str) -> None:
    with pytest.raises(GlyphRenderError, match=words):
        loaded(data, **given)


def test_without_texts_the_tasks_that_need_none_are_generated_and_the_others_say_what_they_need() -> None:
    tasks = {item.task for item in loaded([]).items}
    assert tasks == {"niah_single_1", "niah_multikey_2", "niah_multikey_3", "vt", "cwe", "fwe"}
    with pytest.raises(DataError, match="SQuAD"):
        loaded([], tasks=["qa_1"])


@pytest.mark.parametrize("held", ["[1]", '{"data": [{"x": 1}]}', '{"1": 2}', "{", "[]"])
def test_a_file_of_another_form_is_refused_in_one_line(tmp_path: Path, held: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(held)
    with pytest.raises(DataError, match=r"x\.json"):
        read_sources([path])


def test_the_table_of_benchmarks_names_what_ruler_has() -> None:
    assert BENCHMARKS["ruler"].tasks == ruler.TASKS
    assert BENCHMARKS["ruler"].protocols == tuple(ruler.PROTOCOLS)
    assert RulerSources().essay_words == []
