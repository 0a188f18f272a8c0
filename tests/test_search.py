"""The engine: it finds what there is to find, the same each time, and survives being killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import search_judge
from search_judge import Judge, a_search

from glyphrender import Theta, compression_ratio
from glyphrender.errors import BudgetSpent, DataError, GlyphRenderError, LayoutError
from glyphrender.search.candidate import Candidate
from glyphrender.search.evaluation import Evaluation
from glyphrender.search.journal import read_candidates, read_lines
from glyphrender.search.proposer import Proposals
from glyphrender.search.report import journal_result
from glyphrender.search.result import Budget, ErrorSource, SearchProgress, SearchResult
from glyphrender.search.search import search
from glyphrender.search.space import Space


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[SearchResult, Path]:
    """An undisturbed search, and its journal."""
    journal = tmp_path_factory.mktemp("search") / "journal.jsonl"
    return a_search(Judge(), journal=journal), journal


def told(journal: Path) -> list[dict]:
    """The lines of a journal without times, which no two runs share."""
    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    return [{name: value for name, value in line.items() if name != "elapsed"} for line in lines]


@pytest.mark.slow
def test_the_front_is_near_the_true_one(whole) -> None:
    """Best type for each size, by arithmetic: all letter spacing gone, and one column or two.

    Of that ρ a random θ of the space lacks 12%, the fronts of eight seeds 3 to 6% on average.
    """
    result, _ = whole
    assert len(result.candidates) == 90
    assert result.error_source is ErrorSource.READ_AGAIN
    assert not result.error_source.caveat
    assert len(result.front) >= 4
    lacking = []
    for candidate in result.front:
        others = [candidate.theta.replace(letter_spacing=0, columns=columns) for columns in (1, 2)]
        best = max(compression_ratio(search_judge.TEXT, theta=theta).rho for theta in others)
        lacking.append(1 - candidate.rho / best)
    assert sum(lacking) / len(lacking) < 0.07
    rhos, errors = [c.rho for c in result.front], [c.error for c in result.front]
    assert rhos == sorted(rhos)
    assert errors == sorted(errors)
    assert all(c.evaluation is not None and c.evaluation.samples == 48 for c in result.front)
    assert result.hypervolumes[-1] > result.hypervolumes[0]


@pytest.mark.slow
def test_the_search_beats_random_theta_read_more_often() -> None:
    """In the space of fifteen axes, mean of four seeds; fronts by the true error, without the noise of their choice."""
    from glyphrender.search.pareto import hypervolume
    from glyphrender.search.result import objectives, readable_front

    judge, space = search_judge.Rich(), Space.preset("reader")
    start = {"default": Theta()}  # not the presets, which are themselves what searches find

    def area(front) -> float:
        exact = [replace(c, evaluation=judge.true(c.theta)) for c in front]
        return hypervolume([objectives(c) for c in exact if c.error <= 0.1], (1.0, 1.0))

    searched = drawn = 0.0
    for seed in range(4):
        rng = random.Random(seed)
        result = search(
            search_judge.TEXT,
            evaluator=judge,
            space=space,
            start=start,
            rounds=2,
            steps=100,
            seed=seed,
            jobs=1,
        )
        at_random = [
            Candidate(
                theta=theta,
                origin="random",
                round=1,
                step=1,
                rho=compression_ratio(search_judge.TEXT, theta=theta).rho,
                evaluation=judge(theta, samples=20, seed=0),
            )
            for theta in (space.sample(rng) for _ in range(200))
        ]
        assert result.samples < 200 * 20
        searched += area(result.front)
        drawn += area(readable_front(at_random, 0.1))
    assert searched > 1.03 * drawn


@pytest.mark.slow
def test_bad_theta_cost_little(whole) -> None:
    result, journal = whole
    asked = [line["samples"] for line in read_lines(journal) if line["kind"] == "evaluation"]
    assert len(asked) == result.evaluations
    assert sum(asked) == result.samples
    search_alone = [samples for samples in asked if samples <= 16]
    assert sum(search_alone) / 90 < 8  # 16 without halving


@pytest.mark.slow
def test_equal_seeds_give_equal_searches_whatever_the_jobs(whole, tmp_path) -> None:
    for jobs in (1, 3):
        journal = tmp_path / f"{jobs}.jsonl"
        result = a_search(Judge(), journal=journal, jobs=jobs)
        assert result.front == whole[0].front
        assert told(journal) == told(whole[1])
    assert a_search(Judge(), seed=4).front != whole[0].front


@pytest.mark.slow
def test_a_search_without_a_journal_is_the_same(whole) -> None:
    assert a_search(Judge()).candidates == whole[0].candidates


@pytest.mark.slow
def test_a_finished_search_is_resumed_without_asking_again(whole) -> None:
    judge = Judge()
    before = whole[1].read_bytes()
    assert a_search(judge, journal=whole[1], resume=True).front == whole[0].front
    assert judge.calls == 0
    assert whole[1].read_bytes() == before


@pytest.mark.slow
def test_more_rounds_can_be_added(whole, tmp_path) -> None:
    journal = tmp_path / "journal.jsonl"
    a_search(Judge(), journal=journal, rounds=1)
    result = a_search(Judge(), journal=journal, resume=True)
    assert result.front == whole[0].front


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_as_if_nothing_had_been(whole, tmp_path) -> None:
    journal = tmp_path / "journal.jsonl"
    command = [sys.executable, search_judge.__file__, str(journal), "0.01"]
    rng = random.Random(0)
    kills = 0
    for _ in range(5):
        process = subprocess.Popen(command)
        deadline, size = time.monotonic() + 300, journal.stat().st_size if journal.exists() else 0
        while process.poll() is None and time.monotonic() < deadline:  # until it has written something new
            if journal.exists() and journal.stat().st_size > size + rng.randrange(40_000):
                break
            time.sleep(0.005)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
    assert kills >= 2
    with journal.open("ab") as file:
        file.write(b'{"kind": "evaluation", "step": 3, "sam')  # torn
    subprocess.run(command, check=True, timeout=600)
    assert told(journal) == told(whole[1])


def test_a_worker_that_is_killed_ends_the_search_at_once() -> None:
    class Deadly(Judge):
        def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
            if samples == 1 and self.calls == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().__call__(theta, samples=samples, seed=seed)

    start = time.monotonic()
    with pytest.raises(GlyphRenderError, match="a process was killed"):
        a_search(Deadly(), jobs=2)
    assert time.monotonic() - start < 300


@pytest.mark.slow
def test_a_journal_whose_theta_the_seed_no_longer_gives_is_refused_and_still_read(whole, tmp_path) -> None:
    """Else what was read of one θ would be taken for another's."""
    journal = tmp_path / "journal.jsonl"
    lines = [json.loads(line) for line in whole[1].read_text("utf-8").splitlines()]
    (seventh,) = [line for line in lines if line["kind"] == "candidate" and line["step"] == 7]
    seventh["theta"]["margin_x"] += 1
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    with pytest.raises(DataError, match="other parameters at step 7"):
        a_search(Judge(), journal=journal, resume=True)
    assert len(read_candidates(journal)) == 90
    assert journal_result(journal).front


