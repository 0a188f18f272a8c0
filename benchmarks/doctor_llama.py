"""`glyphrender doctor` against llama.cpp's server: a Pixtral of random weights, well served and not.

    pip install gguf xllamacpp            # in any environment; its Python is named with --python
    python benchmarks/doctor_llama.py --python other/bin/python

The model is written here as two GGUF files: a Llama of two layers with one token a byte, and the vision part of a
Pixtral. What it says is noise, so nothing is said about thoughts and reading. Each line has the options of the server,
what should be found, and what was found.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# Options of the server → the kinds of faults that stand for them.
RUNS: dict[str, tuple[str, ...]] = {
    "image_max_tokens=4096": (),
    "": ("max-pixels",),  # llama.cpp's own limit for Pixtral is 1,024 tokens
    "image_max_tokens=512": ("max-pixels",),
    "image_max_tokens=4096 image_min_tokens=300": ("min-pixels",),
    "image_max_tokens=4096 cache_prompt=0": ("no-prefix-cache",),
    "image_max_tokens=4096 n_ctx=2048": ("prompt-refused",),
    "mmproj=": ("images-refused",),
}
WIDTH, INNER, LAYERS, HEADS, PATCH = 64, 96, 2, 4, 16
SPECIAL = ["<s>", "</s>", "[IMG]", "[IMG_BREAK]", "[IMG_END]", "[INST]", "[/INST]", "[SYS]", "[/SYS]", "<pad>"]
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}[SYS]{{ m.content }}[/SYS]"
    "{% elif m.role == 'user' %}[INST]{{ m.content }}[/INST]{% else %}{{ m.content }}</s>{% endif %}{% endfor %}"
)


def write(folder: Path) -> None:
    """Write `llm.gguf` and `mmproj.gguf`."""
    import gguf
    import numpy as np

    draw = np.random.default_rng(0)

    def tensor(writer: Any, name: str, *shape: int) -> None:
        norm = "norm" in name or ".ln" in name or "pre_ln" in name
        data = np.ones(shape) if norm else draw.standard_normal(shape) * 0.05
        writer.add_tensor(name, data.astype(np.float32))

    def finish(writer: Any) -> None:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]  # bytes that GPT-2's alphabet shows as they are
    rest = [byte for byte in range(256) if byte not in shown]
    letters = [chr(byte) if byte in shown else chr(256 + rest.index(byte)) for byte in range(256)]
    # A vocabulary needs one merge. These two bytes never stand in UTF-8.
    tokens = [*SPECIAL, *letters, letters[0xFE] + letters[0xFF]]
    llm = gguf.GGUFWriter(folder / "llm.gguf", "llama")
    llm.add_context_length(32_768)
    llm.add_embedding_length(WIDTH)
    llm.add_block_count(LAYERS)
    llm.add_feed_forward_length(INNER)
    llm.add_head_count(HEADS)
    llm.add_head_count_kv(HEADS)
    llm.add_layer_norm_rms_eps(1e-5)
    llm.add_rope_dimension_count(WIDTH // HEADS)
    llm.add_vocab_size(len(tokens))
    llm.add_tokenizer_model("gpt2")
    llm.add_tokenizer_pre("default")
    llm.add_token_list(tokens)
    llm.add_token_types([3] * len(SPECIAL) + [1] * 257)
    llm.add_token_merges([f"{letters[0xFE]} {letters[0xFF]}"])
    llm.add_bos_token_id(0)
    llm.add_eos_token_id(1)
    llm.add_chat_template(TEMPLATE)
    tensor(llm, "token_embd.weight", len(tokens), WIDTH)
    tensor(llm, "output_norm.weight", WIDTH)
    tensor(llm, "output.weight", len(tokens), WIDTH)
    for layer in range(LAYERS):
        for name in ("attn_norm", "ffn_norm"):
            tensor(llm, f"blk.{layer}.{name}.weight", WIDTH)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensor(llm, f"blk.{layer}.{name}.weight", WIDTH, WIDTH)
        for name, shape in (("gate", (INNER, WIDTH)), ("up", (INNER, WIDTH)), ("down", (WIDTH, INNER))):
            tensor(llm, f"blk.{layer}.ffn_{name}.weight", *shape)
    finish(llm)

    eyes = gguf.GGUFWriter(folder / "mmproj.gguf", "clip")
    eyes.add_bool("clip.has_vision_encoder", True)
    eyes.add_string("clip.projector_type", "pixtral")
    numbers = {"image_size": 1024, "patch_size": PATCH, "embedding_length": WIDTH, "feed_forward_length": INNER,
               "block_count": LAYERS, "attention.head_count": HEADS, "projection_dim": WIDTH}  # fmt: skip
    for name, value in numbers.items():
        eyes.add_uint32(f"clip.vision.{name}", value)
    eyes.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    eyes.add_array("clip.vision.image_mean", [0.5] * 3)
    eyes.add_array("clip.vision.image_std", [0.5] * 3)
    eyes.add_bool("clip.use_silu", True)
    tensor(eyes, "v.patch_embd.weight", WIDTH, 3, PATCH, PATCH)
    tensor(eyes, "v.pre_ln.weight", WIDTH)
    for layer in range(LAYERS):
        for name in ("ln1", "ln2"):
            tensor(eyes, f"v.blk.{layer}.{name}.weight", WIDTH)
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            tensor(eyes, f"v.blk.{layer}.{name}.weight", WIDTH, WIDTH)
        for name, shape in (("gate", (INNER, WIDTH)), ("up", (INNER, WIDTH)), ("down", (WIDTH, INNER))):
            tensor(eyes, f"v.blk.{layer}.ffn_{name}.weight", *shape)
    for name in ("mm.1", "mm.2"):
        tensor(eyes, f"{name}.weight", WIDTH, WIDTH)
        tensor(eyes, f"{name}.bias", WIDTH)
    tensor(eyes, "v.token_embd.img_break", WIDTH)
    finish(eyes)


def serve(folder: Path, port: int, options: str) -> None:
    """Serve the files until the process is ended."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(folder / "llm.gguf")
    if "mmproj=" not in options:
        params.mmproj.path = str(folder / "mmproj.gguf")
    params.n_ctx, params.n_parallel, params.port, params.hostnames = 16_384, 1, port, ["127.0.0.1"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.use_jinja, params.warmup, params.n_gpu_layers = True, False, 0
    for name, value in (each.split("=") for each in options.split() if "mmproj" not in each):
        setattr(params, name, type(getattr(params, name))(int(value)))
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    time.sleep(600)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="a Python with gguf and xllamacpp")
    parser.add_argument("--serve", nargs=3, metavar=("FOLDER", "PORT", "OPTIONS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        folder, port, options = given.serve
        write(Path(folder))
        serve(Path(folder), int(port), options)
        return 0
    from doctor_faults import kinds, told

    from glyphrender.inference.endpoint import Endpoint
    from glyphrender.inference.preflight.probes import PreflightPlan
    from glyphrender.inference.preflight.run import preflight
    from glyphrender.models.tokenizers import Tokenizer
    from glyphrender.models.vision import vision_model
    from glyphrender.theta import Theta

    counter = Tokenizer("bytes", lambda text: len(text.encode()))
    model = vision_model("pixtral")
    wrong = 0
    for options, wanted in RUNS.items():
        plan = PreflightPlan(
            model=model, theta=Theta().align_to(model), counter=counter, images=4, most=4096, answer=16,
            nonce=time.time_ns(),
        )  # fmt: skip
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with tempfile.TemporaryDirectory() as room:
            command = [given.python, __file__, "--serve", room, str(port), options]
            server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            try:
                assert server.stdout is not None
                address = next(line for line in server.stdout if line.startswith("http")).strip()
                endpoint = Endpoint(base_url=f"{address}/v1", temperature=0.0, timeout=60.0, retries=0)
                found = kinds(preflight(endpoint, plan))
            finally:
                server.kill()
                server.wait()
        wrong += not told(f"llama.cpp: {options or 'its own limits'}", wanted, found)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
