"""The studio as a Gradio app: the text at the left, its page and figures at the right, the fields of θ below the text.

This module wires widgets to handlers, and holds no arithmetic. An event starts two requests: the first draws the page
in view, the second counts the whole text for all models. Both give way to a later event. The page of a keystroke comes
beside Gradio (`live.py`), and its event follows in a pause of the typing. What belongs to a visitor is in widgets and
in `gr.State`, so several visitors do not disturb one another.
"""

from __future__ import annotations

import os
from abc import ABCMeta
from typing import Any, Final

from glyphrender.errors import DependencyError
from glyphrender.fonts import families
from glyphrender.studio.choices import WIDGETS
from glyphrender.studio.fields import FOREMOST, Field, Widget, fields, groups, widget_value
from glyphrender.studio.figures import model_names
from glyphrender.studio.handlers import held, shown_text
from glyphrender.studio.replies import KEPT, VIEWS, price_lines
from glyphrender.studio.samples import SAMPLES
from glyphrender.studio.sitting import AHEAD, Sitting, Typing, marked
from glyphrender.studio.state import MOST_MODELS
from glyphrender.studio.widget_updates import preset_info, sizes_of, slider_bounds
from glyphrender.theta import Theta

__all__ = ["build", "gradio"]

_TARGETS: Final = (("ρ of at least", "rho"), ("visual tokens, at most", "visual_tokens"), ("pages, at most", "pages"))
_DEFAULTS: Final = "(defaults)"
# Puts the paths of the files inside their folder into the second input of an event.
_PATHS: Final = "(files, seen) => [files, window.glyphrenderPaths?.() ?? '']"
# Puts the mark of the page in view into the second input of an event.
_SEEN: Final = "(sitting, seen, ...rest) => [sitting, window.glyphrenderSeen?.() ?? '', ...rest]"


# Read once by a screen reader, and shown as the title of the page.
_HEADER: Final = (
    '<header class="gs-header"><h1>glyphrender <span>studio</span></h1>'
    "<p>Your text as the page images that a vision-language model reads. Move θ, and watch ρ.</p></header>"
)


def gradio() -> Any:
    """Return the module gradio, which was told to ask no server for anything.

    Raises:
        DependencyError: the extra studio is not installed.
    """
    # Gradio reads these when it is imported.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of libraries that Gradio imports, about programs that the studio lacks
            import gradio
    except ImportError as error:
        raise DependencyError.of(error, "the studio needs the package gradio", extra="studio") from error
    return gradio


def build(typing: Typing) -> Any:
    """Return the studio as `gradio.Blocks`. `serving.web_app` makes a web server of it.

    Args:
        typing: the handlers of the events, with the settings of the studio.

    Raises:
        DependencyError: the extra studio is not installed.
    """
    blocks = _Studio(typing).blocks
    # Gradio lets a visitor name any file of this machine as an upload, unless it believes that it started the server.
    blocks.has_launched = True
    _refuse_addresses(blocks)
    return blocks


def _refuse_addresses(blocks: Any) -> None:
    """Refuse uploads that are web addresses: Gradio would fetch them for the visitor, and the studio asks no server."""
    from gradio_client.utils import is_file_obj_with_meta, is_http_url_like, traverse

    passed = blocks.preprocess_data

    def refuse(file: dict[str, Any]) -> dict[str, Any]:
        if is_http_url_like(file["path"]):
            raise gradio().Error("A web address is no upload. Save its file, and open that.")
        return file

    async def preprocess_data(function: Any, inputs: list[Any], *rest: Any) -> Any:
        traverse(inputs, refuse, is_file_obj_with_meta)
        return await passed(function, inputs, *rest)

    blocks.preprocess_data = preprocess_data


