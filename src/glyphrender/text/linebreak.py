"""Line break opportunities: UAX #14 of Unicode 17.0, over a text of many paragraphs at once.

RULES below states the rules as the standard writes them. Most rules look only at the class before a break and the class
after, so they are compiled to one table of 128 × 128 pairs that gives the first rule that applies. A rule that looks
further is checked only where its pair occurs; where it does not hold, the next rule for that pair decides. English
costs about 15 ns a character; Chinese and Japanese cost 6 ns.

The rules are not tailored. Chinese and Japanese get the strict reading (CJ is NS). South East Asian scripts that
need a dictionary (SA) break only at spaces and ZWSP; complexbreak.py adds the other breaks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from glyphrender.text.properties import EAST_ASIAN, LineBreak, records, table
from glyphrender.text.runs import Indices, Mask, runs

PROHIBITED: Final = 0
ALLOWED: Final = 1
MANDATORY: Final = 2

# Classes that exist only during analysis. LB8 and LB14 to LB17 look back over spaces, so a run of spaces gets a
# class that says what stands before it. END stands for the start and the end of the text.
SP_ZW, SP_OP, SP_QI, SP_CL, SP_B2, END = range(58, 64)

# Names in RULES that mean more than the class of that name: AL and ID include the classes split off from them. A
# minus after a name keeps only the characters that are not East Asian wide. NEA is all characters that are not.
GROUPS: Final[dict[str, tuple[int, ...]]] = {
    "AL": (LineBreak.AL, LineBreak.DC, LineBreak.XA),
    "ID": (LineBreak.ID, LineBreak.XP),
    "Q": (LineBreak.QU, LineBreak.QI, LineBreak.QF),
    "SP": (LineBreak.SP, SP_ZW, SP_OP, SP_QI, SP_CL, SP_B2),
    "NEA": tuple(range(64)),
    "SP_ZW": (SP_ZW,),
    "SP_OP": (SP_OP,),
    "SP_QI": (SP_QI,),
    "SP_CL": (SP_CL,),
    "SP_B2": (SP_B2,),
    "END": (END,),
}

# × forbids a break, ÷ allows one, ! demands one. An empty side matches anything; [^…] matches anything but ….
# LB1 is in the property table, LB2 and LB3 are the ends of the text, LB8a, LB9 and LB10 are in break_actions.
RULES: Final = """
    LB4   BK !
    LB5   CR × LF
    LB5   CR LF NL !
    LB6   × BK CR LF NL
    LB7   × SP ZW
    LB8   ZW SP_ZW ÷
    LB11  × WJ
    LB11  WJ ×
    LB12  GL ×
    LB12a [^SP BA HY HH] × GL
    LB13  × CL CP EX SY
    LB14  OP SP_OP ×
    LB15a QI ×                          if quote_opens
    LB15a SP_QI ×
    LB15b × QF                          if quote_closes
    LB15c SP ÷ IS                       if number_follows
    LB15d × IS
    LB16  CL CP SP_CL × NS
    LB17  B2 SP_B2 × B2
    LB18  SP ÷
    LB19  × QU QF
    LB19  QU QI ×
    LB19a NEA × Q
    LB19a × Q                           if narrow_follows
    LB19a Q × NEA
    LB19a Q ×                           if narrow_precedes
    LB20  ÷ CB
    LB20  CB ÷
    LB20a HY HH × AL HL                 if hyphen_starts_word
    LB21  × BA HH HY NS
    LB21  BB ×
    LB21a HY HH × [^HL]                 if hebrew_precedes
    LB21b SY × HL
    LB22  × IN
    LB23  AL HL × NU
    LB23  NU × AL HL
    LB23a PR × ID EB EM
    LB23a ID EB EM × PO
    LB24  PR PO × AL HL
    LB24  AL HL × PR PO
    LB25  NU × PO PR NU
    LB25  SY IS × PO PR NU              if number_ends
    LB25  CL CP × PO PR                 if number_closes
    LB25  PO PR × OP                    if number_opens
    LB25  PO PR HY IS × NU
    LB26  JL × JL JV H2 H3
    LB26  JV H2 × JV JT
    LB26  JT H3 × JT
    LB27  JL JV JT H2 H3 × PO
    LB27  PR × JL JV JT H2 H3
    LB28  AL HL × AL HL
    LB28a AP × AK DC AS
    LB28a AK DC AS × VF VI
    LB28a VI × AK DC                    if aksara_precedes
    LB28a AK DC AS × AK DC AS           if final_virama_follows
    LB29  IS × AL HL
    LB30  AL HL NU × OP-
    LB30  CP- × AL HL NU
    LB30a RI × RI                       if flag_is_half
    LB30b EB × EM
    LB30b XP XA × EM
    LB31  ÷
