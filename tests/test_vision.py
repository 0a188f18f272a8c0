"""Visual tokens: what holds for every model, bad sizes and files, calibration."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from glyphrender import compression_ratio
from glyphrender.errors import DataError, EndpointError, VisionModelError
from glyphrender.models.vision import VISION_MODELS, calibrated, vision_from_config, vision_model
from glyphrender.models.vision_table import vision_table

PAGE = Path(__file__).parents[1] / "docs" / "vision.md"

sides = st.integers(1, 8000)


@pytest.mark.slow
@pytest.mark.parametrize("name", VISION_MODELS)
@given(width=sides, height=sides)
def test_any_size_has_a_cost_or_a_typed_error(name: str, width: int, height: int) -> None:
    model = vision_model(name)
    try:
        cost = model.image(width, height)
    except VisionModelError as error:
        refusal = str(error)
    else:
        refusal = ""
        assert cost.tokens >= 1
        assert cost.overhead >= 0
        assert min(cost.size) >= 1
        assert cost.scale == (cost.size[0] / width, cost.size[1] / height)
        assert cost.resampled or cost.size == (width, height)
        assert model.hosted or cost.resampled == (cost.size != (width, height))
        assert model.limits.max_tokens is None or cost.tokens <= model.limits.max_tokens
    assert not refusal or f"{width}×{height} px is refused: {name} takes" in refusal


def test_counting_needs_nothing_heavy() -> None:
    """Servers count pages without a typesetter, and without numpy."""
    program = (
        "import sys, glyphrender.models.vision; print({'numpy', 'PIL', 'skia', 'torch', 'click'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_an_unknown_name_is_answered_with_those_most_like_it() -> None:
    with pytest.raises(
        VisionModelError,
        match=r"model='qwen4-vl' is not a known vision model\. Did you mean qwen3-vl or .*\? `glyphrender models` li",
    ) as caught:
        vision_model("qwen4-vl")
    assert caught.value.model == "qwen4-vl"
    assert len(str(caught.value)) < 200
    with pytest.raises(
        VisionModelError, match=r"'my-model' is not a known vision model\. `glyphrender models` lists all"
    ):
        vision_model("my-model")


#: Names as they are on the hub, at providers and at gateways, and the model of ours that counts their images.
NAMES = {
    "glm-4.1v": "zai-org/Glyph, zai-org/GLM-4.1V-9B-Thinking, THUDM/GLM-4.1V-9B-Base, glm-4.1v-thinking-flash, "
                "unsloth/Glyph-GGUF, /models/Glyph/",
    "glm-4.5v": "zai-org/GLM-4.5V, zai-org/GLM-4.5V-FP8, z-ai/glm-4.5v",
    "glm-4.6v": "zai-org/GLM-4.6V-Flash, z-ai/glm-4.6v",
    "glm-ocr": "zai-org/GLM-OCR",
    "qwen3-vl": "Qwen/Qwen3-VL-8B-Instruct, Qwen/Qwen3-VL-235B-A22B-Thinking-FP8, qwen3-vl:8b, qwen3-vl-plus, "
                "unsloth/Qwen3-VL-8B-Instruct-GGUF:Q4_K_M, accounts/fireworks/models/qwen3-vl-30b-a3b-instruct",
    "qwen3.5": "Qwen/Qwen3.5-397B-A17B, Qwen/Qwen3.5-27B",
    "qwen3.6": "Qwen/Qwen3.6-35B-A3B",
    "qwen2.5-vl": "Qwen/Qwen2.5-VL-7B-Instruct, Qwen/Qwen2.5-VL-72B-Instruct-AWQ, qwen2.5vl:7b, "
                  "accounts/fireworks/models/qwen2p5-vl-32b-instruct, qwen/qwen2.5-vl-72b-instruct:free",
    "qwen2-vl": "Qwen/Qwen2-VL-7B-Instruct, Qwen/Qwen2-VL-2B",
    "internvl3": "OpenGVLab/InternVL3-8B-hf, OpenGVLab/InternVL3-78B",
    "internvl3.5": "OpenGVLab/InternVL3_5-8B-HF, OpenGVLab/InternVL3_5-241B-A28B",
    "internvl2.5": "OpenGVLab/InternVL2_5-8B",
    "deepseek-ocr": "deepseek-ai/DeepSeek-OCR, deepseek-ocr:3b",
    "deepseek-ocr-2": "deepseek-ai/DeepSeek-OCR-2",
    "idefics3": "HuggingFaceM4/Idefics3-8B-Llama3",
    "smolvlm": "HuggingFaceTB/SmolVLM-Instruct, HuggingFaceTB/SmolVLM-Base",
    "smolvlm-256m": "HuggingFaceTB/SmolVLM-256M-Instruct, HuggingFaceTB/SmolVLM-500M-Instruct",
    "llava-next": "llava-hf/llava-v1.6-mistral-7b-hf, llava-hf/llava-next-72b-hf",
    "llava-onevision": "llava-hf/llava-onevision-qwen2-7b-ov-hf",
    "pixtral": "mistralai/Pixtral-12B-2409, pixtral-12b-latest, mistral-community/pixtral-12b",
    "mistral-small-3.1": "mistralai/Mistral-Small-3.1-24B-Instruct-2503, mistral-small3.1:24b, mistral-small-2503",
    "mistral-small-3.2": "mistralai/Mistral-Small-3.2-24B-Instruct-2506, mistral-small-2506",
    "gemma-3": "google/gemma-3-4b-it, google/gemma-3-27b-it, gemma3:12b, google/gemma-3-12b-it-qat-q4_0-gguf",
    "gemma-3n": "google/gemma-3n-E4B-it, gemma3n:e2b",
    "gemma-4": "google/gemma-4-31b-it",
    "llama-4": "meta-llama/Llama-4-Scout-17B-16E-Instruct, llama4:maverick, us.meta.llama4-scout-17b-instruct-v1:0",
    "phi-4-multimodal": "microsoft/Phi-4-multimodal-instruct",
    "claude": "claude-opus-4-7, claude-opus-4-8, anthropic/claude-opus-4.7, claude-opus-5, claude-sonnet-5, "
              "claude-sonnet-5-5, claude-haiku-5-5, claude-fable-5-1, anthropic.claude-opus-4-8, claude-opus-latest, "
              "claude-opus-4-7@20260416, publishers/anthropic/models/claude-opus-5, CLAUDE-OPUS-5",
    "claude-standard": "claude-opus-4-5, claude-opus-4-5-20251101, claude-opus-4-6, claude-opus-4-1-20250805, "
                       "claude-opus-4-20250514, claude-sonnet-4-20250514, claude-sonnet-4-5, claude-haiku-4-5, "
                       "claude-3-5-sonnet-20241022, claude-3-7-sonnet-latest, claude-3-haiku-20240307, "
                       "us.anthropic.claude-sonnet-4-5-20250929-v1:0, global.anthropic.claude-opus-4-5-20251101-v1:0, "
                       "anthropic/claude-sonnet-4.5, claude-sonnet-4-5@20250929, anthropic/claude-3.5-haiku:beta",
    "gpt-6": "gpt-6-astra, openai/gpt-6-sol, gpt-6.2-sol, gpt-6-luna-2026-09-22",
    "gpt-6-high": "gpt-6-high",
    "gpt-5.5": "gpt-5.5, gpt-5.5-pro, openai/gpt-5.5",
    "gpt-5.4": "gpt-5.4, gpt-5.4-2026-03-05, gpt-5.4-pro",
    "gpt-5": "gpt-5, gpt-5-2025-08-07, gpt-5-chat-latest, gpt-5.1, azure/gpt-5",
    "gpt-5-mini": "gpt-5-mini, gpt-5-mini-2025-08-07",
    "gpt-4.1": "gpt-4.1, gpt-4.1-2025-04-14, azure/gpt-4.1",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "gpt-4.1-nano": "gpt-4.1-nano",
    "gpt-4o": "gpt-4o, gpt-4o-2024-11-20, chatgpt-4o-latest, gpt-4-turbo-2024-04-09, gpt-4-1106-vision-preview",
    "gpt-4o-mini": "gpt-4o-mini, openai/gpt-4o-mini-2024-07-18",
    "o3": "o3, o3-2025-04-16, o3-pro, o1",
    "o4-mini": "o4-mini, o4-mini-2025-04-16",
    "gemini-2.5": "gemini-2.5-pro, google/gemini-2.5-flash-preview-09-2025, models/gemini-2.0-flash, gemini-2.5-flash",
    "gemini-3": "gemini-3-pro-preview, gemini-3.1-pro-preview, google/gemini-3.8-flash, "
                "publishers/google/models/gemini-3-flash",
    "gemini-3-low": "gemini-3-low, Gemini-3-Low",
}  # fmt: skip


@pytest.mark.parametrize(("name", "served"), NAMES.items(), ids=list(NAMES))
def test_a_served_name_stands_for_the_model_that_counts_its_images(name: str, served: str) -> None:
    assert {each: vision_model(each).name for each in served.split(", ")} == dict.fromkeys(served.split(", "), name)


#: Models that see no images, or whose way of counting we do not know. None of them is guessed.
STRANGERS = (
    "Qwen/Qwen3-8B, Qwen/Qwen2.5-7B-Instruct, qwen3-coder, zai-org/GLM-4.6, glm-4-9b, deepseek-ai/DeepSeek-V3, "
    "deepseek-ai/deepseek-vl2, microsoft/phi-4, google/gemma-3-1b-it, meta-llama/Llama-3.3-70B-Instruct, "
    "mistralai/Mistral-7B-Instruct-v0.3, claude-2.1, claude-instant-1.2, gpt-4, gpt-4-0613, gpt-3.5-turbo, gpt-5-nano, "
    "gpt-5.2, gpt-5.4-mini, gpt-5.1-codex, gpt-oss-120b, gpt-4o-audio-preview, gpt-4o-mini-tts, gpt-60, o3-mini, "
    "gemini-1.5-pro, gemini-4-neon, gemini-2.5-flash-preview-tts, my-model, m, 4, /, llava-1.5-7b, glyphrender, glyphs"
)


@pytest.mark.parametrize("name", [*STRANGERS.split(", "), "", "  ", "\ud800", "a" * 100_000])
def test_what_we_do_not_know_is_not_guessed(name: str) -> None:
    with pytest.raises(VisionModelError, match="is not a known vision model"):
        vision_model(name)


@pytest.mark.parametrize("name", VISION_MODELS)
def test_our_own_names_are_known_in_any_spelling(name: str) -> None:
    for each in (name, name.upper(), f" {name} ", name.replace("-", "_"), f"someone/{name}"):
        assert vision_model(each) is vision_model(name)


def test_the_tokenizer_is_that_of_the_model_whatever_its_name() -> None:
    served = compression_ratio("One. " * 99, model="Qwen/Qwen3-VL-8B-Instruct")
    assert served == compression_ratio("One. " * 99, model="qwen3-vl")
    assert (served.model, served.tokenizer) == ("qwen3-vl", "qwen3")


def test_names_are_known_in_any_case() -> None:
    assert vision_model("GLM-4.1V") is vision_model("glm-4.1v")


def test_a_page_with_no_pixels_is_refused() -> None:
    with pytest.raises(VisionModelError, match="an image of 0×842 px has no pixels"):
        vision_model("glm-4.1v").image(0, 842)


def test_a_strip_is_refused_with_the_limit_and_the_way_out() -> None:
    with pytest.raises(
        VisionModelError, match=r"8000×30 px is refused: qwen2.5-vl takes sides within 200 : 1.*page_size"
    ):
        vision_model("qwen2.5-vl").image(8000, 30)


def test_a_config_gives_the_model_of_its_name(tmp_path: Path) -> None:
    path = tmp_path / "preprocessor_config.json"
    path.write_text(
        json.dumps(
            {
                "image_processor_type": "Glm4vImageProcessor",
                "patch_size": 14,
                "merge_size": 2,
                "temporal_patch_size": 2,
                "size": {"shortest_edge": 12544, "longest_edge": 9633792},
            }
        )
    )
    model, named = vision_from_config(tmp_path), vision_model("glm-4.1v")
    assert model.limits == named.limits
    assert model.grid == named.grid
    assert model.image(2480, 3508) == named.image(2480, 3508)
    assert vision_from_config(path, max_pixels=2 * 588 * 840).image(2480, 3508).tokens <= 630


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("{", DataError, "cannot be read as JSON"),
        ("[]", DataError, "not a JSON object"),
        ('{"image_processor_type": "CLIPImageProcessor"}', VisionModelError, "'CLIPImageProcessor' is not known"),
        ('{"image_processor_type": "Qwen2VLImageProcessor", "patch_size": "a"}', VisionModelError, "patch_size='a'"),
        ('{"image_processor_type": "Qwen2VLImageProcessor", "patch_size": 0}', VisionModelError, "patch_size=0 is not"),
    ],
)
def test_a_bad_config_is_one_typed_error(tmp_path: Path, text: str, error: type[Exception], message: str) -> None:
    path = tmp_path / "preprocessor_config.json"
    path.write_text(text)
    with pytest.raises(error, match=message):
        vision_from_config(path)


def test_limits_of_the_user_must_be_those_of_the_family(tmp_path: Path) -> None:
    path = tmp_path / "processor_config.json"
    path.write_text('{"image_processor": {"image_processor_type": "PixtralImageProcessorFast"}}')
    assert vision_from_config(path).image(2000, 1000) == vision_model("pixtral").image(2000, 1000)
    with pytest.raises(VisionModelError, match="PixtralImageProcessor has no limits on pixels"):
        vision_from_config(path, max_pixels=10**6)
    path.write_text('{"image_processor_type": "Qwen2VLImageProcessor"}')
    with pytest.raises(VisionModelError, match="min_pixels=3136 is above max_pixels=784"):
        vision_from_config(path, max_pixels=784)


# Tiles that each family can put together; the others are limited by area or side.
# Not Unlimited-OCR: of up to 32 tiles it takes 4 × 4 for a page of 3 × 3, whose area is more than half of theirs.
TILES = {"internvl3": 12, "deepseek-ocr": 9, "deepseek-ocr-2": 6, "llama-4": 16}
TILES |= {"phi-4-multimodal": 36, "llava-onevision": 36}
GRIDDED = ("glm-4.1v", "qwen2.5-vl", "qwen3-vl", "pixtral", "mistral-small-3.1", "claude", "gpt-5.4", *TILES)


@pytest.mark.slow
@pytest.mark.parametrize("name", GRIDDED)
@given(columns=st.integers(1, 64), rows=st.integers(1, 64))
def test_a_page_of_whole_cells_is_not_resampled(name: str, columns: int, rows: int) -> None:
    model = vision_model(name)
    assert model.grid is not None
    if name in TILES:
        columns, rows = 1 + columns % 6, 1 + rows % 6
        assume(1 < columns * rows <= TILES[name])
    width, height = columns * model.grid[0], rows * model.grid[1]
    limits = model.limits
    assume((limits.min_pixels or 0) <= width * height <= (limits.max_pixels or 10**9))
    edge = {"pixtral": 1024, "mistral-small-3.1": 1540, "claude": 2576, "gpt-5.4": 2048}.get(name, 10**9)
    assume(max(width, height) <= edge)
    assume(name not in ("claude", "gpt-5.4") or columns * rows <= {"claude": 4784, "gpt-5.4": 2500}[name])
    assert not model.image(width, height).resampled


def test_a_directory_without_a_config_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no preprocessor_config.json"):
        vision_from_config(tmp_path)


# Examples in the providers' documentation of November 2026, and counts that their endpoints gave (measured).
CLAUDE = [
    ((200, 200), (200, 200), 64, (200, 200), 64),
    ((1000, 1000), (1000, 1000), 1296, (1000, 1000), 1296),
    ((1092, 1092), (1092, 1092), 1521, (1092, 1092), 1521),
    ((1920, 1080), (1456, 819), 1560, (1920, 1080), 2691),
    # Width as by the documentation's own program; its table, which rounds 952.5 up, has 1269.
    ((2000, 1500), (1270, 952), 1564, (2000, 1500), 3888),
    ((3840, 2160), (1456, 819), 1560, (2576, 1449), 4784),
    ((1075, 1520), (924, 1307), 33 * 47, (1075, 1520), 39 * 55),
]
OPENAI = [
    ("gpt-4o", (1024, 1024), 765),
    ("gpt-4o", (2048, 4096), 1105),
    ("gpt-4.1-mini", (1024, 1024), 1659),  # 1024 patches × 1.62
    ("gpt-4.1-mini", (1800, 2400), 2353),  # 1452 patches × 1.62
    ("gpt-4.1-mini", (4000, 1474), 2489),  # 1536 patches × 1.62; 2498 were billed with a short prompt
    ("gpt-6-high", (2048, 2048), 3000),
    ("gpt-5-mini", (768, 1024), 922),  # measured
    ("gpt-5-mini", (2048, 768), 1844),  # measured
]
# Measured, of gpt-6 with detail high, gpt-5.5 and gpt-6 with detail auto.
OPENAI_MEASURED = [
    ((256, 256), 77, 77, 77),
    ((512, 512), 308, 308, 308),
    ((768, 768), 692, 692, 692),
    ((1024, 1024), 1229, 1229, 1229),
    ((1280, 720), 1104, 1104, 1104),
    ((1920, 1080), 2448, 2448, 2448),
    ((1080, 1920), 2448, 2448, 2448),
    ((2560, 1440), 2931, 4320, 4320),
    ((3840, 2160), 2931, 9792, 9792),
    ((4032, 3024), 2942, 11868, 14364),
]


@pytest.mark.parametrize(("size", "standard", "tokens", "high", "high_tokens"), CLAUDE)
def test_claude_costs_and_resizes_as_documented(
    size: tuple[int, int], standard: tuple[int, int], tokens: int, high: tuple[int, int], high_tokens: int
) -> None:
    cost, high_cost = vision_model("claude-standard").image(*size), vision_model("claude").image(*size)
    assert (cost.size, cost.tokens) == (standard, tokens)
    assert (high_cost.size, high_cost.tokens) == (high, high_tokens)


@pytest.mark.parametrize(("name", "size", "tokens"), OPENAI)
def test_openai_costs_as_documented(name: str, size: tuple[int, int], tokens: int) -> None:
    assert vision_model(name).image(*size).tokens == tokens


@pytest.mark.parametrize(("size", "high", "original", "unlimited"), OPENAI_MEASURED)
def test_openai_costs_as_measured(size: tuple[int, int], high: int, original: int, unlimited: int) -> None:
    assert vision_model("gpt-6-high").image(*size).tokens == high
    assert vision_model("gpt-5.5").image(*size).tokens == original
    assert vision_model("gpt-6").image(*size).tokens == unlimited


@pytest.mark.parametrize(("size", "tiles"), [((960, 540), 6), ((384, 384), 1), ((595, 842), 6)])
def test_gemini_2_costs_as_documented(size: tuple[int, int], tiles: int) -> None:
    assert vision_model("gemini-2.5").image(*size).tokens == 258 * tiles


def test_hosted_models_refuse_what_their_providers_refuse() -> None:
    with pytest.raises(VisionModelError, match=r"8001×100 px is refused: claude takes sides up to 8000 px"):
        vision_model("claude").image(8001, 100)
    with pytest.raises(VisionModelError, match="gpt-6 takes up to 30000 patches of 32 px"):
        vision_model("gpt-6").image(7952, 5304)


SIZES = [(256, 256), (512, 512), (768, 1024), (1024, 768), (300, 2000)]


def test_calibration_finds_price_and_overhead() -> None:
    model = vision_model("qwen3-vl")
    fitted = calibrated(model, lambda w, h: round(1.2 * model.image(w, h).tokens) + 11, SIZES)
    assert fitted.slope == pytest.approx(1.2, abs=0.002)
    assert fitted.image(1000, 1400).overhead == 11
    assert fitted.image(1000, 1400).tokens == pytest.approx(1.2 * model.image(1000, 1400).tokens, abs=2)
    assert fitted.worst < 1
    assert hash(fitted) == hash(fitted)  # models are keys of caches
    assert fitted.image(300, 2000).tokens == round(1.2 * model.image(300, 2000).tokens)


def test_calibration_of_another_kind_of_model_shows() -> None:
    assert calibrated(vision_model("qwen3-vl"), lambda w, h: 258, [*SIZES, (2000, 2000)]).worst < 1
    assert calibrated(vision_model("qwen3-vl"), lambda w, h: w, SIZES).worst > 100


def test_calibration_needs_counts_that_differ_and_are_numbers() -> None:
    with pytest.raises(VisionModelError, match="cost qwen3-vl the same"):
        calibrated(vision_model("qwen3-vl"), lambda w, h: 1, [(512, 512), (513, 512)])
    with pytest.raises(EndpointError, match="is 0"):
        calibrated(vision_model("qwen3-vl"), lambda w, h: 0, SIZES)


def test_the_examples_of_the_document_run() -> None:
    result = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert result.attempted == 14
    assert result.failed == 0


def test_the_document_has_the_table_of_models() -> None:
    assert vision_table() in PAGE.read_text(encoding="utf-8")
