// The behavior of all page views in a document. Loaded once, after lens.js; see page_view.py.
//
// Listeners sit on the document, because views come and go: Gradio patches their attributes and texts at each
// keystroke. Nothing is stored on an element. What a person has chosen is kept here by the key of the view, and
// `refresh` puts it back after the document has changed, before the next frame is painted. User text is only read, and
// written as text.
"use strict";
(() => {
  if (window.glyphrenderViews) return;
  window.glyphrenderViews = true;

  const HINT = "Point at a word, or focus the page and use the arrow keys.";
  const chosen = new Map();  // key of a view → {zoom, lens, at}
  const parsed = new WeakMap();  // view → {from, words}
  let marked = null;  // {view, word}: the word that is marked now
  let dragged = null;  // the wipe whose slider is being dragged
  let edited = "";  // the text of the editor when it was last looked at

  const target = event => event.composedPath()[0];
  const within = (node, selector) => node instanceof Element ? node.closest(selector) : null;
  const viewOf = node => within(node, "[data-glyphrender]");
  const views = () => document.querySelectorAll("[data-glyphrender]");
  const choice = view => {
    const key = view.dataset.key;
    if (!chosen.has(key)) chosen.set(key, {zoom: "fit", lens: false, at: 50});
    return chosen.get(key);
  };
  // Writing a value that is there already would wake the observer again.
  const attribute = (element, name, value) => {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  };
  const say = (element, text) => {
    if (element && element.textContent !== text) element.textContent = text;
  };

  // ---- words ----------------------------------------------------------------------------------------------------

  function wordsOf(view) {
    const from = view.dataset.words || "";
    let known = parsed.get(view);
    if (known?.from !== from) {
      const numbers = from ? from.split(" ").map(Number) : [];
      known = {from, words: []};
      for (let i = 0; i < numbers.length; i += 6) {
        const [x0, y0, x1, y1] = numbers.slice(i, i + 4).map(tenths => tenths / 10);
        known.words.push({x0, y0, x1, y1, start: numbers[i + 4], end: numbers[i + 5]});
      }
      parsed.set(view, known);
    }
    return known.words;
  }

  const sourceOf = view => view.querySelector(".gv-source");

  function textNode(view) {
    const source = sourceOf(view);
    if (source.childNodes.length > 1) source.normalize();  // parsers cut a text after 65,536 characters
    return source.firstChild;
  }

  function rangeOf(view, start, end) {
    const node = textNode(view);
    if (!node || end > node.length) return null;
    const range = document.createRange();
    range.setStart(node, start);
    range.setEnd(node, end);
    return range;
  }

  // The word under a point of the window, on the image or in the source.
  function wordAt(view, node, x, y) {
    if (within(node, ".gv-page")) {
      const box = view.querySelector(".gv-page img").getBoundingClientRect();
      const px = (x - box.left) / box.width * view.dataset.width;
      const py = (y - box.top) / box.height * view.dataset.height;
      return wordsOf(view).find(word => word.x0 <= px && px < word.x1 && word.y0 <= py && py < word.y1);
    }
    if (within(node, ".gv-source")) {
      const offset = offsetAt(view, x, y);
      return wordsOf(view).find(word => word.start <= offset && offset < word.end);
    }
    return undefined;
  }

  // The character of the source under a point, or -1. A caret stands between two characters: the box decides.
  function offsetAt(view, x, y) {
    const text = textNode(view);
    let node, at;
    if (document.caretPositionFromPoint) {
      const caret = document.caretPositionFromPoint(x, y);
      [node, at] = [caret?.offsetNode, caret?.offset];
    } else {
      const caret = document.caretRangeFromPoint?.(x, y);
      [node, at] = [caret?.startContainer, caret?.startOffset];
    }
    if (!text || node !== text) return -1;
    for (const start of [at, at - 1, at - 2]) {  // two code units before, where a character has two
      if (start < 0 || start >= text.length) continue;
      const boxes = rangeOf(view, start, start + 1).getClientRects();
      for (const box of boxes) if (box.left <= x && x < box.right && box.top <= y && y < box.bottom) return start;
    }
    return -1;
  }

  // ---- marking --------------------------------------------------------------------------------------------------

  function unmark() {
    if (!marked) return;
    const {view} = marked;
    marked = null;
    view.querySelector(".gv-page path")?.removeAttribute("d");
    say(view.querySelector(".gv-status"), HINT);
    window.CSS?.highlights?.delete("glyphrender-word");
  }

  // Mark a word in both panes. `from` is the pane that must not scroll, because the pointer is in it.
  function mark(view, word, from) {
    if (marked?.view === view && marked.word === word) return;
    unmark();
    const range = word && rangeOf(view, word.start, word.end);
    if (!range) return;
    marked = {view, word};
    const {x0, y0, x1, y1} = word;
    view.querySelector(".gv-page path").setAttribute("d", `M${x0} ${y0}H${x1}V${y1}H${x0}Z`);
    if (window.CSS?.highlights) CSS.highlights.set("glyphrender-word", new Highlight(range));
    const first = Number(view.dataset.first), text = textNode(view).data;
    const start = first + [...text.slice(0, word.start)].length;
    const end = start + [...text.slice(word.start, word.end)].length;
    say(view.querySelector(".gv-status"),
        `“${text.slice(word.start, word.end)}”: characters ${start}–${end} of the source; ` +
        `${Math.round(x0)}–${Math.round(x1)} × ${Math.round(y0)}–${Math.round(y1)} px of the page`);
    if (from !== "source") reveal(sourceOf(view), range.getBoundingClientRect());
    if (from !== "page") reveal(view.querySelector(".gv-scroll"), boxOf(view, word));
  }

  function boxOf(view, word) {
    const box = view.querySelector(".gv-page img").getBoundingClientRect();
    const across = box.width / view.dataset.width, down = box.height / view.dataset.height;
    return new DOMRect(box.left + word.x0 * across, box.top + word.y0 * down,
                       (word.x1 - word.x0) * across, (word.y1 - word.y0) * down);
  }

  // Scroll a pane, and nothing around it, until a box is in it.
  function reveal(pane, box) {
    const frame = pane.getBoundingClientRect();
    if (box.top < frame.top || box.bottom > frame.top + pane.clientHeight)
      pane.scrollTop += box.top - frame.top - pane.clientHeight / 3;
    if (box.left < frame.left || box.right > frame.left + pane.clientWidth)
      pane.scrollLeft += box.left - frame.left - pane.clientWidth / 3;
  }

  // The word to which a key leads from the marked one: along the source, or up and down on the page.
  function neighbor(view, key, onPage) {
    const words = wordsOf(view);
    const at = marked?.view === view ? words.indexOf(marked.word) : -1;
    if (key === "Home") return words[0];
    if (key === "End") return words[words.length - 1];
    if (key === "ArrowRight") return words[Math.min(at + 1, words.length - 1)];
    if (key === "ArrowLeft") return words[Math.max(at - 1, 0)];
    if (!onPage || at < 0) return onPage ? words[0] : undefined;
    const {x0, x1, y0, y1} = words[at], middle = (x0 + x1) / 2, up = key === "ArrowUp";
    let best, least = Infinity;
    for (const word of words) {
      const away = up ? y0 - word.y1 : word.y0 - y1;  // at least zero, but for lines that touch
      const beyond = up ? word.y1 + word.y0 < y0 + y1 && word.y0 < y0 : word.y0 > y0 && word.y1 + word.y0 > y0 + y1;
      if (!beyond) continue;
      const aside = Math.max(word.x0 - middle, middle - word.x1, 0);
      const cost = Math.max(away, 0) * 20 + aside;
      if (cost < least) [best, least] = [word, cost];
    }
    return best ?? words[at];
  }

  // ---- the text box that holds the source -------------------------------------------------------------------------

  const editorOf = view => {
    const found = view.dataset.editor ? document.querySelector(view.dataset.editor) : null;
    return found instanceof HTMLTextAreaElement ? found : null;
  };

  // Code units of `text` before character number `count`.
  function unitsBefore(text, count) {
    let units = 0;
    for (let seen = 0; seen < count && units < text.length; seen++) units += text.codePointAt(units) > 0xFFFF ? 2 : 1;
    return units;
  }

  function selectInEditor(view, word) {
    const editor = editorOf(view), text = textNode(view)?.data;
    if (!editor || !text || !word) return;
    const start = unitsBefore(editor.value, Number(view.dataset.first)) + word.start;
    const end = start + word.end - word.start;
    if (editor.value.slice(start, end) !== text.slice(word.start, word.end)) return;  // another text is shown
    editor.setSelectionRange(start, start);
    editor.blur();
    editor.focus();  // scrolls to the caret
    editor.setSelectionRange(start, end);
  }

  function markFromEditor() {
    for (const view of views()) {
      const editor = view.dataset.editor ? editorOf(view) : null;
      if (!editor || editor !== document.activeElement) continue;
      if (editor.value !== edited) {  // typing moves the caret too, but the page is about to change
        edited = editor.value;
        continue;
      }
      const start = editor.selectionStart - unitsBefore(editor.value, Number(view.dataset.first));
      const word = wordsOf(view).find(each => each.start <= start && start < each.end);
      const text = word && textNode(view)?.data.slice(word.start, word.end);
      const base = editor.selectionStart - start;
      if (word && text === editor.value.slice(base + word.start, base + word.end)) mark(view, word, "editor");
    }
  }

  // ---- size -----------------------------------------------------------------------------------------------------

  function resize(view) {
    const {zoom, lens: on} = choice(view), pixels = window.devicePixelRatio || 1;
    for (const button of view.querySelectorAll("[data-zoom]"))
      attribute(button, "aria-pressed", String(button.dataset.zoom === zoom));
    const toggle = view.querySelector("[data-lens]");
    if (toggle) attribute(toggle, "aria-pressed", String(on));
    view.classList.toggle("gv-crisp", zoom !== "fit");
    for (const image of view.querySelectorAll("img")) {
      const width = zoom === "fit" ? "" : `${view.dataset.width * zoom / pixels}px`;
      if (image.style.width !== width) image.style.width = width;
    }
    const shown = view.querySelector("img");
    if (!shown) return;
    const screen = shown.getBoundingClientRect().width * pixels / (shown.naturalWidth || view.dataset.width);
    const ratio = pixels === 1 ? "" : ` (${rounded(pixels)} to a CSS pixel)`;
    say(view.querySelector(".gv-scale"),
        screen ? `1 pixel of the image = ${rounded(screen)} of the screen${ratio}` : "");
  }

  const rounded = number => String(Math.round(number * 100) / 100);

  function slide(view, at) {
    choice(view).at = Math.min(100, Math.max(0, at));
    place(view);
  }

  function place(view) {
    const handle = view.querySelector(".gv-handle"), {at} = choice(view), whole = Math.round(at);
    if (view.style.getPropertyValue("--gv-at") !== `${at}%`) view.style.setProperty("--gv-at", `${at}%`);
    attribute(handle, "aria-valuenow", String(whole));
    attribute(handle, "aria-valuetext", `${whole}% left, ${100 - whole}% right`);
  }

  function slideTo(view, x) {
    const box = view.querySelector(".gv-stage").getBoundingClientRect();
    slide(view, (x - box.left) / box.width * 100);
  }

  // ---- magnifier ------------------------------------------------------------------------------------------------

  const hideLens = () => window.glyphrenderLens.hide();

  function showLens(view, x, y) {
    const images = view.querySelectorAll("img"), box = images[0].getBoundingClientRect();
    // In a wipe the second image lies above the first, to the left of the slider.
    const left = images.length === 2 && (x - box.left) / box.width * 100 < choice(view).at;
    window.glyphrenderLens.show(images[left ? 1 : 0], x, y);
  }

  function lensOnWord() {
    if (!marked || !choice(marked.view).lens) return;
    const box = boxOf(marked.view, marked.word);
    showLens(marked.view, box.left + box.width / 2, box.top + box.height / 2);
  }

  // ---- events ---------------------------------------------------------------------------------------------------

  document.addEventListener("pointermove", event => {
    if (dragged) {
      slideTo(dragged, event.clientX);
      event.preventDefault();
    }
    const node = target(event), view = viewOf(node);
    const overImage = view && within(node, ".gv-page, .gv-stage");
    if (overImage && choice(view).lens && event.pointerType !== "touch") showLens(view, event.clientX, event.clientY);
    else if (!within(document.activeElement, ".gv-page")) hideLens();
    const pane = view && within(node, ".gv-page") ? "page" : "source";
    if (view && within(node, ".gv-page, .gv-source")) mark(view, wordAt(view, node, event.clientX, event.clientY), pane);
    else if (!within(document.activeElement, ".gv-page, .gv-source")) unmark();
  });

  document.addEventListener("pointerdown", event => {
    const node = target(event), view = viewOf(node);
    if (!view || event.button !== 0) return;
    if (within(node, ".gv-stage")) {
      dragged = view;
      slideTo(view, event.clientX);
      view.querySelector(".gv-handle").focus({preventScroll: true});
      event.preventDefault();
      return;
    }
    const pane = within(node, ".gv-page") ? "page" : "source";
    if (!within(node, ".gv-page, .gv-source")) return;
    const word = wordAt(view, node, event.clientX, event.clientY);
    mark(view, word, pane);
    if (event.pointerType === "touch" && word && choice(view).lens) lensOnWord();
  });

  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, () => { dragged = null; });

  document.addEventListener("click", event => {
    const node = target(event), view = viewOf(node);
    if (!view) return;
    const button = within(node, "button[data-zoom], button[data-lens]");
    if (button) {
      const choices = choice(view);
      if (button.dataset.zoom) choices.zoom = button.dataset.zoom;
      else choices.lens = !choices.lens;
      resize(view);
      if (!choices.lens) hideLens();
    } else if (within(node, ".gv-page")) {
      selectInEditor(view, wordAt(view, node, event.clientX, event.clientY));
    }
  });

  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const node = target(event), view = viewOf(node);
    if (!view) return;
    if (within(node, ".gv-handle")) {
      const step = event.shiftKey ? 10 : 1, {at} = choice(view);
      const to = {
        ArrowLeft: at - step, ArrowDown: at - step, ArrowRight: at + step, ArrowUp: at + step,
        PageDown: at - 10, PageUp: at + 10, Home: 0, End: 100,
      }[event.key];
      if (to === undefined) return;
      slide(view, to);
      event.preventDefault();
      return;
    }
    const onPage = Boolean(within(node, ".gv-page"));
    if (!onPage && !within(node, ".gv-source")) return;
    const keys = onPage ? ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"] : ["ArrowLeft", "ArrowRight"];
    if (keys.includes(event.key)) {
      mark(view, neighbor(view, event.key, onPage), "keys");
      lensOnWord();
      event.preventDefault();
    } else if (event.key === "Enter" && marked?.view === view) {
      selectInEditor(view, marked.word);
      event.preventDefault();
    } else if (event.key === "Escape") {
      unmark();
      hideLens();
    }
  });

  document.addEventListener("focusout", event => {
    if (within(target(event), ".gv-page, .gv-source")) {
      unmark();
      hideLens();
    }
  });

  document.addEventListener("selectionchange", markFromEditor);
  document.addEventListener("scroll", hideLens, {capture: true, passive: true});
  window.addEventListener("resize", refresh);

  // ---- changes of the document ------------------------------------------------------------------------------------

  function refresh() {
    if (marked && (!marked.view.isConnected || !wordsOf(marked.view).includes(marked.word))) unmark();
    for (const view of views()) {
      resize(view);
      if (view.dataset.glyphrender === "wipe") place(view);
    }
  }

  const concerns = record => {
    if (record.target instanceof Element && record.target.closest("[data-glyphrender]")) return true;
    for (const node of record.addedNodes)
      if (node instanceof Element && (node.matches("[data-glyphrender]") || node.querySelector("[data-glyphrender]")))
        return true;
    return false;
  };
  new MutationObserver(records => { if (records.some(concerns)) refresh(); }).observe(document, {
    subtree: true, childList: true, attributes: true, attributeFilter: ["style", "class", "data-words", "data-key", "src"],
  });
  document.addEventListener("load", event => { if (viewOf(target(event))) refresh(); }, true);
  refresh();
})();