"""

Classes: TypeAlias = NDArray[np.uint8]


def break_actions(cps: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return PROHIBITED, ALLOWED or MANDATORY for a break after each character. The last is MANDATORY.

    The text may hold many paragraphs: the result after a mandatory break does not depend on the text before it.

    >>> from glyphrender.text.properties import codepoints
    >>> break_actions(codepoints("a b-c")).tolist()
    [0, 1, 0, 1, 2]
    """
    if not len(cps):
        return np.zeros(0, np.uint8)
    classes = table().line_break.take(records(cps))
    actions = np.full(len(cps), PROHIBITED, np.uint8)
    marks = MARK.take(classes)
    if marks.any():
        # LB9: marks and ZWJ take the class of the character they follow, and no break comes before them. LB10: if
        # they follow a break or a space, the first of them counts as AL.
        absorbed = marks.copy()
        absorbed[0] = False
        absorbed[1:] &= ~NO_BASE.take(classes[:-1])
        kept = np.flatnonzero(~absorbed)
        bases = classes[kept]
        bases[marks[kept]] = LineBreak.AL
        ends = kept[1:] - 1
        deciding = _deciding_rules(bases)
        actions[ends] = compiled().action.take(deciding)
        # LB8a: no break after ZWJ, unless an earlier rule has decided.
        joined = (classes[ends] == LineBreak.ZWJ) & (deciding >= compiled().names.index("LB11"))
        actions[ends[joined]] = PROHIBITED
    else:
        actions[:-1] = compiled().action.take(_deciding_rules(classes))
    actions[-1] = MANDATORY
    return actions


def _deciding_rules(classes: Classes) -> NDArray[np.uint8]:
    """Return the number of the rule that decides between each character and the next; shape (n - 1,)."""
    rules = compiled()
    # One END before the text and three after it: no rule looks further than that from a break.
    c = np.full(len(classes) + 4, END, np.uint8)
    c[1:-3] = classes
    _class_spaces(c)
    pairs = c[1:-4].astype(np.uint16)
    pairs <<= 7
    pairs |= c[2:-3]
    first = rules.first.take(pairs)
    open_ = np.flatnonzero(rules.conditional.take(first))
    deciding = first[open_]
    for number, (holds, otherwise) in rules.conditions.items():
        asked = np.flatnonzero(deciding == number)
        if len(asked):
            failed = asked[~holds(c, open_[asked] + 1)]
            deciding[failed] = otherwise[pairs[open_[failed]]]
    first[open_] = deciding
    return first


def _class_spaces(c: Classes) -> None:
    """Replace the class of every run of spaces by the class that says what stands before it, in place."""
    space = c == LineBreak.SP
    if not space.any():
        return
    spaces, before, _ = runs(space)
    variant = SPACE_AFTER[c[before]]
    quoted = np.flatnonzero(variant == SP_QI)
    variant[quoted[~quote_opens(c, before[quoted])]] = LineBreak.SP
    changed = np.flatnonzero(variant != LineBreak.SP)
    c[spaces[changed]] = variant[changed]


def classes(names: str) -> Mask:
    """Return the set of classes named as in RULES: booleans over 128 codes, East Asian wide classes from 64 on."""
    if names.startswith("[^"):
        return ~classes(names[2:-1])
    members = np.full(128, not names)
    for name in names.split():
        plain = name.removesuffix("-")
        narrow = list(GROUPS[plain] if plain in GROUPS else (LineBreak[plain],))
        members[narrow] = True
        if plain == name != "NEA":
            members[np.array(narrow) | EAST_ASIAN] = True
    return members


MARK: Final = classes("CM ZWJ")
NO_BASE: Final = classes("BK CR LF NL SP ZW")
OPENING_LEFT: Final = classes("END BK CR LF NL OP Q GL SP ZW")
CLOSING_RIGHT: Final = classes("END SP GL WJ CL Q CP EX IS SY BK CR LF NL ZW")
WORD_LEFT: Final = classes("END BK CR LF NL SP ZW CB GL")
NARROW: Final = classes("NEA")
NUMBER: Final = classes("NU")
POINT: Final = classes("IS")
INFIX: Final = classes("SY IS")
HEBREW: Final = classes("HL")
AKSARA: Final = classes("AK DC AS")
FINAL_VIRAMA: Final = classes("VF")
REGIONAL: Final = classes("RI")

SPACE_AFTER: Final = np.full(128, LineBreak.SP, np.uint8)
for _names, _variant in (("ZW", SP_ZW), ("OP", SP_OP), ("QI", SP_QI), ("CL CP", SP_CL), ("B2", SP_B2)):
    SPACE_AFTER[classes(_names)] = _variant


# The conditions of rules. `c` holds the classes of the text, padded with END. `at` holds the index of the character
# before each break in question, so the rule itself names c[at] and c[at + 1].


def quote_opens(c: Classes, at: Indices) -> Mask:
    """Return whether the initial quotation mark stands where a quotation can begin."""
    return OPENING_LEFT[c[at - 1]]


