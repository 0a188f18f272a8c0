"""Recipes of the three stages: small typed configurations, one TOML file of one screen each.

A recipe says what is trained, on which rows, in which batches, for how many steps. `Recipe.load` takes the name of a
bundled recipe or a file; `with_overrides` changes fields as `--set` does. Fields, defaults, ranges and help stand in
`sections.py`, and in docs/recipes.md, which is written from there. Nothing here needs torch.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Self

from glyphrender._system.regular_file import read_text
from glyphrender.errors import DataError, shown
from glyphrender.train.recipe.fields import RecipeSection, check_names, text, value_of, whole
from glyphrender.train.recipe.sections import (
    AlignSection,
    BatchSection,
    CptDataSection,
    DataSection,
    GrpoDataSection,
    GrpoSection,
    LoraSection,
    MachineSection,
    ModelSection,
    OptimSection,
    RunSection,
    SftDataSection,
)

__all__ = ["STAGES", "CptRecipe", "GrpoRecipe", "Recipe", "SftRecipe", "recipe_names"]


def recipe_names(stage: str = "") -> tuple[str, ...]:
    """Return the names of the bundled recipes, or of those of one stage."""
    folder = files("glyphrender.train.recipes")
    names = sorted(each.name.removesuffix(".toml") for each in folder.iterdir() if each.name.endswith(".toml"))
    return tuple(name for name in names if name.endswith(f"-{stage}") or not stage)


@dataclass(frozen=True, kw_only=True)
class Recipe(RecipeSection):
    """The fields that all stages share. Those that are sections have a class of their own, see `sections.py`.

    Attributes:
        name: name of the recipe, which a file does not need to state.
        about: one line that says what the recipe is for.
        seed: seed of everything random.
        model, lora, batch, optim, run, machine, data: the sections.

    Raises:
        DataError: a value is not accepted, or two contradict each other.
    """

    stage: ClassVar[str] = ""

    name: str = text("", help="name of the recipe", free=True)
    about: str = text("", help="one line that says what the recipe is for", free=True)
    seed: int = whole(0, range=(0, 2**32 - 1), help="seed of weights, rows, their order and sampling")
    model: ModelSection = field(default_factory=ModelSection)
    lora: LoraSection = field(default_factory=LoraSection)
    batch: BatchSection = field(default_factory=BatchSection)
    optim: OptimSection = field(default_factory=OptimSection)
    run: RunSection = field(default_factory=RunSection)
    machine: MachineSection = field(default_factory=MachineSection)
    data: DataSection = field(default_factory=DataSection)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.optim.warmup_steps > self.optim.steps:
            raise DataError(
                f"optim.warmup_steps={self.optim.warmup_steps} is above optim.steps={self.optim.steps}. Lower it."
            )
        if self.optim.min_lr > self.optim.lr:
            raise DataError(f"optim.min_lr={self.optim.min_lr} is above optim.lr={self.optim.lr}. Lower it.")
        if self.run.eval_every and not self.data.held_out:
            raise DataError(
                f"run.eval_every={self.run.eval_every} evaluates what is held out, and data.held_out=0 holds out "
                "nothing. Set data.held_out=0.01, or run.eval_every=0."
            )
        if self.batch.per_device > self.step_rows:
            raise DataError(
                f"batch.per_device={self.batch.per_device} is above the {self.step_rows} rows of a step. Lower it."
            )

    @classmethod
    def load(cls, source: str | Path) -> Self:
        """Return a bundled recipe by its name, or the recipe in a TOML file.

        Called on `Recipe`, any stage is accepted; on `CptRecipe` and the others, theirs alone.

        Raises:
            DataError: there is no such recipe or file, it is no TOML, it is of another stage, or a field is wrong.

        >>> CptRecipe.load("glyph-9b-cpt").batch.samples
        170
        """
        where, content = _read(source)
        try:
            table = tomllib.loads(content)
        except (ValueError, RecursionError) as error:  # a number of 5,000 digits is no TOMLDecodeError
            raise DataError(f"recipe {where} is not TOML ({error}). Correct it.", path=where) from None
        stage = table.pop("stage", None)
        if stage not in STAGES:
            raise DataError(f"recipe {where}: stage={shown(stage)} is no stage. Use {', '.join(STAGES)}.", path=where)
        if not issubclass(STAGES[stage], cls):
            raise DataError(
                f"recipe {where} is of the stage {stage}, not {cls.stage}. Run glyphrender train {stage}.", path=where
            )
        try:
            recipe = STAGES[stage].of({"name": Path(where).stem, **table})
        except DataError as error:
            raise error.with_context(f"recipe {where}") from None
        assert isinstance(recipe, cls)
        return recipe

    @classmethod
    def sections(cls) -> dict[str, type[RecipeSection]]:
        """Return the classes of the sections by their names, in order."""
        made: dict[str, Any] = {each.name: each.default_factory for each in dataclasses.fields(cls)}
        return {name: each for name, each in made.items() if isinstance(each, type) and issubclass(each, RecipeSection)}

    @classmethod
    def of(cls, table: Any) -> Self:
        """Return the recipe that a TOML document describes, its `stage` taken out.

        Raises:
            DataError: a field does not exist, or its value is not accepted.
        """
        sections = cls.sections()
        check_names(table, {**cls.kinds(), **sections}, "")
        values: dict[str, Any] = {
            name: sections[name].of(value) if name in sections else value for name, value in table.items()
        }
        return cls(**values)

    def with_overrides(self, settings: Iterable[str]) -> Self:
        """Return the recipe with fields changed.

        Args:
            settings: texts such as "optim.lr=1e-5" and "data.mixture.ocr=2". The value is TOML, or else a text.

        Raises:
            DataError: a setting has no value, a field does not exist, or its value is not accepted.

        >>> CptRecipe.load("glyph-9b-cpt").with_overrides(["optim.lr=1e-5"]).optim.lr
        1e-05
        """
        changed = self
        pending: dict[str, Any] = {}
        for setting in settings:
            name, equals, value = setting.partition("=")
            if not equals:
                raise DataError(f"--set {setting} has no value. Write --set section.field=value, as optim.lr=1e-5.")
            section, dot, rest = name.strip().replace("-", "_").partition(".")
            sections = self.sections()
            if not dot:
                owners = [name for name, part in sections.items() if section in part.kinds()]
                if owners and section not in self.kinds():
                    raise DataError(f"--set {setting} names no section. Write --set {owners[0]}.{setting}.")
                check_names([section], self.kinds(), "")
                pending[section] = value_of(value.strip())
            else:
                check_names([section], sections, "")
                part = pending.get(section, getattr(changed, section))
                pending[section] = part.replaced(rest, value_of(value.strip()))
        return dataclasses.replace(changed, **pending)

    def scaled(self, share: float) -> Self:
        """Return the recipe with its budget of samples, batch × steps, cut to `share`: a rehearsal.

        Batch and steps shrink by the same factor, so that both stay as large as they can. The model and its rows are
        the same. At least one sample and two steps are left.

        Raises:
            DataError: `share` is not above 0 and at most 1.
        """
        if not 0 < share <= 1:
            raise DataError(f"scale={share} is no share. Use a number above 0, up to 1, as 0.001.")
        samples = max(1, round(self.batch.samples * math.sqrt(share)))
        steps = max(2, round(self.optim.steps * self.batch.samples * share / samples))
        cut = steps / self.optim.steps

        def fewer(count: int) -> int:
            return min(count, max(1, round(count * cut))) if count else 0

        return dataclasses.replace(
            self,
            batch=dataclasses.replace(
                self.batch,
                samples=samples,
                per_device=min(self.batch.per_device, samples * self.step_rows // self.batch.samples),
            ),
            optim=dataclasses.replace(self.optim, steps=steps, warmup_steps=min(fewer(self.optim.warmup_steps), steps)),
            run=dataclasses.replace(
                self.run,
                save_every=fewer(self.run.save_every),
                log_every=fewer(self.run.log_every),
                eval_every=fewer(self.run.eval_every),
            ),
        )

    @property
    def step_rows(self) -> int:
        """Rows of a step over all processes: samples, or completions in GRPO."""
        return self.batch.samples

    def accumulation(self, processes: int) -> int:
        """Return the micro-batches of each process in one step.

        Raises:
            DataError: the samples of a step do not divide among the processes.
        """
        at_once = self.batch.per_device * processes
        if self.batch.samples % at_once:
            below = self.batch.samples // at_once * at_once
            near = " or ".join(str(count) for count in (below, below + at_once) if count)
            raise DataError(
                f"batch.samples={self.batch.samples} do not divide among {processes} processes × "
                f"batch.per_device={self.batch.per_device}. Use --set batch.samples={near}."
            )
        return self.batch.samples // at_once

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as JSON values, sections as objects."""
        return {"stage": self.stage, **dataclasses.asdict(self)}

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that tell recipes apart whose results differ.

        Fields that do not change what is learned, such as `run.log_every` and `machine.gpus`, are left out.
        """
        sections = self.sections()
        kept: dict[str, Any] = {"stage": self.stage}
        for each in dataclasses.fields(self):
            if each.name in self.free():
                continue
            value = getattr(self, each.name)
            if each.name in sections:
                free = sections[each.name].free()
                value = {name: one for name, one in dataclasses.asdict(value).items() if name not in free}
            kept[each.name] = value
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]

    def to_toml(self) -> str:
        """Return the recipe as TOML with every field written out, which `load` takes."""
        lines = [f"stage = {_toml(self.stage)}"]
        lines += [f"{name} = {_toml(getattr(self, name))}" for name in self.kinds()]
        for name, section in self.sections().items():
            lines += ["", f"[{name}]"]
            lines += [f"{each} = {_toml(getattr(getattr(self, name), each))}" for each in section.kinds()]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, kw_only=True)
class CptRecipe(Recipe):
    """A recipe of continual pre-training: reading pages, text with pages in it, going on where pages end."""

    stage: ClassVar[str] = "cpt"
    data: CptDataSection = field(default_factory=CptDataSection)
    align: AlignSection = field(default_factory=AlignSection)


@dataclass(frozen=True, kw_only=True)
class SftRecipe(Recipe):
    """A recipe of supervised fine-tuning: instruction, pages and response, and transcription beside."""

    stage: ClassVar[str] = "sft"
    data: SftDataSection = field(default_factory=SftDataSection)


@dataclass(frozen=True, kw_only=True)
class GrpoRecipe(Recipe):
    """A recipe of reinforcement learning. `batch.samples` counts prompts, of `grpo.generations` completions each."""

    stage: ClassVar[str] = "grpo"
    data: GrpoDataSection = field(default_factory=GrpoDataSection)
    grpo: GrpoSection = field(default_factory=GrpoSection)

    @property
    def step_rows(self) -> int:
        """Completions of a step over all processes."""
        return self.batch.samples * self.grpo.generations

    def accumulation(self, processes: int) -> int:
        """Return the micro-batches of each process in one step.

        Raises:
            DataError: the prompts of a step do not divide among the processes, because all completions of a prompt
                lie on one process; or the completions of a process do not divide into micro-batches.
        """
        prompts, group, at_once = self.batch.samples, self.grpo.generations, self.batch.per_device
        if prompts % processes:
            raise DataError(
                f"batch.samples={prompts} prompts do not divide among {processes} processes, and all completions of a "
                f"prompt lie on one. Use --set batch.samples={max(1, prompts // processes) * processes}."
            )
        completions = prompts // processes * group
        if completions % at_once:
            raise DataError(
                f"batch.per_device={at_once} does not divide the {completions} completions of a process "
                f"({prompts // processes} prompts × grpo.generations={group}). Use a divisor."
            )
        return completions // at_once


STAGES: dict[str, type[Recipe]] = {each.stage: each for each in (CptRecipe, SftRecipe, GrpoRecipe)}
"""The class of the recipes of each stage."""


def _read(source: str | Path) -> tuple[str, str]:
    """Return the name or path of a recipe, and its text.

    Raises:
        DataError: there is no such recipe or file.
    """
    name = str(source)
    if name in recipe_names():
        return name, (files("glyphrender.train.recipes") / f"{name}.toml").read_text(encoding="utf-8")
    path = Path(source)
    if path.suffix != ".toml":
        near = difflib.get_close_matches(name, recipe_names(), 3, 0.3) or recipe_names()
        raise DataError(f"recipe {shown(name)} does not exist. Use {', '.join(near)}, or a file that ends in .toml.")
    try:
        return name, read_text(path, encoding="utf-8-sig")  # editors on Windows write this mark
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"recipe {name} cannot be read ({reason}). Name a TOML file.", path=path) from error


def _toml(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case int() | float():
            return repr(value)
        case Mapping():
            return "{" + ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items()) + "}"
        case _:
            return "[" + ", ".join(map(_toml, value)) + "]"
