"""The functions of Glyph's own script. Change one import, and code that uses the script runs on this library.

    from glyphrender.compat import text_to_images        # was: from word2png_function import text_to_images

Arguments, file names, return values and config files are those of word2png_function.py in thu-coai/Glyph. The
geometry is Glyph's too, including the parts that come from ReportLab and Pillow and not from the config: 6 pt of
padding inside every margin, `horizontal-scale` applied to the whole page, and pages cropped at the ink. English texts
of 28 to 49 pages had the same number of pages as with ReportLab 5.1 (benchmarks/glyph_pipeline.py). A page may hold
one line more, because ReportLab never leaves the first line of a paragraph alone at the foot of a page.

Some differences are deliberate. Pages whose colors are all neutral are grey PNGs. Tabs, right-to-left text, combining
marks and characters that the font lacks are drawn. Indents and spaces around paragraphs apply to each line of the
source, where Glyph applies them to groups of thirty lines. From 1,000 pages on, the names have four digits, so that
they sort. An interrupted batch can be continued.

The folder of an id is replaced in one step, so pages of two texts never lie in it together. It is replaced only if it
holds nothing but pages that this module wrote and nobody has changed since. Each page has a chunk of text with its
SHA-256 (see `_system/seal.py`). So the folder needs no manifest, which Glyph would not expect there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from glyphrender._system.counts import checked_count
from glyphrender._system.folder_output import FolderKind, FolderOutput
from glyphrender._system.paths import path_of
from glyphrender._system.regular_file import read_bytes, read_text
from glyphrender._system.seal import is_sealed_png, sealed_png
from glyphrender.errors import DataError, ThetaError, shown
from glyphrender.theta import Theta

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["batch_process_to_images", "load_config", "text_to_images", "theta_of"]

#: Points that ReportLab's frame keeps free inside each margin (its leftPadding, topPadding, …).
FRAME_PADDING = 6.0
# Grey levels by which a pixel must differ from the page's corner to count as ink when cropping.
_TOLERANCE = 5
_PAGE_FILE = re.compile(r"page_\d{3,}\.png")
# Glyph's own number of digits. A name has more if the last page needs them.
_DIGITS: Final = 3
# Glyph removes soft hyphens and zero-width spaces from every text: they would break or hide in a ReportLab paragraph.
_REMOVED = dict.fromkeys(map(ord, "\u00ad\u200b"))


def text_to_images(
    text: str,
    output_dir: str | os.PathLike[str],
    config_path: str | os.PathLike[str] | None = None,
    config_dict: Mapping[str, Any] | None = None,
    unique_id: str | None = None,
) -> list[str]:
    """Write the pages of `text` as `output_dir/unique_id/page_001.png` …

    Earlier pages under the same id are replaced in one step, after all the new ones have been written.

    Args:
        text: the text. U+00AD and U+200B are removed. An empty text gives one blank page.
        output_dir: created if missing.
        config_path: a Glyph config file.
        config_dict: the same as a mapping. If both are given, `config_dict` is used.
        unique_id: name of the folder. By default, the first 16 hex digits of the MD5 of the text in UTF-8.

    Returns:
        The absolute paths of the pages, in order.

    Raises:
        ThetaError: neither config is given, or the config is not valid.
        FontError: the font of the config cannot be used.
        DataError: a file cannot be read or written, `unique_id` leads out of `output_dir`, or its folder holds
            something else than pages of this function.
    """
    if not isinstance(text, str):
        raise DataError(f"text is {type(text).__name__}, not str. Pass the text.")
    if config_dict is None:
        if config_path is None:
            raise ThetaError("config_path and config_dict are both None. Pass one of them.")
        config_dict = load_config(config_path)
    if unique_id is None:
        digest = hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False)
        unique_id = digest.hexdigest()[:16]
    target = path_of(output_dir, "Name a folder.") / _inside(unique_id)
    with FolderOutput(target, _ID_FOLDER) as output:
        count = 0
        for count, png in enumerate(_pages(text, config_dict), 1):
            (output.folder / _page_name(count)).write_bytes(sealed_png(png))
        names = [_page_name(number, pages=count) for number in range(1, count + 1)]
        for number, name in enumerate(names, 1):
            if name != _page_name(number):
                (output.folder / _page_name(number)).rename(output.folder / name)
        output.publish()
    return [os.path.abspath(target / name) for name in names]


def batch_process_to_images(
    json_path: str | os.PathLike[str],
    output_dir: str | os.PathLike[str],
    output_jsonl_path: str | os.PathLike[str],
    config_path: str | os.PathLike[str],
    processes: int = 16,
    is_recover: bool = False,
    batch_size: int = 100,
) -> None:
    """Write the pages of every item of a JSON list, and each item with its `image_paths` to a JSONL file.

    An item is `{"unique_id": …, "context": the text, "config": {…}}`. Keys of its config, if it has one, replace those
    of `config_path`. Lines of the JSONL file are in the order of the items, and are flushed every `batch_size` items.

    Args:
        json_path: the list.
        output_dir: see `text_to_images`. Folders of other ids are not touched.
        output_jsonl_path: an earlier list, which is replaced, or continued if `is_recover` is true. Other files are
            refused.
        config_path: a Glyph config file.
        processes: largest number of processes; there are never more than processors or items.
        is_recover: skip the items that `output_jsonl_path` already holds.
        batch_size: number of items between two flushes.

    Raises:
        ThetaError: a config is not valid.
        FontError: the font of a config cannot be used.
        DataError: a file cannot be read or written or may not be replaced; or an item has no id, no text, or the id of
            another item.
        ResourceError: a process was killed. Items already in the JSONL file stay; `is_recover` continues after them.
    """
    from glyphrender._system.processes import ForkedPool
    from glyphrender.raster.canvas import rasteriser

    checked_count(processes, "processes")
    checked_count(batch_size, "batch_size")
    output = path_of(output_jsonl_path, "Name a file for the list.")
    config = load_config(config_path)
    items = _items(path_of(json_path, "Name a JSON file."))
    for path in (json_path, config_path):
        if output.exists() and output.samefile(path):
            raise DataError(f"{output} is an input and the output. Choose another output.", path=output)
    for own in (config, *({**config, **item["config"]} for item in items if item.get("config"))):
        theta_of(own)
    done = _finished(output, items, cut=is_recover) if output.exists() else set()
    if is_recover:
        items = [item for item in items if item["unique_id"] not in done]

    def rendered(index: int) -> list[str]:
        item = items[index]
        own = {**config, **(item.get("config") or {})}
        return text_to_images(item["context"], output_dir, config_dict=own, unique_id=item["unique_id"])

    rasteriser()  # once for all processes
    pool = ForkedPool(min(processes, os.cpu_count() or 1, len(items)), rendered)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("a" if is_recover else "w", encoding="utf-8", errors="surrogatepass") as lines, pool:
            for count, (item, paths) in enumerate(zip(items, pool.imap(range(len(items))), strict=True), 1):
                lines.write(_line({**item, "image_paths": paths}))
                if count % batch_size == 0 or count == len(items):
                    lines.flush()
                    os.fsync(lines.fileno())
    except OSError as error:
        raise DataError(f"{output} cannot be written ({error.strerror}). Choose another path.", path=output) from error


def load_config(config_path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the keys and values of a Glyph config file, unchanged.

    Raises:
        DataError: the file cannot be read, or is not a JSON object.
    """
    values = _json(path_of(config_path, "Name a Glyph config."))
    if not isinstance(values, dict):
        raise DataError(f"{config_path} holds no JSON object. Name a Glyph config.")
    return values


