// The magnifier of page views: a canvas beside the pointer. Loaded once, before view.js.
"use strict";
(() => {
  if (window.glyphrenderLens) return;

  const LENS = 4;  // screen pixels of the magnifier for each pixel of the image
  let lens = null;  // the canvas

  // Show the surroundings of a point of the window. Each pixel of the image becomes LENS × LENS pixels of the screen.
  function show(image, x, y) {
    const frame = image.getBoundingClientRect();
    if (!image.naturalWidth || !frame.width) return;
    if (!lens?.isConnected) {
      lens = document.createElement("canvas");
      lens.className = "gv-lens";
      lens.setAttribute("aria-hidden", "true");
      document.body.append(lens);
    }
    lens.hidden = false;
    const pixels = window.devicePixelRatio || 1, size = Math.min(240, window.innerWidth - 24);
    const side = Math.round(size * pixels);
    if (lens.width !== side) [lens.width, lens.height] = [side, side];
    lens.style.width = lens.style.height = `${side / pixels}px`;
    const context = lens.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.fillStyle = "#808080";
    context.fillRect(0, 0, side, side);
    const cx = (x - frame.left) / frame.width * image.naturalWidth;
    const cy = (y - frame.top) / frame.height * image.naturalHeight;
    const half = side / LENS / 2;
    context.drawImage(image, Math.round(cx - half), Math.round(cy - half), 2 * half, 2 * half, 0, 0, side, side);
    // Below and to the right of the point, or on the other side where the window ends.
    const css = side / pixels, gap = 18;
    const beside = (at, room) => at + gap + css <= room ? at + gap : Math.max(4, at - gap - css);
    lens.style.left = `${beside(x, document.documentElement.clientWidth)}px`;
    lens.style.top = `${beside(y, window.innerHeight)}px`;
  }

  function hide() {
    if (lens) lens.hidden = true;
  }

  window.glyphrenderLens = {show, hide};
})();
