"""VTCBench: questions about long texts that were drawn as images, in three sets: Retrieval, Reasoning and Memory.

Data: MLLM-CL/VTCBench on the hub (CC BY-NC 4.0; the 2,200 rows that its authors call VTCBench-Wild). A row has
`problem`, `answers`, `images` and `_context`, the text that the images show. Under a plain protocol the context is
drawn anew, under any θ; under a protocol whose name ends in "-images" the images of the data are sent as they are.

Three public implementations ask and score the same rows differently, so each is a protocol of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from glyphrender.errors import DataError
from glyphrender.evals.item import Benchmark, Drawable, EvalProtocol, Item, ItemPart, ItemTurn, mean_of_tasks
from glyphrender.evals.loading import (
    DataSource,
    RowKeys,
    files_of,
    known_protocol,
    mean_of_items,
    refuse_unknown,
    rows_of,
    with_variants,
)
from glyphrender.evals.markup import dialogue_lines, plain_lines
from glyphrender.evals.rows import Row
from glyphrender.evals.spool import SpooledItems
from glyphrender.evals.stemmed import stemmed_rouge_l
from glyphrender.tasks.task import Score

__all__ = ["VTCBENCH_PROTOCOLS", "VTCBENCH_TASKS", "context_of_evalscope", "load_vtcbench", "score_vtcbench"]

VTCBENCH_TASKS: Final = ("Retrieval", "Reasoning", "Memory")

_FACTS: Final = (
    "Answer a question based on the above book snippet. Your answer should be short and based on either explicitly "
    "stated facts or strong, logical inferences. Return only the final answer with no additional explanation or "
    "reasoning. Question: "
)
_NUMBERS: Final = (
    "Answer a question based on the above book snippet. Some special magic numbers are hidden within the following "
    "text. Make sure to memorize it. I will quiz you about the numbers afterwards. Question: "
)
_PHRASE: Final = (
    "Based on the above context, write an answer in the form of a short phrase for the following question. Answer with "
    "exact words from the context whenever possible. Question: "
)
# Before and after the context, by task. The prompts of Retrieval and Reasoning stand in run_wild.py as they do here;
# VLMEvalKit has them the other way round, and a word less in one.
_TEMPLATES: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "official": {
        "Retrieval": ("", _FACTS + "{question}"),
        "Reasoning": ("", _NUMBERS + "{question}"),
        "Memory": ("", _PHRASE + "{question}"),
    },
    "vlmevalkit": {
        "Retrieval": ("", _NUMBERS.replace("memorize it", "memorizeit") + "{question}"),
        "Reasoning": ("", _FACTS + "{question}"),
        "Memory": ("", _PHRASE + "{question}"),
    },
    "evalscope": {
        "Retrieval": ("", "\n\nQuestion:{question}"),
        "Reasoning": (
            "You will answer a question based on the following book snippet:\n\n",
            "\n\nUse the information provided in the book snippet to answer the question. Your answer should be short "
            "and based on either explicitly stated facts or strong, logical inferences.\n\nQuestion: {question}\n\n "
            "Return only the final answer with no additional explanation or reasoning.",
        ),
        "Memory": (
            "",
            "\n\nQuestion:Based on the above context, write an answer in the form of a short phrase for the following "
            "question. Answer with exact words from the context whenever possible.\n\n{question}",
        ),
    },
}
_SYSTEM: Final = "You are a helpful assistant."
_MAX_TOKENS: Final = 2048

_PLAIN: Final = (
    EvalProtocol(
        name="official",
        source="Moenupa/VTCBench @ 2da59fd, examples/run_wild.py, src/vtcbench/metric.py, args.py",
        sampling={"max_tokens": 192, "seed": 43},
        thoughts="kept",
        note="Only <think>…</think> pairs are removed, by the scorer; the limit of 192 tokens cuts off most thoughts. "
        "The prompts of Retrieval and Reasoning are swapped in the script itself. Its text mode collapses white space "
        "and drops the names of speakers; here lines and names stay. Its --run.num_tasks draws rows with replacement.",
    ),
    EvalProtocol(
        name="vlmevalkit",
        source="open-compass/VLMEvalKit @ e8e78f0, vlmeval/dataset/image_vqa.py and utils/vtcbench.py",
        thoughts="kept",
        note="The heuristic score: any answer is enough in Retrieval, case counts, thoughts are scored. With a judge "
        "VLMEvalKit asks the judge about Memory instead, which is not done here. Its limit of tokens is the model's; "
        "here it is 2,048.",
    ),
    EvalProtocol(
        name="evalscope",
        source="evalscope 1.14.1, benchmarks/vtcbench/vtcbench_adapter.py",
        thoughts="kept",
        note="Scored as the official script does; asked with other prompts, and without a system prompt. The context "
        "loses its line ends, unless it is a dialogue. The limit is 2,048 tokens. Earlier releases of evalscope scored "
        "the recall of ROUGE.",
    ),
)
VTCBENCH_PROTOCOLS: Final[Mapping[str, EvalProtocol]] = with_variants(
    _PLAIN, "images", "The images of the data are sent as they are, as PNG; θ has no effect."
)
_THOUGHTS: Final = re.compile("<think>.*?</think>", re.DOTALL)


def score_vtcbench(reply: str, answers: Sequence[str], task: str, *, protocol: str = "official") -> float:
    """Return the score of a reply, from 0 to 1.

    Under "official" and "evalscope", `<think>…</think>` is removed and case does not count; Retrieval and Reasoning
    have the share of answers that the reply contains, Memory the best ROUGE-L of an answer. Under "vlmevalkit",
    thoughts and case count, and one answer is enough in Retrieval. An empty answer is contained in every reply.

    >>> two = ("7192", "8841")
    >>> score_vtcbench("It is 7192.", two, "Retrieval"), score_vtcbench("It is 7192.", two, "Retrieval",
    ...     protocol="vlmevalkit")
    (0.5, 1.0)

    Raises:
        DependencyError: nltk or rapidfuzz is not installed, for Memory.
        DataError: there are no answers, or the task is not known.
    """
    if not answers:
        raise DataError("answers=() has no answer. A question of VTCBench has one or more.")
    refuse_unknown("task", [task], VTCBENCH_TASKS)
    wanted = [answer.strip() for answer in answers]
    if protocol.removesuffix("-images") == "vlmevalkit":
        given = reply.strip()
    else:
        given, wanted = _THOUGHTS.sub("", reply).strip().lower(), [answer.lower() for answer in wanted]
    if task == "Memory":
        return max(stemmed_rouge_l(given, answer) for answer in wanted)
    found = [answer in given for answer in wanted]
    if task == "Retrieval" and protocol.removesuffix("-images") == "vlmevalkit":
        return float(any(found))
    return sum(found) / len(found)


def context_of_evalscope(context: str) -> str:
    """Return the text of a context as evalscope 1.14.1 sends it in its text mode.

    >>> context_of_evalscope("Two\\nlines."), context_of_evalscope("<span data-speaker='Ann'>Hi!</span>")
    ('Two lines.', 'Ann: Hi!')
    """
    return "\n".join(dialogue_lines(context)) if "</span>" in context else " ".join(context.split())


def load_vtcbench(
    source: DataSource,
    *,
    tasks: Sequence[str] = (),
    protocol: str = "official",
    revision: str | None = None,
) -> Benchmark:
    """Load VTCBench from files of rows, from a folder of them, or from the hub.

    The task of a file is the one of `VTCBENCH_TASKS` that its name or the name of its folder begins with.

    Args:
        source: files (.parquet, .jsonl or .json), one folder, or a data set on the hub, such as "MLLM-CL/VTCBench".
        tasks: names from `VTCBENCH_TASKS`; all if empty.
        protocol: a name from `VTCBENCH_PROTOCOLS`.
        revision: commit of the hub's data set; None for the newest.

    Raises:
        DataError: a task or protocol is not known; a file cannot be read or has no task; or a row is malformed, and the
            message names its place.
        DependencyError: pyarrow or datasets is not installed.
    """
    chosen = known_protocol(protocol, VTCBENCH_PROTOCOLS)
    refuse_unknown("task", tasks, VTCBENCH_TASKS)
    wanted = [task for task in VTCBENCH_TASKS if task in (tasks or VTCBENCH_TASKS)]
    parts, version = _rows_by_task(source, wanted, revision)
    keys = RowKeys()
    values = (_value(row, task, protocol, keys) for task, rows in parts for row in rows)
    return Benchmark(
        name="vtcbench",
        revision=version,
        protocol=chosen,
        items=SpooledItems(values, _item),
        score=lambda item, reply: Score(
            error=1 - score_vtcbench(reply, item.answers, item.task, protocol=protocol), graded=True
        ),
        summary=mean_of_items if protocol.startswith("vlmevalkit") else mean_of_tasks,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Value:
    """The checked fields of a row, from which an item is made. `images` is None if the context is drawn."""

    key: str
    task: str
    template: str
    problem: str
    answers: tuple[str, ...]
    context: str
    images: tuple[bytes, ...] | None
    source: str
    meta: dict[str, Any] = field(default_factory=dict)


def _rows_by_task(
    source: DataSource, tasks: Sequence[str], revision: str | None
) -> tuple[Iterator[tuple[str, Any]], str]:
    paths = files_of(source)
    if paths is None:
        loaded = [(task, rows_of(source, split=task, revision=revision)) for task in tasks]
        return ((task, rows) for task, (rows, _) in loaded), loaded[0][1][1]
    named = [(_task_of(path), path) for path in paths]
    named = [(task, path) for task, path in named if task in tasks]
    if not named:
        raise DataError(f"the data holds no file of {', '.join(tasks)}. Name files such as Retrieval-00000.parquet.")
    version = rows_of([path for _, path in named], split="")[1]
    return ((task, rows_of([path], split="")[0]) for task, path in named), version


def _task_of(path: Path) -> str:
    for name in (path.name, path.parent.name):
        for task in VTCBENCH_TASKS:
            if name.lower().startswith(task.lower()):
                return task
    raise DataError(
        f"{path} has no task in its name. Name it or its folder after one of: {', '.join(VTCBENCH_TASKS)}.", path=path
    )


def _value(row: Row, task: str, protocol: str, keys: RowKeys) -> _Value:
    problem, answers = row.text("problem"), row.texts("answers")
    if not answers:
        raise row.fault("answers is an empty list")
    images, context = None, ""
    template = protocol.removesuffix("-images")
    if protocol != template:
        images = _images(row)
        content = b"".join(images)
    else:
        context = row.text("_context")
        context = context_of_evalscope(context) if template == "evalscope" else plain_lines(context)
        if not context.strip():
            raise row.fault("_context holds no text")
        content = context.encode("utf-8", "surrogatepass")
    origin = row.values.get("_source")
    return _Value(
        key=keys.key(task, problem, content),
        task=task,
        template=template,
        problem=problem,
        answers=answers,
        context=context,
        images=images,
        source=origin if isinstance(origin, str) and len(origin) < 60 else "",
    )


def _images(row: Row) -> tuple[bytes, ...]:
    listed = row.values.get("images")
    if not isinstance(listed, list) or not listed:
        raise row.fault("images is no list of images")
    found = []
    for number, image in enumerate(listed, 1):
        data = image.get("bytes") if isinstance(image, dict) else image
        if not isinstance(data, bytes):
            raise row.fault(f"image {number} has no bytes")
        found.append(data)
    return tuple(found)


def _item(value: _Value) -> Item:
    before, after = _TEMPLATES[value.template][value.task]
    parts: list[ItemPart] = [before] if before else []
    if value.images is None:
        parts.append(Drawable(value.context))
    else:
        parts.extend(_png(image, value.key) for image in value.images)
    parts.append(after.replace("{question}", value.problem))
    system = (ItemTurn("system", (_SYSTEM,)),) if value.template == "official" else ()
    return Item(
        key=value.key,
        task=value.task,
        turns=(*system, ItemTurn("user", tuple(parts))),
        answers=value.answers,
        max_tokens=192 if value.template == "official" else _MAX_TOKENS,
        buckets={"source": value.source} if value.source else {},
    )


def _png(data: bytes, key: str) -> bytes:
    """Return an image as PNG. The pixels of a JPEG are decoded once, and no further quality is lost."""
    from PIL import Image

    try:
        with Image.open(BytesIO(data)) as image:
            buffer = BytesIO()
            image.convert("RGB").save(buffer, format="PNG", compress_level=1)
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"an image of item {key} cannot be decoded ({error}). Take the official file.") from error
    return buffer.getvalue()
