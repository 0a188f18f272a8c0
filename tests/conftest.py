"""Settings of all tests.

    pytest                                    # everything, in a process a core; -n 0 for one
    pytest -m "not slow"                      # in 90 s on two cores, without torch
    pytest --hypothesis-profile explore       # property tests look at new examples, 2,000 each; outside CI
    GLYPHRENDER_FUZZ=20000 pytest tests/test_invariants.py      # the same with as many as you like

In CI the examples of a property test are the same each time, so that a failure there is one of the change. Explore
after a change to what the tests hold, and put what you find into an `@example` or a test. A test is `slow` if it
takes a second or more, or starts servers, workers, models or compilers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Whatever is not on this machine is not looked for elsewhere.
os.environ["HF_HUB_OFFLINE"] = "1"

# One thread of torch, numpy and OpenMP, here and in every program that a test starts, whatever the machine: sums are in
# one order, and processes beside each other do not fight for the cores. Models of tests are too small to gain by more.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

# How long an example takes says more about the machine than about the code.
unhurried = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("ci", derandomize=True, **unhurried)
settings.register_profile("explore", **unhurried, max_examples=int(os.environ.get("GLYPHRENDER_FUZZ") or 2000))
settings.load_profile("explore" if os.environ.get("GLYPHRENDER_FUZZ") else "ci")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process a core, and four at most, of some 2 GB each; none beside this one if files or tests are named."""
    named = config.option.keyword or any(".py" in argument for argument in config.option.file_or_dir)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 0 if named or cores == 1 else min(cores, 4)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files that are slow as a whole where slow tests are not wanted: TRL and torch take 12 s to import."""
    if config.option.markexpr == "not slow" and collection_path.suffix == ".py":
        marks = re.search(r"^pytestmark = .*", collection_path.read_text(encoding="utf-8"), re.M)
        return True if marks and "slow" in marks[0] else None
    return None


@pytest.hookimpl(tryfirst=True)  # before -m is applied
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that needs a model as slow: torch and transformers alone take seconds to import."""
    for item in items:
        if {"tiny", "tiny_path", "tiny_server"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def tiny() -> tuple[Any, Any]:
    """(model, processor) of a GLM-4.1V with 0.3 million parameters. Do not train it: take one of your own for that."""
    pytest.importorskip("transformers")
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
