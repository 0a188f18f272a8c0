"""The faces that draw a text, in a fixed order, and which of them draws each grapheme cluster.

The order is the user's face, the user's fallbacks, then the bundled chain; it is fixed before any text
is seen, so a face has the same number whatever came earlier. The rule is one face a cluster: the first
that covers all its characters. A table of the face of every code point, 1.1 MB a stack, makes the usual
text one lookup (1 ns a character); only clusters whose characters disagree are looked at one by one, and
each distinct one once. Faces are opened by whoever uses them, not here.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.cached_property import cached_property
from glyphrender.errors import FontError
from glyphrender.fonts.bundle import BLANK, IGNORABLE, NOBODY, Bundle, bundle
from glyphrender.fonts.face import Face
from glyphrender.fonts.library import find_face

__all__ = ["MISSING", "FontStack", "font_stack"]

MISSING: Final = 255
"""Number of no face: nothing in the stack covers any character of the cluster."""

_PASSIVE: Final = 254  # in the table: ignorable, goes with its cluster
_TEXT_STYLE: Final = 0xFE0E  # VS15
_EMOJI_STYLE: Final = 0xFE0F  # VS16
_KEYCAP: Final = 0x20E3
_COLOR_EMOJI: Final = ("Noto Color Emoji", "Apple Color Emoji", "Segoe UI Emoji", "Twemoji Mozilla")
_REMEMBERED_CLUSTERS: Final = 1 << 16


@dataclass(frozen=True, kw_only=True, eq=False)
class FontStack:
    """Faces in the order they are asked, and the choice among them. Made by `font_stack`.

    Attributes:
        faces: all faces, opened when used; `assign` gives places in it.
        own: how many of them, from the front, the user named; the others are bundled.
        emoji: number of the face for characters in emoji presentation.
        last_resort: numbers of the faces of Unifont, asked after all others.
    """

    faces: tuple[Face, ...] = field(repr=False)
    own: int
    emoji: int
    last_resort: tuple[int, ...]
    _alone: NDArray[np.uint8] = field(repr=False)  # face of every code point on its own
    _bundled: NDArray[np.uint8] = field(repr=False)  # the same, if the user had named no face
    _emoji_presentation: NDArray[np.uint32] = field(repr=False)
    _remembered: dict[bytes, int] = field(repr=False, default_factory=dict)

    @property
    def primary(self) -> Face:
        """The face the user asked for."""
        return self.faces[0]

    @cached_property
    def digest(self) -> str:
        """SHA-256 hex over every file in the stack, their order, and the table that chooses."""
        parts = [bundle().digest, str(self.own), *(face.digest for face in self.faces)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def assign(self, cps: NDArray[np.uint32], cluster_starts: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Number of the face of every character, the same within a cluster; shape (n,).

        Ignorable characters (joiners, variation selectors) need not be covered, nor spaces, which
        HarfBuzz makes from U+0020. A cluster that no face covers whole goes to one that covers its base
        and most of the rest, and to `MISSING` if nothing covers anything.

        Args:
            cps: code points, shape (n,).
            cluster_starts: whether a grapheme cluster begins at each, shape (n,); see text.grapheme.
        """
        faces: NDArray[np.uint8] = self._alone[cps]
        if not faces.any():
            return faces
        starts = np.flatnonzero(cluster_starts)
        if len(starts) == len(cps):
            faces[faces == _PASSIVE] = 0
            return faces
        lengths = np.diff(starts, append=len(cps))
        leads = np.repeat(faces[starts], lengths)
        styled = (cps == _TEXT_STYLE) | (cps == _EMOJI_STYLE) | (cps == _KEYCAP)
        disagree = (faces != leads) & ((faces != _PASSIVE) | styled)
        # An ignorable at the start of a text leads a cluster, and has no face to follow.
        faces = np.where(leads == _PASSIVE, 0, leads).astype(np.uint8)
        if disagree.any():
            clusters = np.repeat(np.arange(len(starts)), lengths)
            for cluster in np.unique(clusters[disagree]):
                span = slice(starts[cluster], starts[cluster] + lengths[cluster])
                faces[span] = self._face_of(cps[span])
        return faces

    def _face_of(self, cluster: NDArray[np.uint32]) -> int:
        key = cluster.tobytes()
        number = self._remembered.get(key)
        if number is None:
            if len(self._remembered) >= _REMEMBERED_CLUSTERS:
                self._remembered.clear()
            number = self._remembered[key] = self._choose(cluster)
        return number

    def _choose(self, cluster: NDArray[np.uint32]) -> int:
        drawn = cluster[self._alone[cluster] != _PASSIVE]
        if not drawn.size:
            return 0
        likely = np.concatenate([self._alone[drawn], self._bundled[drawn]])
        candidates = dict.fromkeys([*range(self.own), *likely[likely != MISSING].tolist(), *self.last_resort])
        as_emoji = self._is_emoji(cluster)
        candidates.setdefault(self.emoji)
        order: list[int] = sorted(candidates, key=lambda number: (number == self.emoji) != as_emoji)
        # HarfBuzz composes and decomposes to suit the font: "e" + U+0301 is drawn by one that has only "é".
        text = "".join(map(chr, drawn))
        spellings = [drawn, _composed("NFC", text), _composed("NFD", text)]
        for number in order:
            if any(self.faces[number].covers(spelling).all() for spelling in spellings):
                return number
        covered = {number: self.faces[number].covers(drawn) for number in order}
        best = max(order, key=lambda number: (covered[number][0], covered[number].sum()))
        return best if covered[best].any() else MISSING

    def _is_emoji(self, cluster: NDArray[np.uint32]) -> bool:
        if _EMOJI_STYLE in cluster:
            return True
        # "5" + U+20E3 is often written without VS16; text fonts that have the cap draw it over what follows.
        if _KEYCAP in cluster:
            return _TEXT_STYLE not in cluster
        # Emoji presentation by default, unless VS15 follows: 👩 and ⌚, but not ⌚︎.
        first, last = self._emoji_presentation.T
        place = np.searchsorted(first, cluster, side="right") - 1
        default = (place >= 0) & (cluster <= last[place])
        return bool((default & (np.append(cluster[1:], 0) != _TEXT_STYLE)).any())