def quote_closes(c: Classes, at: Indices) -> Mask:
    """Return whether the final quotation mark stands where a quotation can end."""
    return CLOSING_RIGHT[c[at + 2]]


def number_follows(c: Classes, at: Indices) -> Mask:
    """Return whether a digit comes after the point, as in ".5"."""
    return NUMBER[c[at + 2]]


def narrow_follows(c: Classes, at: Indices) -> Mask:
    """Return whether the end, or a character that is not East Asian, follows the quotation mark."""
    return NARROW[c[at + 2]]


def narrow_precedes(c: Classes, at: Indices) -> Mask:
    """Return whether the start, or a character that is not East Asian, precedes the quotation mark."""
    return NARROW[c[at - 1]]


def hyphen_starts_word(c: Classes, at: Indices) -> Mask:
    """Return whether the hyphen starts a word, as in "-ing"."""
    return WORD_LEFT[c[at - 1]]


def hebrew_precedes(c: Classes, at: Indices) -> Mask:
    """Return whether a Hebrew letter precedes the hyphen."""
    return HEBREW[c[at - 1]]


def number_ends(c: Classes, at: Indices) -> Mask:
    """Return whether the character before the break ends "NU (SY | IS)*"."""
    origin = at.copy()
    inside = np.flatnonzero(INFIX[c[at]])
    infixes, before, _ = runs(INFIX.take(c))
    origin[inside] = before[np.searchsorted(infixes, at[inside])]
    return NUMBER[c[origin]]


def number_closes(c: Classes, at: Indices) -> Mask:
    """Return whether the bracket closes "NU (SY | IS)*"."""
    return number_ends(c, at - 1)


def number_opens(c: Classes, at: Indices) -> Mask:
    """Return whether "NU" or "IS NU" follows the opening bracket."""
    return NUMBER[c[at + 2]] | (POINT[c[at + 2]] & NUMBER[c[at + 3]])


def aksara_precedes(c: Classes, at: Indices) -> Mask:
    """Return whether an aksara precedes the virama."""
    return AKSARA[c[at - 1]]


def final_virama_follows(c: Classes, at: Indices) -> Mask:
    """Return whether a final virama follows the second aksara."""
    return FINAL_VIRAMA[c[at + 2]]


def flag_is_half(c: Classes, at: Indices) -> Mask:
    """Return whether an odd number of regional indicators stands before the break."""
    indicators, before, _ = runs(REGIONAL.take(c))
    odd: Mask = (at - before[np.searchsorted(indicators, at)]) % 2 == 1
    return odd


Condition: TypeAlias = Callable[[Classes, Indices], Mask]

CONDITIONS: Final[dict[str, Condition]] = {
    condition.__name__: condition
    for condition in (
        quote_opens,
        quote_closes,
        number_follows,
        narrow_follows,
        narrow_precedes,
        hyphen_starts_word,
        hebrew_precedes,
        number_ends,
        number_closes,
        number_opens,
        aksara_precedes,
        final_virama_follows,
        flag_is_half,
    )
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiled:
    """RULES as tables. A rule is its number; a pair is 128 × the class before + the class after.

    Attributes:
        names: name of each rule.
        action: PROHIBITED, ALLOWED or MANDATORY for each rule.
        conditional: whether each rule has a condition.
        first: number of the first rule for each pair.
        conditions: number of a rule → its condition, and the next rule for each pair where the condition fails.
    """

    names: tuple[str, ...]
    action: NDArray[np.uint8]
    conditional: Mask
    first: NDArray[np.uint8]
    conditions: dict[int, tuple[Condition, NDArray[np.uint8]]]


@cache
def compiled() -> Compiled:
    """Return RULES as tables. The first call takes 2 ms."""
    parsed = []
    for line in RULES.strip().splitlines():
        name, before, sign, after, condition = _PATTERN.fullmatch(line.strip()).groups()  # type: ignore[union-attr]
        parsed.append((name, before, sign, after.strip(), condition))
    first = np.zeros((128, 128), np.uint8)
    conditions: dict[int, tuple[Condition, NDArray[np.uint8]]] = {}
    for number, (_, before, _, after, condition) in reversed(list(enumerate(parsed))):
        if condition:
            conditions[number] = CONDITIONS[condition], first.ravel().copy()
        first[np.ix_(classes(before), classes(after))] = number
    return Compiled(
        names=tuple(name for name, *_ in parsed),
        action=np.array(["×÷!".index(sign) for _, _, sign, *_ in parsed], np.uint8),
        conditional=np.array([bool(condition) for *_, condition in parsed]),
        first=first.ravel(),
        conditions=dict(sorted(conditions.items())),
    )


_PATTERN: Final = re.compile(r"(LB\w+)\s+(.*?)\s*([×÷!])(.*?)(?:\s+if (\w+))?")
