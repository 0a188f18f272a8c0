"""Processors of transformers without torchvision (extra `transformers`).

In transformers 5, image processors need PIL or torchvision, and video processors need torchvision. Without torchvision,
the classes that take images only (Idefics3, LLaVA, Pixtral, Gemma 3 …) load as they are. Those that take videos too
(GLM-4V, Qwen-VL, SmolVLM …) do not load at all; this module loads them without their video half. It also defines what
the messages of a chat hold and where pages stand in them, because this is the same for all processors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from io import BytesIO
from os import PathLike, fspath
from types import SimpleNamespace
from typing import Any

from glyphrender.document.page import Page
from glyphrender.errors import DataError, DependencyError, VisionModelError

__all__ = ["image_only", "load_config", "load_processor", "with_pages"]

Message = Mapping[str, Any]


def load_config(path_or_id: str | PathLike[str], *, trust_remote_code: bool = False) -> Any:
    """Return the configuration of a model that takes images.

    Raises:
        DependencyError: transformers is not installed.
        DataError: there is no model at `path_or_id`.
        VisionModelError: the model takes no images.
    """
    try:
        from transformers import AutoConfig
        from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
    except ImportError as error:
        raise missing(error) from error
    try:
        config = AutoConfig.from_pretrained(path_or_id, trust_remote_code=trust_remote_code)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{fspath(path_or_id)} is no model that transformers can load ({_first_line(error)}). "
            "Name a directory with a config.json, or a model of the hub."
        ) from error
    if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING and not hasattr(config, "auto_map"):
        raise VisionModelError(
            f"{fspath(path_or_id)} is a {type(config).__name__}: it takes no images. Name a vision-language model."
        )
    return config


def load_processor(path_or_id: str | PathLike[str], *, trust_remote_code: bool = False) -> Any:
    """Return the processor of a vision-language model, without its video half if torchvision is not installed.

    Args:
        path_or_id: a directory, or the name of a model on the hub.
        trust_remote_code: whether to run code that lies beside the model, if transformers has no class for it.

    Raises:
        DependencyError: transformers, or a package that this processor needs, is not installed.
        DataError, VisionModelError: see `load_config`; or there is no processor, or one without a chat template.
    """
    config = load_config(path_or_id, trust_remote_code=trust_remote_code)
    from transformers import AutoProcessor
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING
    from transformers.utils import is_torchvision_available

    known = type(config) in PROCESSOR_MAPPING
    kind = PROCESSOR_MAPPING[type(config)] if known else AutoProcessor
    options: dict[str, Any] = {}
    if known and "video_processor" in kind.get_attributes() and not is_torchvision_available():
        kind, options = image_only(kind), {"video_processor": None}
    elif not known:
        options = {"trust_remote_code": trust_remote_code}
    try:
        processor = kind.from_pretrained(path_or_id, **options)
    except ImportError as error:
        raise DependencyError(f"the processor of {fspath(path_or_id)} says: {_first_line(error)}") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{fspath(path_or_id)} has no processor ({_first_line(error)}). Save it there too.") from error
    if not hasattr(processor, "image_processor"):  # AutoProcessor falls back to a tokenizer
        raise VisionModelError(f"{fspath(path_or_id)} has no processor of images. Save its processor there too.")
    return processor


@cache
def image_only(kind: type) -> type:
    """Return the class of a processor without its video half, under the same name.

    `get_attributes` decides what is checked, saved and loaded; `__init__` of the original then drops the video
    processor.
    """
    name = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    return type(kind.__name__, (_ImageOnly, kind), name)


class _ImageOnly:
    # The processor of SmolVLM asks for these two whenever a chat is rendered.
    video_processor = SimpleNamespace(num_frames=None, fps=None)

    @classmethod
    def get_attributes(cls) -> list[str]:
        """Return the names of the parts."""
        parts: list[str] = super().get_attributes()  # type: ignore[misc]
        return [part for part in parts if part != "video_processor"]

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self).__mro__[2], self.__dict__)


def _restore(kind: type, state: dict[str, Any]) -> Any:
    """Return a processor of `image_only`, in another process."""
    processor: Any = object.__new__(image_only(kind))
    processor.__dict__.update(state)
    return processor


def with_pages(messages: Iterable[Message], pages: Sequence[Any], *, where: str = "the chat") -> list[Message]:
    """Return messages as chat templates take them: every content a list of parts, and the pages in their places.

    Pages fill the parts {"type": "image"} that name no image of their own, in order. If there are no such parts, the
    pages stand before the text of the first message of the user.

    Args:
        messages: messages of the roles system, user and assistant; a content is a str or a list of parts.
        pages: `Page`, PIL images, uint8 arrays, or {"bytes": …} of image files.
        where: the name of the messages in errors.

    Returns:
        new messages, with each page as {"type": "image", "image": PIL image}.

    Raises:
        DataError: a message is malformed, or there are more or fewer places than pages.
    """
    parted = [_parted(message, where) for message in messages]
    holes = [part for message in parted for part in message["content"] if _is_hole(part)]
    if not holes and pages:
        first = next((message for message in parted if message["role"] == "user"), None)
        if first is None:
            raise DataError(f"{where}: no message of the user can hold the pages. Begin with one.")
        holes = [{"type": "image"} for _ in pages]
        first["content"][:0] = holes
    if len(holes) != len(pages):
        raise DataError(
            f"{where}: {len(holes)} image parts for {len(pages)} pages. Give as many, or none to put the pages first."
        )
    for hole, page in zip(holes, pages, strict=True):
        hole["image"] = page
    for picture in (part for message in parted for part in message["content"] if "image" in part):
        picture["image"] = as_image(picture["image"])
    return [*parted]


def images_of(messages: Iterable[Message]) -> list[Any]:
    """Return the images of messages that `with_pages` gave, in order."""
    return [part["image"] for message in messages for part in message["content"] if "image" in part]


def as_image(page: Any) -> Any:
    """Return a PIL image of a page, an array, a PIL image, or a dict with the bytes of a file as `datasets` stores it.

    Raises:
        DataError: it is none of these, or the bytes are no image.
    """
    from glyphrender.adapters.pixels import page_array

    if hasattr(page, "convert"):
        return page
    if isinstance(page, Page):
        return page.image
    from PIL import Image

    if isinstance(page, Mapping) and isinstance(page.get("bytes"), bytes):
        try:
            image = Image.open(BytesIO(page["bytes"]))
            image.load()
        except OSError as error:
            raise DataError(f"the bytes of a page are no image ({error}). Give those of a PNG.") from error
        return image
    array = page_array(page)
    return Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)


def _parted(message: Message, where: str) -> dict[str, Any]:
    """Return a copy of a message whose content is a list of copied parts."""
    try:
        role, content = message["role"], message["content"]
    except (TypeError, KeyError) as error:
        raise DataError(f'{where}: {message!r:.80} is no message. Give {{"role": …, "content": …}}.') from error
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if not isinstance(content, Sequence) or not all(isinstance(part, Mapping) and "type" in part for part in content):
        raise DataError(f"{where}: content {content!r:.80} is neither text nor a list of parts with a type.")
    # Datasets give every part every key, as None.
    return {"role": role, "content": [{k: v for k, v in part.items() if v is not None} for part in content]}


def _is_hole(part: Mapping[str, Any]) -> bool:
    return part["type"] == "image" and "image" not in part


def missing(error: ImportError) -> DependencyError:
    """Return the error that names the extra."""
    return DependencyError.of(error, "this needs the packages torch and transformers", extra="transformers")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
