"use strict";
for (const button of document.querySelectorAll("button.copy"))
  button.addEventListener("click", async () => {
    const text = button.closest("details, section").querySelector("pre").textContent;
    try { await navigator.clipboard.writeText(text); button.textContent = "copied"; }
    catch { getSelection().selectAllChildren(button.closest("details, section").querySelector("pre")); }
  });
