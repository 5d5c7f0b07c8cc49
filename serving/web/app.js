// The page: an image comes in, the service is asked, and what it found can be looked through.

import * as api from "./api.js";
import { curl, python } from "./snippets.js";
import {
  byId, chosenClasses, make, showClasses, showDetections, showModel, showStatus, showTiming,
} from "./view.js";

let lowest = 0.05; // asked for once, so that the slider filters without asking again
let ownScores = null; // the model's thresholds of single classes, until the slider is moved
let models = [];
let found = null;
let file = null;
let language = "curl";
let request = new AbortController();

async function start() {
  try {
    models = await api.models();
    byId("key-form").hidden = true;
    showStatus("");
    showMenu();
    byId("docs-link").hidden = !(await api.hasDocs());
    await useModel(models[0]);
  } catch (error) {
    complain(error);
    if (error.status === 503) setTimeout(start, 2000);
  }
}

function showMenu() {
  byId("models").replaceChildren(...models.map(({ name }) => make("option", { value: name }, name)));
  byId("menu").hidden = models.length < 2;
}

async function useModel(model) {
  if (models.length > 1) api.choose(model.name);
  showModel(model);
  lowest = model.postprocess.candidate_threshold;
  byId("threshold").min = lowest;
  byId("threshold").value = model.postprocess.score_threshold;
  const own = new Map(Object.entries(model.postprocess.class_thresholds ?? {}));
  ownScores = own.size > 0 ? own : null;
  await showSamples();
}

async function changeModel(name) {
  request.abort();
  clear();
  try {
    await useModel(models.find((model) => model.name === name));
  } catch (error) {
    complain(error);
  }
}

function complain(error, about = "") {
  if (error.status === 401) {
    byId("key-form").hidden = false;
    showStatus(api.hasKey() ? "That key is not valid here." : "", true);
    byId("key").focus();
    return;
  }
  showStatus(about + error.message, true);
}

async function showSamples() {
  const names = await api.samples();
  const buttons = await Promise.all(names.map(sampleButton));
  byId("sample-list").replaceChildren(...buttons);
  byId("samples").hidden = names.length === 0;
}

async function sampleButton(name) {
  const blob = await api.sample(name);
  const image = make("img", { src: URL.createObjectURL(blob), alt: "" });
  const button = make("button", { type: "button", title: name }, image);
  button.setAttribute("aria-label", `Use the sample ${name}`);
  button.addEventListener("click", () => use(new File([blob], name, { type: blob.type })));
  return button;
}

async function use(image) {
  request.abort();
  request = new AbortController();
  const { signal } = request;
  file = image;
  found = null;
  showStatus("");
  showImage(image, signal);
  const began = performance.now();
  try {
    const answer = await api.detect(image, lowest, signal);
    found = answer;
    showAnswer(answer, performance.now() - began);
  } catch (error) {
    if (error.name === "AbortError") return;
    clear();
    complain(error, `${image.name}: `);
  } finally {
    if (!signal.aborted) byId("canvas").classList.remove("busy");
  }
}

function showImage(file, signal) {
  const image = byId("image");
  URL.revokeObjectURL(image.src);
  image.onerror = async () => {
    image.onerror = null;
    const blob = await api.preview(file).catch(() => null);
    if (blob && !signal.aborted) image.src = URL.createObjectURL(blob);
  };
  image.src = URL.createObjectURL(file);
  byId("boxes").replaceChildren();
  byId("canvas").classList.add("busy");
  byId("caption").textContent = file.name;
  byId("drop").hidden = true;
  byId("samples").hidden = true;
  byId("figure").hidden = false;
}

function showAnswer(answer, roundTrip) {
  byId("main").classList.remove("empty");
  byId("results").hidden = false;
  byId("caption").textContent = `${file.name} · ${answer.image.width} × ${answer.image.height}`;
  showTiming(answer.timing_ms, roundTrip);
  showClasses(answer.detections, filter);
  filter();
}

function filter() {
  const threshold = Number(byId("threshold").value);
  byId("threshold-value").textContent = ownScores ? "by class" : threshold.toFixed(2);
  if (!found) return;
  const { chosen } = chosenClasses();
  const shown = found.detections.filter(
    ({ score, label }) => score >= (ownScores?.get(label) ?? threshold) && chosen.includes(label),
  );
  showDetections(shown, found.detections.length, found.image);
  showCode();
}

function showCode() {
  const { chosen, areAll } = chosenClasses();
  const asked = {
    url: new URL(api.detectPath(), location.href).href,
    file: file.name,
    threshold: ownScores ? null : Number(byId("threshold").value),
    classes: areAll ? null : chosen,
    hasKey: api.hasKey(),
  };
  byId("code").textContent = language === "curl" ? curl(asked) : python(asked);
}

function speak(chosen) {
  language = chosen;
  for (const each of ["curl", "python"]) {
    byId(`show-${each}`).setAttribute("aria-pressed", String(each === chosen));
  }
  showCode();
}

async function copy() {
  const code = byId("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
    byId("copy").textContent = "Copied";
    setTimeout(() => (byId("copy").textContent = "Copy"), 1500);
  } catch {
    getSelection().selectAllChildren(code); // without https there is no clipboard to write to
  }
}

function clear() {
  found = null;
  byId("figure").hidden = true;
  byId("results").hidden = true;
  byId("main").classList.add("empty");
  byId("drop").hidden = false;
  byId("samples").hidden = byId("sample-list").childElementCount === 0;
  byId("file").value = "";
}

function takeFirst(files) {
  if (files.length > 0) use(files[0]);
}

byId("models").addEventListener("change", (event) => changeModel(event.target.value));
byId("file").addEventListener("change", (event) => takeFirst(event.target.files));
byId("threshold").addEventListener("input", () => {
  ownScores = null;
  filter();
});
byId("show-curl").addEventListener("click", () => speak("curl"));
byId("show-python").addEventListener("click", () => speak("python"));
byId("copy").addEventListener("click", copy);
byId("another").addEventListener("click", () => {
  request.abort();
  clear();
  byId("file").focus();
});
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  api.keepKey(byId("key").value);
  start();
});
addEventListener("paste", (event) => takeFirst(event.clipboardData.files));
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dragging");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  takeFirst(event.dataTransfer.files);
});
start();
