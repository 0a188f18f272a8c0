"""MMLongBench-Doc: questions about PDF documents of up to 120 pages, which a judge's extraction makes comparable.

Data: `data/samples.json` and `data/documents/*.pdf` of mayubo2333/MMLongBench-Doc (code Apache 2.0, data CC BY-NC 4.0).
Questions and answers were revised on 2025-09-24; the file at commit d73f0dc has 1,082 questions, not 1,091.

The question comes first, then the pages at 144 dots per inch. The reply goes to a judge, which extracts the answer, and
the answer is scored by the published rules (`mmlongbench_score`). Under a protocol whose name ends in "-text", the text
layer of the PDF takes the place of its pages, so that it can be drawn under any θ, or sent as text.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import Any, Final

from glyphrender.errors import DataError, shown
from glyphrender.evals.item import Benchmark, Drawable, EvalProtocol, FollowUp, Item, ItemPart, ItemTurn, ScoredReply
from glyphrender.evals.loading import DataSource, RowKeys, files_of, known_protocol, refuse_unknown, with_variants
from glyphrender.evals.mmlongbench_score import NOT_ANSWERABLE, extracted_answer, mmlongbench_f1, score_mmlongbench
from glyphrender.evals.pdf_pages import pdf_page_images, pdf_page_texts
from glyphrender.evals.rows import Row, read_rows, revision_of
from glyphrender.evals.spool import Spool, SpooledItems
from glyphrender.tasks.task import Score

__all__ = ["MMLONGBENCH_PROTOCOLS", "load_mmlongbench", "summary_of_mmlongbench"]

_PLAIN: Final = (
    EvalProtocol(
        name="official",
        source="mayubo2333/MMLongBench-Doc @ d73f0dc, run_api.py, eval/extract_answer.py, eval/eval_score.py",
        sampling={"temperature": 0.0, "max_tokens": 1024},
        thoughts="kept",
        note="Published figures use gpt-4o as the judge; figures of two judges cannot be compared. The script gives "
        "the judge the question and the reply as a turn of the assistant; here all is one turn of the user. Pages are "
        "drawn by PDFium and sent as PNG, not by MuPDF as JPEG. Where the script would end the run, the score is 0.",
    ),
    EvalProtocol(
        name="vlmevalkit",
        source="open-compass/VLMEvalKit @ e8e78f0, vlmeval/dataset/mmlongbenchdoc.py",
        thoughts="kept",
        note="An unanswerable question is scored as a list of one. The judge has 128 tokens. Pages are not joined into "
        "fewer images, as VLMEvalKit does for some models. Its limit of tokens is the model's; here it is 1,024.",
    ),
)
MMLONGBENCH_PROTOCOLS: Final[Mapping[str, EvalProtocol]] = with_variants(
    _PLAIN, "text", "The text layer of the PDF takes the place of its pages: figures and scans are lost."
)
_FORMATS: Final = ("Int", "Float", "Str", "List", "None")
_MAX_TOKENS: Final = 1024
_MOST_PAGES: Final = 120


def load_mmlongbench(
    source: DataSource,
    *,
    tasks: Sequence[str] = (),
    protocol: str = "official",
    documents: str | PathLike[str] | None = None,
) -> Benchmark:
    """Load MMLongBench-Doc from its samples.json and the folder of its PDFs.

    Pages are drawn when an item is asked for, each document once. The tasks are the types of documents, such as
    "Brochure". The benchmark needs a judge: `Benchmark.follow_up` asks for the extraction.

    Args:
        source: the file samples.json, or other files of rows with the same fields.
        tasks: types of documents (`doc_type`); all if empty.
        protocol: a name from `MMLONGBENCH_PROTOCOLS`.
        documents: the folder of the PDFs; None for the folder "documents" beside the first file.

    Raises:
        DataError: a task or protocol is not known; a file cannot be read; a PDF is missing; or a row is malformed, and
            the message names its place.
    """
    chosen = known_protocol(protocol, MMLONGBENCH_PROTOCOLS)
    paths = files_of(source)
    if paths is None:
        raise DataError(f"{source} is no file. Name the file samples.json of MMLongBench-Doc.")
    folder = Path(documents) if documents is not None else paths[0].parent / "documents"
    keys = RowKeys()
    values = [_value(row, keys) for path in paths for row in read_rows(path)]
    refuse_unknown("task", tasks, sorted({value.task for value in values}))
    values = [value for value in values if not tasks or value.task in tasks]
    missing = sorted({value.document for value in values if not (folder / value.document).is_file()})
    if missing:
        raise DataError(
            f"{folder / missing[0]} and {len(missing) - 1} more documents are missing. Name the folder of the PDFs."
            if len(missing) > 1
            else f"{folder / missing[0]} is missing. Name the folder of the PDFs.",
            path=folder / missing[0],
        )
    plain = protocol.removesuffix("-text")
    documents_of = _Documents(folder, _texts if protocol != plain else _images)
    return Benchmark(
        name="mmlongbench",
        revision=revision_of(paths),
        protocol=chosen,
        items=SpooledItems(values, partial(_item, documents_of.parts)),
        score=partial(_score, plain),
        follow_up=partial(_extraction, 128 if plain == "vlmevalkit" else 256),
        judged=True,
        summary=summary_of_mmlongbench,
    )


def summary_of_mmlongbench(scored: Sequence[ScoredReply], /) -> dict[str, float]:
    """Return the published figures: accuracy, F1, and the accuracy by pages and by sources of evidence.

    A question with several sources counts in each. An unanswerable question with one page of evidence counts in
    "single-page" and in "unanswerable", as in `show_results` of the official script.
    """
    if not scored:
        return {}
    groups: dict[str, list[float]] = {"accuracy": [each.score.value for each in scored]}
    for each in scored:
        meta = each.item.meta
        names = [f"source {name}" for name in meta["sources"]]
        names += ["single-page"] if meta["pages"] == 1 else []
        names += ["unanswerable"] if meta["answer"] == NOT_ANSWERABLE else []
        names += ["cross-page"] if meta["pages"] != 1 and meta["answer"] != NOT_ANSWERABLE else []
        for name in names:
            groups.setdefault(name, []).append(each.score.value)
    found = {name: sum(values) / len(values) for name, values in groups.items()}
    found["f1"] = mmlongbench_f1(
        (each.item.meta["answer"], extracted_answer(each.reply or ""), each.score.value) for each in scored
    )
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Value:
    """The checked fields of a row."""

    key: str
    document: str
    task: str
    question: str
    answer: str
    answer_format: str
    pages: tuple[Any, ...]
    sources: tuple[str, ...]


def _value(row: Row, keys: RowKeys) -> _Value:
    document, question = row.text("doc_id"), row.text("question")
    if not document or Path(document).name != document:
        raise row.fault(f"doc_id={shown(document)} is no name of a file")
    answer_format = row.text("answer_format")
    if answer_format not in _FORMATS:
        raise row.fault(f"answer_format={shown(answer_format)} is not one of {', '.join(_FORMATS)}")
    sources = _listed(row, "evidence_sources")
    return _Value(
        key=keys.key("document", document, question),
        document=document,
        task=row.text("doc_type"),
        question=question,
        answer=row.text("answer"),
        answer_format=answer_format,
        pages=_listed(row, "evidence_pages"),
        sources=tuple(map(str, sources)),
    )


def _listed(row: Row, name: str) -> tuple[Any, ...]:
    """Return a field that is the text of a Python list. The official script calls `eval` on it."""
    text = row.text(name)
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise row.fault(f"{name}={shown(text)} is not the text of a list") from error
    if not isinstance(value, list):
        raise row.fault(f"{name}={shown(text)} is not the text of a list")
    return tuple(value)


class _Documents:
    """The parts of a turn for each document, made once and kept in a temporary file. All pages take about 2 GB."""

    def __init__(self, folder: Path, make: Callable[[Path], tuple[ItemPart, ...]]) -> None:
        self._folder, self._make = folder, make
        self._spool: Spool[tuple[ItemPart, ...]] = Spool(compress=False)
        self._places: dict[str, tuple[int, int]] = {}
        self._lock = Lock()

    def parts(self, name: str) -> tuple[ItemPart, ...]:
        """Return the parts of a document."""
        with self._lock:
            if name not in self._places:
                self._places[name] = self._spool.put(self._make(self._folder / name))
        return self._spool.get(self._places[name])


def _images(path: Path) -> tuple[ItemPart, ...]:
    return pdf_page_images(path, dpi=144, most=_MOST_PAGES)


def _texts(path: Path) -> tuple[ItemPart, ...]:
    return ("\n\n", Drawable("\n\n".join(pdf_page_texts(path, most=_MOST_PAGES))))


def _item(read: Callable[[str], tuple[ItemPart, ...]], value: _Value) -> Item:
    pages = "one page" if len(value.pages) == 1 else "several pages" if value.pages else "none"
    return Item(
        key=value.key,
        task=value.task,
        turns=(ItemTurn("user", (value.question, *read(value.document))),),
        answers=(value.answer,),
        max_tokens=_MAX_TOKENS,
        buckets={"evidence": pages, "format": value.answer_format},
        meta={
            "answer": value.answer,
            "format": value.answer_format,
            "question": value.question,
            "pages": len(value.pages),
            "sources": value.sources,
            "document": value.document,
        },
    )


def _extraction(max_tokens: int, item: Item, reply: str) -> FollowUp:
    """Return the request to the judge: extract the answer from the reply."""
    prompt = files("glyphrender.evals").joinpath("prompts/mmlongbench_extraction.txt").read_text(encoding="utf-8")
    asked = f"{prompt}\n\nQuestion:{item.meta['question']}\nAnalysis:{reply}\n"
    return FollowUp(turns=(ItemTurn("user", (asked,)),), max_tokens=max_tokens, by="judge")


def _score(protocol: str, item: Item, reply: str) -> Score:
    extracted = extracted_answer(reply)
    if extracted is None:
        return Score(error=1.0, graded=True)
    value = score_mmlongbench(item.answers[0], extracted, item.meta["format"], protocol=protocol)
    return Score(error=1 - value, graded=True)
