"""A start from which a small model learns to look up: one head sees the token before, and equal contents attract.

A look-up composes steps. The second half of a key must learn of the first; the value on a page must learn of the key to
its left; then both keys must be compared. Each step is worth nothing while another is missing, so its gradient is
nothing: a model without this start reads the values, and takes the line by chance for as long as anybody has waited.

1. **The first head of the first layer looks one token back.** A head scores by position alone if its query and key are
   constant, which its biases are. A pair of dimensions of frequency f, with query (cos f, −sin f) and key (1, 0),
   scores cos f(Δ − 1) for a token that is Δ places before. The sum over the frequencies is highest at Δ = 1, in text;
   on a page that is the cell to the left. Pairs that are rotated by the row are highest in the same row.
2. **In every layer, the key projection starts as the query projection.** So a token attends to tokens that are like it,
   in the dimensions of a head that are not rotated. With step 1, the end of a key is like the value of that key.

The frequencies must tell neighbors apart: θ = 4 and half of each head (`LOOK_UP`), where reading alone does with 10.

The idea that layers lack a view of the token before is that of induction heads (Olsson et al., arXiv 2209.11895) and
of the shift convolutions of H3 (arXiv 2212.14052). Here, it costs no new weights, and training may move it away.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["LOOK_UP", "start_looking_back"]

#: Arguments of `tiny_reader` for a model that learns to look up.
LOOK_UP: Final = {
    "rope_theta": 4.0,
    "rotary": 0.5,
    "rope_sections": (1, 2, 5),
    "mlp_norm": 0.2,
    "look_back": True,
}


def start_looking_back(model: Any, *, strength: float = 8.0, content: float = 0.3) -> None:
    """Give a model the start of this module.

    Args:
        model: a `Glm4vForConditionalGeneration` with as many heads for keys as for queries; its weights are changed.
        strength: length of the constant query and key in each pair of dimensions of the head that looks back.
        content: factor of the weights of its query and key, so that contents hardly matter to it at first.
    """
    import torch

    text = model.model.language_model
    sections = text.config.rope_parameters["mrope_section"]
    by_row = torch.tensor([place % 3 == 1 for place, count in enumerate(sections) for _ in range(count)])
    turned = text.rotary_emb.inv_freq * ~by_row
    rotated = 2 * len(turned)
    with torch.no_grad():
        for layer in text.layers:
            layer.self_attn.k_proj.weight.copy_(layer.self_attn.q_proj.weight)
        first = text.layers[0].self_attn
        query, key = torch.stack((turned.cos(), -turned.sin()), 1), torch.tensor([1.0, 0.0]).repeat(len(turned))
        for linear, constant in ((first.q_proj, query.flatten()), (first.k_proj, key)):
            linear.weight[: first.head_dim] *= content
            linear.bias[: first.head_dim] = 0
            linear.bias[:rotated] = strength * constant
