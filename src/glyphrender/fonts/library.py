"""The search for a face: by family name among bundled and installed fonts, or by path.

Bundled families come first, then those in the folders of GLYPHRENDER_FONTS, then those of the system. So a bundled
family gives the same pages on every machine. Folders are scanned only for a family that is not bundled, once a
process, at about 0.2 ms a file. Weight and slope choose the closest style that exists, as in CSS; no style is
emboldened or slanted artificially.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from glyphrender.errors import FontError, shown
from glyphrender.fonts.bundle import FaceStyle, bundle
from glyphrender.fonts.face import Face

__all__ = ["Family", "families", "find_face", "is_bundled", "is_path", "parse_axes"]

_FILE: Final = re.compile(r"(?P<path>.+\.(?:[ot]t[fcb]|pfb|woff2?))(?:#(?P<index>\d+))?", re.I | re.S)
_FONT_FILES: Final = frozenset({".ttf", ".otf", ".ttc", ".otc"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """A family name with its styles: the narrowest first, then the lightest, upright before italic."""

    name: str
    styles: tuple[FaceStyle, ...]
    bundled: bool


def find_face(spec: str, *, weight: int = 400, italic: bool = False, axes: str = "") -> Face:
    """Return the face that `spec` names: a style of a family, or a font file.

    Args:
        spec: a family name, in any case ("dejavu sans"); or the path of a font file, with "#2" for the third font
            of a collection ("~/fonts/Some.ttc#2").
        weight: 1–1000. For a family, the closest style is taken. For a variable font, the `wght` axis is set to the
            weight, clamped to its range. A file that is not variable is taken as it is.
        italic: whether to prefer an italic or oblique style. A family without one gives an upright style.
        axes: settings of variable axes, such as "wght=450,wdth=90". They win over `weight`.

    Raises:
        FontError: there is no such family (the message names similar ones) or file, or the file cannot draw Unicode
            text. `.family` is `spec`.

    >>> face = find_face("dejavu sans", weight=700)
    >>> face.family, face.style, face.weight
    ('DejaVu Sans', 'Bold', 700)
    """
    try:
        return _face(spec, weight=weight, italic=italic, axes=axes)
    except FontError as error:
        error.family = spec
        raise


def is_bundled(spec: str) -> bool:
    """Return whether `spec` names a bundled family, and so the same font on every machine.

    >>> is_bundled("dejavu sans"), is_bundled("./DejaVu Sans.ttf")
    (True, False)
    """
    return not is_path(spec) and _key(spec) in _bundled()


def is_path(spec: str) -> bool:
    """Return whether `spec` names a file, and no family.

    >>> is_path("Inter"), is_path("fonts/Inter"), is_path("Inter.ttf#1")
    (False, True, True)
    """
    return bool(_FILE.fullmatch(spec)) or "/" in spec or os.sep in spec


def _face(spec: str, *, weight: int, italic: bool, axes: str) -> Face:
    variations = parse_axes(axes)
    if is_path(spec):
        match = _FILE.fullmatch(spec)
        path, index = (match["path"], int(match["index"] or 0)) if match else (spec, 0)
        face = Face.from_file(Path(path).expanduser(), index=index, variations=variations)
    else:
        style = closest_style(_family(spec).styles, weight=weight, italic=italic)
        if style.bundled and not variations:
            return style.face()
        face = Face.from_file(style.path, index=style.index, variations=variations)
    return _at_weight(face, weight)


def _at_weight(face: Face, weight: int) -> Face:
    """Return the face with its `wght` axis set to `weight`, unless it has no such axis or the axis is set already."""
    if "wght" not in face.axes or "wght" in dict(face.variations):
        return face
    low, default, high = face.axes["wght"]
    value = min(max(weight, low), high)
    if value == default:
        return face
    variations = tuple(sorted((*face.variations, ("wght", float(value)))))
    return Face(path=face.path, index=face.index, variations=variations)


def parse_axes(axes: str) -> dict[str, float]:
    """Return the axis settings of a string such as "wght=450,wdth=90": tag → value.

    Raises:
        FontError: a setting is not of the form TAG=NUMBER.

    >>> parse_axes("wght=450, wdth=90")
    {'wght': 450.0, 'wdth': 90.0}
    """
    variations: dict[str, float] = {}
    for setting in filter(None, (part.strip() for part in axes.split(","))):
        match = re.fullmatch(r"([ -~]{4})\s*=\s*([-+]?(?:\d+\.?\d*|\.\d+))", setting)
        if not match:
            raise FontError(f"font_axes={shown(axes)}: {shown(setting)} is not TAG=NUMBER. Write 'wght=450,wdth=90'.")
        variations[match[1]] = float(match[2])
    return variations


def closest_style(styles: tuple[FaceStyle, ...], *, weight: int, italic: bool) -> FaceStyle:
    """Return the style closest to the request. As in CSS Fonts 4 §5.2, width counts first, then slope, then weight."""

    def distance(style: FaceStyle) -> tuple[float, bool, int, int]:
        # If the requested weight is 400–500: first weights between it and 500, then lighter ones, then bolder ones.
        # Below 400, lighter weights come first; above 500, bolder ones.
        difference = style.weight - weight
        if 400 <= weight <= 500:
            side = 0 if weight <= style.weight <= 500 else 1 if difference < 0 else 2
        else:
            side = int((difference > 0) == (weight < 400) and difference != 0)
        return abs(style.width - 100), style.italic != italic, side, abs(difference)

    return min(styles, key=distance)


def families(*, system: bool = True) -> tuple[Family, ...]:
    """Return all families, sorted by name: the bundled ones, then, if `system` is true, the installed ones."""
    found = dict(_bundled())
    if system:
        found = dict(_installed(os.environ.get("GLYPHRENDER_FONTS", ""))) | found
    return tuple(sorted(set(found.values()), key=lambda family: (not family.bundled, family.name.casefold())))


def _family(name: str) -> Family:
    """Return the family of that name; raises FontError if there is none."""
    key = _key(name)
    if found := _bundled().get(key):
        return found
    installed = _installed(os.environ.get("GLYPHRENDER_FONTS", ""))
    if found := installed.get(key):
        return found
    known = _bundled() | installed
    close = [known[match].name for match in difflib.get_close_matches(key, known, n=3, cutoff=0.6)]
    advice = f"Did you mean {' or '.join(map(repr, close))}?" if close else "Name a font file instead."
    raise FontError(f"font={shown(name)} is no bundled or installed family. {advice}")


def _key(name: str) -> str:
    """Return the part of a family name that is compared: its letters and digits, in lower case."""
    return "".join(filter(str.isalnum, name.casefold()))


def _grouped(named: Iterator[tuple[str, FaceStyle]]) -> dict[str, Family]:
    """Group (family name, style) pairs into families, by key. The first spelling of a name is kept."""
    groups: dict[str, tuple[str, dict[FaceStyle, None]]] = {}
    for name, style in named:
        groups.setdefault(_key(name), (name, {}))[1].setdefault(style)
    return {
        key: Family(
            name=name,
            styles=tuple(sorted(styles, key=lambda style: (style.width, style.weight, style.italic))),
            bundled=all(style.bundled for style in styles),
        )
        for key, (name, styles) in groups.items()
    }


@cache
def _bundled() -> dict[str, Family]:
    found = _grouped((style.family, style) for style in bundle().styles)
    return found | {_key(alias): found[_key(name)] for alias, name in bundle().aliases.items()}


@cache
def _installed(extra_folders: str) -> dict[str, Family]:
    folders = [Path(folder).expanduser() for folder in extra_folders.split(os.pathsep) if folder]
    return _grouped(named for folder in (*folders, *system_folders()) for named in _scan(folder))


def system_folders() -> list[Path]:
    """Return the folders in which this system keeps fonts, those of the user first."""
    home = Path.home()
    folders: list[str | Path]
    if sys.platform == "darwin":
        folders = [home / "Library/Fonts", "/Library/Fonts", "/System/Library/Fonts"]
    elif sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", str(home / "AppData/Local"))
        windows = os.environ.get("WINDIR", "C:/Windows")
        folders = [Path(local, "Microsoft/Windows/Fonts"), Path(windows, "Fonts")]
    else:
        data = os.environ.get("XDG_DATA_HOME", str(home / ".local/share"))
        folders = [Path(data, "fonts"), home / ".fonts", "/usr/local/share/fonts", "/usr/share/fonts"]
    return [Path(folder) for folder in folders]


def _scan(folder: Path) -> Iterator[tuple[str, FaceStyle]]:
    """Yield (family name, style) of every font under `folder`, in the order of paths, without broken files."""
    # Sorted, because the order in which a folder lists its files differs between machines, and the first font wins.
    paths = sorted(Path(at, file) for at, _, files in os.walk(folder) for file in files)
    for path in paths:
        if path.suffix.lower() not in _FONT_FILES:
            continue
        try:
            count = Face(path=path).hb_face.count
        except FontError:
            continue
        for index in range(count):
            face = Face(path=path, index=index)
            style = FaceStyle(
                family=face.family,
                style=face.style,
                weight=face.weight,
                width=face.width,
                italic=face.italic,
                path=path,
                index=index,
            )
            yield face.family, style
            # Older software treats each width or weight as a family of its own: "DejaVu Sans Condensed".
            legacy = face.hb_face.get_name(1)
            if legacy and legacy != face.family:
                yield legacy, style