@pytest.mark.slow
def test_a_journal_has_one_writer(whole, tmp_path) -> None:
    journal = tmp_path / "journal.jsonl"
    process = subprocess.Popen([sys.executable, search_judge.__file__, str(journal), "0.05"])
    try:
        deadline = time.monotonic() + 300
        while not (journal.exists() and journal.stat().st_size > 20_000) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert process.poll() is None
        judge = Judge()
        with pytest.raises(DataError, match="is being written by another search") as caught:
            a_search(judge, journal=journal, resume=True)
        assert str(tmp_path) in str(caught.value)
        assert judge.calls == 0
        assert journal_result(journal).candidates  # which may be read meanwhile
    finally:
        process.kill()
        process.wait()
    # Its workers outlive it by a moment: the lock does not.
    a_search(Judge(), journal=journal, resume=True)
    assert told(journal) == told(whole[1])


def test_a_journal_that_was_refused_can_be_opened_again_at_once(whole, tmp_path) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(whole[1].read_bytes())
    with pytest.raises(DataError, match="another seed") as caught:
        a_search(Judge(), journal=journal, resume=True, seed=9)
    assert caught.value  # and with it, what it has of the journal
    assert a_search(Judge(), journal=journal, resume=True).front == whole[0].front
    assert journal.read_bytes() == whole[1].read_bytes()


