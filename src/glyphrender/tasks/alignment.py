"""What was read beside what was set: every place where they differ.

A text of 1,000 characters takes 3 ms: `edit_distance` of `ratio.legibility`, which keeps its columns and walks back
through them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Edit", "confusions", "differences"]


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch of the truth that was read as something else.

    Attributes:
        start: its place in the truth.
        true: what stands there; empty where the reader saw more than there is.
        read: what was read; empty where it saw nothing.
    """

    start: int
    true: str
    read: str

    @property
    def cost(self) -> int:
        """Insertions, deletions and substitutions of this stretch."""
        return max(len(self.true), len(self.read))


def differences(true: str, read: str) -> list[Edit]:
    """The fewest edits that make `read` of `true`, neighbouring ones joined, in the order of the text.

    The costs add up to the edit distance at most: a deletion beside an insertion is a substitution.
    """
    columns = _columns(true, read)
    i, j = len(true), len(read)
    edits: list[Edit] = []
    end_i, end_j = i, j  # where the stretch of edits that is being walked through ends

    def close() -> None:
        if (i, j) != (end_i, end_j):
            edits.append(Edit(i, true[i:end_i], read[j:end_j]))

    while i or j:
        if i and j and true[i - 1] == read[j - 1]:
            close()
            i, j = i - 1, j - 1
            end_i, end_j = i, j
        elif j == 0 or (i and columns[j][0] >> (i - 1) & 1):
            i -= 1
        elif i == 0 or columns[j - 1][1] >> (i - 1) & 1:
            j -= 1
        else:
            i, j = i - 1, j - 1
    close()
    return edits[::-1]


def confusions(edits: Iterable[Edit], *, longest: int = 3, most: int = 20) -> list[tuple[str, str, int]]:
    """(true, read, how often) of the most frequent edits, of `longest` characters on each side at most."""
    counts = Counter(
        (edit.true, edit.read) for edit in edits if len(edit.true) <= longest and len(edit.read) <= longest
    )
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(true, read, count) for (true, read), count in ordered[:most]]


def _columns(a: str, b: str) -> list[tuple[int, int]]:
    """Of each column of the table of distances, the rows where it rises and where it falls, as bits (Myers 1999)."""
    where: dict[str, int] = {}
    for index, character in enumerate(a):
        where[character] = where.get(character, 0) | 1 << index
    mask = (1 << len(a)) - 1
    up, down = mask, 0
    columns = [(up, down)]
    for character in b:
        equal = where.get(character, 0)
        diagonal = (((equal & up) + up) ^ up) | equal | down
        rise, fall = down | (~(diagonal | up) & mask), diagonal & up
        rise = (rise << 1 | 1) & mask
        fall = (fall << 1) & mask
        up, down = fall | (~(diagonal | rise) & mask), rise & diagonal
        columns.append((up, down))
    return columns
