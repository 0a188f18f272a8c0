"""Evaluation from end to end: a reader is served, asked every benchmark in several arms, killed, and resumed.

    python benchmarks/eval_end_to_end.py READER            # READER is OUT/sft-lines/model of docs/learn_to_look_up.py
    python benchmarks/eval_end_to_end.py READER --only lookups mrcr --write

`transformers serve` serves the reader. It answers look-ups on pages (`eval_lookups`); nothing else can be expected of a
million parameters, so the scores of the other benchmarks are near 0: their rows here are a few of our own in the
official formats, and show that the whole chain works. Each benchmark is run twice. One run is killed with SIGKILL after
some replies and started again. All files of both reports must be equal to the byte; the script fails if they are not.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import report

from glyphrender import render

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "docs"))
CONTEXT = "\n".join(
    f"Passage {number}: " + "It is a truth universally acknowledged, that a single man must be in want of a wife. " * 4
    for number in range(1, 5)
)
FIXTURES: dict[str, Callable[[Path], list[str]]] = {}


def fixture(name: str) -> Callable[[Callable[[Path], list[str]]], Callable[[Path], list[str]]]:
    """Return a decorator that keeps a function as the maker of the data of a benchmark."""

    def kept(maker: Callable[[Path], list[str]]) -> Callable[[Path], list[str]]:
        FIXTURES[name] = maker
        return maker

    return kept


def lines(path: Path, rows: list[dict[str, Any]]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return str(path)


@fixture("eval_lookups:load")
def lookups(folder: Path) -> list[str]:
    return ["12"]


@fixture("questions")
def questions(folder: Path) -> list[str]:
    rows = [{"context": CONTEXT, "question": "Who wants a wife?", "answer": "a single man"} for _ in range(3)]
    return [lines(folder / "questions.jsonl", rows)]


@fixture("longbench")
def longbench(folder: Path) -> list[str]:
    for task, answer in (("hotpotqa", "a wife"), ("gov_report", "A man wants a wife."), ("lcc", "    return x")):
        row = {"input": "Who?", "context": CONTEXT, "answers": [answer], "length": 600, "dataset": task,
               "language": "en", "all_classes": None}  # fmt: skip
        lines(folder / f"{task}.jsonl", [{**row, "_id": f"{task}{number}"} for number in range(2)])
    return [str(folder)]


@fixture("longbench-v2")
def longbench2(folder: Path) -> list[str]:
    row = {"domain": "Single-Document QA", "sub_domain": "Literary", "difficulty": "easy", "length": "short",
           "question": "Who wants a wife?", "context": CONTEXT, "answer": "A"}  # fmt: skip
    choices = {
        f"choice_{letter}": text for letter, text in zip("ABCD", ("a man", "a cat", "rain", "no one"), strict=True)
    }
    return [lines(folder / "data.jsonl", [{**row, **choices, "_id": str(number)} for number in range(3)])]


@fixture("mrcr")
def mrcr(folder: Path) -> list[str]:
    talk = []
    for number in range(8):
        talk += [{"role": "user", "content": "write a poem about tapirs"},
                 {"role": "assistant", "content": f"Tapir {number} walks in the rain and sleeps. " * 4}]  # fmt: skip
    rows = []
    for wanted in (1, 2):
        question = {"role": "user", "content": f"Prepend aYo7 to the {wanted} (1 indexed) poem about tapirs."}
        messages = [
            {"role": "user", "content": "Here are examples."},
            {"role": "assistant", "content": "Yes."},
            *talk,
            question,
        ]
        rows.append(
            {"prompt": json.dumps(messages), "answer": "aYo7" + talk[2 * wanted - 1]["content"],
             "random_string_to_prepend": "aYo7", "n_needles": 2, "desired_msg_index": 2 * wanted + 1,
             "total_messages": len(messages), "n_chars": sum(len(each["content"]) for each in messages),
             "date_added": "2025-12-05"}
        )  # fmt: skip
    return [lines(folder / "2needle.jsonl", rows)]


@fixture("vtcbench")
def vtcbench(folder: Path) -> list[str]:
    rows = {
        "Retrieval": {"problem": "Which numbers for x?", "answers": ["7192"], "_context": f"{CONTEXT}\nx: 7192."},
        "Reasoning": {"problem": "Who was in Rome?", "answers": ["Ann"], "_context": "Ann lives by the Colosseum."},
        "Memory": {"problem": "How is the cat?", "answers": ["it is fine"], "_context": "<div class='session'><span "
                   "class='timestamp'>8 May, 2023</span><span class='dialogue' data-speaker='Bo' data-dia-id='D1:1'>"
                   "The cat is fine.</span></div>"},
    }  # fmt: skip
    for task, row in rows.items():
        lines(folder / task / "test.jsonl", [{**row, "_source": "", "_render_args": "{}"}] * 2)
    return [str(folder)]


@fixture("mmlongbench")
def mmlongbench(folder: Path) -> list[str]:
    (folder / "documents").mkdir()
    render(CONTEXT).save(folder / "documents" / "tale.pdf")
    row = {
        "doc_id": "tale.pdf",
        "doc_type": "Brochure",
        "question": "Who wants a wife?",
        "answer": "a man",
        "evidence_pages": "[1]",
        "evidence_sources": "['Pure-text (Plain-text)']",
        "answer_format": "Str",
    }
    none = {**row, "question": "Who is Ann?", "answer": "Not answerable", "answer_format": "None"}
    none |= {"evidence_pages": "[]", "evidence_sources": "[]"}
    (folder / "samples.json").write_text(json.dumps([row, none]), encoding="utf-8")
    return [str(folder / "samples.json")]


@fixture("locomo")
def locomo(folder: Path) -> list[str]:
    talk = {
        "speaker_a": "Ann",
        "speaker_b": "Bo",
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [{"speaker": "Ann", "dia_id": f"D1:{n}", "text": f"I adopted cat {n}."} for n in range(30)],
    }
    asked = [
        {"question": "When did Ann adopt a cat?", "answer": "8 May 2023", "evidence": ["D1:1"], "category": 2},
        {"question": "How many cats?", "answer": 30, "evidence": [], "category": 4},
    ]
    row = {"sample_id": "c", "conversation": talk, "qa": asked}
    (folder / "locomo10.json").write_text(json.dumps([row]), encoding="utf-8")
    return [str(folder / "locomo10.json")]


@fixture("nolima")
def nolima(folder: Path) -> list[str]:
    entry = {"id": "0401", "reasoning_type": "world_knowledge", "needle": "Actually, {CHAR} lives next to {1}.",
             "character_set": ["Yuki", "Stuart"], "questions": {"onehop": "Which character has been to {2}?"},
             "tests": {"T1": {"input_args": ["the Kiasma museum", "Helsinki"]}}}  # fmt: skip
    (folder / "needlesets").mkdir()
    (folder / "haystack/rand_shuffle").mkdir(parents=True)
    (folder / "haystack/rand_shuffle/rand_book_1.txt").write_text(CONTEXT * 2, encoding="utf-8")
    (folder / "needlesets/needle_set.json").write_text(json.dumps([entry]), encoding="utf-8")
    return [str(folder / "needlesets/needle_set.json"), "--option", "lengths=500", "--option", "depths=2"]


@fixture("ruler")
def ruler(folder: Path) -> list[str]:
    (folder / "essay.txt").write_text(CONTEXT * 3, encoding="utf-8")
    return [str(folder / "essay.txt"), "--option", "lengths=1024", "--option", "samples=1"]


@fixture("needle")
def needle(folder: Path) -> list[str]:
    (folder / "hay.txt").write_text(CONTEXT, encoding="utf-8")
    options = ("lengths=1000", "depths=50", "repeats=1")
    return [str(folder / "hay.txt"), *(part for option in options for part in ("--option", option))]


def command(name: str, data: list[str], model: Path, url: str, out: Path) -> list[str]:
    given = [sys.executable, "-m", "glyphrender", "eval", name, *data, "--base-url", url, "--model", str(model)]
    given += ["--concurrency", "2", "--timeout", "600", "-o", str(out)]
    for arm in ("pages", "text", "truncated"):
        given += ["--arm", arm]
    if name == "eval_lookups:load":
        return [*given, "--arm", "retrieved", "--no-align"]  # its θ are on the reader's grid
    if name == "mmlongbench":
        given += ["--judge", str(model)]
    # Two runs are compared, so a protocol that samples is asked for the likeliest reply.
    return [*given, "--sampling", "max_tokens=8", "--sampling", "temperature=0", "--limit", "1"]


def replies(store: Path) -> int:
    try:
        with sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=10) as db:
            return int(db.execute("SELECT count(*) FROM reply WHERE reply IS NOT NULL").fetchone()[0])
    except sqlite3.Error:
        return 0


def compared(name: str, model: Path, url: str, folder: Path) -> list[list[str]]:
    """Run a benchmark, run it again with a kill in between, and return a row for each arm.

    Raises:
        SystemExit: a run failed, or the reports differ.
    """
    folder.mkdir()
    (folder / "data").mkdir()
    data = FIXTURES[name](folder / "data")
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    outputs = []
    for out in (folder / "whole", folder / "killed"):
        given = command(name, data, model, url, out)
        if out.name == "killed":
            wanted = max(1, replies(folder / "whole" / "replies.sqlite") // 3)
            run = subprocess.Popen(
                given, cwd=HERE, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            while run.poll() is None and replies(out / "replies.sqlite") < wanted:
                time.sleep(0.02)
            run.send_signal(signal.SIGKILL)
            run.wait()
            print(f"{name}: killed after {replies(out / 'replies.sqlite')} replies", file=sys.stderr)
        done = subprocess.run(given, cwd=HERE, env=environment, capture_output=True, text=True, check=False)
        if done.returncode > 1 or not done.stdout:
            sys.exit(f"{name}: {done.stderr}")
        outputs.append(done.stdout)
    files = [each for each in (folder / "whole").iterdir() if each.suffix != ".sqlite" and ".times." not in each.name]
    for file in files:
        if file.read_bytes() != (folder / "killed" / file.name).read_bytes():
            sys.exit(f"{name}: {file.name} differs after kill and resume")
    found = json.loads(next(each for each in files if each.suffix == ".json").read_text("utf-8"))
    print(outputs[0], file=sys.stderr)
    rows = []
    for each in found["conditions"]:
        ratios = [each[f"rho_{kind}"] for kind in ("visual", "prompt", "effective")]
        shown = ["" if ratio is None else f"{ratio:.2f}" for ratio in ratios]
        missing = sum(each["missing"].values())
        named = [found["benchmark"], found["protocol"]["name"], each["name"], each["count"]]
        rows.append([*named, f"{each['mean']:.1%}", *shown, missing, f"{len(files)} equal"])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader", type=Path, help="folder of the model")
    parser.add_argument("--only", nargs="+", default=list(FIXTURES), choices=list(FIXTURES), help="benchmarks")
    parser.add_argument("--write", action="store_true", help="write the table into docs/evals.md")
    given = parser.parse_args()
    from tiny_glm4v import serving

    rows = []
    with tempfile.TemporaryDirectory() as room, serving(given.reader, timeout=600) as url:
        for number, name in enumerate(given.only):
            rows += compared(name, given.reader, url, Path(room) / str(number))
    head = ("benchmark", "protocol", "arm", "items", "score", "ρ visual", "ρ prompt", "ρ effective", "missing",
            "files after kill -9")  # fmt: skip
    text = report.table(head, rows)
    print(text)
    if given.write:
        report.write("end-to-end", text, page="evals.md")


if __name__ == "__main__":
    main()
