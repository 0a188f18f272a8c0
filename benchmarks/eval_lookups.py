"""Look-ups on pages as a benchmark of `glyphrender eval`: lines as `K7= 4821`, and the question `K7?`.

    glyphrender eval eval_lookups:load 64 --base-url … --no-align          # in this folder

A model of a million parameters learns this task in minutes (docs/learn_to_look_up.py), so the whole chain of an
evaluation can be run with a model that does read. Pages of two, four and eight lines have θ of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from glyphrender import Theta
from glyphrender.evals.item import Benchmark, Drawable, EvalProtocol, Item, ItemTurn
from glyphrender.tasks.scoring import verbatim
from glyphrender.tasks.task import Score
from glyphrender.train.reader.lookups import lookup_rows, lookup_theta

PROTOCOL = EvalProtocol(name="verbatim", source="docs/learn_to_look_up.py", sampling={"temperature": 0.0})
SEED = 9_000


def load(data: Sequence[str], lines: str = "2,4,8") -> Benchmark:
    """Return a benchmark of so many look-ups for each number of lines."""
    count = int(data[0]) if data else 64
    items = []
    default = Theta().to_dict()
    for number in map(int, lines.split(",")):
        theta = {name: value for name, value in lookup_theta(number).to_dict().items() if value != default[name]}
        for index, row in enumerate(lookup_rows(count, lines=number, seed=SEED)):
            items.append(
                Item(
                    key=f"{number} lines, {index}",
                    task=f"{number} lines",
                    turns=(ItemTurn("user", (Drawable(row["context"]), row["question"])),),
                    answers=tuple(row["answer"]),
                    max_tokens=8,
                    buckets={"length": f"{number} lines"},
                    theta=theta,
                )
            )
    return Benchmark(
        name="lookups",
        revision=f"generated:seed-{SEED}",
        protocol=PROTOCOL,
        items=items,
        score=lambda item, reply: Score(error=1 - verbatim(reply, item.answers)),
    )
