"""Chat rows → a folder that a trainer loads: rows, pages, the settings that a run needs, and a README (`export`).

The folder appears whole or not at all, and replaces only a folder that an earlier export wrote and nobody changed.
Equal rows and θ give equal bytes. A page of the same text under the same θ is one file, whatever the number of rows
that show it. Before the folder takes its place, its files are linted as the trainer would find them: an export that the
trainer would shrink, cut or refuse is not written.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from glyphrender._system.folder_output import FolderKind, FolderOutput, file_digest, first_foreign
from glyphrender._system.regular_file import read_text
from glyphrender._system.version import __version__
from glyphrender.adapters.data import PagesTransform
from glyphrender.adapters.theta_sources import ThetaSource
from glyphrender.document.page import checked_bits
from glyphrender.document.saving import describe
from glyphrender.errors import DataError, GlyphRenderError, LayoutError, ThetaError, VisionModelError, shown
from glyphrender.models.model import VisionModel
from glyphrender.models.tokenizers import TokenizerLike
from glyphrender.models.vision import vision_model
from glyphrender.theta import Theta, ThetaLike
from glyphrender.train.exports.draw import OverBudget, RowDrawer, TokenBudget
from glyphrender.train.exports.lint import LintReport, lint_rows
from glyphrender.train.exports.llama_factory import LlamaFactory
from glyphrender.train.exports.ms_swift import MsSwift
from glyphrender.train.exports.settings import flat, read_settings, settings_text
from glyphrender.train.exports.tokens import TokenCounts, rounded_up
from glyphrender.train.exports.trainer import Needs, Size, Trainer
from glyphrender.train.exports.trl import TrlGold, TrlGrpo, TrlSft
from glyphrender.train.exports.verl import Verl
from glyphrender.train.rows.chat_rows import ChatRow, Counts, FaultPolicy

__all__ = ["TRAINERS", "export", "lint"]

#: The trainers by name.
TRAINERS: Final[Mapping[str, Trainer]] = {
    each.name: each for each in (LlamaFactory(), MsSwift(), Verl(), TrlSft(), TrlGrpo(), TrlGold())
}
_MANIFEST: Final = "export.json"
_README: Final = "README.md"
_PAGE: Final = re.compile(r"[0-9a-f]{16}_\d{4,}\.png")
_NAMES: Final = {_MANIFEST, _README, "dataset_info.json"} | {
    name for each in TRAINERS.values() for name in (each.data_file, each.settings_file)
}


def export(
    rows: Iterable[ChatRow],
    path: str | os.PathLike[str],
    *,
    trainer: str,
    model: str | VisionModel,
    theta: ThetaLike | ThetaSource = None,
    seed: int = 0,
    bits: int | None = None,
    tokenizer: TokenizerLike | None = None,
    settings: str | os.PathLike[str] | None = None,
    max_tokens: int | None = None,
    faults: FaultPolicy = "error",
    counts: Counts | None = None,
) -> LintReport:
    """Write rows as a folder for `trainer`, and return what the trainer makes of it.

    Args:
        rows: the rows, as `chat_rows` gives them.
        path: the folder. It may be missing, empty, or an unchanged export.
        trainer: one of `TRAINERS`: llama-factory, ms-swift, verl, trl-sft, trl-grpo, trl-gold.
        model: the vision model that is trained, or its name.
        theta: θ of all pages, or a `ThetaSource` such as `Sampled()`, drawn for each row; by default the default θ,
            aligned to the model's grid.
        seed: seed of θ, where it is drawn.
        bits: bits for each grey pixel of a PNG, see `Page.png`.
        tokenizer: counts tokens of text for the limits; by default the model's own, or bytes without one.
        settings: a file of settings that the run is to use. By default the export has a file with the settings that it
            needs. With a file, the export is refused if the trainer would shrink pages or cut rows under it.
        max_tokens: most tokens of a row, or of its prompt if the trainer takes prompts; None for no limit.
        faults: what happens to a row that is above `max_tokens`, has a marker of images in a text, or cannot be laid
            out: "error", or "drop", which counts it.
        counts: counts dropped rows, "over budget" and "faults".

    Returns:
        The report of the lint, whose findings are warnings only.

    Raises:
        DataError: there is no such trainer, the folder holds other files, a row is faulty, or the trainer would not
            show the rows as they are.
        VisionModelError: there is no such model, or it refuses a page.
        ThetaError, FontError, LayoutError: see `glyphrender.layout`; the message names the row.
        DependencyError: parquet needs the extra `corpus`.
    """
    to, model = _trainer(trainer), vision_model(model)
    given = read_settings(settings) if settings is not None else None
    if bits is not None:
        checked_bits(bits)
    if theta is None:
        theta = Theta().align_to(model) if model.grid else Theta()
    if faults not in ("error", "drop"):
        raise DataError(f"faults={shown(faults)} is unknown. Use error or drop.")
    counts = Counter() if counts is None else counts
    drawer = RowDrawer(theta=PagesTransform(theta=theta, key="key", seed=seed), bits=bits)
    budget = TokenBudget(tokens=max_tokens, counts=TokenCounts.of(model, tokenizer), prompts_only=to.prompts_only)
    with FolderOutput(path, _EXPORT) as output:
        folder = output.folder
        _write_rows(rows, folder, to, drawer, budget, faults, counts)
        report, wanted = _linted(to, folder, model, given, tokenizer, drawer.font_pixels)
        if report.errors:
            more = f" ({len(report.errors) - 1} more)" if len(report.errors) > 1 else ""
            raise DataError(f"{path} is not written: {report.errors[0].message}{more}", path=path)
        text = settings_text(wanted, overrides=to.settings_file.endswith(".txt"))
        (folder / to.settings_file).write_text(text, encoding="utf-8")
        (folder / _README).write_text(_readme(to, model, wanted, report), encoding="utf-8")
        manifest = _described(to, model, seed, report, drawer, folder)
        manifest = {_SEAL: _digest(manifest), **manifest}
        (folder / _MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        output.publish()
    return report


def _write_rows(
    rows: Iterable[ChatRow],
    folder: Path,
    to: Trainer,
    drawer: RowDrawer,
    budget: TokenBudget,
    faults: FaultPolicy,
    counts: Counts,
) -> None:
    """Draw the rows one by one, and write them with their pages. Refuse or count those at fault."""
    writer = to.writer(folder)
    index = 0
    try:
        for row in rows:
            try:
                if to.prompts_only and not row.answers:
                    raise DataError("there are no answers, which rewards need. Give the row some.")
                made = drawer.drawn(row, index)
                budget.check(made)
            except OverBudget as error:
                _refuse(error, row, faults, counts, "over budget")
            except (DataError, LayoutError, ThetaError, VisionModelError) as error:
                _refuse(error, row, faults, counts, "faults")
            else:
                for page in made.pages if to.page_files else ():
                    _write_once(folder / page.name, page.png)
                writer.add(made)
                index += 1
    finally:
        writer.close()


def _described(
    to: Trainer, model: VisionModel, seed: int, report: LintReport, drawer: RowDrawer, folder: Path
) -> dict[str, Any]:
    """Return what the folder was made of, and the digests of its files."""
    return {
        "versions": {**describe(Theta())["versions"], "trainer": to.version},
        "trainer": to.name,
        "model": model.name,
        "seed": seed,
        "rows": report.rows,
        "pages": report.pages,
        "sizes": [[*size, pixels] for size, pixels in sorted(drawer.font_pixels.items())],
        "thetas": drawer.thetas,
        "files": {each.name: file_digest(each) for each in sorted(folder.iterdir())},
    }


def lint(
    path: str | os.PathLike[str],
    *,
    trainer: str = "",
    model: str | VisionModel = "",
    settings: str | os.PathLike[str] | None = None,
    tokenizer: TokenizerLike | None = None,
) -> LintReport:
    """Return what a trainer makes of a folder of rows under settings.

    Args:
        path: the folder: an export, or other rows in the form of `trainer`.
        trainer: one of `TRAINERS`; by default the one that the export was written for.
        model: the vision model; by default that of the export.
        settings: the file of settings of the run; by default that of the export, or the trainer's defaults.
        tokenizer: see `export`.

    Raises:
        DataError: the folder or the settings cannot be read, or the trainer is not known.
        VisionModelError: there is no such model.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise DataError(f"{path} is no folder. Name the folder of an export.", path=path)
    manifest = _manifest(folder)
    if not (trainer or manifest.get("trainer")) or not (model or manifest.get("model")):
        raise DataError(f"{path} has no {_MANIFEST}. Name the trainer and the model.", path=path)
    to = _trainer(trainer or manifest["trainer"])
    own = folder / to.settings_file
    used = read_settings(settings) if settings is not None else read_settings(own) if own.exists() else {}
    font_pixels = {(width, height): pixels for width, height, pixels in manifest.get("sizes", ())}
    return lint_rows(
        to.rows(folder),
        to,
        model=model or manifest["model"],
        settings=used,
        tokenizer=tokenizer,
        font_pixels=font_pixels,
    )


