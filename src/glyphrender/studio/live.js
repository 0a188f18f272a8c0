// Shows the page of a keystroke at once, beside Gradio; see live.py.
//
// The `input` events of the text box are held back from Gradio, because its script would keep the browser busy while
// the page is on its way. They are passed on in the first pause of the typing, and before anything else happens. If the
// route fails, they are passed on at once, and Gradio draws the page. A drawing carries the visitor and the turn that it
// belongs to. Gradio's answers may come late: a drawing of an older turn than the one shown is put right again before
// the next frame is painted. Keys that come before the visitor's first drawing are held until it is there: its request
// has the text before these keys, and must not begin after theirs.
"use strict";
(() => {
  const BOX = "#studio-text textarea";
  const PAUSE = 250;  // ms without a key, after which Gradio hears of the keys
  const LONGEST = 1500;  // ms after which it hears of them in any case
  const PATIENCE = 10000;  // ms until an answer of the route counts as failed, or a first drawing as missing
  const REST = 10000;  // ms for which the route is not asked after a failure

  const slots = ["#studio-page", "#studio-problems"].map(place => ({place, sitting: "", turn: 0, drawing: null}));
  let sent = {sitting: "", version: 0, text: ""};  // what the server keeps
  let asking = false, changed = false;  // whether a request is on its way, and whether the text changed since
  let holding = null;  // the text box whose events are held
  let since = 0, last = 0, timer = 0;  // when the first and the last of the held events came
  let passing = false, rested = 0;

  // ---- drawings ---------------------------------------------------------------------------------------------------

  const drawingIn = slot => document.querySelector(`${slot.place} [data-turn]`);

  // Make `there` equal to `wanted`, and keep the elements that are there: their focus, and images until others are read.
  function morph(there, wanted) {
    if (there.nodeType !== wanted.nodeType || there.nodeName !== wanted.nodeName) {
      there.replaceWith(wanted.cloneNode(true));
      return;
    }
    if (!(there instanceof Element)) {
      if (there.data !== wanted.data) there.data = wanted.data;
      return;
    }
    for (const {name} of [...there.attributes]) if (!wanted.hasAttribute(name)) there.removeAttribute(name);
    for (const {name, value} of wanted.attributes)
      if (there.getAttribute(name) !== value) there.setAttribute(name, value);
    const [old, now] = [[...there.childNodes], [...wanted.childNodes]];
    for (let i = 0; i < Math.max(old.length, now.length); i++) {
      if (!now[i]) old[i].remove();
      else if (!old[i]) there.append(now[i].cloneNode(true));
      else morph(old[i], now[i]);
    }
  }

  // Note what Gradio has drawn, or put back what it has overwritten.
  function settle() {
    for (const slot of slots) {
      const there = drawingIn(slot);
      if (!there) continue;
      const {sitting} = there.dataset, turn = Number(there.dataset.turn);
      if (sitting !== slot.sitting || turn > slot.turn) Object.assign(slot, {sitting, turn, drawing: there.cloneNode(true)});
      else if (turn < slot.turn) morph(there, slot.drawing);
    }
    if (changed) ask();  // keys that waited for the first drawing
  }

  function show(slot, html) {
    const parsed = document.createElement("template");  // inert: nothing in it runs or loads
    parsed.innerHTML = html;
    const drawing = parsed.content.firstElementChild, there = drawingIn(slot), turn = Number(drawing.dataset.turn);
    if (!there || drawing.dataset.sitting !== slot.sitting || turn <= slot.turn) return;
    Object.assign(slot, {turn, drawing});
    morph(there, drawing);
  }

  window.glyphrenderSeen = () => `${slots[0].sitting}:${slots[0].turn}`;

  // ---- the request ------------------------------------------------------------------------------------------------

  // The smallest edit that makes `text` of what the server keeps; all of `text` if it keeps nothing of this visitor.
  function editTo(text) {
    const {sitting} = slots[0], before = sent.text, whole = sent.sitting !== sitting;
    const edit = {sitting, version: sent.version + 1, base: whole ? null : sent.version, start: 0, end: 0, text};
    if (whole) return edit;
    const most = Math.min(before.length, text.length);
    let start = 0, same = 0;
    while (start < most && before.charCodeAt(start) === text.charCodeAt(start)) start++;
    while (same < most - start && before.charCodeAt(before.length - 1 - same) === text.charCodeAt(text.length - 1 - same))
      same++;
    return {...edit, start, end: before.length - same, text: text.slice(start, text.length - same)};
  }

  async function answerTo(text) {
    const edit = editTo(text);
    const answer = await fetch("studio/page", {
      method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(edit),
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (answer.status === 409 && edit.base !== null) {
      sent.sitting = "";
      return answerTo(text);
    }
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const found = await answer.json();
    sent = {sitting: edit.sitting, version: edit.version, text};
    return found;
  }

  async function ask() {
    if (asking || !slots[0].sitting) return;
    asking = true;
    try {
      while (changed && holding) {
        changed = false;
        const {page, problems} = await answerTo(holding.value);
        if (page !== null) show(slots[0], page);
        show(slots[1], problems);
      }
    } catch {
      sent.sitting = "";
      rested = performance.now() + REST;
      pass();
    }
    asking = false;
    wait();
  }

  // ---- what Gradio hears ------------------------------------------------------------------------------------------

  function pass() {
    const box = holding;
    holding = null;
    clearTimeout(timer);
    if (!box?.isConnected) return;
    passing = true;
    box.dispatchEvent(new Event("input", {bubbles: true}));
    passing = false;
  }

  function wait() {
    clearTimeout(timer);
    if (!holding) return;
    const end = slots[0].sitting ? Math.min(last + PAUSE, since + LONGEST) : since + PATIENCE;
    const left = end - performance.now();
    timer = setTimeout(() => { if (!asking) pass(); }, Math.max(0, left));  // `ask` waits again at its end
  }

  document.addEventListener("input", event => {
    if (passing || !(event.target instanceof HTMLTextAreaElement) || !event.target.matches(BOX)) return;
    last = performance.now();
    if (last < rested) {
      holding = null;
      return;
    }
    event.stopPropagation();
    if (!holding) since = last;
    [holding, changed] = [event.target, true];
    wait();
    ask();
  }, true);

  for (const name of ["focusout", "pointerdown", "click", "change", "drop", "keydown"])
    document.addEventListener(name, event => {
      if (holding && !(name === "keydown" && event.target === holding)) pass();
    }, true);

  new MutationObserver(settle).observe(document, {
    subtree: true, childList: true, attributes: true, attributeFilter: ["data-turn", "data-sitting"],
  });
  settle();
})();
