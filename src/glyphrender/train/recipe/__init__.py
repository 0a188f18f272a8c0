"""Recipes: what a run trains, on which rows, for how long; and what it costs, without running it.

    recipe.py          `CptRecipe`, `SftRecipe`, `GrpoRecipe`: loading, overrides, the digest
    sections.py        every field with its default, range and help; fields.py declares fields and checks values
    describe.py        writes docs/recipes.md from the fields
    plan.py            tokens, FLOPs, memory and days of a run, by arithmetic; plan_report.py says them to people
    dry_run.py         the model of a recipe on torch's meta device, where only shapes exist

Only dry_run.py needs torch.
"""

from glyphrender.train.recipe.recipe import STAGES, CptRecipe, GrpoRecipe, Recipe, SftRecipe, recipe_names

__all__ = ["STAGES", "CptRecipe", "GrpoRecipe", "Recipe", "SftRecipe", "recipe_names"]
