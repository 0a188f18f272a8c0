"""Why Skia cannot be loaded, in one line that says how to mend it."""

from __future__ import annotations

from typing import Final

# Packages that hold what skia-python links against but does not bring (Debian and Ubuntu, Fedora).
_PACKAGES: Final = {
    "libEGL.so.1": ("libegl1 libgl1", "libglvnd-egl libglvnd-glx"),
    "libGL.so.1": ("libegl1 libgl1", "libglvnd-egl libglvnd-glx"),
    "libexpat.so.1": ("libexpat1", "expat"),
    "libstdc++.so.6": ("libstdc++6", "libstdc++"),
}


def missing_library_message(error: ImportError) -> str:
    """One line that says what `import skia` lacks and how to get it, for a `DependencyError` or a warning."""
    reason = " ".join(str(error).split())
    if isinstance(error, ModuleNotFoundError) and error.name == "skia":
        return "skia-python is not installed. Run pip install skia-python (no wheels for musl, hence Alpine)."
    # The loader names only the first that is missing, by name; one that is damaged, by path.
    library = reason.partition(":")[0].rpartition("/")[2]
    if library not in _PACKAGES:
        return f"skia-python cannot be loaded: {reason}. Reinstall skia-python."
    debian, fedora = _PACKAGES[library]
    return (
        f"{library}, which skia-python needs, is missing or damaged. "
        f"Run apt-get install {debian} (Debian, Ubuntu) or dnf install {fedora} (Fedora)."
    )
