"""transformers' own processors, built from configuration, asked what an image costs.

Each is the real processor with the real image processor, called as for a model; the placeholders in the `input_ids` it
returns are counted. Three things are made here, none of which decides a size: the tokenizer, of bytes and the special
tokens that the processor writes; the pixels, which are blank after each resize; and, for the three image processors
that transformers 5.23 has for torchvision alone (Llama 4, Phi-4, Unlimited-OCR), the resizing and padding of tensors.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any

Measured = tuple[int, int, list[tuple[int, int]]]


@dataclass(frozen=True)
class Reference:
    """One processor and the models of ours that it stands for.

    Attributes:
        models: names in glyphrender.
        processor: `module.Class` in transformers.models.
        image_processor: `module.Class` in transformers.models; without `Pil` where there is only torchvision's.
        options: constructor arguments of the image processor.
        processor_options: constructor arguments of the processor.
        prompt: the prompt, an image's part of the chat template.
        placeholder: the token that stands for one visual token.
        specials: the other special tokens.
        named: special tokens that the tokenizer has as attributes.
        copies: images in the prompt.
    """

    models: tuple[str, ...]
    processor: str
    image_processor: str
    prompt: str
    placeholder: str
    options: dict[str, Any] = field(default_factory=dict)
    processor_options: dict[str, Any] = field(default_factory=dict)
    specials: tuple[str, ...] = ()
    named: dict[str, str] = field(default_factory=dict)
    copies: int = 1


GLM = ("<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>", "<|end_of_video|>", "<|video|>")
QWEN = ("<|vision_start|>", "<|vision_end|>", "<|video_pad|>")
GLM_PROMPT = "<|begin_of_image|><|image|><|end_of_image|>"
QWEN_PROMPT = "<|vision_start|><|image_pad|><|vision_end|>"
GLM_AREA = {"size": {"shortest_edge": 12_544, "longest_edge": 9_633_792}}
QWEN_2_AREA = {"size": {"shortest_edge": 3_136, "longest_edge": 12_845_056}}
QWEN_3 = {"size": {"shortest_edge": 65_536, "longest_edge": 16_777_216}, "patch_size": 16}
TILE_MARKS = tuple(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7))
IDEFICS = ("<fake_token_around_image>", "<end_of_utterance>", "<global-img>", *TILE_MARKS)
LLAVA_VIEW = {"size": {"shortest_edge": 336}, "crop_size": {"height": 336, "width": 336}}
PIXTRAL = ("[IMG_BREAK]", "[IMG_END]")
GEMMA_3_NAMES = {
    "boi_token": "<start_of_image>",
    "eoi_token": "<end_of_image>",
    "image_token": "<image_soft_token>",
}
GEMMA_4_NAMES = {
    "boi_token": "<|image>",
    "eoi_token": "<image|>",
    "image_token": "<|image|>",
    "boa_token": "<|audio>",
    "eoa_token": "<audio|>",
    "audio_token": "<|audio|>",
}
LLAMA = ("<|image_start|>", "<|image_end|>", "<|image|>", "<|tile_x_separator|>", "<|tile_y_separator|>")


def _qwen(models: tuple[str, ...], processor: str, options: dict[str, Any]) -> Reference:
    image_processor = "qwen2_vl.image_processing_pil_qwen2_vl.Qwen2VLImageProcessorPil"
    return Reference(models, processor, image_processor, QWEN_PROMPT, "<|image_pad|>", options, specials=QWEN)


def _idefics(models: tuple[str, ...], family: str, longest: int, tile: int, tokens: int, **options: Any) -> Reference:
    module, name = family.split(".")
    return Reference(
        models,
        f"{module}.processing_{module}.{name}Processor",
        f"{module}.image_processing_pil_{module}.{name}ImageProcessorPil",
        "<image>",
        "<image>",
        {"size": {"longest_edge": longest}, "max_image_size": {"longest_edge": tile}, "return_row_col_info": True},
        {"image_seq_len": tokens, **options},
        IDEFICS,
    )


def _pixtral(models: tuple[str, ...], longest: int, patch: int, merge: int) -> Reference:
    return Reference(
        models,
        "pixtral.processing_pixtral.PixtralProcessor",
        "pixtral.image_processing_pil_pixtral.PixtralImageProcessorPil",
        "[IMG]",
        "[IMG]",
        {"size": {"longest_edge": longest}, "patch_size": {"height": patch, "width": patch}},
        {"patch_size": patch, "spatial_merge_size": merge},
        PIXTRAL,
    )


def _gemma_3(models: tuple[str, ...], side: int) -> Reference:
    return Reference(
        models,
        "gemma3.processing_gemma3.Gemma3Processor",
        "gemma3.image_processing_pil_gemma3.Gemma3ImageProcessorPil",
        "<start_of_image>",
        "<image_soft_token>",
        {"size": {"height": side, "width": side}},
        named=GEMMA_3_NAMES,
    )


def _gemma_4(models: tuple[str, ...], budget: int) -> Reference:
    return Reference(
        models,
        "gemma4.processing_gemma4.Gemma4Processor",
        "gemma4.image_processing_pil_gemma4.Gemma4ImageProcessorPil",
        "<|image|>",
        "<|image|>",
        {"max_soft_tokens": budget},
        {"feature_extractor": None, "video_processor": None},
        named=GEMMA_4_NAMES,
    )


def _onevision(models: tuple[str, ...], copies: int) -> Reference:
    return Reference(
        models,
        "llava_onevision.processing_llava_onevision.LlavaOnevisionProcessor",
        "llava_onevision.image_processing_pil_llava_onevision.LlavaOnevisionImageProcessorPil",
        "<image>",
        "<image>",
        processor_options={"num_image_tokens": 729, "vision_feature_select_strategy": "full"},
        specials=("<video>",),
        copies=copies,
    )


REFERENCES = (
    Reference(
        ("glm-4.1v", "glm-4.5v"),
        "glm4v.processing_glm4v.Glm4vProcessor",
        "glm4v.image_processing_pil_glm4v.Glm4vImageProcessorPil",
        GLM_PROMPT,
        "<|image|>",
        GLM_AREA,
        specials=GLM,
    ),
    Reference(
        ("glm-4.6v", "glm-ocr"),
        "glm46v.processing_glm46v.Glm46VProcessor",
        "glm46v.image_processing_pil_glm46v.Glm46VImageProcessorPil",
        GLM_PROMPT,
        "<|image|>",
        GLM_AREA,
        specials=GLM,
    ),
    _qwen(("qwen2-vl",), "qwen2_vl.processing_qwen2_vl.Qwen2VLProcessor", QWEN_2_AREA),
    _qwen(("qwen2.5-vl",), "qwen2_5_vl.processing_qwen2_5_vl.Qwen2_5_VLProcessor", QWEN_2_AREA),
    _qwen(("qwen3-vl", "qwen3.5", "qwen3.6"), "qwen3_vl.processing_qwen3_vl.Qwen3VLProcessor", QWEN_3),
    Reference(
        ("internvl2.5", "internvl3", "internvl3.5"),
        "internvl.processing_internvl.InternVLProcessor",
        "got_ocr2.image_processing_pil_got_ocr2.GotOcr2ImageProcessorPil",
        "<IMG_CONTEXT>",
        "<IMG_CONTEXT>",
        {"size": {"height": 448, "width": 448}, "crop_to_patches": True},
        {"image_seq_length": 256},
        named={
            "start_image_token": "<img>",
            "end_image_token": "</img>",
            "context_image_token": "<IMG_CONTEXT>",
            "video_token": "<video>",
        },
    ),
    Reference(
        ("deepseek-ocr-2",),
        "deepseek_ocr2.processing_deepseek_ocr2.DeepseekOcr2Processor",
        "deepseek_ocr2.image_processing_pil_deepseek_ocr2.DeepseekOcr2ImageProcessorPil",
        "<image>",
        "<image>",
    ),
    Reference(
        ("unlimited-ocr",),
        "unlimited_ocr.processing_unlimited_ocr.UnlimitedOcrProcessor",
        "unlimited_ocr.image_processing_unlimited_ocr.UnlimitedOcrImageProcessor",
        "<image>",
        "<image>",
    ),
    Reference(
        ("deepseek-ocr",),
        "unlimited_ocr.processing_unlimited_ocr.UnlimitedOcrProcessor",
        "unlimited_ocr.image_processing_unlimited_ocr.UnlimitedOcrImageProcessor",
        "<image>",
        "<image>",
        {"max_patches": 9},
    ),
    Reference(
        ("deepseek-ocr-base",),
        "unlimited_ocr.processing_unlimited_ocr.UnlimitedOcrProcessor",
        "unlimited_ocr.image_processing_unlimited_ocr.UnlimitedOcrImageProcessor",
        "<image>",
        "<image>",
        {"crop_to_patches": False},
    ),
    Reference(
        ("deepseek-ocr-large",),
        "unlimited_ocr.processing_unlimited_ocr.UnlimitedOcrProcessor",
        "unlimited_ocr.image_processing_unlimited_ocr.UnlimitedOcrImageProcessor",
        "<image>",
        "<image>",
        {"crop_to_patches": False, "size": {"height": 1280, "width": 1280}},
    ),
    _idefics(("idefics3",), "idefics3.Idefics3", 1456, 364, 169),
    _idefics(("smolvlm",), "smolvlm.SmolVLM", 1536, 384, 81, video_processor=None),
    _idefics(("smolvlm-256m",), "smolvlm.SmolVLM", 2048, 512, 64, video_processor=None),
    Reference(
        ("llava-next",),
        "llava_next.processing_llava_next.LlavaNextProcessor",
        "llava_next.image_processing_pil_llava_next.LlavaNextImageProcessorPil",
        "<image>",
        "<image>",
        LLAVA_VIEW,
        {"patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1},
    ),
    _onevision(("llava-onevision",), 1),
    _onevision(("llava-onevision-several",), 2),
    _pixtral(("pixtral",), 1024, 16, 1),
    _pixtral(("mistral-small-3.1", "mistral-small-3.2"), 1540, 14, 2),
    _gemma_3(("gemma-3",), 896),
    _gemma_3(("gemma-3n",), 768),
    _gemma_4(("gemma-4",), 280),
    _gemma_4(("gemma-4-560",), 560),
    _gemma_4(("gemma-4-1120",), 1120),
    Reference(
        ("llama-4",),
        "llama4.processing_llama4.Llama4Processor",
        "llama4.image_processing_llama4.Llama4ImageProcessor",
        "<|image|>",
        "<|patch|>",
        specials=LLAMA,
    ),
    Reference(
        ("phi-4-multimodal",),
        "phi4_multimodal.processing_phi4_multimodal.Phi4MultimodalProcessor",
        "phi4_multimodal.image_processing_phi4_multimodal.Phi4MultimodalImageProcessor",
        "<|image|>",
        "<|image|>",
        {},
        {"audio_processor": None},
        named={"image_token": "<|image|>", "audio_token": "<|audio|>"},
    ),
)


def measure(reference: Reference) -> Callable[[int, int], Measured]:
    """A function from width and height to what the processor makes of an image of that size.

    It gives the visual tokens, the other tokens, and the sizes (width, height) that the image was resized to; it
    raises what the processor raises.
    """
    from PIL import Image
    from transformers import ProcessorMixin

    sizes: list[tuple[int, int]] = []
    if "pil" in reference.image_processor:
        image_processor = build_image_processor(reference)
    else:
        image_processor = _tensor_image_processor(reference, sizes)
    tokenizer = _tokenizer(reference)
    with _replaced(ProcessorMixin, "check_argument_for_proper_class", lambda *_: None):  # video_processor=None
        options = {"image_processor": image_processor, "tokenizer": tokenizer, **reference.processor_options}
        processor = _named(reference.processor)(**options)
    placeholder = tokenizer.convert_tokens_to_ids(reference.placeholder)

    def measured(width: int, height: int) -> Measured:
        image = Image.new("RGB", (width, height))
        images = [image] if reference.copies == 1 else [[image] * reference.copies]
        sizes.clear()
        # Neither brightness nor resampling changes a size.
        without = {"do_rescale": False, "do_normalize": False}
        with _replaced(Image.Image, "resize", _blank_resize(sizes)):
            inputs = processor(images=images, text=[reference.prompt * reference.copies], images_kwargs=without)
        ids = [int(token) for token in inputs["input_ids"][0]]
        visual = ids.count(placeholder)
        return visual // reference.copies, (len(ids) - visual) // reference.copies, list(sizes)

    return measured


def _named(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(f"transformers.models.{module}"), name)


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


def _tokenizer(reference: Reference) -> Any:
    """Bytes, the special tokens, and two newlines as one token, which all the models' vocabularies have."""
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    newline = "\u010a"
    vocabulary = {symbol: number for number, symbol in enumerate([*alphabet, newline * 2])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[(newline, newline)]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    specials = dict.fromkeys((*reference.specials, *reference.named.values(), reference.placeholder, reference.prompt))
    specials.pop(GLM_PROMPT, None)
    specials.pop(QWEN_PROMPT, None)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in specials])
    named = {
        **reference.named,
        **{f"{name}_id": tokenizer.token_to_id(token) for name, token in reference.named.items()},
    }
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=10**9, pad_token="\u0100")
    for name, value in named.items():
        object.__setattr__(made, name, value)
    return made


