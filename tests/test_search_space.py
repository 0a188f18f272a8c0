"""Spaces: every θ of one is valid, on the model's grid, and found again from its genes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from glyphrender import Theta
from glyphrender.errors import ThetaError, VisionModelError
from glyphrender.models.vision import vision_model
from glyphrender.search.axes import varied
from glyphrender.search.presets import PRESETS, families_for
from glyphrender.search.space import Space

# A grid of 28, of 32, tiles of 448, no grid at all, and a hosted one.
MODELS = ("glm-4.1v", "qwen3-vl", "internvl3", "gemma-3", "claude")
SPACES = {(name, model): Space.preset(name, model) for name in ("reader", "glyph") for model in MODELS}
spaces = st.sampled_from(sorted(SPACES))


def untouched(theta: Theta, model: str) -> bool:
    return not vision_model(model).image(*theta.page_pixels).resampled


def made(space: Space, seed: int) -> list[Theta]:
    """A θ by each way that a space makes them."""
    rng = random.Random(seed)
    one, other = space.sample(rng), space.sample(rng)
    return [one, space.mutate(one, rng), space.crossover(one, other, rng), space.repair(other)]


@pytest.mark.slow
@given(spaces, st.integers(0, 2**32))
@examples(60)
def test_samples_mutants_and_children_are_valid_and_reach_the_model_pixel_by_pixel(which, seed) -> None:
    space = SPACES[which]
    for theta in made(space, seed):
        assert Theta.from_dict(theta.to_dict()) == theta
        assert untouched(theta, which[1])


@pytest.mark.slow
@given(spaces, st.integers(0, 2**32))
@examples(100)
def test_genes_lead_back_to_every_theta_that_a_space_makes(which, seed) -> None:
    space = SPACES[which]
    for theta in made(space, seed):
        assert space.theta(space.genes(theta)) == theta
        assert space.holds(theta)


@pytest.mark.slow
@given(spaces, st.integers(0, 2**32), st.sampled_from([Theta(), Theta.preset("glyph-en"), Theta.preset("dense")]))
@examples(60)
def test_a_theta_from_elsewhere_is_moved_into_the_space_once(which, seed, base) -> None:
    space, rng = SPACES[which], random.Random(seed)
    theta = SPACES[rng.choice(sorted(SPACES))].sample(rng) if rng.random() < 0.8 else base
    try:
        moved = space.repair(theta)
    except ThetaError:
        return
    assert space.repair(moved) == moved
    assert untouched(moved, which[1])


@given(spaces, st.integers(0, 2**32))
@examples(60)
def test_the_page_gives_way_to_the_grid_and_nothing_else(which, seed) -> None:
    space, rng = SPACES[which], random.Random(seed)
    genes = {axis.name: axis.sample(rng) for axis in space.axes}
    try:
        theta = space.theta(genes)
    except ThetaError:
        return
    found = space.genes(theta)
    crops = ("auto_crop_width", "auto_crop_last_page")  # which some models would resample
    same = [name for name in genes if not name.startswith("page_") and name not in crops]
    assert {name: found[name] for name in same} == {name: genes[name] for name in same}
    assert (theta.margin_x, theta.margin_y) == (genes["margin_x"], genes["margin_y"])
    assert theta.dpi == genes.get("dpi", 72)


@pytest.mark.slow
@given(st.sampled_from(["glm-4.1v", "qwen3-vl"]), st.integers(0, 2**32))
@examples(60)
def test_every_mutant_is_another_theta(model, seed) -> None:
    space, rng = SPACES["reader", model], random.Random(seed)
    theta = space.sample(rng)
    assert space.mutate(theta, rng) != theta


@pytest.mark.slow
@given(st.integers(0, 2**32))
@examples(30)
def test_a_child_has_each_gene_of_one_of_its_parents(seed) -> None:
    space, rng = SPACES["reader", "glm-4.1v"], random.Random(seed)
    one, other = space.sample(rng), space.sample(rng)
    mine, theirs = space.genes(one), space.genes(other)
    child = space.genes(space.crossover(one, other, rng))
    assert all(child[name] in (mine[name], theirs[name]) for name in child)


def test_equal_states_give_equal_theta() -> None:
    space = SPACES["reader", "glm-4.1v"]
    drawn = [[space.sample(rng) for _ in range(5)] for rng in (random.Random(7), random.Random(7))]
    assert drawn[0] == drawn[1]


def test_leading_follows_the_size() -> None:
    space = SPACES["reader", "glm-4.1v"]
    genes = space.genes(Theta()) | {"leading": 1.1}
    for size in (6.0, 10.0):
        theta = space.theta(genes | {"font_size": size})
        assert theta.line_height == pytest.approx(1.1 * size)


def test_vary_and_fix_narrow_a_space() -> None:
    vary, fix = ["font_size=6:10:0.25", "font=Inter|Noto Sans"], ["columns=2", "page_width=588"]
    space = Space.preset("reader", vary=vary, fix=fix)
    axes = {axis.name: axis.values for axis in space.axes}
    assert axes["font_size"] == tuple(6 + 0.25 * step for step in range(17))
    assert axes["font"] == ("Inter", "Noto Sans")
    assert axes["page_width"] == (588,)
    assert "columns" not in axes
    rng = random.Random(0)
    thetas = [space.sample(rng) for _ in range(20)]
    assert {theta.columns for theta in thetas} == {2}
    assert {theta.page_pixels[0] for theta in thetas} == {588}
    two = Space.preset("none", vary=["hinting", "line_height=9|10"])
    assert {axis.name for axis in two.axes} == {"hinting", "line_height"}


def test_a_named_field_takes_the_place_of_what_says_the_same() -> None:
    names = {axis.name for axis in Space.preset("reader", vary=["line_height=9:12:0.5", "page_size=A4|A5"]).axes}
    assert names >= {"line_height", "page_size"}
    assert not names & {"leading", "page_width", "page_height"}


def test_a_fixed_proportion_is_one_of_the_base_and_replaces_what_says_the_same() -> None:
    space = Space.preset("reader", base=Theta(font_size=10, line_height=12), fix=["leading"])
    thetas = [space.sample(random.Random(seed)) for seed in range(20)]
    assert {round(theta.line_height / theta.font_size, 3) for theta in thetas} == {1.2}
    assert len({theta.font_size for theta in thetas}) > 5
    glyph = Space.preset("glyph", fix=["leading=1.2", "page_width=560"])
    assert {"line_gap", "page_size"}.isdisjoint(axis.name for axis in glyph.axes)
    assert glyph.sample(random.Random(0)).page_pixels[0] == 560


def test_families_that_lack_the_letters_are_left_out() -> None:
    russian = families_for("Все люди рождаются свободными")
    chinese = families_for("人人生而自由,在尊嚴和權利上一律平等")
    assert "Inter" in russian
    assert "Atkinson Hyperlegible" not in russian
    assert all("CJK" in family or family == "Unifont" for family in chinese)
    (fonts,) = (axis for axis in Space.preset("reader", text="Все люди").axes if axis.name == "font")
    assert fonts.values == russian


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("font_size=6:10", ""),
        ("font_size=10:6:1", "no steps from low to high"),
        ("font_size=6:10:nan", "no steps from low to high"),
        ("font_size=6:x:1", "is no range"),
        ("font_size=0:1000:0.001", "more than 2000"),
        ("font_size=-3:9:1", "font_size=-3.0 is out of range"),
        ("hinting=SOME", "hinting='SOME' is not a choice"),
        ("fontsize=9", "Did you mean font_size"),
        ("font", "has no usual values"),
        ("colors=a", "takes no values of your own"),
    ],
)
def test_settings_that_make_no_axis_are_refused_in_one_line(setting, message) -> None:
    if setting == "font_size=6:10":  # a step of 1 is meant
        assert varied(setting).values == (6, 7, 8, 9, 10)
        return
    with pytest.raises(ThetaError, match=message) as caught:
        varied(setting)
    assert "\n" not in str(caught.value)


def test_spaces_that_cannot_be_are_refused() -> None:
    with pytest.raises(ThetaError, match="nothing varies"):
        Space.preset("none")
    with pytest.raises(ThetaError, match="no search space 'best'"):
        Space.preset("best")
    with pytest.raises(VisionModelError):
        Space.preset("reader", "no-such-model")
    nowhere = Space.preset("none", vary=["margin_x=300|400", "margin_y=1|2"])
    with pytest.raises(ThetaError, match="margin_x"):
        nowhere.sample(random.Random(0))


def test_descriptions_are_json_and_digests_tell_spaces_apart() -> None:
    import json

    for name in PRESETS:
        space = Space.preset(name, vary=["font_size=6|7"])
        assert {axis["name"] for axis in json.loads(json.dumps(space.describe()))["axes"]} >= {"font_size"}
    assert Space.preset("reader").digest == Space.preset("reader").digest
    assert Space.preset("reader").digest != Space.preset("reader", fix=["columns=1"]).digest


def test_a_page_of_the_papers_space_is_known_again_once_it_is_aligned() -> None:
    """Else every child of an aligned θ would have another page than its parent: 90 of 100 had."""
    space, rng, kept = Space.preset("glyph", "glm-4.1v"), random.Random(0), 0
    for _ in range(50):
        genes = {axis.name: axis.sample(rng) for axis in space.axes}
        found = space.genes(space.theta(genes))
        kept += (found["page_size"], found["dpi"]) == (genes["page_size"], genes["dpi"])
    assert kept > 40