def _trainer(name: str) -> Trainer:
    if name not in TRAINERS:
        raise DataError(f"trainer={shown(name)} is unknown. Use one of: {', '.join(TRAINERS)}.")
    return TRAINERS[name]


def _refuse(error: GlyphRenderError, row: ChatRow, faults: FaultPolicy, counts: Counts, kind: str) -> None:
    if faults == "error":
        raise error.with_context(f"row {shown(row.key)}") from error
    counts[kind] += 1


def _write_once(path: Path, png: bytes) -> None:
    if not path.exists():
        path.write_bytes(png)


def _linted(
    to: Trainer,
    folder: Path,
    model: VisionModel,
    given: Mapping[str, Any] | None,
    tokenizer: TokenizerLike | None,
    font_pixels: Mapping[Size, float],
) -> tuple[LintReport, dict[str, Any]]:
    """Return the report of the rows in `folder`, and the settings that they need."""

    def linted(settings: Mapping[str, Any]) -> LintReport:
        rows = to.rows(folder)
        return lint_rows(rows, to, model=model, settings=settings, tokenizer=tokenizer, font_pixels=font_pixels)

    # The settings decide the sizes of pages, these the tokens of rows, and these the limit in the settings.
    wanted: dict[str, Any] = {}
    report = linted(wanted)
    for _ in range(2):
        before, wanted = wanted, to.settings(_rounded(report.needs))
        if wanted != before:
            report = linted(flat(wanted))
    return (linted(given) if given is not None else report), wanted


