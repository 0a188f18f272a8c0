"""Pages that go to the device of a model as bytes, and become floats there (extra `transformers`).

A page of 588×840 px is 0.5 MB of grey bytes, and 12 MB of `pixel_values`. A processor makes the floats on the host, so
they are pickled by workers, held in pinned memory and copied to the device. Here, hooks of the model make them in its
own type, on its own device. A trainer, `accelerate` and a DataLoader see a tensor of bytes in place of one of floats.
The hooks are no part of the weights. They were run on the CPU only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from glyphrender.adapters.pixels import Patchify, fast
from glyphrender.errors import VisionModelError

__all__ = ["for_device", "on_device"]

# Where a tower keeps the handle of its hooks.
_HANDLE = "_patchify_handle"


def on_device(model: Any, processor: Any) -> Any:
    """Let a model of transformers take uint8 patches as `pixel_values`, and make floats of them on its device.

    The bytes become floats in the type of the tower's weights, before the model looks at them. Floats are taken as
    before. A second call replaces the first. `for_device` also returns the processor that sends bytes. The hooks are
    part of no checkpoint; copies of the model, adapters of peft and wrappers such as DistributedDataParallel keep them.

    Returns:
        the handle of the hooks; `remove()` ends them.

    Raises:
        VisionModelError: see `Patchify.of`; or the model has no vision tower named `visual`.
    """
    expanding = _Expanding(Patchify.of(processor))
    parts = dict(model.named_modules())
    name = next((name for name in parts if name.rpartition(".")[2] == "visual"), None)
    if name is None:
        raise VisionModelError(f"{type(model).__name__} has no vision tower `visual`. Use fast(processor) alone.")
    tower, owner = parts[name], parts[name.rpartition(".")[0]]
    if (before := getattr(tower, _HANDLE, None)) is not None:
        before.remove()
    handles = (
        owner.register_forward_pre_hook(expanding.before_model, with_kwargs=True),
        tower.register_forward_pre_hook(expanding.before_tower, with_kwargs=True),
    )
    handle = _Handles(handles)
    setattr(tower, _HANDLE, handle)
    return handle


def for_device(model: Any, processor: Any, *, resize: bool = True) -> Any:
    """Let pages go to the device of a model as bytes, and return the copy of its processor that sends them.

    Use the copy wherever the processor is used: as `processing_class` of a trainer of TRL, or in a collator. What
    reaches the tower is what the processor would have made (to 1e-6); a grey page needs a 24th of the bytes on the way,
    a page in color an eighth, if the model repeats a still image once, as GLM-4V and Qwen-VL do.

    Args:
        model: a model of transformers, before or after it is wrapped.
        processor: its processor.
        resize: see `Patchify.of`.

    Raises:
        VisionModelError: see `on_device`.
    """
    on_device(model, processor)
    return fast(processor, resize=resize, expand=False)


@dataclass(frozen=True, slots=True)
class _Handles:
    """Handles of hooks, as one."""

    handles: tuple[Any, ...]

    def remove(self) -> None:
        """Remove all hooks."""
        for handle in self.handles:
            handle.remove()


@dataclass(frozen=True, slots=True)
class _Expanding:
    """The hooks of `on_device`, as a value that is copied and pickled with the model."""

    patchify: Patchify

    def before_model(
        self, owner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Make floats of `pixel_values` in bytes, before the model converts them to its own type."""
        values = kwargs.get("pixel_values")
        if values is not None and not values.is_floating_point():
            kwargs = {**kwargs, "pixel_values": self.patchify.pixel_values(values, _float_type(owner.visual))}
        return args, kwargs

    def before_tower(
        self, tower: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Make floats where only the tower is called. Its caller may have converted the bytes: no value is lost so."""
        values = args[0] if args else kwargs.pop("hidden_states")
        if not values.is_floating_point() or values.shape[-1] != self.patchify.width:
            values = self.patchify.pixel_values(values, _float_type(tower))
        return (values, *args[1:]), kwargs


def _float_type(tower: Any) -> Any:
    """Return the type of the first weights that are not quantized; None, which is float32, if there are none."""
    return next((weight.dtype for weight in tower.parameters() if weight.is_floating_point()), None)
