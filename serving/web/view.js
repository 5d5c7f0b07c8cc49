// Puts detections on the page: boxes over the image, rows in the table, chips for classes.

import { paint } from "./colours.js";

const CROWDED = 60;

export function byId(id) {
  return document.getElementById(id);
}

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export function showStatus(message, isBad = false) {
  const status = byId("status");
  status.hidden = !message;
  status.textContent = message;
  status.classList.toggle("bad", isBad);
}

export function showModel(model) {
  byId("model-name").textContent = model.name;
  const count = model.classes.length;
  const facts = [`version ${model.version}`, count === 1 ? model.classes[0] : `${count} classes`];
  if (model.metrics.AP50 !== undefined) facts.push(`AP50 ${model.metrics.AP50.toFixed(3)}`);
  byId("model-facts").textContent = facts.join(" · ");
  document.title = `${model.name} · UMOP`;
}

export function showTiming(timing, roundTrip) {
  const stages = Object.entries(timing).map(([stage, ms]) => `${stage} ${Math.round(ms)} ms`);
  byId("timing").textContent = [...stages, `round trip ${Math.round(roundTrip)} ms`].join(" · ");
}

export function showClasses(detections, onChange) {
  const counts = new Map();
  for (const { label, class_id } of detections) {
    counts.set(label, { class_id, count: (counts.get(label)?.count ?? 0) + 1 });
  }
  const chips = [...counts].map(([label, { class_id, count }]) => {
    const box = make("input", { type: "checkbox", checked: true, value: label });
    box.addEventListener("change", onChange);
    const dot = make("span", { className: "dot" });
    paint(dot, class_id);
    return make("label", {}, box, dot, `${label} ${count}`);
  });
  byId("classes").replaceChildren(byId("classes").firstElementChild, ...chips);
}

export function chosenClasses() {
  const boxes = [...byId("classes").querySelectorAll("input")];
  const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
  return { chosen, areAll: chosen.length === boxes.length };
}

export function showDetections(detections, total, size) {
  byId("count").textContent =
    detections.length === total ? `${total} found` : `${detections.length} of ${total} found`;
  const boxes = detections.map((detection) => box(detection, size));
  const rows = detections.map((detection) => row(detection));
  boxes.forEach((element, place) => link(element, rows[place]));
  byId("boxes").replaceChildren(...boxes.toReversed());
  byId("boxes").classList.toggle("crowded", detections.length > CROWDED);
  byId("rows").replaceChildren(...rows);
}

function box({ label, class_id, score, box: { x1, y1, x2, y2 } }, { width, height }) {
  const element = make("div", { className: "box" });
  paint(element, class_id);
  element.style.left = `${(100 * x1) / width}%`;
  element.style.top = `${(100 * y1) / height}%`;
  element.style.width = `${(100 * (x2 - x1)) / width}%`;
  element.style.height = `${(100 * (y2 - y1)) / height}%`;
  element.classList.toggle("inside", y1 < 0.05 * height);
  element.classList.toggle("leftward", x1 > 0.75 * width);
  element.append(make("span", { textContent: `${label} ${score.toFixed(2)}` }));
  return element;
}

function row({ label, class_id, score, box: { x1, y1, x2, y2 } }) {
  const dot = make("span", { className: "dot" });
  paint(dot, class_id);
  const size = `${Math.round(x2 - x1)} × ${Math.round(y2 - y1)}`;
  const place = `${Math.round(x1)}, ${Math.round(y1)}, ${size}`;
  const cells = [[dot, label], [score.toFixed(2)], [place]];
  return make("tr", { tabIndex: 0 }, ...cells.map((content) => make("td", {}, ...content)));
}

function link(boxElement, rowElement) {
  const both = [boxElement, rowElement];
  const light = (isLit) => both.forEach((each) => each.classList.toggle("lit", isLit));
  for (const each of both) {
    each.addEventListener("pointerenter", () => light(true));
    each.addEventListener("pointerleave", () => light(false));
  }
  rowElement.addEventListener("focus", () => light(true));
  rowElement.addEventListener("blur", () => light(false));
  boxElement.addEventListener("click", () => rowElement.focus());
}
