"""RULER: 13 synthetic tasks at any length. Samples are generated here, or read from RULER's files.

The context may be drawn. Instruction, question, solved examples and the beginning of the answer stay text. Source:
NVIDIA/RULER at c3f5e3b; the protocol `glyph@61afa7f` follows evaluation/ruler of thu-coai/Glyph.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from glyphrender.errors import DataError, shown
from glyphrender.evals.item import (
    Benchmark,
    Drawable,
    EvalProtocol,
    Item,
    ItemLabel,
    ItemPart,
    ItemTurn,
    MadeItems,
    ScoredReply,
)
from glyphrender.evals.loading import checked_arguments
from glyphrender.evals.metrics import ruler_prediction, string_match_all, string_match_part
from glyphrender.evals.rows import Row, read_rows, revision_of
from glyphrender.evals.ruler_samples import SampleMaker
from glyphrender.evals.ruler_sources import read_sources
from glyphrender.evals.ruler_tasks import FAMILIES, RULER_TASKS, RulerSample, split_input
from glyphrender.models import tokenizers
from glyphrender.tasks.task import Score

__all__ = ["GLYPH_TASKS", "PROTOCOLS", "TASKS", "load"]

#: The tasks of RULER.
TASKS: Final = tuple(RULER_TASKS)
_GLYPH_NAME: Final = "glyph@61afa7f"
#: The tasks that Glyph's script scores: not those whose answers are UUIDs.
GLYPH_TASKS: Final = tuple(task for task in TASKS if task not in ("niah_single_3", "niah_multikey_3"))
# A change of this number says that equal arguments give other samples than before.
_GENERATOR: Final = 1
_MOST_LENGTH: Final = 1 << 22

PROTOCOLS: Final[Mapping[str, EvalProtocol]] = {
    protocol.name: protocol
    for protocol in (
        EvalProtocol(
            name="official",
            source="NVIDIA/RULER@c3f5e3b: scripts/data/synthetic/, scripts/eval/, scripts/pred/client_wrappers.py",
            sampling={"temperature": 0.0},
            thoughts="kept",
            note="The beginning of the answer stands at the end of the user's message, as RULER's own OpenAI client "
            "sends it; RULER's other clients let the model continue it. Only the context is drawn: solved examples of "
            "vt and cwe stay text. Sentences of an essay are found without nltk's model.",
        ),
        EvalProtocol(
            name="thinking",
            source="as official, for models that think; not of the authors",
            sampling={"temperature": 0.0, "max_tokens": 8192},
            thoughts="all",
            note="As official, without the beginning of the answer. Thoughts are cut, also those that do not end, and "
            "8,192 tokens may be generated in place of 30 to 128.",
        ),
        EvalProtocol(
            name=_GLYPH_NAME,
            source="thu-coai/Glyph@61afa7f: evaluation/ruler/scripts/post_api_ruler.py, evaluation/readme.md",
            sampling={
                "temperature": 0.0,
                "top_k": 50,
                "repetition_penalty": 1.1,
                "max_tokens": 8192,
                "stop_token_ids": [151329, 151348, 151336],
            },
            thoughts="kept",
            note="11 of the 13 tasks. Solved examples and the beginning of the answer are left out. Thoughts stay, so "
            "an answer that is only mentioned in them scores. Instruction and question follow the pages; the wording "
            "of Glyph's own files, which are not in its repository, may differ: load those files to use it.",
        ),
    )
}


def load(
    data: Sequence[str],
    *,
    tasks: Sequence[str] = (),
    protocol: str = "official",
    lengths: str = "4096,8192,16384,32768,65536,131072",
    samples: str = "500",
    seed: str = "42",
    tokenizer: str = "glm-4",
) -> Benchmark:
    """Return RULER, generated or from files.

    Args:
        data: to generate samples, the texts that they are made of: an essay, SQuAD, HotpotQA (see `ruler_sources`). To
            read samples, RULER's files (`niah_single_1/validation.jsonl`, …), the folder they are in, or Glyph's
            processed file.
        tasks: some of `TASKS`; all that the protocol and the texts allow, if empty.
        protocol: one of `PROTOCOLS`.
        lengths: tokens of prompt and longest reply, with commas between, to generate. "128K" is 131,072.
        samples: samples of each task and length to generate.
        seed: seed of the generator.
        tokenizer: the tokenizer that counts the tokens, a name in `TOKENIZERS` or the path of a tokenizer.json.

    Raises:
        DataError: the data cannot be read, a task or a value is not known, a length is too short for a task, or texts
            that a task needs are missing.
        DependencyError: a package for words or tokens is not installed.
        TokenizerError: the tokenizer is not known.
    """
    data, tasks = checked_arguments(data, tasks, protocol=protocol)
    if protocol not in PROTOCOLS:
        raise DataError(f"protocol={shown(protocol)} is none of RULER. Use one of: {', '.join(PROTOCOLS)}.")
    known = GLYPH_TASKS if protocol == _GLYPH_NAME else TASKS
    for task in tasks:
        if task not in known:
            raise DataError(f"task {shown(task)} is none of RULER under {protocol}. Use some of: {', '.join(known)}.")
    rules = PROTOCOLS[protocol]
    chosen = tuple(tasks) or known
    if rows := _sample_files(data):
        items: Sequence[Item] = _read(rows, chosen, rules)
        revision = revision_of(rows)
        if not items:
            raise DataError(f"the data have no samples of {', '.join(chosen)}. Name other files or other tasks.")
    else:
        paths = _text_files(data)
        texts = read_sources(paths)
        if not tasks:
            chosen = tuple(task for task in chosen if _texts_of(task) is None or texts.has(str(_texts_of(task))))
        seed_number = _number("seed", seed, least=0)
        maker = SampleMaker(sources=texts, tokenizer=tokenizers.tokenizer(tokenizer), seed=seed_number)
        items = _Generated.planned(maker, chosen, _lengths(lengths), _number("samples", samples), rules)
        made_of = hashlib.sha256(repr((_GENERATOR, revision_of(paths) if paths else "")).encode()).hexdigest()[:12]
        revision = f"generated:{made_of}-seed{seed_number}-{maker.tokenizer.name}"
    return Benchmark(
        name="ruler", revision=revision, protocol=rules, items=items, score=_score_of(rules), summary=_summary
    )


def _score_of(rules: EvalProtocol) -> Any:
    def score(item: Item, reply: str) -> Score:
        if rules.name == _GLYPH_NAME and reply.endswith("<|user|>"):
            reply = reply.removesuffix("<|user|>").rstrip()
        metric = string_match_all if FAMILIES[RULER_TASKS[item.task].family].every else string_match_part
        return Score(error=1 - metric(ruler_prediction(reply), item.answers), graded=True)

    return score


def _summary(scored: Sequence[ScoredReply]) -> dict[str, float]:
    """Return the mean over tasks for each length, their mean, and means with weights that rise or fall by length."""
    values: dict[int, dict[str, list[float]]] = {}
    for each in scored:
        value = each.score.value if each.reply is not None else 0.0
        values.setdefault(int(each.item.buckets["length"]), {}).setdefault(each.item.task, []).append(value)
    means = [
        (length, sum(sum(of) / len(of) for of in tasks.values()) / len(tasks))
        for length, tasks in sorted(values.items())
    ]
    found = {str(length): mean for length, mean in means}
    if means:
        found = {"average": sum(mean for _, mean in means) / len(means), **found}
    if len(means) > 1:
        weights = range(1, len(means) + 1)
        found["wAvg. (inc)"] = sum(w * mean for w, (_, mean) in zip(weights, means, strict=True)) / sum(weights)
        found["wAvg. (dec)"] = sum(w * mean for w, (_, mean) in zip(reversed(weights), means, strict=True)) / sum(
            weights
        )
    return found


@dataclass(frozen=True, eq=False)
class _Generated(MadeItems):
    """Samples of (task, length, number). One of 128 K tokens takes 0.2 s to make, so labels come from the plan."""

    maker: SampleMaker
    plan: tuple[tuple[str, int, int], ...]
    rules: EvalProtocol

    @classmethod
    def planned(
        cls, maker: SampleMaker, tasks: Sequence[str], lengths: Sequence[int], samples: int, rules: EvalProtocol
    ) -> _Generated:
        """Return the items of these tasks. The first of each task and length is made, so that errors come now."""
        plan: list[tuple[str, int, int]] = []
        for length in lengths:
            for task in tasks:
                if need := _texts_of(task):
                    maker.sources.require(task, need)
                asked = RULER_TASKS[task].family == "qa"
                numbers = maker.questions(task, length, samples) if asked else range(samples)
                maker.sample(task, length, numbers[0])
                plan += [(task, length, number) for number in numbers]
        return cls(maker, tuple(plan), rules)

    def __len__(self) -> int:
        return len(self.plan)

    def label(self, index: int) -> ItemLabel:
        task, length, number = self.plan[index]
        return ItemLabel(_key(length, task, number), task, _buckets(length))

    def make(self, index: int) -> Item:
        task, length, number = self.plan[index]
        sample = self.maker.sample(task, length, number)
        tokens = self.maker.tokens(task, sample)
        return _item(task, sample, self.rules, key=_key(length, task, number), length=length, tokens=tokens)


def _key(length: int, task: str, number: int) -> str:
    return f"{length}/{task}/{number}"


def _buckets(length: int) -> dict[str, str]:
    return {"length": str(length)}


def _item(task: str, sample: RulerSample, rules: EvalProtocol, *, key: str, length: int, tokens: int) -> Item:
    parts: tuple[ItemPart, ...]
    context = Drawable(sample.context)
    if rules.name == _GLYPH_NAME:
        parts = (context, f"{sample.head.strip()}\n{sample.tail.strip()}".strip())
    else:
        end = sample.tail + (sample.prefix if rules.name == "official" else "")
        parts = (sample.examples + sample.head, context, end)
    return Item(
        key=key,
        task=task,
        turns=(ItemTurn("user", parts),),
        answers=sample.answers,
        max_tokens=FAMILIES[RULER_TASKS[task].family].max_tokens,
        buckets=_buckets(length),
        meta={"tokens": tokens},
    )


def _sample_files(data: Sequence[str]) -> list[Path]:
    """Return the files of samples that `data` names; none if it names texts to generate samples from."""
    found: list[Path] = []
    for each in data:
        path = Path(each)
        inside = filter(Path.is_file, path.rglob("*.jsonl"))
        found += sorted(inside) if path.is_dir() else [path] if path.suffix == ".jsonl" else []
    return found


def _text_files(data: Sequence[str]) -> list[Path]:
    """Return the files of texts that `data` names. A folder stands for its .json and .txt files."""
    found: list[Path] = []
    for path in map(Path, data):
        inside = (
            sorted(file for file in path.glob("*") if file.suffix in (".json", ".txt") and file.is_file())
            if path.is_dir()
            else [path]
        )
        if not inside:
            raise DataError(
                f"{path} has neither samples nor texts for them. Name .jsonl, .json or .txt files.", path=path
            )
        found += inside
    return found


def _read(paths: Sequence[Path], tasks: Sequence[str], rules: EvalProtocol) -> list[Item]:
    items: dict[str, Item] = {}
    for path in paths:
        for row in read_rows(path):
            task = row.text("task_name") if "task_name" in row.values else _task_of(path, row)
            if task not in RULER_TASKS:
                raise row.fault(f"task_name is {shown(task)}, which is no task of RULER")
            if task not in tasks:
                continue
            key = str(row.values.get("unique_id") or f"{path.parent.parent.name}/{task}/{row.place.rpartition(':')[2]}")
            if key in items:
                raise row.fault(f"the sample {shown(key)} stands in the data twice")
            items[key] = _item_of_row(task, row, rules, key)
    return list(items.values())


def _task_of(path: Path, row: Row) -> str:
    for name in (path.parent.name, path.stem):
        if name in RULER_TASKS:
            return name
    raise row.fault("neither the file nor its folder has the name of a task, such as niah_single_1/validation.jsonl")


def _item_of_row(task: str, row: Row, rules: EvalProtocol, key: str) -> Item:
    answers = row.texts("outputs")
    if not answers:
        raise row.fault("outputs is empty")
    tokens = row.integer("length") if "length" in row.values else 0
    length = next(size for size in (1 << power for power in range(8, 40)) if size >= tokens)
    if "question" in row.values:  # of Glyph's processed file, without examples and prefix
        sample = RulerSample(
            head="", context=row.text("context"), tail=row.text("question"), prefix="", answers=answers
        )
        return _item(task, sample, PROTOCOLS[_GLYPH_NAME], key=key, length=length, tokens=tokens)
    try:
        examples, head, context, tail = split_input(task, row.text("input"))
    except DataError as error:
        raise row.fault(str(error).rstrip(".")) from error
    prefix = row.text("answer_prefix") if "answer_prefix" in row.values else ""
    sample = RulerSample(examples=examples, head=head, context=context, tail=tail, prefix=prefix, answers=answers)
    return _item(task, sample, rules, key=key, length=length, tokens=tokens)


def _texts_of(task: str) -> str | None:
    """Return the texts that a task needs: "essay", "squad", "hotpotqa" or None."""
    settings = RULER_TASKS[task].settings
    if settings.get("haystack") == "essay":
        return "essay"
    found: str | None = settings.get("source")
    return found


def _lengths(given: str) -> list[int]:
    found = []
    for part in str(given).split(","):
        text = part.strip().lower()
        digits, unit = (text[:-1], 1024) if text.endswith("k") else (text, 1)
        if not (digits.isascii() and digits.isdigit()) or not 256 <= int(digits) * unit <= _MOST_LENGTH:
            raise DataError(
                f"lengths={shown(given)} has {shown(part)}. Give tokens from 256 to 4194304, as in 4096,128K."
            )
        found.append(int(digits) * unit)
    return list(dict.fromkeys(found))


def _number(name: str, given: str, *, least: int = 1) -> int:
    text = str(given)
    if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) < least:
        raise DataError(f"{name}={shown(given)} is no count. Use an integer from {least} up.")
    return int(text)