def _rounded(needs: Needs) -> Needs:
    return replace(needs, prompt=rounded_up(needs.prompt), tokens=rounded_up(needs.tokens))


def _readme(to: Trainer, model: VisionModel, settings: Mapping[str, Any], report: LintReport) -> str:
    sizes = Counter({str(page): page.count for page in report.shown})
    lines = [
        f"# {report.rows:,} rows with {report.pages:,} pages for {to.name}",
        "",
        f"Written by glyphrender {__version__} for {to.version} and the vision model {model.name}.",
        "",
        f"    {to.command(settings)}",
        "",
        f"The run needs these settings, which `{to.settings_file}` has. Under others, the model may see other pages:",
        "",
        *(f"    {line}" for line in settings_text(settings).splitlines()),
        "",
        f"A prompt has at most {report.needs.prompt:,} tokens, a row {report.needs.tokens:,}.",
        "",
        *(f"- {count:,} × {text}" for text, count in sizes.most_common(20)),
        "",
        "`glyphrender lint FOLDER --settings FILE` tells what a run with other settings would show the model.",
    ]
    return "\n".join(lines) + "\n"


def _manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of an export, or {} if there is none."""
    path = folder / _MANIFEST
    try:
        values = json.loads(read_text(path, pipes=False))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is damaged ({error}). Export again.", path=path) from error
    files = values.get("files") if isinstance(values, dict) else None
    if not isinstance(files, dict) or not all(isinstance(each, str) for each in files.values()):
        raise DataError(f"{path} is damaged (it lists no files). Export again.", path=path)
    return dict(values)


def _foreign(folder: Path) -> str:
    """Return the first thing in `folder` that an export did not write, or that was changed since; "" if none."""
    names = sorted(path.name for path in folder.iterdir())
    if _MANIFEST not in names or (folder / _MANIFEST).is_symlink():
        return names[0] if names else ""
    try:
        manifest = _manifest(folder)
    except DataError:
        return f"{_MANIFEST}, which no export wrote"
    known = {name: digest for name, digest in manifest["files"].items() if name in _NAMES or _PAGE.fullmatch(name)}
    if "trainer" not in manifest or len(known) != len(manifest["files"]):
        return f"{_MANIFEST}, which no export wrote"
    if _SEAL in manifest and manifest.pop(_SEAL) != _digest(manifest):
        return f"{_MANIFEST}, which was changed since"
    return first_foreign(folder, {_MANIFEST: "", **known})


def _digest(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest).encode("ascii")).hexdigest()


#: The digest of all other values of a manifest. Manifests of earlier versions lack it.
_SEAL: Final = "sha256"
_EXPORT: Final = FolderKind(
    names=re.compile("|".join([_PAGE.pattern, *map(re.escape, sorted(_NAMES))])),
    foreign=_foreign,
)
