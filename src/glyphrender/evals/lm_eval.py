"""lm_eval's tasks with contexts as pages: a model class for lm_eval 0.4.13 (extra `lm-eval`).

lm_eval gives each request as one prompt, with the row that it was made from. The row's own `context` occurs in the
prompt word for word, so the prompt splits exactly: the text before, the pages, the text after. Deviations from
lm_eval's runs with text, and from the official scripts, are in `docs/lm-eval.md`.

    python -m glyphrender.evals.lm_eval --model glyphrender --tasks longbench_2wikimqa \\
        --model_args base_url=http://127.0.0.1:8000/v1,model=zai-org/Glyph,preset=dense@glm-4.1v
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

from glyphrender.document.render import render
from glyphrender.errors import DataError, DependencyError
from glyphrender.evals.sampling import spoken
from glyphrender.inference.conversation import Conversation
from glyphrender.inference.endpoint import Endpoint
from glyphrender.inference.model import EndpointModel, Model
from glyphrender.theta import Theta, ThetaLike

__all__ = ["PromptParts", "pages_lm", "register", "split_prompt"]

# A shorter text is no context, and stays text.
_LEAST: Final = 500


class PromptParts(NamedTuple):
    """A prompt of lm_eval in three parts, which together are the prompt.

    Attributes:
        before: the text before the context.
        context: the text that becomes pages; empty if the prompt has none.
        after: the text after it.
    """

    before: str
    context: str
    after: str


def split_prompt(prompt: str, row: Mapping[str, Any], *, least: int = _LEAST) -> PromptParts:
    """Return a prompt in three parts.

    The context is the row's `context` if the prompt has it exactly once (all sets of LongBench). A row of RULER has no
    `context` but an `input`, which is the whole prompt: there, the context is everything between the first and the last
    line. Any other prompt has no context, and stays text.

    >>> split_prompt("Read: a b c. Q?", {"context": "a b c"}, least=3)
    PromptParts(before='Read: ', context='a b c', after='. Q?')

    Args:
        prompt: the whole prompt.
        row: the row of the data set.
        least: characters of the shortest context that becomes pages.
    """
    context = row.get("context")
    if isinstance(context, str) and len(context) >= least and prompt.count(context) == 1:
        return PromptParts(*prompt.partition(context))
    body = row.get("input")
    if not isinstance(context, str) and isinstance(body, str) and body.strip() and body.strip() in prompt:
        first, last = prompt.find("\n") + 1, prompt.rstrip().rfind("\n")
        if 0 < first < last and last - first >= least:
            return PromptParts(prompt[:first], prompt[first:last], prompt[last:])
    return PromptParts(prompt, "", "")


def pages_lm(
    model: Model, theta: ThetaLike = None, *, concurrency: int = 4, least: int = _LEAST, thinking_tokens: int = 0
) -> Any:
    """Return a model for `lm_eval.simple_evaluate(model=…)` that sees each context as pages.

    Args:
        model: the model that is asked. lm_eval's temperature and other sampling are not passed on: set them here.
        theta: the rendering parameters.
        concurrency: most requests at a time.
        least: see `split_prompt`.
        thinking_tokens: tokens that a reply may have beyond lm_eval's limit. Thoughts are cut before scoring.

    Raises:
        DependencyError: lm_eval is not installed.
        ThetaError: θ is not valid.
    """
    return _model_class()(model, Theta.of(theta), concurrency, least, thinking_tokens)


def register() -> None:
    """Make the model known to lm_eval's command line as `glyphrender`.

    Its `--model_args` are base_url, model, preset or theta (a file), temperature, concurrency and thinking_tokens.

    Raises:
        DependencyError: lm_eval is not installed.
    """
    from importlib import import_module

    model_class = _model_class()

    class FromArguments(model_class):  # type: ignore[misc,valid-type]
        """The model with arguments of the command line."""

        def __init__(self, **given: Any) -> None:
            given = {
                name: value for name, value in given.items() if name not in ("batch_size", "max_batch_size", "device")
            }
            theta = _theta(given.pop("preset", None), given.pop("theta", None))
            concurrency, thinking = int(given.pop("concurrency", 4)), int(given.pop("thinking_tokens", 0))
            temperature = given.pop("temperature", 0.0)
            endpoint = Endpoint(
                model=given.pop("model", ""),
                base_url=given.pop("base_url", None),
                temperature=None if temperature in (None, "none") else float(temperature),
            )
            if given:
                known = "base_url, model, preset, theta, temperature, concurrency, thinking_tokens"
                raise DataError(f"model_args {', '.join(sorted(given))} are not known. Use some of: {known}.")
            super().__init__(EndpointModel(endpoint=endpoint), theta, concurrency, _LEAST, thinking)

    import_module("lm_eval.api.registry").register_model("glyphrender")(FromArguments)


def _theta(preset: str | None, path: str | None) -> Theta:
    if preset is not None and path is not None:
        raise DataError(f"model_args preset={preset} and theta={path} are both given. Choose one.")
    return Theta.load(path) if path is not None else Theta.preset(preset or "dense@glm-4.1v")


def _model_class() -> Callable[..., Any]:
    try:
        from lm_eval.api.model import LM
    except ImportError as error:
        raise DependencyError.of(error, "lm_eval's tasks need the package lm_eval", extra="lm-eval") from error

    class PagesLM(LM):  # type: ignore[misc]
        """A model of lm_eval that sees contexts as pages.

        Attributes:
            pages: pages that were sent.
            unsplit: prompts that had no context, and were sent as text.
        """

        def __init__(self, model: Model, theta: Theta, concurrency: int, least: int, thinking: int) -> None:
            super().__init__()
            self.model, self.theta, self.concurrency, self.least, self.thinking = (
                model,
                theta,
                concurrency,
                least,
                thinking,
            )
            self.pages = self.unsplit = 0

        def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
            """Return the reply to each request, without thoughts, and cut at lm_eval's stop texts."""
            with ThreadPoolExecutor(self.concurrency) as pool:
                found = list(pool.map(self._reply, requests))
            self.pages += sum(pages for _, pages in found)
            self.unsplit += sum(not pages for _, pages in found)
            return [text for text, _ in found]

        def _reply(self, request: Any) -> tuple[str, int]:
            prompt, settings = request.args
            parts = split_prompt(prompt, request.doc, least=self.least)
            document = render(parts.context, self.theta) if parts.context else None
            asked = [part for part in (parts.before, document, parts.after) if part is not None and part != ""]
            reply = self.model.complete(
                Conversation.ask(*asked), max_tokens=int(settings.get("max_gen_toks", 256)) + self.thinking
            )
            until = settings.get("until") or []
            stop = [until] if isinstance(until, str) else until
            text = spoken(reply.text, thoughts="all" if self.thinking else "closed", stop=stop)
            self.cache_hook.add_partial("generate_until", request.args, text)
            return text, 0 if document is None else len(document)

        def loglikelihood(self, requests: list[Any], **given: Any) -> list[Any]:
            raise DataError("pages are answered, not scored by likelihood. Use tasks of the type generate_until.")

        loglikelihood_rolling = loglikelihood

        # lm_eval asks for these two if a chat template is applied. The server applies its own.
        tokenizer_name = "glyphrender"

        def apply_chat_template(self, chat: list[Mapping[str, str]], add_generation_prompt: bool = True) -> str:
            return "\n\n".join(turn["content"] for turn in chat)

    return PagesLM


def main() -> None:
    """Run lm_eval's own command line, with the model `glyphrender`."""
    from importlib import import_module

    register()
    import_module("lm_eval.__main__").cli_evaluate()


if __name__ == "__main__":
    main()