def test_a_journal_of_another_search_is_refused(whole, tmp_path) -> None:
    with pytest.raises(DataError, match="is there already"):
        a_search(Judge(), journal=whole[1])
    with pytest.raises(DataError, match="another seed"):
        a_search(Judge(), journal=whole[1], resume=True, seed=9)
    with pytest.raises(DataError, match="another steps"):
        a_search(Judge(), journal=whole[1], resume=True, steps=31)
    other = tmp_path / "other.jsonl"
    other.write_text('{"kind": "else"}\n')
    with pytest.raises(DataError, match="no journal of this version"):
        a_search(Judge(), journal=other, resume=True)
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(b"\xff\xfe\n" + whole[1].read_bytes())
    with pytest.raises(DataError, match="line 1, does not belong to a journal"):
        a_search(Judge(), journal=broken, resume=True)
    with pytest.raises(DataError, match="cannot be written"):
        a_search(Judge(), journal=tmp_path / "no" / "journal.jsonl")


def test_a_file_that_is_no_journal_is_left_alone(tmp_path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("not to be lost")
    with pytest.raises(DataError, match="no journal of a search"):
        a_search(Judge(), journal=notes, resume=True)
    assert notes.read_text() == "not to be lost"


@pytest.mark.slow
@pytest.mark.parametrize("note", [b"my own note\n", b"my own note", b'{"note": 1}\n', b"[" * 100_000 + b"\n"])
def test_a_note_at_the_end_of_a_journal_is_not_cut_off(whole, tmp_path, note) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(whole[1].read_bytes() + note)
    with pytest.raises(DataError, match="does not belong to a journal"):
        a_search(Judge(), journal=journal, resume=True)
    assert journal.read_bytes() == whole[1].read_bytes() + note


@pytest.mark.slow
def test_a_journal_whose_first_line_was_torn_is_begun_again(whole, tmp_path) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(whole[1].read_bytes()[:100])
    a_search(Judge(), journal=journal, resume=True)
    assert told(journal) == told(whole[1])


def test_a_journal_is_of_one_text_and_tokenizer(whole, tmp_path) -> None:
    for settings, name in (({"tokenizer": len}, "tokenizer"), ({"tokenizer": "cl100k_base"}, "tokenizer")):
        with pytest.raises(DataError, match=f"another {name}"):
            a_search(Judge(), journal=whole[1], resume=True, **settings)
    with pytest.raises(DataError, match="another text"):
        search(
            search_judge.TEXT[:-1],
            evaluator=Judge(),
            space=search_judge.small_space(),
            steps=30,
            seed=3,
            start={"default": Theta()},
            journal=whole[1],
            resume=True,
        )
    # Of before these were written down, and of when a field was described in other words.
    first, rest = whole[1].read_text(encoding="utf-8").split("\n", 1)
    settings = json.loads(first)
    del settings["text"], settings["tokenizer"]
    settings["axes"]["axes"][0]["help"] = "in other words"
    older, judge = tmp_path / "older.jsonl", Judge()
    older.write_text(json.dumps(settings) + "\n" + rest, encoding="utf-8")
    assert a_search(judge, journal=older, resume=True).front == whole[0].front
    assert judge.calls == 0


def test_a_resumed_search_knows_why_a_theta_could_not_be_laid_out(tmp_path) -> None:
    space = Space.preset("none", vary=["font=DejaVu Sans|No Such Font", "font_size=8:9:1"])
    journal = tmp_path / "journal.jsonl"
    results = [
        search(
            search_judge.TEXT[:2000],
            evaluator=Judge(),
            space=space,
            rounds=1,
            steps=4,
            jobs=1,
            journal=journal,
            resume=True,
            start={},
        )
        for _ in range(2)
    ]
    assert any("No Such Font" in candidate.reason for candidate in results[0].candidates)
    assert results[1].candidates == results[0].candidates


def test_candidates_are_read_back_from_a_journal(whole) -> None:
    result, journal = whole
    known = {c.step: c for c in read_candidates(journal)}
    assert len(known) == 90
    for candidate in result.candidates:
        assert known[candidate.step] == candidate
        assert Candidate.from_dict(json.loads(json.dumps(candidate.to_dict()))) == candidate


@pytest.mark.slow
@pytest.mark.parametrize("budget", [Budget(evaluations=25), Budget(samples=100)])
def test_budgets_are_kept(budget, tmp_path) -> None:
    journal = tmp_path / "journal.jsonl"
    result = a_search(Judge(), journal=journal, budget=budget)
    lines = [line for line in read_lines(journal) if line["kind"] == "evaluation" and line["samples"] <= 16]
    if budget.evaluations is not None:
        assert len(lines) == budget.evaluations
        assert result.stopped == "budget of evaluations"
    else:
        assert 84 < sum(line["samples"] for line in lines) <= 100
        assert result.stopped == "budget of samples"
    # With more of it the search goes on.
    more = a_search(Judge(), journal=journal, resume=True, budget=Budget(evaluations=60))
    assert more.evaluations > result.evaluations


@pytest.mark.slow
def test_a_budget_of_seconds_stops_the_search() -> None:
    result = a_search(Judge(0.02), budget=Budget(seconds=2), steps=200)
    assert result.stopped == "budget of seconds"
    assert 0 < len(result.candidates) < 200


@pytest.mark.slow
def test_it_stops_when_nothing_grows() -> None:
    class Flat(Judge):
        name = "flat"

        def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
            return Evaluation(error=0.01, low=0.01, high=0.01, samples=samples)

    from glyphrender.search.space import Space

    tiny = Space.preset("none", vary=["font_size=6|7|8", "columns=1|2"])
    assert a_search(Flat(), space=tiny, rounds=5, steps=3).stopped in ("no growth", "exhausted")
    assert a_search(Flat(), space=tiny).stopped == "exhausted"


@pytest.mark.slow
def test_hopeless_theta_are_never_read() -> None:
    result = a_search(Judge(), rounds=4, steps=60)
    dropped = [c for c in result.candidates if c.reason]
    assert dropped
    assert all(c.evaluation is None and c.reason.startswith("ρ ") for c in dropped)


@pytest.mark.slow
def test_a_theta_that_cannot_be_read_does_not_end_the_search() -> None:
    class Picky(Judge):
        name = "picky"

        def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
            if theta.columns == 2:
                raise LayoutError("two columns are too many.")
            return super().__call__(theta, samples=samples, seed=seed)

    result = a_search(Picky())
    assert result.front
    assert {c.theta.columns for c in result.front} == {1}
    failed = [c for c in result.candidates if c.evaluation is not None and "failed" in c.evaluation.details]
    assert failed
    assert all(c.error == 1.0 for c in failed)


def test_an_evaluator_that_breaks_ends_the_search_and_loses_nothing(tmp_path) -> None:
    class Tired(Judge):
        def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
            if self.calls > 20:
                raise RuntimeError("tired")
            return super().__call__(theta, samples=samples, seed=seed)

    journal = tmp_path / "journal.jsonl"
    with pytest.raises(RuntimeError, match="tired"):
        a_search(Tired(), journal=journal)
    assert sum(line["kind"] == "evaluation" for line in read_lines(journal)) == 21


@pytest.mark.slow
def test_a_proposer_is_asked_once_a_round_and_its_answers_are_kept(tmp_path) -> None:
    class Expert:
        name = "expert"
        asked = 0

        def propose(self, history, space, count, rng) -> Proposals:
            self.asked += 1
            assert len(history) % 30 == 0
            thetas = tuple(space.sample(rng) for _ in range(count))
            return Proposals(thetas=thetas, critique="smaller, please", rejected=1, log={"prompt": "…"})

    journal, expert = tmp_path / "journal.jsonl", Expert()
    result = a_search(Judge(), journal=journal, proposer=expert)
    assert expert.asked == len(result.hypervolumes) - 1
    assert sum(c.origin == "proposer:expert" for c in result.candidates) == 6 * expert.asked
    again = Expert()
    assert a_search(Judge(), journal=journal, resume=True, proposer=again).front == result.front
    assert again.asked == 0


@pytest.mark.slow
def test_only_theta_of_the_space_are_taken_of_a_proposer(tmp_path) -> None:
    """Of six, one is in the space, four are moved into it, and one is on a page that its margins leave nothing of."""
    vary = ["font_size=6:11:0.25", "leading=1.1|1.2", "margin_x=10|400", "font=Inter|Noto Sans"]
    space = Space.preset("none", vary=vary)
    inside = space.theta({"font_size": 9, "leading": 1.2, "margin_x": 10, "font": "Inter"})
    outside = [
        inside.replace(font_size=9.05),  # between two rungs
        inside.replace(columns=2),  # no axis
        inside.replace(font="Unifont"),  # no value of its axis
        Theta(font_size=200, line_height=210),  # nor aligned
    ]
    clash = inside.replace(page_size=(1000, 900), margin_x=350)

    class Stubborn:
        name = "stubborn"

        def propose(self, history, space, count, rng) -> Proposals:
            return Proposals(thetas=(inside, *outside, clash), rejected=2, repaired=1)

    journal = tmp_path / "journal.jsonl"
    result = a_search(Judge(), space=space, proposer=Stubborn(), journal=journal, rounds=2)
    assert all(space.holds(candidate.theta) for candidate in result.candidates)
    taken = [candidate.theta for candidate in result.candidates if candidate.origin == "proposer:stubborn"]
    assert set(taken) <= {space.repair(theta) for theta in (inside, *outside)}
    (line,) = [line for line in read_lines(journal) if line["kind"] == "proposals"]
    assert len(line["thetas"]) == 5
    assert (line["rejected"], line["repaired"]) == (3, 5)


@pytest.mark.slow
def test_an_evaluator_of_few_tasks_is_asked_for_no_more_than_it_has() -> None:
    class Few(Judge):
        available = 20

    result = a_search(Few())
    assert all(c.evaluation is not None and c.evaluation.samples == 20 for c in result.front)
    assert result.error_source is ErrorSource.SEEN  # 16 of the 20 by the search at least
    Few.available = 16  # the largest sample of the search
    assert a_search(Few()).error_source is ErrorSource.SEEN
    Few.available = 48
    assert a_search(Few()).error_source is ErrorSource.READ_AGAIN
    Few.available = 16
    with pytest.raises(DataError, match=r"rungs=\(1, 30\) ask for more than the 16 tasks of arithmetic"):
        a_search(Few(), rungs=(1, 30))


def test_the_winner_is_the_knee_or_what_is_asked_for(whole) -> None:
    result, _ = whole
    first, last = result.front[0], result.front[-1]
    assert result.knee() in result.front
    assert result.at_rho(0.1) == first
    assert result.at_error(1) == last
    assert result.at_rho(last.rho) == last
    with pytest.raises(DataError, match="the most is"):
        result.at_rho(99)
    with pytest.raises(DataError, match="the least is"):
        result.at_error(-1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rounds": 0}, "rounds=0 is no whole number"),
        ({"steps": 0}, "steps=0 is no whole number"),
        ({"jobs": 0}, "jobs=0 is no whole number"),
        ({"jobs": "2"}, "jobs='2' is no whole number"),
        ({"jobs": 1.5}, "jobs=1.5 is no whole number"),
        ({"max_error": 0}, "max_error=0 is no share"),
        ({"rungs": (3, 2)}, "do not rise"),
        ({"rungs": ()}, "do not rise"),
    ],
)
def test_bad_arguments_are_refused(settings, message) -> None:
    with pytest.raises(DataError, match=message):
        a_search(Judge(), **settings)
    with pytest.raises(DataError, match="no text"):
        search(["", " "], evaluator=Judge())
    with pytest.raises(DataError, match="allows nothing"):
        Budget(samples=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("found", "message"),
    [
        (0.01, "gave 0.01, which is no Evaluation"),
        (None, "gave None"),
        (float("nan"), "an error of nan"),
        (-0.5, "an error of -0.5"),
    ],
)
def test_what_is_no_error_is_refused_before_it_is_written_down(found, message, tmp_path) -> None:
    class Odd(Judge):
        def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
            if found is None or found > 0:
                return found
            return Evaluation(error=found, low=0.0, high=1.0, samples=samples)

    with pytest.raises(DataError, match=message):
        a_search(Odd(), journal=tmp_path / "journal.jsonl")
    assert not [line for line in read_lines(tmp_path / "journal.jsonl") if line["kind"] == "evaluation"]


