"""FLOPs, bytes and seconds of one request on one device, by arithmetic. No torch is needed.

Each stage takes the longer of two times: its FLOPs at the stated share of the device's peak, and its bytes at the
stated share of the bandwidth (the roofline model of Williams, Waterman and Patterson, 2009). Prefill of a long prompt
is bound by FLOPs, decoding by bytes. Norms, softmax, sampling, the host and the network are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from glyphrender.errors import DataError, shown
from glyphrender.models.arithmetic import ModelShape
from glyphrender.models.devices import Device

__all__ = ["Cost", "Shares", "cost", "step_seconds", "tower_flops"]

# The backward pass costs two forward passes: gradients of activations, and gradients of weights.
_PASSES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
    """How much of a device's peaks a program reaches, and how it is used.

    Attributes:
        mfu: share of the peak FLOP/s in prefill and training (model FLOPs utilization).
        decode_mfu: the same in decoding many sequences at once, which is products with weights alone.
        bandwidth: share of the peak bandwidth.
        memory: share of the memory that weights and cache may have.
        answer: tokens that are generated, or learned in training.
        number_bytes: bytes of a number of weights and cache.
        devices: number of devices, each with an equal part of everything. Communication is left out.
        recompute: whether training keeps the inputs of layers and blocks only, and computes the rest again.
    """

    mfu: float = 0.45
    decode_mfu: float = 0.7
    bandwidth: float = 0.7
    memory: float = 0.9
    answer: int = 256
    number_bytes: int = 2
    devices: int = 1
    recompute: bool = False

    def __post_init__(self) -> None:
        """Refuse shares outside (0, 1], and counts below 1."""
        for name in ("mfu", "decode_mfu", "bandwidth", "memory"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
                raise DataError(f"{name}={shown(value)} is no share. Use a number above 0 and up to 1.")
        for name in ("answer", "number_bytes", "devices"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise DataError(f"{name}={shown(value)} is no count. Use an integer from 1.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """One request by arithmetic. FLOPs and bytes are of one sequence, seconds of the device.

    Attributes:
        tokens: tokens of the prompt, visual ones with it.
        visual_tokens: visual tokens.
        tower_flops, linear_flops, attention_flops, logits_flops: the parts of prefill.
        prefill_seconds: seconds of tower and language model until the first token.
        tower_seconds: the tower's part of them.
        prefill_bytes: bytes that prefill moves: all weights that it needs, and the cache that it writes.
        kv_bytes: cache of the prompt.
        decode_flops: one token, with half of the answer before it.
        decode_bytes: bytes that are read for one token at batch 1.
        decode_seconds: seconds of one token at batch 1.
        batch: most sequences whose caches fit beside the weights; 0 if not one does.
        throughput: tokens a second of all sequences at this batch; 0 if not one fits.
        train_flops: one sample in training, answer and backward pass with it.
        train_flops_frozen: the same with a tower that is not trained.
        train_seconds, train_seconds_frozen: their seconds.
        activation_bytes: activations of one sample in training, in a type of two bytes.
    """

    tokens: int
    visual_tokens: int
    tower_flops: int
    linear_flops: int
    attention_flops: int
    logits_flops: int
    prefill_seconds: float
    tower_seconds: float
    prefill_bytes: int
    kv_bytes: int
    decode_flops: int
    decode_bytes: int
    decode_seconds: float
    batch: int
    throughput: float
    train_flops: int
    train_flops_frozen: int
    train_seconds: float
    train_seconds_frozen: float
    activation_bytes: int

    @property
    def prefill_flops(self) -> int:
        """All FLOPs of prefill."""
        return self.tower_flops + self.linear_flops + self.attention_flops + self.logits_flops


def tower_flops(shape: ModelShape, pages: Sequence[int]) -> int:
    """Return the FLOPs of the vision tower for `pages`, the visual tokens of each."""
    return sum(count * shape.tower.flops(tokens) for tokens, count in Counter(pages).items())


def step_seconds(
    shape: ModelShape, device: Device, *, cached: int, sequences: int, shares: Shares | None = None
) -> float:
    """Return the seconds of one step of decoding, one token of each sequence.

    Args:
        shape: shapes of the model.
        device: the device.
        cached: tokens in the cache of each sequence.
        sequences: number of sequences.
        shares: what of the device is reached; by default see `Shares`.
    """
    shares = shares or Shares()
    flops = sequences * shape.decoder.forward_flops(1, start=cached)
    cache = sequences * shape.decoder.kv_bytes(cached, bytes_each=shares.number_bytes)
    moved = _read_weights(shape, shares.number_bytes) + cache
    return max(
        flops / (shares.decode_mfu * device.flops * shares.devices),
        moved / (shares.bandwidth * device.bandwidth * shares.devices),
    )


def _read_weights(shape: ModelShape, number_bytes: int) -> int:
    """Return the bytes of weights that every step reads.

    The embedding is looked up, row by row. The output projection is read whole, tied or not.
    """
    decoder = shape.decoder
    return number_bytes * (decoder.layers * decoder.layer_matrices + decoder.hidden * decoder.vocabulary)


def cost(
    shape: ModelShape, device: Device, *, text_tokens: int = 0, pages: Sequence[int] = (), shares: Shares | None = None
) -> Cost:
    """Return the cost of a request.

    Args:
        shape: shapes of the model.
        device: the device.
        text_tokens: tokens of the prompt that are not visual: the text, or marks around pages.
        pages: visual tokens of each page.
        shares: what of the device is reached; by default see `Shares`.

    Raises:
        DataError: the prompt is empty, or a page has no tokens.
    """
    shares = shares or Shares()
    if text_tokens < 0 or any(each < 1 for each in pages) or not text_tokens + len(pages):
        raise DataError(f"text_tokens={text_tokens}, pages={shown(list(pages[:3]))}: the prompt needs tokens, from 1.")
    decoder, number = shape.decoder, shares.number_bytes
    rate = shares.mfu * device.flops * shares.devices
    bandwidth = shares.bandwidth * device.bandwidth * shares.devices
    visual = sum(pages)
    tokens = visual + text_tokens

    tower = tower_flops(shape, pages)
    linear, attention = decoder.linear_flops(tokens), decoder.attention_flops(tokens)
    logits = 2 * decoder.hidden * decoder.vocabulary
    weights = _read_weights(shape, number)
    tower_weights = number * shape.tower.parameters if pages else 0
    kv = decoder.kv_bytes(tokens, bytes_each=number)
    tower_seconds = max(tower / rate, tower_weights / bandwidth)
    prefill_seconds = tower_seconds + max((linear + attention + logits) / rate, (weights + kv) / bandwidth)

    middle = tokens + shares.answer // 2
    decode = decoder.forward_flops(1, start=middle)
    cache = decoder.kv_bytes(middle, bytes_each=number)

    def step(sequences: int) -> float:
        return step_seconds(shape, device, cached=middle, sequences=sequences, shares=shares)

    free = shares.memory * device.memory * shares.devices - number * shape.parameters
    batch = max(0, int(free // decoder.kv_bytes(tokens + shares.answer, bytes_each=number)))

    whole = decoder.forward_flops(tokens + shares.answer, logits=shares.answer)
    passes = _PASSES + shares.recompute
    decoder_train = passes * whole - shares.recompute * logits * shares.answer  # logits are not computed again
    train, frozen = decoder_train + passes * tower, decoder_train + tower
    activations = shape.activations(
        visual_tokens=visual,
        text_tokens=text_tokens + shares.answer,
        checkpoints=shares.recompute,
        frozen_tower=not pages,
    )
    return Cost(
        tokens=tokens,
        visual_tokens=visual,
        tower_flops=tower,
        linear_flops=linear,
        attention_flops=attention,
        logits_flops=logits,
        prefill_seconds=prefill_seconds,
        tower_seconds=tower_seconds,
        prefill_bytes=weights + tower_weights + kv,
        kv_bytes=kv,
        decode_flops=decode,
        decode_bytes=weights + cache,
        decode_seconds=step(1),
        batch=batch,
        throughput=batch / step(batch) if batch else 0.0,
        train_flops=train,
        train_flops_frozen=frozen,
        train_seconds=train / rate,
        train_seconds_frozen=frozen / rate,
        activation_bytes=activations.held + activations.peak,
    )
