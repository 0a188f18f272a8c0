"""The forms of chats that people have, each read into turns (`chat_turns`).

A record is one of these; the first form whose columns are there is taken:

    {"messages": [{"role", "content"}, …]}      OpenAI; content is text, or parts of type text or document
    {"conversations": [{"from": "human" | "gpt" | …, "value"}, …]}     ShareGPT
    {"context", "question", "answer" or "answers"}              questions about a text. LongBench calls the question
                                                                "input", Dolly "instruction"; SQuAD has {"text": […]}
    {"instruction", "input", "output", "system", "history"}     Alpaca
    {"prompt", "completion" or "response"}                      each is text or messages; {"query", "response"}, and
                                                                {"question", "answer"} without a context

Thoughts stay in the answer: those of a field "reasoning_content" are written before it, in <think> … </think>.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from glyphrender.errors import DataError, shown
from glyphrender.train.rows.page_policy import ChatPart, PagePolicy, PageText

__all__ = ["CHAT_FORMS", "ChatTurn", "chat_turns", "listed"]

_ROLES: Final = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "tool": "tool",
    "observation": "tool",
}
_REASONING: Final = ("reasoning_content", "reasoning", "thinking")
_QUESTIONS: Final = ("question", "input", "query", "instruction")
_ANSWERS: Final = ("response", "answer", "answers", "output", "completion")
_NONE: Final[list[Any]] = []
#: The forms in words, for messages.
CHAT_FORMS: Final = "messages; conversations; context and question; instruction; or prompt and completion"


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One turn of a chat.

    Attributes:
        role: "system", "user", "assistant" or "tool".
        parts: texts, and texts that become pages, in order.
    """

    role: str
    parts: tuple[ChatPart, ...]

    @property
    def text(self) -> str:
        """All its characters, whether they become pages or not."""
        return "".join(part.text if isinstance(part, PageText) else part for part in self.parts)


def chat_turns(record: Mapping[str, Any], policy: PagePolicy) -> list[ChatTurn]:
    """Return the turns of a record.

    Raises:
        DataError: it has none of the known forms, or a turn is malformed.
    """
    for columns, form in _BY_COLUMNS:
        if all(record.get(column) is not None for column in columns):
            return form(record, policy)
    raise DataError(f"the columns {', '.join(map(str, record)) or '(none)'} make no chat. Give {CHAT_FORMS}.")


def listed(answers: Any) -> list[Any]:
    """Return a list of answers: of one, of several, or of {"text": […]} as SQuAD has them."""
    if isinstance(answers, Mapping):
        answers = answers.get("text")
    return list(answers) if isinstance(answers, list | tuple) else [answers]


def _of_messages(record: Mapping[str, Any], policy: PagePolicy) -> list[ChatTurn]:
    return _chat("messages", record["messages"], policy)


def _of_conversations(record: Mapping[str, Any], policy: PagePolicy) -> list[ChatTurn]:
    system = [ChatTurn("system", (record["system"],))] if _filled(record, "system") else []
    name = "conversations" if record.get("conversations") is not None else "conversation"
    return system + _chat(name, record[name], policy)


def _of_question(record: Mapping[str, Any], policy: PagePolicy) -> list[ChatTurn]:
    context = _text(record, "context")
    question = next((_text(record, name) for name in _QUESTIONS if record.get(name) is not None), "")
    given = next((listed(record[name]) for name in _ANSWERS if record.get(name) is not None), _NONE)
    answer = given[0] if given else ""
    answer = str(answer) if isinstance(answer, int | float) else answer
    system = [ChatTurn("system", (record["system"],))] if _filled(record, "system") else []
    before = "\n\n" if context and question else ""
    return [*system, ChatTurn("user", _joined((*policy.context(context), before + question))), _answer(answer)]


def _of_instruction(record: Mapping[str, Any], policy: PagePolicy) -> list[ChatTurn]:
    turns = [ChatTurn("system", (record["system"],))] if _filled(record, "system") else []
    turns += _history(record, policy)
    instruction = _text(record, "instruction")
    context = _text(record, "input") if record.get("input") is not None else ""
    if context:
        parts = _joined((instruction + "\n" if instruction else "", *policy.context(context)))
    else:
        parts = policy.parts("user", instruction)
    return [*turns, ChatTurn("user", parts), _answer(record.get("output"))]


def _history(record: Mapping[str, Any], policy: PagePolicy) -> list[ChatTurn]:
    turns = []
    for pair in record.get("history") or ():
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(isinstance(each, str) for each in pair):
            raise DataError(f"history has {shown(pair)}, which is no pair of question and answer. Correct it.")
        turns += [ChatTurn("user", policy.parts("user", pair[0])), _answer(pair[1])]
    return turns