def test_details_that_are_no_json_are_one_error() -> None:
    class Odd(Judge):
        def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
            return replace(super().__call__(theta, samples=samples, seed=seed), details={"seen": {theta.digest}})

    with pytest.raises(DataError, match="is not JSON"):
        a_search(Odd())


@pytest.mark.slow
def test_an_evaluator_that_counts_its_samples_otherwise_is_journalled_by_what_was_asked(whole, tmp_path) -> None:
    class One(Judge):
        def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
            return replace(super().__call__(theta, samples=samples, seed=seed), samples=1)

    journal = tmp_path / "journal.jsonl"
    assert a_search(One(), journal=journal).front == whole[0].front
    judge = One()
    a_search(judge, journal=journal, resume=True)
    assert judge.calls == 0


@pytest.mark.slow
def test_a_front_that_could_only_be_read_again_in_part_stands_as_it_was() -> None:
    class Poor(Judge):
        def __call__(self, theta: Theta, *, samples: int, seed: int) -> Evaluation:
            if samples == 48:
                self.final = getattr(self, "final", 0) + 1
                if self.final > 1:
                    raise BudgetSpent("nothing is left")
            return super().__call__(theta, samples=samples, seed=seed)

    result = a_search(Poor())
    assert result.stopped == "nothing is left"
    assert len(result.front) >= 4
    assert all(c.evaluation is not None and c.evaluation.samples == 16 for c in result.front)
    assert result.error_source is ErrorSource.SEARCH


def test_progress_is_told_after_each_reading_and_the_forecast_bounds_what_is_read() -> None:
    heard: list[SearchProgress] = []
    judge = Judge()
    result = a_search(judge, progress=heard.append)
    assert len(heard) >= judge.calls  # one for each reading, and one for each batch
    assert [each.samples for each in heard] == sorted(each.samples for each in heard)
    assert heard[0].expected >= result.samples  # the first forecast drops nothing
    assert all(each.samples <= each.expected for each in heard)
    final = [each for each in heard if each.final]
    assert final
    assert final[-1].samples == final[-1].expected == result.samples
    assert final[-1].seconds_left == 0