def theta_of(config: Mapping[str, Any]) -> Theta:
    """Return a θ whose lines and pages break where Glyph's do for `config`. Cropping is left to `text_to_images`.

    Glyph sets a page at full width, and then squeezes its image, margins included, by `horizontal-scale`. This library
    draws narrow glyphs, which stay sharp, on a page that is equally narrow. Lines may overlap, as Glyph allows.

    Raises:
        ThetaError: `config` is not valid.
    """
    return _as_set_by_reportlab(_given(config))


def _given(config: Mapping[str, Any]) -> Theta:
    if not isinstance(config, Mapping):
        raise ThetaError(f"a config is {type(config).__name__}, not a mapping. Pass the keys of a Glyph config.")
    # A kebab-case key marks a Glyph config, so that an empty one is recognized too. The value is the script's default.
    return Theta.load({"overlap": "ALLOW", "font-size": 9, **config})


def _as_set_by_reportlab(theta: Theta) -> Theta:
    squeeze = theta.horizontal_scale
    width, height = theta.page_size
    return theta.replace(
        page_size=(width * squeeze, height),
        margin_x=(theta.margin_x + FRAME_PADDING) * squeeze,
        margin_y=theta.margin_y + FRAME_PADDING,
        first_line_indent=theta.first_line_indent * squeeze,
        left_indent=theta.left_indent * squeeze,
        right_indent=theta.right_indent * squeeze,
        auto_crop_width=False,
        auto_crop_last_page=False,
    )


