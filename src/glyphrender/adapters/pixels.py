"""Pages → `pixel_values` and `image_grid_thw`, without an image processor in between (extra `transformers`).

GLM-4V and Qwen-VL take an image as rows, one row per patch: channels × frames × pixels, in float32. A processor turns a
grey page into three channels and normalises all of them before it cuts patches. Here the grey bytes are cut into
patches first, and only the last step makes three channels and two frames of floats. That step runs on the CPU, or on
the model's device (`adapters.device`), to which a twenty-fourth of the bytes is then copied.
`tests/test_adapters_pixels.py` checks that the values are within 1e-6 of those of transformers' processors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glyphrender.document.page import Page
from glyphrender.errors import DataError, DependencyError, VisionModelError
from glyphrender.models.families import PROCESSORS
from glyphrender.models.families.grid import GridModel
from glyphrender.models.preprocessor import SUFFIXES

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    PageLike = Page | Image | NDArray[np.uint8]

__all__ = ["Patchify", "fast"]

# Number of patches at a time: their floats stay in the second-level cache of the CPU.
_BLOCK = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Patchify:
    """A function from pages to what an image processor of the GLM-4V and Qwen-VL families returns for images.

    Attributes:
        model: the vision model, which decides the sizes that images are resized to.
        patch: side of a patch in pixels.
        merge: number of patches, in each direction, that become one token.
        frames: how often a still image is repeated.
        scale: for each channel: `pixel_values` are `byte * scale + shift`.
        shift: for each channel.
        filter: the PIL filter that resizes pages off the model's grid; None refuses such pages.
    """

    model: GridModel
    patch: int
    merge: int
    frames: int
    scale: tuple[float, ...]
    shift: tuple[float, ...]
    filter: int | None

    @classmethod
    def of(cls, processor: Any, *, resize: bool = True) -> Patchify:
        """Return the `Patchify` that does the same as a processor, or an image processor, of transformers.

        Args:
            processor: the processor; its patch size, merge size, size limits and normalisation are taken.
            resize: whether pages off the grid are resized, as the processor does with PIL, or refused.

        Raises:
            VisionModelError: the processor is not of these families.
        """
        processor = getattr(processor, "image_processor", processor)
        config = processor.to_dict()
        kind = str(config.get("image_processor_type", type(processor).__name__))
        for suffix in SUFFIXES:
            kind = kind.removesuffix(suffix)
        model = PROCESSORS[kind](config, kind) if kind in PROCESSORS else None
        if not isinstance(model, GridModel):
            raise VisionModelError(
                f"{type(processor).__name__} does not cut images into patches of one grid, as those of GLM-4V and "
                "Qwen-VL do. Use the processor itself."
            )
        factor = float(processor.rescale_factor) if processor.do_rescale else 1.0
        mean, std = (processor.image_mean, processor.image_std) if processor.do_normalize else ((0.0,) * 3, (1.0,) * 3)
        return cls(
            model=model,
            patch=processor.patch_size,
            merge=processor.merge_size,
            frames=processor.temporal_patch_size,
            scale=tuple(factor / deviation for deviation in std),
            shift=tuple(-middle / deviation for middle, deviation in zip(mean, std, strict=True)),
            filter=int(processor.resample) if resize and processor.do_resize else None,
        )

    @property
    def area(self) -> int:
        """Pixels of a patch."""
        return self.patch**2

    @property
    def width(self) -> int:
        """Numbers in a row of `pixel_values`."""
        return 3 * self.frames * self.area

    def __call__(self, pages: PageLike | Iterable[PageLike]) -> dict[str, Tensor]:
        """Return `pixel_values`, float32 (patches, 3 × frames × area), and `image_grid_thw`, int64 (pages, 3).

        Raises:
            DataError: there are no pages, or a page is not grey or RGB bytes.
            VisionModelError: the model refuses a page of this size, or a page is off the grid and not to be resized.
            DependencyError: torch is not installed.
        """
        patches, grid = self.patches(pages)
        return {"pixel_values": self.pixel_values(patches), "image_grid_thw": _torch().from_numpy(grid)}

    def patches(self, pages: PageLike | Iterable[PageLike]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the bytes of the pages in the order of `pixel_values`, and their grid; torch is not needed.

        Returns:
            uint8 (patches, channels × area), with one channel if all pages are grey, else three; and int64 (pages, 3):
                1, rows and columns of patches.

        Raises:
            DataError, VisionModelError: see `__call__`.
        """
        arrays = [self._sized(array, number) for number, array in enumerate(map(page_array, _listed(pages)), start=1)]
        if not arrays:
            raise DataError("there are no pages to make pixel values of. Give a document that has text.")
        channels = max(array.shape[2] for array in arrays)
        grid = np.array([[1, array.shape[0] // self.patch, array.shape[1] // self.patch] for array in arrays], np.int64)
        ends = np.cumsum(grid.prod(1)).tolist()
        patches = np.empty((ends[-1], channels * self.area), np.uint8)
        for array, start, end in zip(arrays, [0, *ends], ends, strict=False):
            self._cut(array, patches[start:end])
        return patches, grid

    def pixel_values(self, patches: NDArray[np.uint8] | Tensor, dtype: Any = None) -> Tensor:
        """Return the `pixel_values` of `patches`.

        Args:
            patches: the result of `Patchify.patches`. A tensor stays on its device, and may hold the bytes in any
                dtype.
            dtype: dtype of the result; None is float32.
        """
        torch = _torch()
        count, channels = len(patches), patches.shape[1] // self.area
        if not isinstance(patches, np.ndarray) and patches.dtype == torch.uint8 and patches.device.type == "cpu":
            patches = patches.numpy()
        if isinstance(patches, np.ndarray):
            # numpy asks for huge pages: the 12 MB of a page cost 1.2 ms, and 5 ms from torch's allocator.
            values = np.empty((count, 3, self.frames, self.area), np.float32)
            scale, shift = np.array(self.scale, np.float32), np.array(self.shift, np.float32)
            for start in range(0, count, _BLOCK):
                block = patches[start : start + _BLOCK].reshape(-1, channels, 1, self.area)
                for channel in range(3):
                    floats = block[:, channel % channels] * scale[channel]
                    floats += shift[channel]
                    values[start : start + _BLOCK, channel] = floats
            return torch.from_numpy(values.reshape(count, -1)).to(dtype or torch.float32)
        rows = patches.reshape(count, channels, 1, self.area).to(torch.float32)
        scale, shift = (rows.new_tensor(each).reshape(3, 1, 1) for each in (self.scale, self.shift))
        whole = (rows * scale + shift).to(dtype or torch.float32)
        return whole.expand(-1, -1, self.frames, -1).reshape(count, -1)

    def _sized(self, array: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
        """Return (h, w, channels) at the size that the model sees."""
        height, width = array.shape[:2]
        size = self.model.image(width, height).size
        if size == (width, height):
            return array
        if self.filter is None:
            raise VisionModelError(
                f"page {number} of {width}×{height} px is off the grid of {self.model.cell} px, or outside the limits "
                f"of the model, which would make {size[0]}×{size[1]} px of it. Use theta.align_to(vision), or resize."
            )
        from PIL import Image

        image = Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
        return np.asarray(image.resize(size, self.filter)).reshape(size[1], size[0], -1)

    def _cut(self, array: NDArray[np.uint8], patches: NDArray[np.uint8]) -> None:
        """Cut (h, w, c) into (patches, channels × area): merged cells row by row, the patches of a cell in turn."""
        side, merge = self.patch, self.merge
        rows, columns = (length // (side * merge) for length in array.shape[:2])
        cells = array.reshape(rows, merge, side, columns, merge, side, -1).transpose(0, 3, 1, 4, 6, 2, 5)
        patches.reshape(rows, columns, merge, merge, -1, side, side)[...] = cells


def page_array(page: Any) -> NDArray[np.uint8]:
    """Return the pixels of a page, a PIL image or an array: uint8 (h, w, 1) if grey, else (h, w, 3).

    Raises:
        DataError: it is none of these.
    """
    array: Any = page
    if isinstance(page, Page):
        array = page.array
    elif hasattr(page, "convert"):  # a PIL image; this test does not import PIL
        array = np.asarray(page if page.mode in ("L", "RGB") else page.convert("L" if page.mode == "1" else "RGB"))
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8:
        raise DataError(f"a page is a {type(array).__name__}, not bytes. Give a Page, a PIL image or a uint8 array.")
    if array.ndim == 2:
        return array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3):
        raise DataError(f"a page is an array of shape {array.shape}. Give (h, w) for grey, or (h, w, 3) for RGB.")
    return array


def fast(processor: Any, *, resize: bool = True, expand: bool = True) -> Any:
    """Return a copy of a processor (of transformers) that makes pixel values with `Patchify`.

    Use the copy wherever the original is used: in a collator, `apply_chat_template`, or a trainer of TRL. A call that
    overrides an option of the image processor goes to the original code.

    Args:
        processor: a whole processor, not only an image processor.
        resize: see `Patchify.of`.
        expand: whether `pixel_values` are floats; if not, they are uint8 patches for a model that `device.on_device`
            prepared.

    Raises:
        VisionModelError: see `Patchify.of`.
    """
    from copy import copy

    patchify = Patchify.of(processor, resize=resize)
    image_processor = copy(processor.image_processor)
    image_processor.__class__ = _patchifying(_plain(type(image_processor)))
    image_processor._patchify, image_processor._expand = patchify, expand
    changed = copy(processor)
    changed.image_processor = image_processor
    return changed


class _Patchifying:
    """The methods that `fast` adds to the class of an image processor."""

    _patchify: Patchify
    _expand: bool

    def preprocess(self, images: Any, **kwargs: Any) -> Any:
        """Return `pixel_values` and `image_grid_thw` of `images`."""
        tensors = kwargs.pop("return_tensors", None)
        if any(value is not None for value in kwargs.values()):
            return super().preprocess(images, return_tensors=tensors, **kwargs)  # type: ignore[misc]
        from transformers import BatchFeature

        patches, grid = self._patchify.patches(_flat(images))
        torch = _torch()
        values = self._patchify.pixel_values(patches) if self._expand else torch.from_numpy(patches)
        if tensors == "pt":
            return BatchFeature({"pixel_values": values, "image_grid_thw": torch.from_numpy(grid)})
        return BatchFeature({"pixel_values": values.numpy(), "image_grid_thw": grid}, tensor_type=tensors)

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration without what `fast` added, so that the original is saved."""
        config: dict[str, Any] = super().to_dict()  # type: ignore[misc]
        return {name: value for name, value in config.items() if name not in ("_patchify", "_expand")}

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (_plain(type(self)), self.__dict__)


def _patchifying(kind: type) -> type:
    return type(kind.__name__, (_Patchifying, kind), {"__module__": kind.__module__, "__qualname__": kind.__qualname__})


def _plain(kind: type) -> type:
    """Return the class that transformers has for `kind`."""
    return kind.__mro__[2] if issubclass(kind, _Patchifying) else kind


def _restore(kind: type, state: dict[str, Any]) -> Any:
    """Return an image processor of `fast`, in another process."""
    processor: Any = object.__new__(_patchifying(kind))
    processor.__dict__.update(state)
    return processor


def _listed(pages: Any) -> Iterable[Any]:
    return [pages] if isinstance(pages, Page | np.ndarray) or hasattr(pages, "convert") else pages


def _flat(images: Any) -> list[Any]:
    """Return the images as one list; processors are given one image, a list, or a list for each text."""
    if isinstance(images, Sequence) and not isinstance(images, str):
        return [image for part in images for image in _flat(part)]
    return [images]


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise DependencyError.of(error, "pixel values need the package torch", extra="transformers") from error
    return torch
