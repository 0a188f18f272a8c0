"""The registry: which θ to use for a model that was measured, and what that model must not be asked from pages.

Every entry is read from a receipt, by the exact id of the model. A model that was not measured has no entry, and a
sibling's entry is never used for it: models of one family differ in what they read. The receipts that come with
glyphrender are the files of the folder `receipts`; there are none yet, because no hosted model could be asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Final

from glyphrender.errors import DataError, shown
from glyphrender.evals.profile.measure import Tally
from glyphrender.evals.profile.receipt import Receipt
from glyphrender.theta import Theta

__all__ = ["USES", "ReadingProfile", "readable", "reading_profile", "receipts"]

#: Uses of pages, and the kinds of questions that a θ must pass for them.
USES: Final = {
    "prose": ("gist", "state", "never_stated"),
    "code": ("code", "never_stated"),
    "exact": ("exact", "confusable"),
}
# A kind is readable if at least this share is right, and the lower end of its interval is at least the other. So 10 of
# 10 pass (0.72), 19 of 20 pass (0.76), and 9 of 10 do not (0.60).
_SHARE, _LOW = 0.9, 0.7


def readable(cell: Tally) -> bool:
    """Return whether a kind of question may be asked in a condition: 90% are right, and the interval begins at 70%.

    >>> readable(Tally(kind="exact", condition="14 px", right=19, abstained=0, wrong=1))
    True
    """
    return cell.share.mean >= _SHARE and cell.share.low >= _LOW


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingProfile:
    """The figures of one receipt, by kind of question.

    Attributes:
        model: the exact id of the model.
        date: the day of the measurement.
        densest: kind of question → name of the densest rung where it is readable; None if there is no such rung. A
            rung counts only if the kind is readable on every larger one.
        thetas: θ by the name of its rung.
        blind: kinds that the model answers from text, and from no page. It must not be asked them about pages.
        weak: kinds that the model does not even answer from text.
    """

    model: str
    date: str
    densest: dict[str, str | None]
    thetas: dict[str, Theta]
    blind: tuple[str, ...]
    weak: tuple[str, ...]

    @classmethod
    def of(cls, receipt: Receipt) -> ReadingProfile:
        """Return what a receipt says. Check the receipt first, if it comes from somebody else."""
        thetas = receipt.rungs
        found = {(cell.kind, cell.condition): cell for cell in receipt.cells()}
        kinds = list(dict.fromkeys(kind for kind, _ in found))
        densest: dict[str, str | None] = {}
        for kind in kinds:
            densest[kind] = None
            for name in thetas:
                if not readable(found[kind, name]):
                    break
                densest[kind] = name
        weak = [kind for kind in kinds if (kind, "text") in found and not readable(found[kind, "text"])]
        return cls(
            model=receipt.model,
            date=str(receipt.values["date"]),
            densest=densest,
            thetas=thetas,
            blind=tuple(kind for kind in kinds if densest[kind] is None and kind not in weak),
            weak=tuple(weak),
        )

    def rung(self, use: str) -> str | None:
        """Return the name of the densest rung where all kinds of a use are readable; None if there is none.

        Raises:
            DataError: the use is unknown.
        """
        if use not in USES:
            raise DataError(f"use={shown(use)} is not known. Use one of: {', '.join(USES)}.")
        order = list(self.thetas)
        rungs = [self.densest.get(kind) for kind in USES[use]]
        named = [rung for rung in rungs if rung is not None]
        return min(named, key=order.index) if len(named) == len(rungs) else None

    def theta(self, use: str = "prose") -> Theta:
        """Return θ for a use: "prose", "code" or "exact".

        Raises:
            DataError: the use is unknown, or the model reads no page well enough for it.
        """
        rung = self.rung(use)
        if rung is None:
            raise DataError(f"{self.model} reads no page of its profile well enough for {use}. Send it as text.")
        return self.thetas[rung]


def receipts(more: Iterable[str | PathLike[str]] = ()) -> dict[str, Receipt]:
    """Return the newest receipt of each model, by its exact id: those of the package, and `more` files.

    Raises:
        DataError: a file is no receipt.
    """
    if not isinstance(more, list | tuple):
        raise DataError(f"more={shown(more)} is no list of receipts. Pass a list of paths.")
    folder = files(__package__).joinpath("receipts")
    bundled = sorted(Path(str(each)) for each in folder.iterdir() if each.name.endswith(".json"))
    found: dict[str, Receipt] = {}
    for path in (*bundled, *more):
        receipt = Receipt.load(path)
        known = found.get(receipt.model)
        if known is None or known.values["date"] <= receipt.values["date"]:
            found[receipt.model] = receipt
    return found


def reading_profile(model: str, *, more: Iterable[str | PathLike[str]] = ()) -> ReadingProfile:
    """Return the profile of the model with this exact id.

    Args:
        model: the id by which the server knows the model.
        more: receipts beside those of the package.

    Raises:
        DataError: the model was not measured, or a receipt cannot be read or does not hold.
    """
    if not isinstance(model, str):
        raise DataError(f"model={shown(model)} is no id of a model. Pass a str.")
    found = receipts(more)
    if model not in found:
        known = ", ".join(sorted(found)) or "none yet"
        raise DataError(
            f"{shown(model)} was not measured, and no sibling stands for it (measured: {known}). Run "
            "`glyphrender profile --model …`."
        )
    found[model].check()
    return ReadingProfile.of(found[model])