def _blank_resize(sizes: list[tuple[int, int]]) -> Callable[..., Any]:
    """In place of `Image.resize`: an empty image of the size asked for, which is noted."""
    from PIL import Image

    def resize(self: Any, size: tuple[int, int], *_: Any, **__: Any) -> Any:
        sizes.append((int(size[0]), int(size[1])))
        return Image.new(self.mode, (int(size[0]), int(size[1])))

    return resize


def build_image_processor(reference: Reference) -> Any:
    """The image processor of a reference that has one for PIL."""
    return _named(reference.image_processor)(**reference.options)


def _tensor_image_processor(reference: Reference, sizes: list[tuple[int, int]]) -> Any:
    """An image processor for torchvision, on blank tensors."""
    import torch

    _blank_torchvision(sizes)
    kind = _named(reference.image_processor)
    from transformers.image_utils import SizeDict

    class Blank(kind):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            for name, value in reference.options.items():
                setattr(self, name, value)

        def __call__(self, images: Any, **kwargs: Any) -> Any:
            while isinstance(images[0], list):
                images = [image for nested in images for image in nested]
            tensors = [_blank(torch, (3, image.height, image.width)) for image in images]
            names = ("crop_to_patches", "min_patches", "max_patches", "tile_size", "maximum_pad_value")
            names += ("resize_to_max_canvas", "patch_size", "dynamic_hd", "image_mean", "image_std", "resample")
            options = {name: getattr(self, name) for name in names if hasattr(self, name)}
            options |= {
                "do_resize": True,
                "do_rescale": False,
                "do_normalize": False,
                "rescale_factor": 1,
                "disable_grouping": None,
            }
            return self._preprocess(tensors, size=SizeDict(**self.size), return_tensors=None, **options)

        def resize(self, image: Any, size: Any, **_: Any) -> Any:
            if not size.height or not size.width:  # as the method replaced, and torch's interpolation
                raise ValueError(f"no size: {size}")
            sizes.append((int(size.width), int(size.height)))
            return _blank(torch, (*image.shape[:-2], size.height, size.width))

        def rescale_and_normalize(self, images: Any, *_: Any, **__: Any) -> Any:
            return images

    return Blank()


