"""Parameters, FLOPs and bytes by arithmetic, against models that transformers builds and runs."""

from __future__ import annotations

from typing import Any

import pytest
from small_configs import small, small_qwen

from glyphrender.errors import DataError
from glyphrender.models.arithmetic import ModelShape, published, published_names

NINE = ModelShape.of(published("glm-4.1v-9b"))
EIGHT = ModelShape.of(published("qwen3-vl-8b"))


def test_the_published_9b_has_as_many_parameters_as_transformers_builds() -> None:
    assert NINE.parameters == 10_292_777_472
    assert NINE.tower.parameters == 892_498_432
    assert NINE.decoder.layers * NINE.decoder.layer_parameters == 8_158_760_960


def test_the_published_qwen_has_half_as_many_parameters_as_its_checkpoint_has_bytes() -> None:
    # `total_size` of the index of Qwen3-VL-8B-Instruct's bfloat16 files: see models/configs/README.md.
    assert 2 * EIGHT.parameters == 17_534_247_392
    assert EIGHT.decoder.kv_bytes(1) == 147_456


def test_small_configurations_keep_the_proportion_of_tower_and_language_model() -> None:
    nine = NINE.tower.flops(630) / NINE.decoder.linear_flops(630)
    assert nine == pytest.approx(0.45, abs=0.005)
    for name in ("glm4v-40m", "glm4v-100m"):
        shape = ModelShape.of(published(name))
        assert 30e6 <= shape.parameters <= 105e6
        assert shape.tower.flops(630) / shape.decoder.linear_flops(630) == pytest.approx(nine, abs=0.05)
    large = ModelShape.of(published("glm4v-30m-large-tower"))
    assert large.tower.flops(630) > 4 * large.decoder.linear_flops(630)


def test_the_published_9b_states_its_rotary_width_and_sections() -> None:
    small_ones = ("glm4v-100m", "glm4v-30m-large-tower", "glm4v-40m")
    assert published_names() == ("glm-4.1v-9b", *small_ones, "qwen3-vl-8b")
    assert published_names("qwen3_vl") == ("qwen3-vl-8b",)
    rotary = published("glm-4.1v-9b")["text_config"]["rope_parameters"]
    assert (rotary["partial_rotary_factor"], rotary["mrope_section"]) == (0.5, [8, 12, 12])


def test_flops_of_128k_visual_tokens_are_those_of_the_study() -> None:
    decoder, tower = NINE.decoder, NINE.tower
    assert decoder.linear_flops(131_072) == pytest.approx(2.14e15, rel=0.002)
    assert decoder.attention_flops(131_072) == pytest.approx(5.63e15, rel=0.002)
    assert tower.flops(630) / 630 == pytest.approx(7.36e9, rel=0.002)
    assert decoder.kv_bytes(1) == 40_960


def test_a_configuration_of_another_family_or_without_a_number_is_refused() -> None:
    with pytest.raises(DataError, match=r"model_type='llava' has no arithmetic here\. Use one of glm4v, qwen3_vl"):
        ModelShape.of({"model_type": "llava"})
    config = small()
    del config["text_config"]["intermediate_size"]
    with pytest.raises(DataError, match="lacks 'intermediate_size'"):
        ModelShape.of(config)
    del config["vision_config"]
    with pytest.raises(DataError, match="lacks 'vision_config'"):
        ModelShape.of(config)
    with pytest.raises(DataError, match=r"model 'glm-5' has no bundled configuration\. Use one of glm-4\.1v-9b"):
        published("glm-5")


def built(config: dict[str, Any]) -> Any:
    """Return the model of a configuration, in bfloat16."""
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText

    return AutoModelForImageTextToText.from_config(AutoConfig.for_model(**config)).to(torch.bfloat16)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["glm-4.1v-9b", "qwen3-vl-8b", "the defaults of Qwen3VLConfig"])
def test_parameters_equal_those_that_transformers_builds_on_the_meta_device(name: str) -> None:
    import torch
    from transformers import Qwen3VLConfig

    config = published(name) if name in published_names() else Qwen3VLConfig().to_dict()
    with torch.device("meta"):
        model = built(config)
    assert sum(each.numel() for each in model.parameters()) == ModelShape.of(config).parameters
    assert sum(each.numel() for each in model.model.visual.parameters()) == ModelShape.of(config).tower.parameters


@pytest.mark.slow
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(
    "made", [small(), small_qwen(), small_qwen(attention_bias=True)], ids=["glm4v", "qwen3_vl", "qwen3_vl biased"]
)
def test_parameters_equal_those_of_a_built_model(made: dict[str, Any], tied: bool) -> None:
    config = {**made, "tie_word_embeddings": tied}
    model = built(config)
    assert sum(parameter.numel() for parameter in model.parameters()) == ModelShape.of(config).parameters
    tower = sum(parameter.numel() for parameter in model.model.visual.parameters())
    assert tower == ModelShape.of(config).tower.parameters


@pytest.mark.slow
@pytest.mark.parametrize("config", [small(), small_qwen()], ids=["glm4v", "qwen3_vl"])
def test_flops_of_the_language_model_equal_those_that_torch_counts(config: dict[str, Any]) -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        model = built(config).model.language_model
        inputs = torch.empty(1, 50, 96, dtype=torch.bfloat16)
        with FlopCounterMode(display=False) as counter:
            model(inputs_embeds=inputs, position_ids=torch.arange(50).expand(3, 1, 50), use_cache=False)
    products = counter.get_flop_counts()["Global"]
    # Attention is left out: torch does not count its fused kernel on every device.
    counted = sum(each for operation, each in products.items() if str(operation) in ("aten.mm", "aten.addmm"))
    assert counted == ModelShape.of(config).decoder.linear_flops(50)


@pytest.mark.slow
@pytest.mark.parametrize("config", [small(), small_qwen()], ids=["glm4v", "qwen3_vl"])
@pytest.mark.parametrize("checkpoints", [False, True])
def test_activations_are_what_autograd_saves_in_a_whole_model(checkpoints: bool, config: dict[str, Any]) -> None:
    import torch

    model = built(config).train()
    if checkpoints:
        getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)()
    pages, side = 4, 12
    image = [297] + [299] * (side * side // 4) + [296]
    ids = torch.tensor([image * pages + list(range(5, 205))])
    visual = pages * side * side // 4
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    saved: dict[int, int] = {}
    kept = []

    def keep(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage.nbytes()
        kept.append(tensor)  # so that no address is given twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model.model(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            pixel_values=torch.randn(pages * side * side, 1176).bfloat16(),
            image_grid_thw=torch.tensor([[1, side, side]] * pages),
            mm_token_type_ids=(ids == 299).int(),
            use_cache=False,
        )
    expected = ModelShape.of(config).activations(
        visual_tokens=visual, text_tokens=ids.shape[1] - visual, checkpoints=checkpoints
    )
    assert expected.held == pytest.approx(sum(saved.values()), rel=0.05)
