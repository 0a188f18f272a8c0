"""Write `fonts/index.json` and `fonts/fallback.bin` from the font files in `fonts/`.

    pip install regex==2025.11.3
    python src/generators/index_fonts.py

Run it after a font in `fonts/` was added, replaced or removed; a test fails until then. It takes 5 s, and needs the
package `regex` for two Unicode properties.

The fallback face of a character is the face that covers most of the scripts in which the character is used (its
Script_Extensions). So a letter that the font of a neighboring script also has is drawn by the font of its own script,
and the Arabic tatweel by the font of the letters that it joins. A character of no script gets the first face of the
chain that has it. Unifont is a bitmap font in outline form, so it comes last.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from glyphrender.fonts.bundle import BLANK, IGNORABLE, UNCOVERED
from glyphrender.fonts.face import Face

# The chain begins with these families; all other Noto fonts follow, sorted by name. Noto Sans Math comes before DejaVu,
# whose arrows are narrow, and before CJK, whose arrows are full-width. CJK comes before the fonts of small scripts,
# many of which have their own "。" or "①".
FIRST: Final = (
    "Noto Sans",
    "Noto Sans Math",
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Noto Sans Symbols",
    "Noto Sans Symbols 2",
    "Noto Sans Devanagari",
    "Noto Sans Arabic",
)
LAST: Final = ("Noto Emoji", "Unifont", "Unifont Upper")
# These families are used only when they are named. Noto Sans Arabic, not Noto Naskh Arabic, is the fallback for Arabic,
# because its letters are larger at the same size (heh is 0.47 em high against 0.41) and pages are set small.
NOT_IN_CHAIN: Final = ("Noto Naskh Arabic", "Noto Nastaliq Urdu")

ALIASES: Final = {"Spleen": "Spleen 8x16", "GNU Unifont": "Unifont"}
CJK: Final = {region: f"Noto Sans CJK {region}" for region in ("SC", "TC", "HK", "JP", "KR")}


def main() -> None:
    """Write both files and print how many faces they hold."""
    root = Path(__file__).parents[2] / "fonts"
    faces = list(bundled_faces(root))
    chain = chain_families(sorted({face.family for face, _ in faces}))
    regular = {record["family"]: number for number, (_, record) in reversed(list(enumerate(faces)))}
    regular |= {
        record["family"]: number
        for number, (_, record) in enumerate(faces)
        if record["weight"] == 400 and not record["italic"]
    }
    slots = fallback_slots([faces[regular[family]][0] for family in chain]).tobytes()
    table = zlib.compress(slots, 9)
    (root / "fallback.bin").write_bytes(table)
    index = {
        "chain": [regular[family] for family in chain],
        "cjk": {region: regular[family] for region, family in CJK.items()},
        "emoji": regular["Noto Emoji"],
        "aliases": ALIASES,
        "emoji_presentation": ranges(r"\p{Emoji_Presentation}"),
    }
    records = [record for _, record in faces]
    content = json.dumps([index, records]).encode() + slots
    # One line per face, so that a changed font is one changed line in a diff.
    head = json.dumps({"digest": hashlib.sha256(content).hexdigest(), **index})[:-1]
    lines = ",\n".join(json.dumps(record) for record in records)
    (root / "index.json").write_text(f'{head}, "faces": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{len(faces)} faces, {len(chain)} in the chain, table {len(table)} bytes")


def bundled_faces(root: Path) -> list[tuple[Face, dict[str, Any]]]:
    """Return every bundled face with its record for index.json, in the order of paths."""
    found = []
    for path in sorted(path for path in root.rglob("*") if path.suffix in (".ttf", ".otf", ".ttc")):
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        for number in range(Face(path=path).hb_face.count):
            face = Face.from_file(path, index=number)
            # A condensed style counts as a family of its own, because θ has no field for the width.
            family = face.hb_face.get_name(1) if face.width != 100 else face.family
            record = {
                "file": path.relative_to(root).as_posix(),
                "index": number,
                "family": family,
                "style": face.style,
                "weight": face.weight,
                "width": face.width,
                "italic": face.italic,
                "sha256": sha256,
            }
            found.append((face, record))
    return found


def chain_families(families: list[str]) -> list[str]:
    """Return the families of the fallback chain, best first."""
    others = [
        family
        for family in families
        if family.startswith("Noto ")
        and not family.startswith("Noto Sans CJK")
        and not family.startswith("Noto Sans Mono CJK")
        and family not in FIRST + LAST + NOT_IN_CHAIN
    ]
    return [*FIRST, *others, *LAST]


def fallback_slots(chain: list[Face]) -> NDArray[np.uint8]:
    """Return the slot of every code point; shape (1114112,). `chain` ends with Noto Emoji and the two Unifonts."""
    from fontTools import unicodedata

    scripts: dict[str, list[int]] = {}
    groups: dict[frozenset[str], list[int]] = {}
    for cp in (cp for cp in range(0x110000) if not 0xD800 <= cp < 0xE000):
        scripts.setdefault(unicodedata.script(chr(cp)), []).append(cp)
        groups.setdefault(frozenset(unicodedata.script_extension(chr(cp))), []).append(cp)
    share = {
        script: np.array([face.covers(np.array(members, np.uint32)).sum() for face in chain])
        for script, members in scripts.items()
    }

    slots = np.full(0x110000, UNCOVERED, np.uint8)
    last_resort = [len(chain) - 2, len(chain) - 1]
    for used_in, members in groups.items():
        order = np.arange(len(chain) - 2)
        if used_in.isdisjoint(("Zyyy", "Zinh", "Zzzz")):
            covered = np.sum([share[script] for script in used_in], axis=0)
            order = np.argsort(-covered[:-2], kind="stable")
        cps = np.array(members, np.uint32)
        for slot in reversed([*order.tolist(), *last_resort]):
            slots[cps[chain[slot].covers(cps)]] = slot
    # For an unassigned character Unifont draws a box of hex digits, which is only another missing glyph. For a private
    # character DejaVu draws something that the author of the text did not mean.
    for first, last in ranges(r"\p{Cn}\p{Co}"):
        slots[first : last + 1] = UNCOVERED
    # U+FFFC stands for an object that is not in the text, and U+FFF9–FFFB mark up annotations: no font has a glyph that
    # means this. DejaVu maps them to empty glyphs. A sign that a reader could not see is drawn as a missing one.
    slots[0xFFF9:0xFFFD] = UNCOVERED
    # Marks may be without ink alone (the viramas of Gondi), and the blank pattern of Braille is blank.
    for first, last in ranges(r"\p{L}\p{N}\p{P}\p{S}\p{Cf}"):
        for cp in range(first, last + 1):
            if slots[cp] < len(chain) and cp != 0x2800 and not chain[slots[cp]].has_ink(cp):
                slots[cp] = UNCOVERED
    for first, last in ranges(r"\p{Zs}\p{Zl}\p{Zp}\p{Cc}"):
        slots[first : last + 1] = BLANK
    for first, last in ranges(r"\p{Default_Ignorable_Code_Point}"):
        slots[first : last + 1] = IGNORABLE
    # The Ogham space mark is the one space with a visible glyph: a piece of the line on which the letters stand.
    slots[0x1680] = slots[0x1681]
    return slots


def ranges(character_set: str) -> list[tuple[int, int]]:
    """Return (first, last) of each range of code points that a character set of `regex` matches."""
    regex = importlib.import_module("regex")  # needed only here; not a dependency of the package

    everything = "".join(chr(cp) if not 0xD800 <= cp < 0xE000 else "\ufffe" for cp in range(0x110000))
    return [(m.start(), m.end() - 1) for m in regex.finditer(f"[{character_set}]+", everything)]


if __name__ == "__main__":
    main()