class _Studio:
    """The widgets of the studio, and the functions that answer their events."""

    def __init__(self, typing: Typing) -> None:
        self.gr, self.typing, self.answer_to = gradio(), typing, typing.handlers
        self.settings = settings = typing.handlers.settings
        gr, start = self.gr, settings.state
        self.start = settings.first_source
        self.slider, self.numeric, self.choice = map(_unchecked, (gr.Slider, gr.Number, gr.Dropdown))
        with gr.Blocks(title="glyphrender studio", analytics_enabled=False, fill_width=True) as self.blocks:
            gr.HTML(_HEADER, padding=False, apply_default_css=False)
            self.held = gr.State(held(self.start))
            self.name = gr.State(self.start.name)
            self.other = gr.State(start.other)
            self.sizes = gr.State(sizes_of(start.theta))
            self.sitting = gr.State(Sitting.of(start.theta, among=typing.sittings))  # Gradio copies it for each visitor
            self.seen = gr.Textbox(visible=False)  # what only the browser knows: `_SEEN` or `_PATHS` fills it in
            with gr.Row(elem_id="studio-columns"):
                with gr.Column(scale=5, min_width=330, elem_id="studio-left"):
                    with gr.Column(elem_id="studio-source"):
                        self._text()
                    with gr.Column(elem_id="studio-theta"):
                        self._theta()
                with gr.Column(scale=7, min_width=330, elem_id="studio-right"):
                    self._result()
            self._wire()

    # ── Widgets ──

    def _text(self) -> None:
        gr = self.gr
        self.text = gr.Textbox(
            shown_text(self.start),
            label="Text",
            lines=12,
            max_lines=12,
            elem_id="studio-text",
            placeholder="Type or paste a text, code, or the JSON of a chat",
            interactive=held(self.start) is None,
        )
        with gr.Row(elem_classes="gs-buttons"):
            small = {"size": "sm", "min_width": 80}
            self.files = gr.UploadButton("Open files", file_count="multiple", elem_id="studio-files", **small)
            self.folder = gr.UploadButton("Open a folder", file_count="directory", elem_id="studio-folder", **small)
            self.clear = gr.Button("Clear", elem_id="studio-clear", **small)
            self.sample = gr.Dropdown(
                [("Samples …", ""), *((title, title) for title in SAMPLES)],
                value="",
                show_label=False,
                container=False,
                label="Samples",
                min_width=110,
                elem_id="studio-sample",
            )
        self.drop = gr.File(
            label="Drop files here: a text, several files, or a chat log (JSON)",
            file_count="multiple",
            height=58,
            elem_id="studio-drop",
        )
        self.told = self._html("", "studio-told")
        self.notice = self._html("", "studio-notice")
        suits = self.answer_to.offer("", self.start)
        self.suit = gr.Button(suits["value"], visible=suits["visible"], size="sm", elem_id="studio-suit")

    def _theta(self) -> None:
        gr, theta = self.gr, self.settings.state.theta
        presets = [(_DEFAULTS, ""), *((name, name) for name in Theta.preset_names())]
        with gr.Row(equal_height=True):
            self.preset = gr.Dropdown(
                presets,
                value=self.settings.state.preset,
                label="Preset",
                info=preset_info(theta, self.settings.state.preset),
                elem_id="studio-preset",
            )
            self.keep = gr.Button("Keep this θ to compare", size="sm", elem_id="studio-keep")
        described = fields([family.name for family in families(system=self.settings.font_files)])
        self.fields: dict[str, Any] = {}
        with gr.Group(elem_id="studio-foremost"):
            for pair in zip(FOREMOST[::2], FOREMOST[1::2], strict=True):
                with gr.Row():
                    for name in pair:
                        self.fields[name] = self._widget(described[name], theta)
            self.follow = gr.Checkbox(True, label="line height follows font size", elem_id="studio-follow")
        for title, names in groups().items():
            with gr.Accordion(f"{title} ({len(names)})", open=False), gr.Row():
                for name in names:
                    self.fields[name] = self._widget(described[name], theta)

    def _result(self) -> None:
        gr, settings = self.gr, self.settings
        state = settings.state
        self.models = gr.Dropdown(
            model_names(settings.table),
            value=list(state.models),
            multiselect=True,
            max_choices=MOST_MODELS,
            allow_custom_value=True,
            label="Models",
            info="The first one sees the page. Any name that a provider or the hub uses will do.",
            elem_id="studio-models",
        )
        drawn, counted = self.answer_to.first()
        self.figures = self._html(counted.figures or "", "studio-figures")
        self.problems = self._html(marked(drawn.problems), "studio-problems")
        with gr.Row(elem_id="studio-views", equal_height=True):
            self.view = gr.Radio(list(VIEWS), value=VIEWS[0], show_label=False, container=False, elem_id="studio-view")
            self.number = gr.Number(
                state.page, label="Page", minimum=1, precision=0, min_width=90, scale=0, elem_id="studio-number"
            )
            self.against = gr.Dropdown(
                [KEPT, *state.models],
                value=KEPT,
                label="Compare with",
                visible=False,
                min_width=160,
                elem_id="studio-against",
            )
        self.page = self._html(marked(drawn.html or ""), "studio-page")
        with gr.Accordion("What an OCR program reads", open=False, elem_id="studio-ocr"):
            self.read = gr.Button("Read this page", size="sm", elem_id="studio-read")
            self.reading = self._html("", "studio-reading")
        with gr.Accordion("Fit a target, or ask for a proposal", open=False, elem_id="studio-solve"):
            with gr.Row(equal_height=True):
                self.target = gr.Dropdown(_TARGETS, value="rho", label="Target", elem_id="studio-target", min_width=150)
                self.goal = gr.Number(3, label="Value", elem_id="studio-goal", min_width=90)
                self.least = gr.Number(7, label="Smallest type, px", elem_id="studio-least", min_width=90)
            with gr.Row():
                self.fit = gr.Button("Fit the font size", size="sm", variant="primary", elem_id="studio-fit")
                self.propose = gr.Button("Propose a θ", size="sm", elem_id="studio-propose")
            self.answer = self._html("", "studio-answer")
        with gr.Accordion("Prices", open=False, elem_id="studio-pricing"):
            self.prices = gr.Textbox(
                price_lines(state.models, settings.table, state.prices),
                label="Dollars for a million tokens: model = prompt, images",
                lines=4,
                max_lines=10,
                info="Change them, and the price of a request follows. Dates say when a price was read; none was paid.",
                elem_id="studio-prices",
            )
        with gr.Accordion("Export, and a link to this", open=False, elem_id="studio-export"):
            with gr.Row(equal_height=True):
                self.share = gr.Button("Make a link", size="sm", variant="primary", elem_id="studio-make-link", scale=0)
                self.link = gr.Textbox(
                    "",
                    label="Link",
                    lines=1,
                    max_lines=1,
                    interactive=False,
                    buttons=["copy"],
                    elem_id="studio-link",
                    info="The address holds θ, models, prices and a short text; nothing is stored.",
                )
            self.command = self._code(counted.command, "Command line", "studio-command", 2)
            self.python = self._code(counted.python, "Python", "studio-python", 3)
            self.json = gr.Textbox(
                counted.theta_json or "",
                label="JSON of θ (paste one of yours, or a Glyph config, and use it)",
                lines=6,
                max_lines=12,
                buttons=["copy"],
                elem_id="studio-json",
            )
            self.unused = self._html("", "studio-unused")
            self.use = gr.Button("Use this JSON", size="sm", elem_id="studio-use")

    def _html(self, value: str, name: str) -> Any:
        return self.gr.HTML(value, elem_id=name, padding=False, apply_default_css=False, container=False)

    def _code(self, value: str | None, label: str, name: str, lines: int) -> Any:
        return self.gr.Textbox(
            value or "",
            label=label,
            lines=lines,
            max_lines=12,
            interactive=False,
            buttons=["copy"],
            elem_id=name,
        )

    def _widget(self, described: Field, theta: Theta) -> Any:
        gr, name = self.gr, described.name
        value = widget_value(name, getattr(theta, name))
        common = {"label": described.label, "info": described.help, "elem_id": f"field-{name}", "min_width": 180}
        match described.widget:
            case Widget.SLIDER:
                assert described.limits is not None
                bounds = slider_bounds(name, float(value))
                return self.slider(value=value, **bounds, step=described.limits[2], **common)
            case Widget.NUMBER:
                assert described.limits is not None
                return self.numeric(value, step=described.limits[2], **common)
            case Widget.FLAG:
                return gr.Checkbox(value, **common)
            case Widget.CHOICE | Widget.SUGGESTIONS:
                custom = described.widget is Widget.SUGGESTIONS
                choices = list(described.choices)
                return self.choice(choices, value=value, allow_custom_value=custom, **common)
            case _:
                return gr.Textbox(value, max_lines=1, **common)

    # ── Wiring ──

    def _wire(self) -> None:
        gr, do, typing = self.gr, self.answer_to, self.typing
        ordered = [self.fields[name] for name in WIDGETS]
        inputs = [self.text, self.held, self.name, self.preset, self.models, self.prices, self.number]
        inputs += [self.view, self.other, self.against, self.follow, self.sizes, *ordered]
        everything, few = [self.sitting, *inputs], [self.sitting, *inputs[:AHEAD]]
        drawn = [self.page, self.problems, self.fields["line_height"], self.sizes]
        counted = [self.figures, self.notice, self.json, self.python, self.command, self.preset]
        theta = [self.sizes, *ordered]
        text = [self.text, self.held, self.name, self.told, self.number]
        private = {"api_visibility": "private"}
        light = {"queue": False, "show_progress": "hidden", "trigger_mode": "always_last", **private}
        heavy = {"concurrency_limit": 2, **private}

        def refresh(after: Any) -> None:
            """Draw and count once the event `after` has set its widgets."""
            after.then(typing.draw_moved, everything, drawn, **light)
            after.then(typing.count_moved, everything, counted, **light)

        def given(after: Any) -> None:
            """Offer what suits the text that the event `after` has set, then draw and count."""
            after.then(do.offer, [self.name, self.held], [self.suit], **light)
            refresh(after)

        moved = [_changed(each) for each in ordered]
        gr.on(moved, typing.draw_moved, everything, drawn, **light)
        gr.on(moved, typing.count_moved, everything, counted, **light)
        gr.on([self.number.change, self.against.input], typing.draw_typed, few, drawn[:2], **light)
        told = [self.figures, self.notice, self.python, self.command]
        followed = [self.sitting, self.seen, *inputs[:AHEAD]]
        self.text.change(typing.follow_typed, followed, [*drawn[:2], *told], js=_SEEN, **light)
        self.prices.change(typing.count_typed, few, told, **light)
        refresh(self.models.input(do.models, [self.models, self.prices], [self.prices, self.against], **light))
        refresh(self.view.input(do.view, [self.view], [self.against], **light))
        refresh(self.preset.input(do.preset, [self.preset], theta, **light))
        for opened in (self.files, self.folder, self.drop):
            given(opened.upload(do.open, [opened, self.seen], text, js=_PATHS, **private))
        given(self.clear.click(do.clear, None, [*text, self.drop], **light))
        given(self.sample.input(do.sample, [self.sample], [*text, self.sample, self.preset, *theta], **light))
        refresh(self.suit.click(do.suit, inputs, [self.suit, self.preset, *theta], **light))
        kept = self.keep.click(do.keep, inputs, [self.other, self.keep], **light)
        kept.then(typing.draw_kept, everything, drawn, **light)
        self.read.click(do.read, inputs, [self.reading], **heavy)
        solving = [self.target, self.goal, self.least, *inputs]
        refresh(self.fit.click(do.fit, solving, [self.answer, self.preset, *theta], **heavy))
        refresh(self.propose.click(do.propose, solving, [self.answer, self.preset, *theta], **heavy))
        refresh(self.use.click(do.use, [self.json], [self.unused, self.preset, *theta], **light))

        def share(request: Any, *values: Any) -> str:
            return do.share(request.headers.get("referer") or "", *values)

        def restore(request: Any) -> tuple[Any, ...]:
            return do.restore(list(request.query_params.multi_items()))

        for handler in (share, restore):  # Gradio passes the request where the annotation asks for it
            handler.__annotations__ = {"request": gr.Request}
        self.share.click(share, inputs, [self.link], **light)
        state = [self.text, self.held, self.name, self.preset, self.models, self.prices, self.number, self.other]
        given(self.blocks.load(restore, None, [*state, *theta, self.told], **light))


def _changed(widget: Any) -> Any:
    """Return the event of a widget that every change by a visitor causes.

    The `input` of Gradio's text boxes comes from the key event `keypress` alone: not when text is pasted, cut or
    deleted. Their `change` comes for all of these, and for what a handler sets. Other widgets have a true `input`.
    """
    free = type(widget).__name__ in ("Textbox", "Number") or getattr(widget, "allow_custom_value", False)
    return widget.change if free else widget.input


def _unchecked(widget: type[Any]) -> Any:
    """Return a class of widgets whose values reach the handlers as they were typed.

    Gradio refuses a value outside the ends of a slider, or an unknown choice, with a message in the corner. The studio
    says what is wrong at the field instead, and θ's own metadata decides what is. A method of an instance would be
    lost, because Gradio makes widgets anew for each visitor. Gradio's metaclass is passed over, because it would write
    a file beside this module.
    """
    names = {"preprocess": lambda self, payload: payload, "__module__": widget.__module__}
    return ABCMeta.__new__(type(widget), widget.__name__, (widget,), names)
