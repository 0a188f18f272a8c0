"""The functions of Glyph's own script. Change one import, and code that uses the script runs on this library.

    from glyphrender.compat import text_to_images        # was: from word2png_function import text_to_images

Arguments, file names, return values and config files are those of word2png_function.py in thu-coai/Glyph. The
geometry is Glyph's too, including the parts that come from ReportLab and Pillow and not from the config: 6 pt of
padding inside every margin, `horizontal-scale` applied to the whole page, and pages cropped at the ink. English texts
of 28 to 49 pages had the same number of pages as with ReportLab 5.1 (benchmarks/glyph_pipeline.py). A page may hold
one line more, because ReportLab never leaves the first line of a paragraph alone at the foot of a page.

Some differences are deliberate. Pages whose colors are all neutral are grey PNGs. Tabs, right-to-left text, combining
marks and characters that the font lacks are drawn. Indents and spaces around paragraphs apply to each line of the
source, where Glyph applies them to groups of thirty lines. An interrupted batch can be continued, and no file but
pages is ever replaced.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glyphrender.errors import DataError, ThetaError
from glyphrender.theta import Theta

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["batch_process_to_images", "load_config", "text_to_images", "theta_of"]

#: Points that ReportLab's frame keeps free inside each margin (its leftPadding, topPadding, …).
FRAME_PADDING = 6.0
# Grey levels by which a pixel must differ from the page's corner to count as ink when cropping.
_TOLERANCE = 5
_PAGE_FILE = re.compile(r"page_\d{3,}\.png")
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

    Earlier pages under the same id are replaced only after all the new ones have been written.

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
        DataError: a file cannot be read or written, or `unique_id` leads out of `output_dir`.
    """
    if config_dict is None:
        if config_path is None:
            raise ThetaError("config_path and config_dict are both None. Pass one of them.")
        config_dict = load_config(config_path)
    if unique_id is None:
        digest = hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False)
        unique_id = digest.hexdigest()[:16]
    target = Path(output_dir) / _inside(unique_id)
    part = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=".", suffix=".part", dir=target.parent))
        names = []
        for number, png in enumerate(_pages(text, config_dict), 1):
            names.append(f"page_{number:03d}.png")
            (part / names[-1]).write_bytes(png)
        _replace(target, part, names)
    except OSError as error:
        raise DataError(
            f"{target} cannot be written ({error.strerror}). Choose another directory.", path=target
        ) from error
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)
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
        output_jsonl_path: overwritten, or continued if `is_recover` is true.
        config_path: a Glyph config file.
        processes: largest number of processes; there are never more than processors or items.
        is_recover: skip the items that `output_jsonl_path` already holds.
        batch_size: number of items between two flushes.

    Raises:
        ThetaError: a config is not valid.
        FontError: the font of a config cannot be used.
        DataError: a file cannot be read or written, or an item has no id or no text.
        GlyphRenderError: a process was killed. Items already in the JSONL file stay; `is_recover` continues after them.
    """
    from glyphrender._system.processes import ForkedPool

    output = Path(output_jsonl_path)
    config = load_config(config_path)
    items = _items(Path(json_path))
    done = _finished(output) if is_recover and output.exists() else set()
    items = [item for item in items if item["unique_id"] not in done]

    def rendered(index: int) -> list[str]:
        item = items[index]
        own = {**config, **(item.get("config") or {})}
        return text_to_images(item["context"], output_dir, config_dict=own, unique_id=item["unique_id"])

    pool = ForkedPool(min(processes, os.cpu_count() or 1, len(items)), rendered)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("a" if is_recover else "w", encoding="utf-8", errors="surrogatepass") as lines, pool:
            for count, (item, paths) in enumerate(zip(items, pool.imap(range(len(items))), strict=True), 1):
                lines.write(json.dumps({**item, "image_paths": paths}, ensure_ascii=False) + "\n")
                if count % batch_size == 0:
                    lines.flush()
    except OSError as error:
        raise DataError(f"{output} cannot be written ({error.strerror}). Choose another path.", path=output) from error


def load_config(config_path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the keys and values of a Glyph config file, unchanged.

    Raises:
        DataError: the file cannot be read, or is not a JSON object.
    """
    values = _json(Path(config_path))
    if not isinstance(values, dict):
        raise DataError(f"{os.fspath(config_path)} holds no JSON object. Name a Glyph config.")
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


def _inside(unique_id: str) -> str:
    if not unique_id or os.path.isabs(unique_id) or ".." in Path(unique_id).parts or unique_id in (".", "./"):
        raise DataError(f"unique_id={unique_id!r} leads out of output_dir. Use a plain folder name.")
    return unique_id


def _replace(target: Path, part: Path, names: list[str]) -> None:
    """Move the pages in `part` to `target`, and remove the further pages of an earlier, longer text."""
    if not target.exists():
        part.chmod(0o755)
        part.rename(target)
        return
    for name in names:
        (part / name).replace(target / name)
    for file in target.iterdir():
        if _PAGE_FILE.fullmatch(file.name) and file.name not in names:
            file.unlink()


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
    return items


def _finished(path: Path) -> set[str]:
    """Return the ids in a JSONL file. A last line that an interrupt cut short is removed from the file."""
    try:
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.truncate(path, len(whole))
        return {json.loads(line)["unique_id"] for line in whole.splitlines()}
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Choose another path.", path=path) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} has a line without unique_id ({error}). Choose another path.", path=path) from error


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Name a JSON file.", path=path) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON ({error}). Name a JSON file.", path=path) from error
