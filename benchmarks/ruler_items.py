"""RULER's samples compared with those of its own generator: templates, needles, answers, lengths.

    git clone https://github.com/NVIDIA/RULER scripts/RULER
    pip install tenacity tqdm wonderwords
    python benchmarks/ruler_items.py --scripts scripts --lengths 1024,4096

RULER's scripts run unchanged. Modules stand in for what they download: `nltk` for its sentence model, `scipy` for ζ(2),
and `tokenizer` for a tokenizer that both sides use. The essay is a novel, and the questions are made of its paragraphs.
Each of RULER's samples is read by `split_input`, and compared with one of ours of the same task and length.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import texts
from report import table

from glyphrender.errors import DataError
from glyphrender.evals.ruler_samples import SampleMaker
from glyphrender.evals.ruler_sources import read_sources
from glyphrender.evals.ruler_tasks import FAMILIES, RULER_TASKS, split_input
from glyphrender.models.tokenizers import tokenizer

NAME = "glm-4"
STANDINS = {
    "tokenizer.py": f"""
from glyphrender.models.tokenizers import tokenizer
class Counted:
    def text_to_tokens(self, text): return range(tokenizer("{NAME}").count(text))
def select_tokenizer(kind, path): return Counted()
""",
    "nltk/__init__.py": "",
    "nltk/tokenize.py": "from glyphrender.evals.ruler_sources import sentences as sent_tokenize\n",
    "scipy/__init__.py": "",
    "scipy/special.py": "from math import pi\ndef zeta(alpha):\n    assert alpha == 2.0\n    return pi**2 / 6\n",
}
NEEDLE = re.compile(r"One of the special magic \w+ for .+? is: .+?\.")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--scripts", type=Path, required=True, help="folder with a clone of NVIDIA/RULER")
    options.add_argument("--lengths", default="1024,4096")
    options.add_argument("--samples", type=int, default=3)
    options.add_argument("--seconds", type=int, default=120, help="after this long, RULER's script is stopped")
    options.add_argument(
        "--task", action="append", choices=list(RULER_TASKS), help="one of these tasks; all by default"
    )
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copytree(given.scripts / "RULER/scripts/data", home / "data")
        sources = write_sources(home / "data/synthetic/json")
        for name, code in STANDINS.items():
            (home / "standins" / name).parent.mkdir(parents=True, exist_ok=True)
            (home / "standins" / name).write_text(code, encoding="utf-8")
        maker = SampleMaker(sources=read_sources(sources), tokenizer=tokenizer(NAME), seed=42)
        rows = []
        for length in map(int, given.lengths.split(",")):
            for task in given.task or RULER_TASKS:
                theirs = upstream(home, task, length, given.samples, given.seconds)
                rows.append((task, length, *compared(maker, task, length, theirs, given.seconds)))
                print(*rows[-1], sep=" | ", flush=True)
        head = ("task", "length", "RULER's tokens", "ours", "template", "needles or words", "answers")
        print(table(head, rows))
        raise SystemExit(any("≠" in str(cell) for row in rows for cell in row))


def write_sources(folder: Path) -> list[Path]:
    """Write the essay, SQuAD, HotpotQA and a list of words, and return the files."""
    novel = texts.novel()
    paragraphs = [text for text in novel.split("\n\n") if 300 < len(text) < 900][:600]
    squad = [
        {
            "paragraphs": [
                {
                    "context": text,
                    "qas": [{"question": f"Who {n}?", "is_impossible": False, "answers": [{"text": text[:9]}]}],
                }
                for n, text in enumerate(paragraphs[at : at + 5], at)
            ]
        }
        for at in range(0, 300, 5)
    ]
    hotpot = [
        {
            "question": f"Which {at}?",
            "answer": paragraphs[at][:9],
            "context": [[f"Title {n}", paragraphs[n].split(" ")[:60]] for n in range(at, at + 10)],
        }
        for at in range(0, 300, 10)
    ]
    files = {
        "PaulGrahamEssays.json": {"text": novel},
        "squad.json": {"data": squad},
        "hotpotqa.json": hotpot,
        "english_words.json": {str(n): f"word{n}" for n in range(20_000)},
    }
    for name, held in files.items():
        (folder / name).write_text(json.dumps(held), encoding="utf-8")
    return [folder / name for name in files]


def upstream(home: Path, task: str, length: int, samples: int, seconds: int) -> list[dict[str, Any]]:
    """Return the samples that RULER's own script makes, called as prepare.py calls it; none if it does not end."""
    known = RULER_TASKS[task]
    program = "niah" if known.family.startswith("niah") else known.family
    code = (
        f"import sys; sys.path.insert(0, {str(home / 'data/synthetic')!r}); from constants import TASKS; import json; "
    )
    code += f"print(json.dumps(TASKS[{program!r}]))"
    constants = json.loads(
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    )
    settings = known.settings
    extra = {
        "niah": lambda: {
            "type_haystack": settings["haystack"],
            "type_needle_k": settings["key"],
            "type_needle_v": settings["value"],
            "num_needle_k": settings["keys"],
            "num_needle_v": settings["values"],
            "num_needle_q": settings["queries"],
        },
        "variable_tracking": lambda: {"type_haystack": "noise", "num_chains": 1, "num_hops": settings["hops"]},
        "common_words_extraction": lambda: {"freq_cw": 30, "freq_ucw": 3, "num_cw": 10},
        "freq_words_extraction": lambda: {"alpha": settings["alpha"]},
        "qa": lambda: {"dataset": settings["source"]},
    }[program]()
    out = home / "out" / str(length)
    command = [
        *(sys.executable, str(home / "data/synthetic" / f"{program}.py"), "--save_dir", str(out), "--save_name", task),
        *("--tokenizer_path", "x", "--max_seq_length", str(length), "--num_samples", str(samples)),
        *("--tokens_to_generate", str(constants["tokens_to_generate"])),
        *("--template", constants["template"] + constants["answer_prefix"]),
        *(word for name, value in extra.items() for word in (f"--{name}", str(value))),
    ]
    paths = [str(home / "standins"), *sys.path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=environment)
    except subprocess.TimeoutExpired:
        return []
    assert run.returncode == 0, run.stderr[-2000:]
    lines = (out / task / "validation.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def compared(maker: SampleMaker, task: str, length: int, theirs: list[dict[str, Any]], seconds: int) -> tuple[str, ...]:
    """Return the cells of one row. A cell with ≠ is a difference."""
    family = FAMILIES[RULER_TASKS[task].family]
    count = len(theirs) or 1
    try:
        numbers = maker.questions(task, length, count) if family.max_tokens == 32 else range(count)
        ours = [maker.sample(task, length, number) for number in numbers]
    except DataError as error:
        return (f"stopped after {seconds} s" if not theirs else "", str(error), "", "", "")
    tokens = [maker.tokens(task, sample) for sample in ours]
    span = f"{min(tokens)}–{max(tokens)}" + ("" if length * 0.9 <= min(tokens) <= max(tokens) <= length else " ≠")
    if not theirs:
        return f"stopped after {seconds} s", span, "", "", ""
    lengths = [row["length"] for row in theirs]
    assert [row["length"] for row in theirs] == [
        maker.tokenizer.count(row["input"] + row["answer_prefix"]) + family.max_tokens for row in theirs
    ]
    parts = [(*split_input(task, row["input"]), row["answer_prefix"]) for row in theirs]
    mine = [(sample.examples, sample.head, sample.context, sample.tail, sample.prefix) for sample in ours]
    forms = [{template(task, each) for each in side} for side in (parts, mine)]
    counts = [[counted(task, each[2]) for each in side] for side in (parts, mine)]
    answers = [{len(row["outputs"]) for row in theirs}, {len(sample.answers) for sample in ours}]
    near = max(counts[0]) * 0.7 <= min(counts[1]) <= max(counts[1]) <= max(counts[0]) * 1.5
    return (
        f"{min(lengths)}–{max(lengths)}",
        span,
        "=" if len(forms[0]) == 1 and forms[0] == forms[1] else f"≠ {forms}",
        f"{counts[0]} {counts[1]}" + ("" if near else " ≠"),
        f"{answers[0]}" if answers[0] == answers[1] or RULER_TASKS[task].settings.get("source") else f"≠ {answers}",
    )


def template(task: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return examples, head, tail and prefix with what is drawn at random replaced."""
    examples, head, _, tail, prefix = parts
    shown = []
    for text in (examples, head, tail, prefix):
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "UUID", text)
        text = re.sub(r"(for) [\w' .-]+?((?:, (?:and )?[\w' .-]+?)*) (mentioned)", r"\1 KEYS \3", text)
        text = re.sub(r"value \d{5}", "value N", text)
        text = re.sub(r"VAR [A-Z]{3,5}", "VAR X", re.sub(r"= \d{5}", "= N", text))
        text = re.sub(r"(they are: ) [A-Z]{3}( [A-Z]{3})*", r"\1 NAMES", text)
        text = re.sub(r"(\d+\. )[\w' .-]+?(?= \d+\. |\n|$)", "N. WORD", text)
        text = re.sub(r"(N\. WORD ?)+", "WORDS", text)
        text = re.sub(r"Question: (Who|Which) \d+\?", "Question: Q", text)
        if task == "vt":  # lines of noise and assignments are drawn: their number is compared by the length
            text = re.sub(r"(The grass.+?again\.\n?|VAR X = (N|VAR X) ?\n?)+", "LINES", text)
        shown.append(text)
    return tuple(shown)


def counted(task: str, context: str) -> int:
    """Return the needles, assignments, entries, words or documents of a context."""
    if task.startswith("niah"):
        return len(NEEDLE.findall(context))
    pattern = {
        "vt": r"VAR [A-Z]{5} = ",
        "cwe": r"\b\d+\. ",
        "fwe": r"\b[a-z]{6}\b",
        "qa_1": "Document",
        "qa_2": "Document",
    }
    return len(re.findall(pattern[task], context))


if __name__ == "__main__":
    main()
