"""Settings of all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Whatever is not on this machine is not looked for elsewhere.
os.environ["HF_HUB_OFFLINE"] = "1"

# How long an example takes says more about the machine than about the code.
settings.register_profile("here", deadline=None)
settings.load_profile("here")


@pytest.fixture(scope="session")
def tiny() -> tuple[Any, Any]:
    """(model, processor) of a GLM-4.1V with 0.3 million parameters. Do not train it: take one of your own for that."""
    from tiny_glm4v import tiny_glm4v

    return tiny_glm4v()


@pytest.fixture(scope="session")
def tiny_path(tiny: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of that model."""
    from tiny_glm4v import save

    path = tmp_path_factory.mktemp("models") / "tiny-glm4v"
    save(*tiny, path)
    return path


@pytest.fixture(scope="session")
def tiny_server(tiny_path: Path) -> Iterator[str]:
    """The base URL of `transformers serve` with that model, whose name there is the path."""
    from tiny_glm4v import serving

    with serving(tiny_path) as url:
        yield url
