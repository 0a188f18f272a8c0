"""A real GLM-4.1V that is small enough to build, train and serve in seconds (extra `transformers`).

The examples in these documents, the tests and the benchmarks use this model. It is not part of the installed package.

All parts come from transformers and are built from configuration: the model class with random weights, the image
processor with the limits of the published checkpoint, and a tokenizer of 256 bytes and the special tokens. So code that
runs with this model also runs with the model of nine thousand million parameters. Only the answers differ: the tiny
model is untrained and says noise.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import ProxyHandler, build_opener

from glyphrender.errors import DependencyError, EndpointError, the_extra
from glyphrender.train.reader.byte_tokenizer import CHAT_TEMPLATE, END, byte_tokenizer, token_ids

__all__ = ["byte_tokenizer", "save", "serving", "tiny_glm4v"]

# Limits of the published checkpoint, in pixels × 2 frames: at most 6144 tokens an image.
AREA = {"shortest_edge": 12_544, "longest_edge": 9_633_792}


def tiny_glm4v(
    *,
    hidden_size: int = 64,
    layers: int = 2,
    vision_layers: int = 2,
    intermediate_size: int = 128,
    seed: int = 0,
) -> tuple[Any, Any]:
    """Return (model, processor): a GLM-4.1V of some 0.3 million parameters on the CPU, and its processor.

    Args:
        hidden_size: width of the language model and of the vision tower, a multiple of 32.
        layers: layers of the language model.
        vision_layers: layers of the vision tower.
        intermediate_size: width inside the feed-forward layers of both.
        seed: seed of the weights; torch's own generator is left as it was.

    Returns:
        `Glm4vForConditionalGeneration` in evaluation mode, float32; `Glm4vImagesProcessor`.

    Raises:
        DependencyError: torch or transformers is not installed.
    """
    try:
        import torch
        from transformers import Glm4vConfig, Glm4vForConditionalGeneration
        from transformers.models.glm4v.image_processing_pil_glm4v import Glm4vImageProcessorPil
    except ImportError as error:
        raise _missing() from error
    from glyphrender.train.reader.glm4v_images import Glm4vImagesProcessor

    tokenizer = byte_tokenizer()
    end = tokenizer.convert_tokens_to_ids(END)
    heads = 4
    # Rotary dimensions of one head go to time, height and width; they must add up to half of them.
    rotary = hidden_size // heads // 2
    side = rotary // 3
    config = Glm4vConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": hidden_size,
            "intermediate_size": intermediate_size,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": heads // 2,
            "max_position_embeddings": 131_072,
            "pad_token_id": end,
            "eos_token_id": end,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10_000.0,
                "partial_rotary_factor": 1.0,
                "mrope_section": [rotary - 2 * side, side, side],
            },
        },
        vision_config={
            "depth": vision_layers,
            "hidden_size": hidden_size,
            "num_heads": heads,
            "out_hidden_size": hidden_size,
            "intermediate_size": intermediate_size,
        },
        **token_ids(tokenizer),
        tie_word_embeddings=True,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Glm4vForConditionalGeneration(config).eval()
    model.generation_config.update(eos_token_id=end, pad_token_id=end)
    processor = Glm4vImagesProcessor(Glm4vImageProcessorPil(size=AREA), tokenizer, chat_template=CHAT_TEMPLATE)
    return model, processor


def save(model: Any, processor: Any, path: str | os.PathLike[str]) -> None:
    """Write a directory that `transformers serve` and `AutoProcessor.from_pretrained` load.

    Both need `trust_remote_code`: without torchvision no class of transformers itself is GLM-4.1V's processor.
    """
    model.save_pretrained(path)
    processor.save_pretrained(path)


@contextmanager
def serving(path: str | os.PathLike[str], *, timeout: float = 600.0) -> Iterator[str]:
    """Serve a saved model on this machine's loopback, by `transformers serve`, while the `with` block runs.

    Args:
        path: a directory that `save` wrote.
        timeout: seconds until the server must answer; it takes some ten.

    Yields:
        the base URL of the OpenAI-compatible API, as `http://127.0.0.1:40123/v1`. The model's name there is `path`.

    Raises:
        EndpointError: the server ended, or did not answer in time. The message has the last words that it wrote.
    """
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", os.fspath(path), "--trust-remote-code"]
    command += ["--device", "cpu", "--dtype", "float32", "--host", "127.0.0.1", "--port", "0"]
    with TemporaryDirectory() as room, (Path(room) / "log").open("w+b") as log:
        # The list of models is that of the hub's cache, which must exist.
        environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1", "HF_HUB_CACHE": room}
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        try:
            url = _waited(server, Path(room) / "log", timeout)
            yield f"{url}/v1"
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _waited(server: subprocess.Popen[bytes], log: Path, timeout: float) -> str:
    """Wait until the server answers and return its address, with the port that it took and wrote into its log.

    Raises:
        EndpointError: the server ended, or the time is over.
    """
    opener = build_opener(ProxyHandler({}))  # a proxy of the environment cannot reach this loopback
    end = time.monotonic() + timeout
    while server.poll() is None and time.monotonic() < end:
        if running := re.search(rb"running on (http://127\.0\.0\.1:[1-9]\d*)", log.read_bytes()):
            url = running[1].decode()
            try:
                with opener.open(f"{url}/health", timeout=5):
                    return url
            except OSError:  # URLError is one
                pass
        time.sleep(0.2)
    ended = server.poll()
    failure = f"did not answer in {timeout:g} s" if ended is None else f"ended with status {ended}"
    written = log.read_text("utf-8", "replace").split()[-50:]
    raise EndpointError(f"transformers serve {failure}. It wrote last: {' '.join(written) or 'nothing'}")


def _missing() -> DependencyError:
    return DependencyError(
        f"a tiny model needs the packages torch and transformers. Install {the_extra('transformers')}."
    )
