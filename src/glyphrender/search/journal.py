"""The journal of a search: a file of JSON objects, one a line, on disk before the search goes on.

A journal holds all results that took time or cannot be computed again: ρ, evaluations, proposals. The rest (parents,
dropped candidates) follows from the seed. So a search is resumed by running it again with its journal, which takes only
as long as reading the file. An incomplete last line is cut off.

Kinds of lines, by "kind":

    search       the first line: format, seed, space, evaluator and the other settings that decide the run
    candidate    a θ as it was made: a `Candidate` without evaluation, with "reason" where it is not evaluated
    evaluation   "step", "seed", the fields of an `Evaluation`, and "elapsed": seconds of search until then
    proposals    "round", "proposer", and the fields of `Proposals`
    round        "round", "hypervolume", and "front": digests
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from glyphrender._system.file_lock import lock_file
from glyphrender._system.regular_file import read_bytes
from glyphrender._system.sync import sync_folder
from glyphrender.errors import DataError
from glyphrender.search.candidate import Candidate
from glyphrender.search.evaluation import Evaluation
from glyphrender.search.proposer import Proposals
from glyphrender.theta import Theta

__all__ = ["FORMAT", "Journal", "read_candidates", "read_lines"]

# `_LATER`: settings that older journals lack. `_DESCRIBING`: settings that are not compared, because the digest of the
# space decides.
_LATER: Final = frozenset({"text", "tokenizer"})
_DESCRIBING: Final = frozenset({"axes"})

# Each line begins so.
_START: Final = b'{"kind": "'

FORMAT: Final = 1
"""Version of the journal format; a journal of another version is not read."""


class Journal:
    """The lines of a journal in memory and, with a `path`, in a file.

    Args:
        path: the file; None keeps nothing on disk.
        settings: the settings that decide the run, as JSON values; a journal with other settings is refused.
        resume: whether the file may exist; if it does, the search goes on from it.

    Raises:
        DataError: the file exists and `resume` is not set; another process writes it; it belongs to another search; or
            it cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str] | None, settings: Mapping[str, Any], *, resume: bool) -> None:
        self.path = Path(path) if path is not None else None
        self.elapsed = 0.0
        self._candidates: dict[int, dict[str, Any]] = {}
        self._evaluations: dict[tuple[int, int, int], Evaluation] = {}
        self._proposals: dict[int, Proposals] = {}
        self._rounds: set[int] = set()
        self._file: Any = None
        header = json.loads(json.dumps({"kind": "search", "format": FORMAT, **settings}))
        if self.path is None:
            return
        try:
            # For its owner alone: proposals hold a model's replies, and details pieces of the texts.
            self._file = open(self.path, "ab" if resume else "xb", opener=_private)  # noqa: SIM115
        except FileExistsError as error:
            raise DataError(
                f"{self.path} is there already. Pass resume to go on with it, or name another file."
            ) from error
        except OSError as error:
            raise DataError(f"{self.path} cannot be written ({error.strerror}). Choose another file.") from error
        try:
            lock_file(
                self._file,
                f"{self.path.name} in {self.path.absolute().parent} is being written by another search. "
                "Wait for its end, or choose another folder.",
            )
            self._begin(self.path, header)
        except BaseException:
            self.close()
            raise

    def _begin(self, path: Path, header: Mapping[str, Any]) -> None:
        """Learn what is in the file, cut off a torn last line, and write the settings if the file is new."""
        lines, whole = _whole_lines(path)
        if not lines and not _line(header).startswith(read_bytes(path)):
            raise DataError(f"{path} is no journal of a search. Name another file.", path=path)
        _compare(path, lines, header)
        for line in lines[1:]:
            self._learn(line)
        try:
            self._file.truncate(whole)
            if not lines:
                self._append(header)
                sync_folder(path.absolute().parent)
        except OSError as error:
            raise DataError(f"{path} cannot be written ({error.strerror}). Choose another file.", path=path) from error

    def close(self) -> None:
        """Close the file. A forked process closes its own copy, and the parent keeps the file and its lock."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def rho(self, step: int) -> float | None:
        """Return ρ of the candidate of this step; None if it is not known."""
        return self._candidates[step]["rho"] if step in self._candidates else None

    def reason(self, step: int) -> str:
        """Return why the candidate of this step was not evaluated; empty if it was, or is not known."""
        return self._candidates[step].get("reason", "") if step in self._candidates else ""

    def evaluation(self, step: int, samples: int, seed: int) -> Evaluation | None:
        """Return the evaluation of the candidate of this step on `samples` tasks; None if it is not known."""
        return self._evaluations.get((step, samples, seed))

    def proposals(self, round: int) -> Proposals | None:
        """Return what was proposed in this round; None if it is not known."""
        return self._proposals.get(round)

    def add_candidate(self, candidate: Candidate) -> None:
        """Write down a new candidate; if the journal has this step already, check that the θ is the same.

        Raises:
            DataError: the journal has another θ at this step, because another version of this package wrote it.
        """
        if known := self._candidates.get(candidate.step):
            if Theta.from_dict(known["theta"]) != candidate.theta:
                raise DataError(
                    f"{self.path} has other parameters at step {candidate.step}: another version wrote it. "
                    "Report what it holds (--report), and begin a new one."
                )
        else:
            line = {"kind": "candidate", **candidate.to_dict()}
            del line["evaluation"]
            self._write(line)

    def add_evaluation(self, step: int, seed: int, evaluation: Evaluation, elapsed: float) -> None:
        """Write down an evaluation."""
        fields = {"step": step, "seed": seed, **evaluation.to_dict(), "elapsed": round(elapsed, 2)}
        self._write({"kind": "evaluation", **fields})

    def add_proposals(self, round: int, proposer: str, proposals: Proposals) -> None:
        """Write down the proposals of a round."""
        self._write({"kind": "proposals", "round": round, "proposer": proposer, **proposals.to_dict()})

    def add_round(self, round: int, hypervolume: float, front: list[str]) -> None:
        """Write down how a round ended; once for each round."""
        if round not in self._rounds:
            self._write({"kind": "round", "round": round, "hypervolume": hypervolume, "front": front})

    def _write(self, line: dict[str, Any]) -> None:
        try:
            line = json.loads(json.dumps(line))
        except (TypeError, ValueError) as error:
            raise DataError(f"a line of kind {line['kind']} is not JSON ({error}). Use plain values in it.") from error
        self._learn(line)
        if self._file is not None:
            try:
                self._append(line)
            except OSError as error:
                raise DataError(f"{self.path} cannot be written ({error.strerror}). Make room, then resume.") from error

    def _append(self, line: Mapping[str, Any]) -> None:
        self._file.write(_line(line))
        self._file.flush()
        os.fsync(self._file.fileno())

    def _learn(self, line: dict[str, Any]) -> None:
        match line["kind"]:
            case "candidate":
                self._candidates[line["step"]] = line
            case "evaluation":
                evaluation = _evaluation(line)
                self._evaluations[line["step"], evaluation.samples, line["seed"]] = evaluation
                self.elapsed = max(self.elapsed, line["elapsed"])
            case "proposals":
                fields = ("thetas", "critique", "rejected", "repaired", "log")
                self._proposals[line["round"]] = Proposals.from_dict({name: line[name] for name in fields})
            case "round":
                self._rounds.add(line["round"])


def read_lines(path: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """Yield the lines of a journal, the settings first.

    Raises:
        DataError: the file cannot be read, or is no journal.
    """
    lines, _ = _whole_lines(Path(path))
    _check_format(Path(path), lines)
    yield from lines


def read_candidates(path: str | os.PathLike[str], *, seed: int | None = None) -> list[Candidate]:
    """Return the candidates of a journal in the order of their steps, each with its evaluation on the largest sample.

    Args:
        path: the journal.
        seed: take only evaluations on samples of this seed; None takes all. The final sample has the search's seed + 1.

    Raises:
        DataError: the file cannot be read, or is no journal.
    """
    candidates: dict[int, Candidate] = {}
    for line in read_lines(path):
        if line["kind"] == "candidate":
            candidates[line["step"]] = Candidate.from_dict(line)
        elif line["kind"] == "evaluation" and seed in (None, line["seed"]):
            evaluation, candidate = _evaluation(line), candidates[line["step"]]
            if candidate.evaluation is None or candidate.evaluation.samples <= evaluation.samples:
                candidates[line["step"]] = replace(candidate, evaluation=evaluation)
    return [candidates[step] for step in sorted(candidates)]


def _line(line: Mapping[str, Any]) -> bytes:
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _evaluation(line: Mapping[str, Any]) -> Evaluation:
    return Evaluation.from_dict({name: line[name] for name in ("error", "low", "high", "samples", "details")})


def _private(path: str, flags: int) -> int:
    # O_NONBLOCK: a pipe without a reader is refused, and not waited for.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o600)


def _whole_lines(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the complete lines and their length in bytes; a killed process may have left the last line incomplete."""
    try:
        data = read_bytes(path)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}). Name the journal of a search.", path=path
        ) from error
    lines: list[dict[str, Any]] = []
    whole = 0
    for number, raw in enumerate(data.splitlines(keepends=True), 1):
        try:
            if not raw.endswith(b"\n"):
                raise ValueError("torn")
            line = json.loads(raw)
            if not isinstance(line, dict) or "kind" not in line:
                raise ValueError("no object with a kind")
        except (ValueError, RecursionError) as error:
            # Only what a killed process has left may be cut off: the beginning of a line. The rest is a person's.
            if not raw.endswith(b"\n") and (not lines or raw[: len(_START)] == _START[: len(raw)]):
                break
            raise DataError(
                f"{path}, line {number}, does not belong to a journal ({error}). Restore the file, or begin a new one.",
                path=path,
            ) from None
        lines.append(line)
        whole += len(raw)
    return lines, whole


def _check_format(path: Path, lines: list[dict[str, Any]]) -> None:
    if lines and (lines[0]["kind"] != "search" or lines[0].get("format") != FORMAT):
        raise DataError(f"{path} is no journal of this version. Name another file.", path=path)


def _compare(path: Path, lines: list[dict[str, Any]], header: Mapping[str, Any]) -> None:
    _check_format(path, lines)
    for name, value in header.items() if lines else ():
        if name in _DESCRIBING or (name in _LATER and name not in lines[0]):
            continue
        if lines[0].get(name) != value:
            was = json.dumps(lines[0].get(name), ensure_ascii=False)
            now = json.dumps(value, ensure_ascii=False)
            raise DataError(
                f"{path} belongs to a search with another {name} ({was[:60]}, not {now[:60]}). "
                "Use the settings it began with, or another journal.",
                path=path,
            )
