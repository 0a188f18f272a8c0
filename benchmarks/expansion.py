"""Read, then expand: what must hold of the loop, and what an OCR program answers with and without it.

    python benchmarks/expansion.py policies --documents 2000    # scripted models: budgets kept, texts exact, no hang
    python benchmarks/expansion.py kills --rounds 25            # processes that are killed and resumed
    python benchmarks/expansion.py eye --out readings.json      # look-ups and identifiers, Tesseract as the eye
    python benchmarks/expansion.py served                       # `transformers serve` with a model that calls a tool

The eye is a model whose replies follow from what Tesseract reads on the pages, and from nothing else. It looks for the
words of the question, asks for the page that has the most similar words, and copies the answer from the text that it
gets. Without expansion, it copies the answer from what Tesseract read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from glyphrender import Document, Theta, fit, render
from glyphrender.inference.conversation import Conversation
from glyphrender.inference.endpoint import Reply
from glyphrender.inference.expand import Expanded, expand
from glyphrender.inference.expand_ledger import ExpandBudget
from glyphrender.inference.expand_trace import quotes_hold
from glyphrender.inference.messages import Packing
from glyphrender.inference.replies import Replies
from glyphrender.models.vision import vision_model
from glyphrender.tasks.statistics import mean_interval

NOVEL = (Path(__file__).parent / "texts/pride-and-prejudice.txt").read_text(encoding="utf-8")
PACKING = Packing(model="glm-4.1v", send="pages", exact=0)


def called(name: str, **arguments: Any) -> str:
    return f"<tool_call>{json.dumps({'name': name, 'arguments': arguments})}</tool_call>"


@dataclass
class Scripted:
    """A `Model` whose replies are a function of the conversation and of the number of replies so far."""

    policy: Callable[[Conversation, int], str]
    asked: list[Conversation] = field(default_factory=list)
    identity: list[Any] = field(default_factory=lambda: ["scripted"])

    def complete(
        self,
        conversation: Conversation,
        *,
        max_tokens: int | None = None,
        on_text: Callable[[str], object] | None = None,
    ) -> Reply:
        self.asked.append(conversation)
        turns = sum(turn.role == "assistant" for turn in conversation.turns)
        return Reply(
            text=self.policy(conversation, turns), prompt_tokens=100, completion_tokens=9, finish_reason="stop"
        )


# -- scripted models ---------------------------------------------------------------------------------


def well(seed: int) -> Callable[[Conversation, int], str]:
    """Search, read what was found, answer."""

    def policy(conversation: Conversation, turn: int) -> str:
        if turn == 0:
            return called("search", text=random.Random(seed).choice(["Elizabeth", "sister", "letter", "carriage"]))
        told = conversation.turns[-1].text
        if turn == 1 and "page " in told:
            return called("read_page", page=int(told.partition("page ")[2].split(",")[0].split(".")[0]))
        return "It is said there."

    return policy


def badly(seed: int) -> Callable[[Conversation, int], str]:
    """Call what is out of range, what was given before, and tools that do not exist; answer in the end."""

    def policy(conversation: Conversation, turn: int) -> str:
        rng = random.Random(f"{seed}/{turn}")
        if turn > 9:
            return "I do not know."
        return rng.choice(
            [
                called("read_page", page=rng.randint(-9, 999)),
                called("read_page", page=1),
                called("read_lines", page=1, first=rng.randint(-9, 99), last=rng.randint(-9, 99)),
                called("readPage", page=1),
                called("search", text="zzzz"),
                called("search"),
                called("zoom", page=1, region="x"),
            ]
        )

    return policy


def endlessly(seed: int) -> Callable[[Conversation, int], str]:
    """Never answer: several calls in every reply."""
    return lambda conversation, turn: "".join(
        called("read_lines", page=1 + (turn + number) % 9, first=1 + turn, last=2 + turn + number)
        for number in range(3)
    )


def nonsense(seed: int) -> Callable[[Conversation, int], str]:
    """Write bytes, halves of calls and calls of nothing."""

    def policy(conversation: Conversation, turn: int) -> str:
        rng = random.Random(f"{seed}/{turn}")
        junk = "".join(
            chr(rng.choice([0, 9, 34, 60, 92, 123, 0xD800, 0x202E, 0x4E00, rng.randrange(0x10FFFF)])) for _ in range(40)
        )
        forms = [
            junk,
            "<tool_call>" + junk,
            called(junk, **{junk: junk}),
            "<think>" + junk,
            called("read_page", page=junk),
            "",
        ]
        return rng.choice(forms) + rng.choice(["", "<tool_call>", "</tool_call>", "</think>"])

    return policy


POLICIES = {"well": well, "badly": badly, "endlessly": endlessly, "nonsense": nonsense}


def document_of(number: int) -> Document:
    """Return document `number`: a stretch of the novel of 300 to 5,000 characters, on small dense pages."""
    rng = random.Random(number)
    start = rng.randrange(len(NOVEL) - 6_000)
    theta = Theta.preset("scan-8").replace(page_size=(168.0, 168.0))
    return render(NOVEL[start : start + rng.randint(300, 5_000)], theta)


def budget_of(number: int) -> ExpandBudget:
    rng = random.Random(-number - 1)
    return ExpandBudget(tokens=rng.choice([0, 60, 300, 2_000, 8_192, None]), calls=rng.choice([1, 3, 8, 16]))


def violations(answer: Expanded, document: Document, budget: ExpandBudget) -> list[str]:
    """Return what does not hold and should."""
    trace, found = answer.trace, []
    if not quotes_hold(trace.calls, document.text):
        found.append("a quote is not the source")
    for call in trace.served:
        if call.normal.startswith("read") and call.text[call.quotes[0].at :] not in document.text:
            found.append("a text is not the source")
        if call.normal.startswith("search") and not call.quotes:
            found.append("a search quotes nothing")
    if budget.tokens is not None and trace.expansion_tokens > budget.tokens:
        found.append("more tokens than the budget")
    if len(trace.served) > budget.calls:
        found.append("more calls than the budget")
    if len(trace.turns) > budget.calls + 2:
        found.append("more requests than calls allow")
    return found


def policies(documents: int) -> dict[str, Any]:
    begin, failures, figures = time.perf_counter(), Counter[str](), {name: Counter[str]() for name in POLICIES}
    for number in range(documents):
        document, budget = document_of(number), budget_of(number)
        name = list(POLICIES)[number % len(POLICIES)]
        model = Scripted(POLICIES[name](number))
        answer = expand(document, "What is it?", model, packing=PACKING, budget=budget)
        failures.update(violations(answer, document, budget))
        calls = answer.trace.calls
        figures[name].update(
            documents=1, requests=len(model.asked), calls=len(calls), served=len(answer.trace.served),
            quotes=sum(len(call.quotes) for call in calls), tokens=answer.trace.expansion_tokens,
        )  # fmt: skip
        figures[name][f"ended: {answer.trace.ended}"] += 1
    return {
        "documents": documents,
        "violations": dict(failures),
        "policies": {name: dict(counts) for name, counts in figures.items()},
        "seconds": round(time.perf_counter() - begin, 1),
    }


# -- kill and resume ---------------------------------------------------------------------------------


def a_run(store: Path, documents: int, *, slow: float = 0.0) -> str:
    """Ask about every document with a store of replies; return the digest of all traces."""
    digest = hashlib.sha256()
    for number in range(documents):
        policy = POLICIES[list(POLICIES)[number % 3]](number)

        def sent(conversation: Conversation, turn: int, policy: Any = policy) -> str:
            with store.with_suffix(".sent").open("a") as log:
                log.write(".")
            time.sleep(slow)
            return policy(conversation, turn)

        model = Scripted(sent, identity=["scripted", number])
        answer = expand(document_of(number), "What is it?", model, packing=PACKING, replies=Replies(store))
        digest.update(json.dumps(replace(answer.trace, seconds=0.0).to_dict(), sort_keys=True).encode())
    return digest.hexdigest()


def kills(rounds: int, documents: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as room:
        whole = Path(room) / "whole.sqlite"
        expected = a_run(whole, documents)
        asked = len(whole.with_suffix(".sent").read_text())
        rng, equal, sent, killed = random.Random(0), 0, [], 0
        begin = time.perf_counter()
        timed = [
            sys.executable,
            __file__,
            "one",
            "--store",
            str(Path(room) / "timed.sqlite"),
            "--documents",
            str(documents),
        ]
        subprocess.run(timed, check=True, capture_output=True)
        whole_seconds = time.perf_counter() - begin
        for number in range(rounds):
            store = Path(room) / f"{number}.sqlite"
            command = [sys.executable, __file__, "one", "--store", str(store), "--documents", str(documents)]
            while True:
                process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
                try:
                    out, _ = process.communicate(timeout=whole_seconds * rng.uniform(0.3, 1.4))
                except subprocess.TimeoutExpired:
                    os.kill(process.pid, signal.SIGKILL)
                    process.communicate()
                    killed += 1
                    continue
                equal += out.strip() == expected
                break
            sent.append(len(store.with_suffix(".sent").read_text()))
    return {
        "documents": documents,
        "runs": rounds,
        "killed": killed,
        "equal traces": equal,
        "requests of a whole run": asked,
        "requests of killed runs, most": max(sent),
        "requests sent twice, all runs": sum(sent) - asked * rounds,
    }


# -- an OCR program as the eye -----------------------------------------------------------------------

GIVEN = ("Ada", "Bela", "Carlo", "Dina", "Emil", "Farah", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Levin")
FAMILY = ("Abbot", "Brandt", "Castell", "Dorn", "Eklund", "Farkas", "Groot", "Hale", "Ibsen", "Keller", "Lund")
PLACES = (
    "Antwerp",
    "Bergen",
    "Cadiz",
    "Dover",
    "Esbjerg",
    "Ferrara",
    "Gdansk",
    "Izmir",
    "Kotor",
    "Lisbon",
    "Malmo",
    "Nice",
)
SIGNS = "ABCDEFGHKLMNPQRSTUVWXYZabcdefghkmnpqrstuvwxyz0123456789"


@dataclass(frozen=True)
class LookUp:
    """A fact: the words before the answer, those of them that no other fact has, and the answer."""

    phrase: str
    name: str
    answer: str
    kind: str


def facts_document(
    number: int, *, identifiers: int = 40, words: int = 20, characters: int = 36_000
) -> tuple[str, list[LookUp]]:
    """Return a text of the novel with facts between its paragraphs, and the facts."""
    rng = random.Random(f"facts {number}")
    start = NOVEL.index("\n\n", rng.randrange(len(NOVEL) - characters - 2_000)) + 2
    paragraphs = NOVEL[start : start + characters].split("\n\n")
    names = rng.sample([f"{given} {family}" for given in GIVEN for family in FAMILY], identifiers + words)
    facts = [
        LookUp(f"the access code of {name} is", f"of {name} is", "".join(rng.choices(SIGNS, k=12)), "identifier")
        for name in names[:identifiers]
    ]
    facts += [
        LookUp(f"the parcel of {name} went to", f"of {name} went", rng.choice(PLACES), "word")
        for name in names[identifiers:]
    ]
    for fact in facts:
        paragraphs.insert(rng.randint(0, len(paragraphs)), f"Note: {fact.phrase} {fact.answer}.")
    return "\n\n".join(paragraphs), facts


class Readings:
    """What Tesseract reads on pages, kept in a file by the pixels of the page."""

    def __init__(self, path: Path) -> None:
        from glyphrender.ocr.tesseract import Tesseract

        self.path, self.reader = path, Tesseract(enlarge=2)
        self.known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        self.vision = vision_model("glm-4.1v")

    def of(self, page: Any) -> str:
        from glyphrender.ocr.legibility import seen_image

        image = seen_image(page, self.vision)
        key = hashlib.sha256(image.tobytes()).hexdigest()
        if key not in self.known:
            self.known[key] = " ".join(self.reader(image).split())
        return self.known[key]

    def keep(self) -> None:
        self.path.write_text(json.dumps(self.known))


def likeness(fact: LookUp, text: str) -> tuple[float, int]:
    """Return how alike the most similar words of `text` are to the name of a fact, 0 to 100, and where they end."""
    from rapidfuzz.fuzz import partial_ratio_alignment

    found = partial_ratio_alignment(fact.name, text)
    return (found.score, found.dest_end) if found else (0.0, 0)


def read_off(fact: LookUp, texts: list[str]) -> str:
    """Return the word that follows the most similar words in any of the texts, on the next page if need be."""
    places = [likeness(fact, text) for text in texts]
    number = max(range(len(texts)), key=lambda at: places[at][0])
    following = texts[number][places[number][1] :].split()
    if following == [str(number + 1)] and number + 1 < len(texts):  # the number of the page
        following = texts[number + 1].split()
    return first_word(fact, following)


def first_word(fact: LookUp, following: list[str]) -> str:
    """Return the first word that can be an answer, without the marks around it."""
    if fact.kind == "word" and following and following[0] == "to":
        following = following[1:]
    found = re.search("[A-Za-z0-9]+", following[0]) if following else None
    return found[0] if found else ""


def eye(readings: Readings, fact: LookUp, *, pages_read: int = 4) -> Callable[[Conversation, int], str]:
    """Return the policy that reads the pages most like the question, and what a page cuts on the page beside it."""

    def policy(conversation: Conversation, turn: int) -> str:
        pages = conversation.pictures
        texts = [readings.of(page) for page in pages]
        got: dict[int, str] = {}
        for each in conversation.turns[2:]:
            if each.role == "user" and "Text content of Page " in each.text:
                number, _, text = each.text.partition("Text content of Page ")[2].partition(":\n")
                got[int(number)] = text.removesuffix("\n</tool_response>")
        joined = "".join(text + ("" if number + 1 in got else "\x00") for number, text in sorted(got.items()))
        if fact.phrase in joined:
            following = joined.partition(fact.phrase)[2].split()
            if following and following[0].endswith("."):
                return first_word(fact, following)
        ranked = sorted(range(len(pages)), key=lambda at: -likeness(fact, texts[at])[0])
        # A fact that the end of a page cuts goes on, or begins, on the page beside it.
        ends = [fact.phrase[:size] for size in range(12, len(fact.phrase) + 1)]
        begins = [fact.phrase[-size:] for size in range(12, len(fact.phrase))]
        after = [number for number, text in got.items() if text.rstrip().endswith(tuple(ends))]
        before = [number - 2 for number, text in got.items() if text.lstrip().startswith(tuple(begins))]
        wanted = [at for at in [*after, *before, *ranked] if 0 <= at < len(pages) and pages[at].number not in got]
        if turn < pages_read and wanted:
            return called("read_page", page=pages[wanted[0]].number)
        return read_off(fact, texts)

    return policy


def look_ups(out: Path, documents: int, rhos: list[float], plain: list[float], side: float) -> dict[str, Any]:
    readings = Readings(out)
    made = [facts_document(number) for number in range(documents)]
    results: dict[str, Any] = {}
    for rho in dict.fromkeys([*rhos, *plain]):
        theta = theta_of(rho, made[0][0], side)
        for expanded in [True] * (rho in rhos) + [False] * (rho in plain):
            name = f"rho {rho:g}, {'expanded' if expanded else 'pages alone'}"
            right: dict[str, list[float]] = {"identifier": [], "word": []}
            text_tokens = visual = paid = 0.0
            reads = 0
            for text, facts in made:
                document = render(text, theta)
                ratio = document.ratio()
                for page in document:
                    readings.of(page)
                readings.keep()
                for fact in facts:
                    if expanded:
                        question = f"Complete: {fact.phrase} …"
                        model = Scripted(eye(readings, fact))
                        answer = expand(document, question, model, packing=PACKING, tools=["read_page"])
                        text_tokens += answer.trace.text_tokens
                        visual += answer.trace.visual_tokens
                        paid += answer.trace.text_tokens / answer.trace.effective_rho
                        reads += len(answer.trace.served)
                        given = answer.text
                    else:
                        given = read_off(fact, [readings.of(page) for page in document])
                        text_tokens, visual = text_tokens + ratio.text_tokens, visual + ratio.visual_tokens
                        paid += ratio.visual_tokens
                    right[fact.kind].append(float(given == fact.answer))
            results[name] = {
                "font": theta.font_size,
                "rho": round(text_tokens / visual, 2),
                "effective rho": round(text_tokens / paid, 2),
                "pages read a question": round(reads / sum(map(len, right.values())), 2),
                **{kind: interval(values) for kind, values in right.items()},
                "all": interval([*right["identifier"], *right["word"]]),
            }
            print(name, json.dumps(results[name]), flush=True)
    return results


def theta_of(rho: float, text: str, side: float) -> Theta:
    """Return scan-8 on square pages, with type of the size that reaches `rho` on `text`."""
    theta = Theta.preset("scan-8").replace(page_size=(side, side), font_size=6.0, line_height=6.6, margin_y=16.0)
    for _ in range(3):  # the margin holds the number of the page, which is as large as the type
        theta = fit(text, theta=theta, rho=rho, over={"font_size": (4.0, theta.margin_y - 0.1)}).theta
        theta = theta.replace(margin_y=theta.font_size + 0.5)
    return theta


def interval(values: list[float]) -> str:
    found = mean_interval(values, graded=False)
    return f"{sum(values):.0f} of {len(values)} ({found.low:.3f} to {found.high:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["policies", "kills", "one", "eye", "served"])
    parser.add_argument("--documents", type=int)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--out", type=Path, default=Path("readings.json"))
    parser.add_argument("--rhos", default="8,6,3.6", help="ρ of pages with expansion")
    parser.add_argument("--plain", default="3,3.6,6", help="ρ of pages without")
    parser.add_argument("--side", type=float, default=196.0, help="side of a page in pixels")
    given = parser.parse_args()
    if given.what == "policies":
        print(json.dumps(policies(given.documents or 2_000), indent=1))
    elif given.what == "kills":
        print(json.dumps(kills(given.rounds, given.documents or 6), indent=1))
    elif given.what == "one":
        print(a_run(given.store, given.documents or 6, slow=0.02))
    elif given.what == "served":
        from tool_caller import served

        print(json.dumps(served(), indent=1))
    else:
        rhos, plain = ([float(each) for each in text.split(",")] for text in (given.rhos, given.plain))
        print(json.dumps(look_ups(given.out, given.documents or 6, rhos, plain, given.side), indent=1))


if __name__ == "__main__":
    main()
