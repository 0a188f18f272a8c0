"use strict";
for (const button of document.querySelectorAll("button.copy"))
  button.addEventListener("click", async () => {
    const block = button.parentElement.querySelector("pre");
    try { await navigator.clipboard.writeText(block.textContent); button.textContent = "copied"; }
    catch { getSelection().selectAllChildren(block); }
  });
