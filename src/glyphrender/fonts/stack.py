"""The faces that draw a text, in a fixed order, and the choice of one of them for each grapheme cluster.

The order is: the user's face, the user's fallbacks, the bundled chain. It is fixed before any text is seen, so the
number of a face does not depend on earlier texts. Each cluster gets one face, the first that covers all of its
characters.

A bundled font never draws a private-use character: DejaVu has pictures of its own there, which the author of a text
did not mean. A font that the user names draws these characters, because the user may have named it for them (a Nerd
Font). No font draws a visible character by an empty glyph: the character goes to the next face, and is missing if there
is none.

A table gives the face of every code point (1.1 MB a stack), so ordinary text needs one lookup, 1 ns a character. Only
clusters whose characters have different faces are examined one by one, and each distinct cluster once. Nothing is
opened here; a face opens its file on first use.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from glyphrender._system.cached_property import cached_property
from glyphrender.errors import FontError
from glyphrender.fonts.bundle import BLANK, IGNORABLE, UNCOVERED, Bundle, bundle
from glyphrender.fonts.cluster_faces import Candidates, first_faces
from glyphrender.fonts.face import Face
from glyphrender.fonts.library import find_face

__all__ = ["IN_CELL", "MISSING", "MOST_FALLBACKS", "FontStack", "font_stack"]

MISSING: Final = 255
"""Number that stands for no face: nothing in the stack covers any character of the cluster."""

IN_CELL: Final = 253
"""Number that stands for no face: the character is drawn to fill its cell (box drawing)."""

MOST_FALLBACKS: Final = 90
"""The most fonts that a θ may name as fallbacks, beside some 160 bundled ones."""

_FOLLOWS_CLUSTER: Final = 254  # in the tables: an ignorable character, which takes the face of its cluster
_TEXT_STYLE: Final = 0xFE0E  # VS15
_EMOJI_STYLE: Final = 0xFE0F  # VS16
_KEYCAP: Final = 0x20E3
_BLANK_BRAILLE: Final = 0x2800  # the pattern without dots
_COLOR_EMOJI_FAMILIES: Final = ("Noto Color Emoji", "Apple Color Emoji", "Segoe UI Emoji", "Twemoji Mozilla")
_MAX_REMEMBERED_CLUSTERS: Final = 1 << 16

# Languages that are written with Han characters: ISO 639-1, -2 and -3.
_JAPANESE: Final = frozenset({"ja", "jpn", "ojp", "ryu"})
_KOREAN: Final = frozenset({"ko", "kor", "okm", "jje"})
_CHINESE: Final = frozenset({"zh", "zho", "chi", "cmn", "yue", "nan", "hak", "wuu", "gan", "hsn", "cdo", "lzh"})


@dataclass(frozen=True, kw_only=True, eq=False)
class FontStack:
    """A list of faces in order of preference, and the choice among them. `font_stack` makes one.

    A face has a number, its index in `faces`.

    Attributes:
        faces: all faces, each opened on first use.
        named_by_user: how many faces the user named. They come first; all others are bundled.
        emoji: number of the face for characters in emoji presentation.
        last_resort: numbers of the two faces of Unifont, which are tried after all others.
    """

    faces: tuple[Face, ...] = field(repr=False)
    named_by_user: int
    emoji: int
    last_resort: tuple[int, ...]
    _face_of_code_point: NDArray[np.uint8] = field(repr=False)  # the face of every code point on its own
    _bundled_face_of_code_point: NDArray[np.uint8] = field(repr=False)  # the same, if the user had named no face
    _emoji_presentation: NDArray[np.uint32] = field(repr=False)
    _outside: frozenset[int] = field(repr=False)  # numbers of the user's faces that are not bundled
    _unseen: NDArray[np.bool_] = field(repr=False)  # code points of these faces whose ink was not looked at yet
    _remembered: dict[bytes, tuple[int, list[int]]] = field(repr=False, default_factory=dict)

    @property
    def primary(self) -> Face:
        """The face that the user asked for first."""
        return self.faces[0]

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over the bundle and all faces, in their order."""
        parts = [bundle().digest, str(self.named_by_user), *(face.digest for face in self.faces)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def assign(self, cps: NDArray[np.uint32], cluster_starts: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Return the number of the face of every character; shape (n,).

        A face need not cover ignorable characters (joiners, variation selectors), nor spaces, which HarfBuzz makes
        from U+0020. If no face covers a whole cluster, the face that covers its base and most of the rest gets it.
        The characters that this face lacks get `MISSING`, and so does a cluster of which no face covers anything.

        Args:
            cps: code points, shape (n,).
            cluster_starts: whether a grapheme cluster begins at each character, shape (n,); see `text.grapheme`.
        """
        if self._outside and self._unseen[cps].any():
            self._look_at(cps)
        faces: NDArray[np.uint8] = self._face_of_code_point[cps]
        if not faces.any():
            return faces
        starts = np.flatnonzero(cluster_starts)
        if len(starts) == len(cps):
            faces[faces == _FOLLOWS_CLUSTER] = 0
            return faces
        lengths = np.diff(starts, append=len(cps))
        leads = np.repeat(faces[starts], lengths)
        styled = (cps == _TEXT_STYLE) | (cps == _EMOJI_STYLE) | (cps == _KEYCAP)
        disagree = (faces != leads) & ((faces != _FOLLOWS_CLUSTER) | styled)
        # An ignorable character at the start of a text begins a cluster, so there is no face to follow.
        faces = np.where(leads == _FOLLOWS_CLUSTER, 0, leads).astype(np.uint8)
        if disagree.any():
            odd = np.logical_or.reduceat(disagree, starts)
            self._assign_clusters(cps, faces, starts[odd], lengths[odd])
        return faces

    def _assign_clusters(
        self, cps: NDArray[np.uint32], faces: NDArray[np.uint8], starts: NDArray[np.intp], lengths: NDArray[np.intp]
    ) -> None:
        """Write the faces of the characters of some clusters into `faces`."""
        data, begins, size = cps.tobytes(), starts.tolist(), cps.itemsize
        keys = [data[size * a : size * b] for a, b in zip(begins, (starts + lengths).tolist(), strict=True)]
        found = self._remembered
        new = list(dict.fromkeys(key for key in keys if key not in found))
        if len(found) + len(new) > _MAX_REMEMBERED_CLUSTERS:
            found.clear()
            new = list(dict.fromkeys(keys))
        if new:
            found.update(zip(new, self._chosen(new), strict=True))
        inside = np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        faces[inside] = np.repeat(np.array([found[key][0] for key in keys], np.uint8), lengths)
        faces[[begin + place for begin, key in zip(begins, keys, strict=True) for place in found[key][1]]] = MISSING

    def _look_at(self, cps: NDArray[np.uint32]) -> None:
        """Give the characters that a face of the user would draw without ink to the next face that draws them."""
        for cp in np.unique(cps[self._unseen[cps]]).tolist():
            one = np.array([cp], np.uint32)
            claims = (number for number in range(self.named_by_user) if self._claims(number, one).all())
            self._face_of_code_point[cp] = next(claims, self._bundled_face_of_code_point[cp])
            self._unseen[cp] = False

    def _claims(self, number: int, cps: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Return whether a face draws each of `cps`, by the rules in the docstring of this module; shape (n,)."""
        face = self.faces[number]
        claimed = face.covers(cps)
        if number not in self._outside:
            claimed &= self._bundled_face_of_code_point[cps] != MISSING
            return claimed
        for cp in np.unique(cps[claimed]).tolist():
            # A mark may have no ink alone: fonts draw some viramas only in a ligature.
            if not face.has_ink(cp) and unicodedata.category(chr(cp))[0] not in "MZ" and cp != _BLANK_BRAILLE:
                claimed &= cps != cp
        return claimed

    def _chosen(self, clusters: list[bytes]) -> list[tuple[int, list[int]]]:
        """Return (number of the first face that covers the cluster, or of the best one, places that it lacks) of each.

        A cluster is given as code points of 32 bits each.
        """
        cps = np.frombuffer(b"".join(clusters), np.uint32)
        lengths = np.fromiter(map(len, clusters), np.intp, len(clusters)) // cps.itemsize
        drawn = self._face_of_code_point[cps] != _FOLLOWS_CLUSTER
        starts = np.cumsum(lengths) - lengths
        counts = np.add.reduceat(drawn, starts, dtype=np.intp)
        some = counts > 0  # the others have nothing that a face must have
        number, lacks = np.zeros(len(clusters), np.intp), np.zeros(len(cps), bool)
        if some.any():
            number[some], lacks[drawn] = first_faces(
                cps[drawn], counts[some], self._are_emoji(cps, starts)[some], self._candidates
            )
        places = np.flatnonzero(lacks)
        ends = np.searchsorted(places, starts + lengths).tolist()
        places = (places - np.repeat(starts, lengths)[places]).tolist()
        return [(face, places[a:b]) for face, a, b in zip(number.tolist(), [0, *ends[:-1]], ends, strict=True)]

    @cached_property
    def _candidates(self) -> Candidates:
        return Candidates(
            named=self.named_by_user,
            alone=self._face_of_code_point,
            bundled=self._bundled_face_of_code_point,
            last_resort=self.last_resort,
            emoji=self.emoji,
            missing=MISSING,
            claims=self._claims,
        )

    def _are_emoji(self, cps: NDArray[np.uint32], starts: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return whether each cluster is to be drawn in emoji presentation; `starts` are their first characters."""
        after = np.append(cps[1:], 0)
        after[starts[1:] - 1] = 0
        text_style, emoji_style, keycap = (
            np.logical_or.reduceat(cps == style, starts) for style in (_TEXT_STYLE, _EMOJI_STYLE, _KEYCAP)
        )
        # Characters with emoji presentation by default have it unless VS15 follows: 👩 and ⌚, but not ⌚︎.
        shown = self._shown_as_emoji[np.minimum(cps, len(self._shown_as_emoji) - 1)] & (after != _TEXT_STYLE)
        # "5" + U+20E3 is often written without VS16. Text fonts that have U+20E3 draw it over the next character.
        unstyled: NDArray[np.bool_] = np.where(keycap, ~text_style, np.logical_or.reduceat(shown, starts))
        return emoji_style | unstyled

    @cached_property
    def _shown_as_emoji(self) -> NDArray[np.bool_]:
        """Whether each code point has emoji presentation by default; the last entry stands for all that follow."""
        shown = np.zeros(int(self._emoji_presentation.max()) + 2, bool)
        for first, last in self._emoji_presentation.tolist():
            shown[first : last + 1] = True
        return shown


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
    """Return a new stack of faces that begins with `primary`. It takes some ms and 2.2 MB, so `Shaper` keeps stacks.

    Args:
        primary: a family or a file, as in `find_face`.
        weight: 1–1000, as in `find_face`.
        italic: whether to prefer italic styles, as in `find_face`.
        axes: settings of the variable axes of `primary`, as in `find_face`.
        fallback: families or files to try next, in the same weight and slope.
        language: BCP 47 tag that chooses the regional forms of Han: "ja", "ko", "zh-Hant" or "zh-HK". All other
            tags give the forms of mainland China.
        emoji: "mono" for the bundled Noto Emoji; "color" for the first color emoji font that is installed.

    Raises:
        FontError: a font cannot be found or used, or no color emoji font is installed.

    >>> stack = font_stack("Spleen", fallback=("DejaVu Sans",))
    >>> stack.primary.family, stack.named_by_user
    ('Spleen 8x16', 2)
    """
    fonts = bundle()
    named = [
        find_face(primary, weight=weight, italic=italic, axes=axes),
        *(find_face(spec, weight=weight, italic=italic) for spec in fallback),
    ]
    # A user who names an emoji font wants it for emoji.
    emoji_named = [face for face, spec in zip(named, (primary, *fallback), strict=True) if "emoji" in spec.casefold()]
    emoji_face = emoji_named[0] if emoji_named else _emoji_face(fonts, emoji)
    chain = _chain(fonts, language)
    # The first of equal faces stays, so a bundled font that the user names keeps the user's place.
    faces = tuple(dict.fromkeys([*named, emoji_face, *chain]))
    if len(fallback) > MOST_FALLBACKS:
        raise FontError(f"fallback names {len(fallback)} fonts. Use at most {MOST_FALLBACKS}.")
    number = {face: place for place, face in enumerate(faces)}
    face_of_code_point, bundled = _code_point_tables(fonts, number, named, emoji_face, chain)
    outside = frozenset(number[face] for face in named if fonts.root not in face.path.parents)
    return FontStack(
        faces=faces,
        named_by_user=len(set(named)),
        emoji=number[emoji_face],
        last_resort=tuple(number[face] for face in chain[-2:]),
        _face_of_code_point=face_of_code_point,
        _bundled_face_of_code_point=bundled,
        _emoji_presentation=fonts.emoji_presentation,
        _outside=outside,
        _unseen=np.isin(face_of_code_point, list(outside)) if outside else np.zeros(len(face_of_code_point), bool),
    )


def _code_point_tables(
    fonts: Bundle, number: dict[Face, int], named: list[Face], emoji_face: Face, chain: list[Face]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the number of the face of every code point, in the stack and in the bundled chain alone."""
    slots = np.zeros(256, np.uint8)
    slots[: len(chain)] = [number[face] for face in chain]
    slots[[BLANK, IGNORABLE, UNCOVERED]] = 0, _FOLLOWS_CLUSTER, MISSING
    # `translate` takes a tenth of the time of indexing: a text in many styles asks for many stacks.
    chosen = bytearray(fonts.fallback)
    face_of_code_point = np.frombuffer(chosen.translate(slots.tobytes()), np.uint8)
    slots[IGNORABLE] = MISSING
    bundled = np.frombuffer(chosen.translate(slots.tobytes()), np.uint8)
    for face in reversed(dict.fromkeys(named)):
        slot = fonts.fallback[face.unicodes]
        drawn = (slot != BLANK) & (slot != IGNORABLE)
        if fonts.root in face.path.parents:
            drawn &= slot != UNCOVERED
        face_of_code_point[face.unicodes[drawn]] = number[face]
    shown_as_emoji = np.concatenate([np.arange(a, b + 1) for a, b in fonts.emoji_presentation.tolist()])
    face_of_code_point[shown_as_emoji[emoji_face.covers(shown_as_emoji)]] = number[emoji_face]
    return face_of_code_point, bundled


def _emoji_face(fonts: Bundle, emoji: Literal["mono", "color"]) -> Face:
    """Return the bundled monochrome emoji face, or the first color emoji face that is installed."""
    if emoji == "mono":
        return fonts.styles[fonts.emoji].face()
    for family in _COLOR_EMOJI_FAMILIES:
        try:
            return find_face(family)
        except FontError:
            continue
    known = ", ".join(_COLOR_EMOJI_FAMILIES)
    raise FontError(f"emoji='color' needs an installed font ({known}). Install one, or use emoji='mono'.")


def _chain(fonts: Bundle, language: str) -> list[Face]:
    """Return the bundled chain, with Han in the regional forms of `language`."""
    regional = {fonts.cjk["SC"]: fonts.cjk[cjk_region(language) or "SC"]}
    return [fonts.styles[regional.get(number, number)].face() for number in fonts.chain]


def cjk_region(language: str) -> Literal["SC", "TC", "HK", "JP", "KR"] | None:
    """Return the regional forms of Han that a BCP 47 language tag asks for, or None if it asks for none.

    >>> cjk_region("ja"), cjk_region("zh-HK"), cjk_region("ko-Kore-KR"), cjk_region("en")
    ('JP', 'HK', 'KR', None)
    """
    subtags = language.casefold().replace("_", "-").split("-")
    spoken, rest = subtags[0], set(subtags[1:])
    if spoken in _JAPANESE or rest & {"jpan", "hrkt", "hira", "kana"}:
        return "JP"
    if spoken in _KOREAN or rest & {"kore", "hang"}:
        return "KR"
    written = rest & {"hans", "hant", "bopo"}
    if spoken not in _CHINESE and not written:
        return None
    if "hans" in written:
        return "SC"
    if rest & {"hk", "mo"} or (spoken == "yue" and "cn" not in rest):
        return "HK"
    return "TC" if written or "tw" in rest or spoken in ("nan", "hak", "lzh") else "SC"
