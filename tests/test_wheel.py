"""The wheel holds all that the package reads at run time, and no script that only developers run."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def files() -> set[str]:
    """Paths inside the wheel, as hatchling would write them; nothing is built."""
    wheel = pytest.importorskip("hatchling.builders.wheel")
    return {file.distribution_path for file in wheel.WheelBuilder(str(ROOT)).recurse_included_files()}


def test_every_module_is_in_the_wheel_and_the_generators_of_its_data_are_not(files: set[str]) -> None:
    package = ROOT / "src/glyphrender"
    modules = {path.relative_to(ROOT / "src").as_posix() for path in package.rglob("*.py")}
    generators = {path.name for path in (ROOT / "src/generators").glob("*.py")}
    assert len(generators) == 3
    python = {file for file in files if file.endswith(".py")}
    assert python == modules
    assert not {Path(file).name for file in python} & generators


def test_the_data_that_the_package_reads_is_in_the_wheel(files: set[str]) -> None:
    data = [
        path
        for path in (ROOT / "src/glyphrender").rglob("*")
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
    ]
    paths = {path.relative_to(ROOT / "src").as_posix() for path in data}
    names = {Path(path).name for path in paths}
    assert {"unicode_properties.bin", "look.css", "copy.js", "sheet.css", "sheet.js", "studio.js", "py.typed"} <= names
    assert any(path.startswith("glyphrender/theta/presets/") for path in paths)
    assert paths <= files


def test_bundled_fonts_are_in_the_wheel_with_their_licences(files: set[str]) -> None:
    fonts = [file for file in files if file.startswith("glyphrender/bundled_fonts/")]
    families = {file.rpartition("/")[0] for file in fonts if file.endswith((".ttf", ".otf", ".ttc"))}
    assert families
    for family in families:
        inside = {Path(file).name for file in fonts if file.startswith(f"{family}/")}
        assert any(name.startswith(("LICENSE", "OFL")) for name in inside), family
    assert {"glyphrender/bundled_fonts/index.json", "glyphrender/bundled_fonts/fallback.bin"} <= set(fonts)
