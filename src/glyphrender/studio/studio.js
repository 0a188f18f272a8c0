// Two things that Gradio does not do.
//
// Shows what is wrong with a field at the field itself, and marks its widget for screen readers.
// All texts are set as text, never as HTML.
(() => {
  "use strict";
  const shown = new Set();

  function clear(name) {
    const message = document.getElementById(`error-${name}`);
    if (message) message.remove();
    const field = document.getElementById(`field-${name}`);
    if (!field) return;
    field.classList.remove("gs-wrong");
    for (const input of field.querySelectorAll("input, textarea, select")) {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
    }
  }

  function show(name, text) {
    const field = document.getElementById(`field-${name}`);
    if (!field) return;
    let message = document.getElementById(`error-${name}`);
    if (!message) {
      message = document.createElement("p");
      message.id = `error-${name}`;
      message.className = "gs-field-error";
      field.appendChild(message);
    }
    if (message.textContent !== text) message.textContent = text;
    field.classList.add("gs-wrong");
    for (const input of field.querySelectorAll("input, textarea, select")) {
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", message.id);
    }
  }

  function update() {
    const now = new Map();
    for (const item of document.querySelectorAll("#studio-problems li[data-field]")) {
      const name = item.dataset.field;
      now.set(name, now.has(name) ? `${now.get(name)} ${item.textContent}` : item.textContent);
    }
    for (const name of [...shown]) if (!now.has(name)) { clear(name); shown.delete(name); }
    for (const [name, text] of now) { show(name, text); shown.add(name); }
  }

  const inStudio = ({target}) => (target.nodeType === 1 ? target : target.parentElement)?.closest(".gradio-container");

  let pending = false;
  new MutationObserver((changes) => {
    if (pending || !changes.some(inStudio)) return;
    if (!document.querySelector("#studio-problems li") && !shown.size) return;
    pending = true;
    requestAnimationFrame(() => { pending = false; update(); });
  }).observe(document.documentElement, { childList: true, subtree: true, characterData: true });
})();

// Notes the paths of files inside a folder that is opened: Gradio passes on their names alone.
(() => {
  "use strict";
  let paths = [];
  document.addEventListener("change", ({target}) => {
    if (target instanceof HTMLInputElement && target.type === "file")
      paths = [...target.files].map(file => file.webkitRelativePath || file.name);
  }, true);
  window.glyphrenderPaths = () => paths.join("\n");
})();