def _composed(form: Literal["NFC", "NFD"], text: str) -> NDArray[np.uint32]:
    return np.fromiter(map(ord, unicodedata.normalize(form, text)), np.uint32)


@lru_cache(maxsize=32)
def font_stack(
    primary: str,
    *,
    weight: int = 400,
    italic: bool = False,
    axes: str = "",
    fallback: tuple[str, ...] = (),
    language: str = "",
    emoji: Literal["mono", "color"] = "mono",
) -> FontStack:
    """The stack that begins with `primary`; the same call gives the same object.

    Args:
        primary: family or file, as in `find_face`; so are `weight`, `italic` and `axes`.
        fallback: families or files asked next, in the same weight and slope.
        language: BCP 47; chooses among the regional forms of Han: "ja", "ko", "zh-Hant", "zh-HK", and
            the forms of mainland China for any other.
        emoji: "mono" for Noto Emoji; "color" for the first colour emoji font installed.

    Raises:
        FontError: a font cannot be found or used, or no colour emoji font is installed.
    """
    fonts = bundle()
    own = [
        find_face(primary, weight=weight, italic=italic, axes=axes),
        *(find_face(spec, weight=weight, italic=italic) for spec in fallback),
    ]
    # A user who names an emoji font means it for emoji.
    named = [face for face, spec in zip(own, (primary, *fallback), strict=True) if "emoji" in spec.casefold()]
    emoji_face = named[0] if named else _emoji_face(fonts, emoji)
    chain = _chain(fonts, language)
    # First of equals: a bundled font that the user names keeps the user's place.
    faces = tuple(dict.fromkeys([*own, emoji_face, *chain]))
    if len(faces) > _PASSIVE:
        most = _PASSIVE - len(chain) - 2
        raise FontError(f"fallback names {len(fallback)} fonts. Use at most {most}.")
    number = {face: place for place, face in enumerate(faces)}

    slots = np.zeros(256, np.uint8)
    slots[: len(chain)] = [number[face] for face in chain]
    slots[[BLANK, IGNORABLE, NOBODY]] = 0, _PASSIVE, MISSING
    bundled = slots[fonts.fallback]
    alone = bundled.copy()
    bundled[fonts.fallback == IGNORABLE] = MISSING
    for face in reversed(dict.fromkeys(own)):
        slot = fonts.fallback[face.unicodes]
        alone[face.unicodes[(slot != BLANK) & (slot != IGNORABLE)]] = number[face]
    shown_as_emoji = np.concatenate([np.arange(a, b + 1) for a, b in fonts.emoji_presentation.tolist()])
    alone[shown_as_emoji[emoji_face.covers(shown_as_emoji)]] = number[emoji_face]
    return FontStack(
        faces=faces,
        own=len(set(own)),
        emoji=number[emoji_face],
        last_resort=tuple(number[face] for face in chain[-2:]),
        _alone=alone,
        _bundled=bundled,
        _emoji_presentation=fonts.emoji_presentation,
    )


def _emoji_face(fonts: Bundle, emoji: Literal["mono", "color"]) -> Face:
    if emoji == "mono":
        return fonts.styles[fonts.emoji].face()
    for family in _COLOR_EMOJI:
        try:
            return find_face(family)
        except FontError:
            continue
    known = ", ".join(_COLOR_EMOJI)
    raise FontError(f"emoji='color' needs an installed font ({known}). Install one, or use emoji='mono'.")


def _chain(fonts: Bundle, language: str) -> list[Face]:
    """The bundled chain, with Han in the forms of `language`."""
    regional = {fonts.cjk["SC"]: fonts.cjk[cjk_region(language)]}
    return [fonts.styles[regional.get(number, number)].face() for number in fonts.chain]


def cjk_region(language: str) -> Literal["SC", "TC", "HK", "JP", "KR"]:
    """Which regional forms of Han a BCP 47 language tag asks for; SC if it asks for none."""
    subtags = language.casefold().replace("_", "-").split("-")
    spoken, rest = subtags[0], set(subtags[1:])
    if spoken in ("ja", "ko"):
        return "JP" if spoken == "ja" else "KR"
    if spoken not in ("zh", "yue", "nan", "hak", "lzh", "cmn") or "hans" in rest:
        return "SC"
    if rest & {"hk", "mo"} or (spoken == "yue" and "cn" not in rest):
        return "HK"
    return "TC" if rest & {"tw", "hant"} or spoken in ("nan", "hak", "lzh") else "SC"
