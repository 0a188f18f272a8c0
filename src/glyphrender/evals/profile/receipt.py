"""Receipts: one JSON file of a profile, with everything that is needed to check it without asking the model again.

A receipt names the model by its exact id, and holds θ, seeds, versions, the date, and each reply that was scored, with
the SHA-256 of the whole reply. `check` makes every question anew from the seed, scores every reply again, and compares.
So a receipt can be contributed as a file. Nobody can prove that the replies came from the model; whoever has the store
of replies can show each whole reply to its hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any, Final

from glyphrender._system.atomic_write import check_folder, check_replaceable, write_atomically
from glyphrender._system.regular_file import read_text
from glyphrender._system.version import __version__
from glyphrender.errors import DataError, GlyphRenderError, shown
from glyphrender.evals.arms import Arm
from glyphrender.evals.profile.battery import battery, verdict
from glyphrender.evals.profile.measure import Tally, cells
from glyphrender.evals.rho import rhos
from glyphrender.evals.runner import Run
from glyphrender.theta import Theta

__all__ = ["FORMAT", "Receipt"]

FORMAT: Final = "glyphrender-reading-profile-1"
_FIELDS: Final = (
    *("format", "model", "vision", "tokenizer", "date", "glyphrender", "protocol", "sampling", "thinking_tokens"),
    *("battery", "conditions", "outcomes", "sha256"),
)
_MOST_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receipt of one profile.

    Attributes:
        values: the JSON values; `docs/reading-profile.md` lists them.
    """

    values: Mapping[str, Any]

    @classmethod
    def of(cls, found: Run, *, questions: int, seed: int, characters: int, date: str = "") -> Receipt:
        """Return the receipt of a run of the battery.

        Args:
            found: the run.
            questions, seed, characters: the arguments of `battery`.
            date: the day, as 2026-11-28; today's if empty.
        """
        kinds = list(dict.fromkeys(outcome.item.task for outcome in found.outcomes))
        items = {item.key: item.digest for item in found.benchmark.items}
        conditions = []
        for each in found.conditions:
            ratio = rhos(found.of(each))
            theta = each.theta
            conditions.append(
                {
                    "name": each.name,
                    "arm": str(each.arm),
                    "theta": None if theta is None else theta.to_dict(),
                    "digest": None if theta is None else theta.digest,
                    "rho": {"visual": _rounded(ratio.visual), "prompt": _rounded(ratio.prompt)},
                }
            )
        outcomes = [
            {
                "key": each.item.key,
                "item": items[each.item.key],
                "condition": each.condition,
                "status": each.status,
                "verdict": verdict(each.item, each.scored),
                "scored": each.scored,
                "sha256": None if each.reply is None else _sha256(each.reply),
                "prompt_tokens": each.prompt_tokens,
                "completion_tokens": each.completion_tokens,
            }
            for each in found.outcomes
        ]
        values: dict[str, Any] = {
            "format": FORMAT,
            "model": found.model,
            "vision": found.poser.vision.name,
            "tokenizer": found.poser.tokenizer.name,
            "date": date or datetime.now(UTC).date().isoformat(),
            "glyphrender": __version__,
            "protocol": found.benchmark.protocol.name,
            "sampling": dict(found.sampling),
            "thinking_tokens": found.settings["thinking_tokens"],
            "battery": {
                "revision": found.benchmark.revision,
                "kinds": kinds,
                "questions": questions,
                "seed": seed,
                "characters": characters,
            },
            "conditions": conditions,
            "outcomes": outcomes,
        }
        return cls({**values, "sha256": _digest(values)})

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Receipt:
        """Return the receipt in a file; `check` says whether it holds.

        Raises:
            DataError: the file cannot be read, or is no receipt.
        """
        if not isinstance(path, str | PathLike):
            raise DataError(f"path={shown(path)} is no path. Name a receipt.")
        try:
            path = Path(path)
            if path.stat().st_size > _MOST_BYTES:
                raise DataError(f"{path} is too large for a receipt. Name one that `glyphrender profile` wrote.")
            values = json.loads(read_text(path))
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror}). Name a receipt.", path=path) from error
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path} is no JSON ({error}). Name a receipt.", path=path) from error
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise DataError(f"{path} is no receipt of the format {FORMAT}. Name one that `glyphrender profile` wrote.")
        missing = [name for name in _FIELDS if name not in values]
        if missing:
            raise DataError(f"{path} lacks {', '.join(missing)}. Take the file as `glyphrender profile` wrote it.")
        return cls(values)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the receipt; an earlier receipt is replaced if nobody has changed it since.

        Raises:
            DataError: the file is there and is no receipt, or one that was changed; or it cannot be written.
        """
        self.check_place(path)
        text = json.dumps(self.values, indent=1, ensure_ascii=False) + "\n"
        write_atomically(Path(path), text, replaces=_is_receipt)

    @staticmethod
    def check_place(path: str | PathLike[str]) -> None:
        """Refuse a file to which no receipt can be saved. Its folder need not be there. Call this before work starts.

        Raises:
            DataError: the file is there and is no receipt, or one that was changed; or its folder cannot be written to
                or made.
        """
        check_folder(Path(path).parent)
        check_replaceable(path, _is_receipt)

    @property
    def model(self) -> str:
        """Return the exact id of the model."""
        return str(self.values["model"])

    @property
    def rungs(self) -> dict[str, Theta]:
        """Return θ by the name of its condition, as the profile climbed down.

        Raises:
            ThetaError: a θ cannot be read.
        """
        listed = [each for each in self.values["conditions"] if each["theta"] is not None]
        return {each["name"]: Theta.from_dict(each["theta"]) for each in listed}

    def cells(self) -> list[Tally]:
        """Return the counts of each kind in each condition."""
        return cells([(each["key"].rpartition("-")[0], each["condition"], each["verdict"]) for each in self._outcomes])

    @property
    def _outcomes(self) -> list[Mapping[str, Any]]:
        return list(self.values["outcomes"])

    def check(self) -> None:
        """Make each question again, score each reply again, and compare with what the receipt says.

        Raises:
            DataError: something differs; the message names the first difference.
        """
        try:
            self._check()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._fault(f"a field has another form ({type(error).__name__}: {error})") from error

    def _check(self) -> None:
        rest = {name: value for name, value in self.values.items() if name != "sha256"}
        if self.values["sha256"] != _digest(rest):
            raise self._fault("its sha256 is not that of its values")
        made = self.values["battery"]
        try:
            benchmark = battery(
                kinds=made["kinds"], questions=made["questions"], seed=made["seed"], characters=made["characters"]
            )
            for each in self.values["conditions"]:
                if each["theta"] is not None and Theta.from_dict(each["theta"]).digest != each["digest"]:
                    raise self._fault(f"the digest of θ {shown(each['name'])} is another")
                if (each["theta"] is None) != (Arm(each["arm"]) is Arm.TEXT):
                    raise self._fault(f"condition {shown(each['name'])} has no θ, or should have none")
        except GlyphRenderError as error:
            raise self._fault(str(error)) from error
        if benchmark.revision != made["revision"]:
            raise self._fault(f"its battery is {shown(made['revision'])}, and this version makes {benchmark.revision}")
        names = [each["name"] for each in self.values["conditions"]]
        expected = [(item.key, name) for item in benchmark.items for name in names]
        if [(each["key"], each["condition"]) for each in self._outcomes] != expected:
            raise self._fault("its outcomes are not those of all questions in all conditions")
        items = {item.key: item for item in benchmark.items}
        for each in self._outcomes:
            item, place = items[each["key"]], f"{each['key']} in {each['condition']}"
            if item.digest != each["item"]:
                raise self._fault(f"question {place} is another one")
            if (each["status"] == "answered") != (each["scored"] is not None):
                raise self._fault(f"{place} is {shown(each['status'])}, which does not go with its reply")
            found = verdict(item, each["scored"])
            if found != each["verdict"]:
                raise self._fault(f"the reply to {place} is {found}, and the receipt says {shown(each['verdict'])}")

    def _fault(self, reason: str) -> DataError:
        return DataError(f"the receipt of {shown(self.values.get('model'))} does not hold: {reason}. Measure again.")


def _is_receipt(data: bytes) -> bool:
    """Return whether `data` is a receipt that nobody has changed."""
    try:
        values = json.loads(data)
    except (ValueError, RecursionError):
        return False
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        return False
    return str(values.pop("sha256", "")) == _digest(values)


def _digest(values: Mapping[str, Any]) -> str:
    return _sha256(json.dumps(values, sort_keys=True, ensure_ascii=True))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
