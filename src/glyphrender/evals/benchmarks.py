"""The benchmarks by name: where the loader of each is, its protocols, tasks and options.

`glyphrender eval NAME DATA…` and `load_benchmark` read this table. A module of a benchmark is imported when it is
loaded. Its loader has this form, with its own options by name:

    def load(data: Sequence[str], *, tasks: Sequence[str] = (), protocol: str = "official") -> Benchmark
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final

from glyphrender.errors import DataError, GlyphRenderError, shown
from glyphrender.evals.item import Benchmark, check_mapping, listed
from glyphrender.evals.loading import check_paths

__all__ = ["BENCHMARKS", "BenchmarkEntry", "load_benchmark"]


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchmarkEntry:
    """One row of the table.

    Attributes:
        loader: "module:function" of the loader, within `glyphrender.evals`.
        about: what is measured, in one line.
        data: what the loader takes as data.
        protocols: names of the protocols, the default first.
        tasks: names of the tasks; empty if the data decide.
        options: further options of the loader: name → what it means and its default. Values are texts on the command
            line, and the loader reads them.
        figures: "module:function" of a function from a run to more files of its report: suffix → bytes; or empty.
    """

    loader: str
    about: str
    data: str
    protocols: tuple[str, ...]
    tasks: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    figures: str = ""

    @property
    def load(self) -> Callable[..., Benchmark]:
        """Return the loader."""
        found: Callable[..., Benchmark] = _named(self.loader)
        return found

    @property
    def draw(self) -> Callable[..., Mapping[str, bytes]] | None:
        """Return the function of `figures`, or None."""
        return _named(self.figures) if self.figures else None


def _named(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(f"glyphrender.evals.{module}"), name)


#: The benchmarks by name.
BENCHMARKS: Final[dict[str, BenchmarkEntry]] = {
    "questions": BenchmarkEntry(
        loader="questions:load",
        about="your own questions about your own texts, right if the reply names the answer and little else",
        data="files of {context, question, answer} as JSON lines",
        protocols=("glyphrender",),
    ),
    "longbench": BenchmarkEntry(
        loader="longbench:load",
        about="LongBench v1: 21 sets of questions, summaries, few-shot examples, retrieval and code; LongBench-E",
        data="files in the official format, a folder of them, or a data set of the hub, as Xnhyacinth/LongBench",
        protocols=("official", "thinking", "glyph@61afa7f"),
        tasks=(
            *("narrativeqa", "qasper", "multifieldqa_en", "multifieldqa_zh", "hotpotqa", "2wikimqa", "musique"),
            *("dureader", "gov_report", "qmsum", "multi_news", "vcsum", "trec", "triviaqa", "samsum", "lsht"),
            *("passage_count", "passage_retrieval_en", "passage_retrieval_zh", "lcc", "repobench-p"),
        ),
        options={
            "extended": "yes for LongBench-E, with a score for each of three lengths; default no",
            "prompts": "for glyph@61afa7f: evaluation/longbench/config/dataset2vlmprompt.json of Glyph's repository",
            "revision": "commit of the hub's data set; the newest",
        },
    ),
    "longbench-v2": BenchmarkEntry(
        loader="longbench2:load",
        about="LongBench v2: 503 questions with four choices about long texts",
        data="files in the official format, a folder of them, or the data set THUDM/LongBench-v2 of the hub",
        protocols=("official", "thinking"),
        tasks=(
            *("Single-Document QA", "Multi-Document QA", "Long In-context Learning"),
            *("Long-dialogue History Understanding", "Code Repository Understanding"),
            "Long Structured Data Understanding",
        ),
        options={
            "mode": "direct, chain-of-thought (two requests) or no-context; default direct",
            "revision": "commit of the hub's data set; the newest",
        },
    ),
    "ruler": BenchmarkEntry(
        loader="ruler:load",
        about="RULER: 13 synthetic tasks with needles, variables, frequent words and questions, at any length",
        data="texts to generate samples from: an essay, SQuAD, HotpotQA; or RULER's own files of samples",
        protocols=("official", "thinking", "glyph@61afa7f"),
        tasks=(
            *("niah_single_1", "niah_single_2", "niah_single_3", "niah_multikey_1", "niah_multikey_2"),
            *("niah_multikey_3", "niah_multivalue", "niah_multiquery", "vt", "cwe", "fwe", "qa_1", "qa_2"),
        ),
        options={
            "lengths": "tokens of prompt and reply; default 4096,8192,16384,32768,65536,131072",
            "samples": "samples of each task and length; default 500",
            "seed": "seed of the generator; default 42",
            "tokenizer": "name of the tokenizer that counts, or a tokenizer.json; default glm-4",
        },
    ),
    "mrcr": BenchmarkEntry(
        loader="mrcr:load_mrcr",
        about="repeat the i-th of 2, 4 or 8 texts that a long conversation asks for (OpenAI MRCR)",
        data="files of rows, a folder of them, or openai/mrcr",
        protocols=("official", "glyph@61afa7f", "evalscope"),
        tasks=("2needle", "4needle", "8needle"),
        options={
            "bins": "bins of o200k tokens to keep, between commas, such as 4k-8k,8k-16k; all",
            "revision": "commit of the hub's data set; the newest",
        },
    ),
    "vtcbench": BenchmarkEntry(
        loader="vtcbench:load_vtcbench",
        about="questions about long texts that were drawn as images; the texts are drawn anew (VTCBench-Wild)",
        data="files whose names or folders begin with the task, a folder of them, or MLLM-CL/VTCBench",
        protocols=(
            "official",
            "vlmevalkit",
            "evalscope",
            "official-images",
            "vlmevalkit-images",
            "evalscope-images",
        ),
        tasks=("Retrieval", "Reasoning", "Memory"),
        options={"revision": "commit of the hub's data set; the newest"},
    ),
    "mmlongbench": BenchmarkEntry(
        loader="mmlongbench:load_mmlongbench",
        about="questions about PDF documents, whose answers a judge extracts (MMLongBench-Doc)",
        data="samples.json",
        protocols=("official", "vlmevalkit", "official-text", "vlmevalkit-text"),
        options={"documents": "folder of the PDFs; the folder documents beside samples.json"},
    ),
    "locomo": BenchmarkEntry(
        loader="locomo:load_locomo",
        about="questions about conversations over many sessions (LoCoMo)",
        data="locomo10.json",
        protocols=("official", "evalscope"),
        tasks=("multi-hop", "temporal", "open-domain", "single-hop", "adversarial"),
    ),
    "nolima": BenchmarkEntry(
        loader="nolima:load_nolima",
        about="a needle in a book that shares no word with the question (NoLiMa)",
        data="needle_set.json, then the books or their folder; by default haystack/rand_shuffle beside its folder",
        protocols=("official",),
        options={
            "lengths": "tokens of a context, between commas; 1000,8000",
            "depths": "number of depths from 0 to 100%; 26",
        },
    ),
    "needle": BenchmarkEntry(
        loader="needle:load",
        about="one fact at a known depth of a text of known length, of six kinds, as a heat map",
        data="text files for the haystacks; without any, haystacks are drawn from the seed",
        protocols=("glyphrender",),
        tasks=("word", "number", "uuid", "code", "chinese", "two_hops"),
        options={
            "lengths": "characters of the texts, between commas; default 4000,16000,64000",
            "depths": "places of the needle in per cent, between commas; default 0,25,50,75,100",
            "repeats": "needles for each task, length and depth; default 2",
            "seed": "seed of all that is drawn; default 0",
        },
        figures="needle_map:figures",
    ),
}


def load_benchmark(
    name: str,
    data: Sequence[str],
    *,
    tasks: Sequence[str] = (),
    protocol: str = "",
    options: Mapping[str, str] | None = None,
) -> Benchmark:
    """Return a benchmark by its name in `BENCHMARKS`, or one of your own.

    Args:
        name: the name; or "module:function" of a loader of your own, of the form that this module describes.
        data: files, folders, or ids on the hub, as `BenchmarkEntry.data` says.
        tasks: names of tasks; all if empty.
        protocol: name of a protocol; the first of the benchmark if empty.
        options: further options of the loader, as texts.

    Raises:
        DataError: the benchmark, a task, the protocol or an option is not known (the message lists those that are), or
            the data cannot be read.
        DependencyError: the benchmark needs a package that is not installed.
    """
    for what, value in (("name", name), ("protocol", protocol)):
        if not isinstance(value, str):
            raise DataError(f"{what}={shown(value)} is no text. Give a name.")
    if options is not None:
        check_mapping("options", options)
    data, tasks = listed("data", data), listed("tasks", tasks)
    for each in (*data, *tasks):
        if not isinstance(each, str | os.PathLike):
            raise DataError(f"{shown(each)} among data and tasks is no text. Give names of files and tasks.")
    if ":" in name:
        return _own(name, data, tasks=tasks, protocol=protocol, options=options or {})
    entry = BENCHMARKS.get(name)
    if entry is None:
        raise DataError(f"benchmark {shown(name)} is not known. Use one of: {', '.join(BENCHMARKS)}.")
    chosen = protocol or entry.protocols[0]
    if chosen not in entry.protocols:
        raise DataError(f"protocol={shown(chosen)} is none of {name}. Use one of: {', '.join(entry.protocols)}.")
    for task in tasks:
        if entry.tasks and task not in entry.tasks:
            raise DataError(f"task {shown(task)} is none of {name}. Use one of: {', '.join(entry.tasks)}.")
    given: dict[str, Any] = dict(options or {})
    for option in given:
        if option not in entry.options:
            known = ", ".join(entry.options) or "none"
            raise DataError(f"option {shown(option)} is none of {name}. It has: {known}.")
    check_paths(data)
    return entry.load(list(data), tasks=tuple(tasks), protocol=chosen, **given)


def _own(
    name: str, data: Sequence[str], *, tasks: Sequence[str], protocol: str, options: Mapping[str, str]
) -> Benchmark:
    """Return the benchmark of a loader that is no part of glyphrender. Only what was given is passed to the loader."""
    module, _, function = name.partition(":")
    try:
        load = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise DataError(f"benchmark {shown(name)} cannot be loaded ({error}). Check its module.") from error
    if not callable(load):
        raise DataError(f"benchmark {shown(name)} is no function. Name a function that returns a Benchmark.")
    given: dict[str, Any] = {**options}
    given |= {"tasks": tuple(tasks)} if tasks else {}
    given |= {"protocol": protocol} if protocol else {}
    try:
        inspect.signature(load).bind(list(data), **given)
    except TypeError as error:
        raise DataError(f"benchmark {shown(name)} does not take what is given ({error}). See its function.") from error
    try:
        found = load(list(data), **given)
    except GlyphRenderError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"benchmark {shown(name)} failed to load ({reason}). Check its function.") from error
    if not isinstance(found, Benchmark):
        raise DataError(f"benchmark {shown(name)} gave {shown(found)}, which is no Benchmark. Return one.")
    return found