def _pages(text: str, config: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the PNG bytes of each page."""
    from glyphrender.document.layout import layout
    from glyphrender.raster import png

    given = _given(config)
    theta = _as_set_by_reportlab(given)
    pages = layout(text.translate(_REMOVED) or "\n", theta)
    page = next(pages, None)
    while page is not None:
        following = next(pages, None)
        # Glyph keeps the margin of the config beside the ink, and takes the margin as pixels, whatever the resolution.
        pixels = cropped(
            page.array,
            right=round(given.margin_x) if given.auto_crop_width else None,
            bottom=round(given.margin_y) - 1 if given.auto_crop_last_page and following is None else None,
        )
        yield png.encode(pixels, dpi=theta.dpi)
        page = following


def cropped(pixels: NDArray[np.uint8], *, right: int | None, bottom: int | None) -> NDArray[np.uint8]:
    """Return `pixels` cut at `right` columns and `bottom` rows beyond the last ones with ink; None does not cut.

    A pixel is ink if any channel differs from the top left pixel by more than 5 levels. A blank page stays whole.

    Args:
        pixels: (h, w) or (h, w, 3).
        right: columns to keep beyond the ink.
        bottom: rows to keep beyond the ink.
    """
    height, width = pixels.shape[:2]
    if right is not None and len(columns := _ink(pixels, axis=0)):
        width = columns[-1] + 1 + right
    if bottom is not None and len(rows := _ink(pixels, axis=1)):
        height = max(1, rows[-1] + 1 + bottom)
    return pixels[:height, :width]


def _ink(pixels: NDArray[np.uint8], *, axis: int) -> NDArray[np.intp]:
    # The extremes of a column tell whether any of its pixels differs. This takes 25 µs a page; a mask of all pixels
    # takes 400 µs.
    corner = pixels[0, 0].astype(np.int16)
    differs = np.maximum(pixels.max(axis) - corner, corner - pixels.min(axis)) > _TOLERANCE
    return np.flatnonzero(differs if differs.ndim == 1 else differs.any(axis=1))


def _inside(unique_id: object) -> str:
    """Return `unique_id` if it names a folder below the output directory.

    Raises:
        DataError: `unique_id` is no such name.
    """
    problem = ""
    if not isinstance(unique_id, str):
        problem = "is no str"
    else:
        parts = Path(unique_id).parts  # without "." and doubled slashes
        if not parts or os.path.isabs(unique_id) or ".." in parts:
            problem = "leads out of output_dir"
        try:
            if b"\0" in os.fsencode(unique_id):
                problem = "holds a NUL character"
        except UnicodeEncodeError:
            problem = "holds a surrogate, which no file name can"
    if problem:
        raise DataError(f"unique_id={shown(unique_id)} {problem}. Use a plain folder name.")
    return str(unique_id)


def _page_name(number: int, *, pages: int = 1) -> str:
    return f"page_{number:0{max(_DIGITS, len(str(pages)))}d}.png"


def _foreign(folder: Path) -> str:
    """Return the first thing in `folder` that is no page of this module, or was changed since; "" if none."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if not _PAGE_FILE.fullmatch(entry.name) or not entry.is_file(follow_symlinks=False):
                return entry.name
            if not is_sealed_png(Path(entry.path).read_bytes()):
                return f"{entry.name}, which is not as glyphrender.compat wrote it"
    return ""


_ID_FOLDER: Final = FolderKind(names=_PAGE_FILE, foreign=_foreign)


def _items(path: Path) -> list[dict[str, Any]]:
    items = _json(path)
    if not isinstance(items, list):
        raise DataError(f"{path} holds no JSON list. Name a list of items with unique_id and context.", path=path)
    for index, item in enumerate(items):
        for key in ("unique_id", "context"):
            if not isinstance(item, dict) or not isinstance(item.get(key), str) or not item[key]:
                raise DataError(
                    f"{path}: item {index} has no text in {key!r}. Add it, or take the item out.", path=path
                )
        if not isinstance(item.get("config"), dict | None):
            raise DataError(f"{path}: the config of item {index} is no JSON object. Leave it out.", path=path)
        _inside(item["unique_id"])
    _check_places(path, items)
    return items


def _check_places(path: Path, items: list[dict[str, Any]]) -> None:
    """Refuse items whose pages would lie in one folder, or in a folder of another item's folder."""
    places: dict[tuple[str, ...], dict[str, Any]] = {}
    for item in items:
        place = Path(item["unique_id"]).parts
        other = places.setdefault(place, item)
        if any(other.get(key) != item.get(key) for key in ("context", "config")):
            raise DataError(
                f"{path}: two items with different texts or configs have the unique_id {shown(item['unique_id'])}. "
                "Make ids unique.",
                path=path,
            )
    for place, item in places.items():
        for length in range(1, len(place)):
            if place[:length] in places:
                raise DataError(
                    f"{path}: the folder of {shown(item['unique_id'])} lies in that of "
                    f"{shown(places[place[:length]]['unique_id'])}. Use ids that are no folders of others.",
                    path=path,
                )


def _finished(path: Path, items: list[dict[str, Any]], *, cut: bool) -> set[str]:
    """Return the ids in an earlier list. If `cut`, remove a last line that an interrupt has cut short from the file.

    Raises:
        DataError: the file cannot be read, or is no list of `batch_process_to_images`.
    """
    try:
        data = read_bytes(path)
        whole = data[: data.rfind(b"\n") + 1]
        rest = data[len(whole) :]
        done = set()
        for line in map(json.loads, whole.splitlines()):
            if not isinstance(line["unique_id"], str) or not isinstance(line["image_paths"], list):
                raise ValueError("not a line of a batch")
            done.add(line["unique_id"])
        if rest and not any(_begins(rest, item) for item in items):
            raise ValueError("its last line was not cut off by an interrupt")
        if rest and cut:
            os.truncate(path, len(whole))
        return done
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Choose another path.", path=path) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{path} is there already, and is no list of a batch ({error}). Choose another path, or move it away.",
            path=path,
        ) from error


def _begins(line: bytes, item: dict[str, Any]) -> bool:
    """Return whether `line` is the beginning of the line of `item`."""
    start = _line({**item, "image_paths": []}).removesuffix("]}\n").encode("utf-8", "surrogatepass")
    return line[: len(start)] == start[: len(line)]


def _line(item: dict[str, Any]) -> str:
    return json.dumps(item, ensure_ascii=False) + "\n"


def _json(path: Path) -> Any:
    try:
        return json.loads(read_text(path, encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Name a JSON file.", path=path) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON ({error}). Name a JSON file.", path=path) from error