def _blank(torch: ModuleType, shape: tuple[int, ...]) -> Any:
    """A tensor of any shape that holds one number."""
    return torch.zeros((), dtype=torch.uint8).expand(*shape)


def _blank_torchvision(sizes: list[tuple[int, int]]) -> None:
    """Put `resize` and `pad`, all that is used of torchvision, where the modules look for it."""
    import torch

    import_module("transformers.image_processing_backends")  # before: it decides whether there is a torchvision
    names = [
        "torchvision",
        "torchvision.transforms",
        "torchvision.transforms.v2",
        "torchvision.transforms.v2.functional",
    ]
    modules = [ModuleType(name) for name in names]
    for outer, inner in zip(modules, modules[1:], strict=False):
        setattr(outer, inner.__name__.rpartition(".")[2], inner)
    functional: Any = modules[-1]

    def resize(image: Any, size: tuple[int, int]) -> Any:
        if min(size) < 1:
            raise ValueError(f"no size: {size}")
        sizes.append((int(size[1]), int(size[0])))
        return _blank(torch, (*image.shape[:-2], *size))

    def pad(image: Any, padding: list[int], fill: Any) -> Any:
        left, top, right, bottom = padding
        return _blank(torch, (*image.shape[:-2], image.shape[-2] + top + bottom, image.shape[-1] + left + right))

    functional.resize, functional.pad = resize, pad
    sys.modules.update(zip(names, modules, strict=True))
