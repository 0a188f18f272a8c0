"""Writes `fonts/index.json` and `fonts/fallback.bin` from the font files in `fonts/`.

Run `python -m glyphrender.fonts.index_bundle` after a font there was added, replaced or removed; it needs
the package `regex` for two Unicode properties, takes 5 s, and a test fails until it was run.

A character's fallback is the face that covers most of the scripts it is used in (its Script_Extensions),
so that a letter borrowed by a neighbouring script's font is drawn by its own, and the Arabic tatweel by
the font of the letters it joins; characters of no script go to the first face of the chain that has them.
Unifont, which is a bitmap at heart, is asked last.
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

from glyphrender.fonts.bundle import BLANK, IGNORABLE, NOBODY
from glyphrender.fonts.face import Face

# The chain begins with these families and goes on with all other Noto fonts by name. Mathematics before
# DejaVu and CJK, whose arrows are narrow and full-width; CJK before the fonts of small scripts, many of
# which bring their own "。" or "①".
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
# Bundled to be asked for by name. Noto Sans Arabic stands in for Arabic rather than Naskh because it
# its letters are larger at one size: heh is 0.47 em high against 0.41, and pages are set small.
NOT_IN_CHAIN: Final = ("Noto Naskh Arabic", "Noto Nastaliq Urdu")

ALIASES: Final = {"Spleen": "Spleen 8x16", "GNU Unifont": "Unifont"}
CJK: Final = {region: f"Noto Sans CJK {region}" for region in ("SC", "TC", "HK", "JP", "KR")}


def main() -> None:
    """Writes both files and says how large they are."""
    root = Path(__file__).parents[3] / "fonts"
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
    # One line a face, so that a change of a font shows as a line of a diff.
    head = json.dumps({"digest": hashlib.sha256(content).hexdigest(), **index})[:-1]
    lines = ",\n".join(json.dumps(record) for record in records)
    (root / "index.json").write_text(f'{head}, "faces": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{len(faces)} faces, {len(chain)} in the chain, table {len(table)} bytes")


def bundled_faces(root: Path) -> list[tuple[Face, dict[str, Any]]]:
    """Every bundled face with its record, in the order of paths; of Noto Sans CJK no half-width variants."""
    found = []
    for path in sorted(path for path in root.rglob("*") if path.suffix in (".ttf", ".otf", ".ttc")):
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        for number in range(Face(path=path).hb_face.count):
            face = Face.from_file(path, index=number)
            # Condensed is a family of its own here: θ names families, weight and slope, not width.
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
    """Families that stand in for others, best first."""
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
    """Slot of every code point in `chain`, which ends with emoji and the two of Unifont; shape (1114112,)."""
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

    slots = np.full(0x110000, NOBODY, np.uint8)
    last_resort = [len(chain) - 2, len(chain) - 1]
    for used_in, members in groups.items():
        order = np.arange(len(chain) - 2)
        if used_in.isdisjoint(("Zyyy", "Zinh", "Zzzz")):
            covered = np.sum([share[script] for script in used_in], axis=0)
            order = np.argsort(-covered[:-2], kind="stable")
        cps = np.array(members, np.uint32)
        for slot in reversed([*order.tolist(), *last_resort]):
            slots[cps[chain[slot].covers(cps)]] = slot
    # Unifont draws a box of hex digits for what is unassigned, a missing glyph by another name; and what
    # DejaVu means by a private character is not what the text means.
    for first, last in ranges(r"\p{Cn}\p{Co}"):
        slots[first : last + 1] = NOBODY
    for first, last in ranges(r"\p{Zs}\p{Zl}\p{Zp}\p{Cc}"):
        slots[first : last + 1] = BLANK
    for first, last in ranges(r"\p{Default_Ignorable_Code_Point}"):
        slots[first : last + 1] = IGNORABLE
    # The one space with a glyph of its own: the Ogham space mark is a line, as the letters' stem is.
    slots[0x1680] = slots[0x1681]
    return slots


def ranges(character_set: str) -> list[tuple[int, int]]:
    """(first, last) of the code points that a character set of `regex` matches."""
    regex = importlib.import_module("regex")  # for whoever changes the bundle, no dependency of the package

    everything = "".join(chr(cp) if not 0xD800 <= cp < 0xE000 else "\ufffe" for cp in range(0x110000))
    return [(m.start(), m.end() - 1) for m in regex.finditer(f"[{character_set}]+", everything)]


if __name__ == "__main__":
    main()
