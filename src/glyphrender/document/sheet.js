"use strict";
const figures = [...document.querySelectorAll("figure")];
const status = document.getElementById("status");
const hint = status.textContent;
let current = 0, all = false;

// A span is [x0, y0, x1, y1, start, end, text], in pixels of the page and characters of the source.
const spans = figures.map(figure => JSON.parse(figure.querySelector("script").textContent));
const images = figures.map(figure => figure.querySelector("img"));
const sizes = images.map(image => [image.width, image.height]);
const outline = ([x0, y0, x1, y1]) => `M${x0} ${y0}H${x1}V${y1}H${x0}Z`;
const at = (list, x, y) => list.find(([x0, y0, x1, y1]) => x0 <= x && x < x1 && y0 <= y && y < y1);
const shown = text => JSON.stringify(text).slice(1, -1);

// Pages begin no wider than the screen.
const widest = Math.max(1, ...sizes.map(([width]) => width));
let zoom = Math.min(Number(document.getElementById("start").value), (document.documentElement.clientWidth - 24) / widest);

function draw(figure, kind, list) {
  figure.querySelector("." + kind).setAttribute("d", list.map(outline).join(""));
}

function setZoom(value) {
  zoom = Math.min(8, Math.max(0.125, value));
  images.forEach((image, index) => [image.width, image.height] = sizes[index].map(side => Math.round(side * zoom)));
  document.body.classList.toggle("crisp", zoom > 1);
  document.getElementById("zoom").textContent = Math.round(zoom * 100) + "%";
  figures[current]?.scrollIntoView({block: "nearest"});
}

function select(index) {
  figures[current]?.classList.remove("current");
  current = Math.min(figures.length - 1, Math.max(0, index));
  figures[current]?.classList.add("current");
  figures[current]?.scrollIntoView({block: "start", inline: "center"});
}

function toggleBoxes() {
  all = !all;
  document.getElementById("boxes").setAttribute("aria-pressed", all);
  figures.forEach((figure, index) => draw(figure, "all", all ? spans[index].words : []));
}

figures.forEach((figure, index) => {
  const page = figure.querySelector(".page");
  function point(event) {
    const box = page.getBoundingClientRect(), [width, height] = sizes[index];
    const x = (event.clientX - box.left) / box.width * width, y = (event.clientY - box.top) / box.height * height;
    const line = at(spans[index].lines, x, y), word = at(spans[index].words, x, y);
    draw(figure, "line", line ? [line] : []);
    draw(figure, "word", word ? [word] : []);
    const said = [word && `word ${word[4]}–${word[5]}  “${shown(word[6])}”`,
                  line && `line ${line[4]}–${line[5]}  “${shown(line[6])}”`];
    status.textContent = said.filter(Boolean).join("\n") || hint;
  }
  page.addEventListener("pointermove", point);
  page.addEventListener("pointerdown", point);
  page.addEventListener("pointerleave", event => {
    if (event.pointerType === "touch") return;
    draw(figure, "line", []);
    draw(figure, "word", []);
    status.textContent = hint;
  });
  page.addEventListener("click", () => select(index));
});

const actions = {
  larger: () => setZoom(zoom * 1.25), smaller: () => setZoom(zoom / 1.25), actual: () => setZoom(1), boxes: toggleBoxes,
};
for (const [name, act] of Object.entries(actions)) document.getElementById(name).addEventListener("click", act);

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const keys = {
    ArrowRight: () => select(current + 1), ArrowLeft: () => select(current - 1),
    Home: () => select(0), End: () => select(figures.length - 1),
    "+": actions.larger, "=": actions.larger, "-": actions.smaller, "0": actions.actual, b: toggleBoxes,
  };
  if (keys[event.key]) { keys[event.key](); event.preventDefault(); }
});
figures[0]?.classList.add("current");
setZoom(zoom);
scrollTo(0, 0);