def _of_prompt(record: Mapping[str, Any], policy: PagePolicy) -> list[ChatTurn]:
    asked = next(name for name in ("prompt", "query", "question") if record.get(name) is not None)
    prompt = record[asked]
    name = next((each for each in ("completion", *_ANSWERS) if record.get(each) is not None), "completion")
    turns = [ChatTurn("system", (record["system"],))] if _filled(record, "system") else []
    if isinstance(prompt, str):
        turns += [*_history(record, policy), ChatTurn("user", policy.parts("user", prompt))]
    else:
        turns += _chat(asked, prompt, policy)
    completion = record.get(name)
    if isinstance(completion, list) and all(isinstance(each, Mapping) for each in completion) and completion:
        return turns + _chat(name, completion, policy)
    given = listed(completion)
    answer = given[0] if given else ""
    return [*turns, _answer(str(answer) if isinstance(answer, int | float) else answer)]


_Form: TypeAlias = Callable[[Mapping[str, Any], PagePolicy], list[ChatTurn]]
_BY_COLUMNS: Final[tuple[tuple[tuple[str, ...], _Form], ...]] = (
    (("messages",), _of_messages),
    (("conversations",), _of_conversations),
    (
        ("conversation",),
        lambda record, policy: _of_conversations({**record, "conversations": record["conversation"]}, policy),
    ),
    *((("context", question), _of_question) for question in _QUESTIONS),
    (("instruction",), _of_instruction),
    *(((prompt,), _of_prompt) for prompt in ("prompt", "query", "question")),
)


def _chat(name: str, messages: Any, policy: PagePolicy) -> list[ChatTurn]:
    if not isinstance(messages, list | tuple):
        raise DataError(f"{name} is {shown(messages)}, no list of messages. Correct it.")
    return [_turn(message, f"message {number} of {name}", policy) for number, message in enumerate(messages)]


def _turn(message: Any, where: str, policy: PagePolicy) -> ChatTurn:
    if not isinstance(message, Mapping):
        raise DataError(f"{where} is {shown(message)}, no object. Give it a role and a content.")
    given = message.get("role", message.get("from"))
    role = _ROLES.get(given.lower(), "") if isinstance(given, str) else ""
    if not role:
        raise DataError(f"{where} is of {shown(given)}. Use system, user, assistant or tool (human and gpt, too).")
    if message.get("tool_calls") or message.get("function_call"):
        raise DataError(f"{where} calls tools, which no row here can hold. Write the call as text, or drop the row.")
    content = message.get("content", message.get("value"))
    if role == "assistant":
        reasoning = next((message[name] for name in _REASONING if _filled(message, name)), "")
        return _answer(content, reasoning, where)
    if isinstance(content, str):
        return ChatTurn(role, policy.parts(role, content))
    if not isinstance(content, list | tuple):
        raise DataError(f"{where} has {shown(content)} for content. Give text, or a list of parts.")
    parts = [piece for part in content for piece in _piece(part, role, where, policy)]
    return ChatTurn(role, _joined(parts))


def _piece(part: Any, role: str, where: str, policy: PagePolicy) -> tuple[ChatPart, ...]:
    text = part.get("text") if isinstance(part, Mapping) else None
    kind = part.get("type", "text") if isinstance(part, Mapping) else ""
    if kind == "text" and isinstance(text, str):
        return policy.parts(role, text)
    if kind == "document" and isinstance(text, str):
        return (PageText(text),) if text.strip() else ()
    what = f"a part of type {shown(kind)}" if isinstance(part, Mapping) else shown(part)
    raise DataError(
        f'{where} has {what}. Give parts {{"type": "text" or "document", "text": …}}; images are not taken.'
    )


def _answer(content: Any, reasoning: str = "", where: str = "the answer") -> ChatTurn:
    if isinstance(content, list | tuple):
        content = "".join(_text_of(part, where) for part in content)
    if content is None:
        content = ""
    if not isinstance(content, str):
        raise DataError(f"{where} has {shown(content)} for content. An answer is text.")
    text = f"<think>{reasoning.strip()}</think>\n{content}" if reasoning else content
    return ChatTurn("assistant", (text,) if text else ())


def _text_of(part: Any, where: str) -> str:
    text = part.get("text") if isinstance(part, Mapping) and part.get("type", "text") == "text" else None
    if not isinstance(text, str):
        raise DataError(f"{where} has {shown(part)} in its content. An answer is text.")
    return text


def _joined(parts: Iterable[ChatPart]) -> tuple[ChatPart, ...]:
    """Return `parts` without empty texts, and with neighboring texts as one."""
    joined: list[ChatPart] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part:
            joined.append(part)
    return tuple(joined)


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str):
        raise DataError(f"{name} is {shown(value)}, not text. Correct it, or drop the row.")
    return value


def _filled(record: Mapping[str, Any], name: str) -> bool:
    return isinstance(record.get(name), str) and bool(record[name].strip())
