// Talks to the service. Paths are relative, so the page works under any prefix.

const KEY = "umop-key";

export class Refusal extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export function keepKey(key) {
  sessionStorage.setItem(KEY, key);
}

export function hasKey() {
  return sessionStorage.getItem(KEY) !== null;
}

async function ask(path, options = {}) {
  const headers = { ...options.headers };
  if (hasKey()) headers["X-API-Key"] = sessionStorage.getItem(KEY);
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "The service cannot be reached.");
  }
  if (!answer.ok) throw new Refusal(answer.status, await reason(answer));
  return answer;
}

async function reason(answer) {
  try {
    return (await answer.json()).detail;
  } catch {
    return `The service answered ${answer.status}.`;
  }
}

let chosen = ""; // the path of the chosen model's routes; empty for the first model's

export async function models() {
  return (await ask("models")).json();
}

export function choose(name) {
  chosen = `models/${name}/`;
}

export function detectPath() {
  return `${chosen}detect`;
}

export async function hasDocs() {
  return (await fetch("docs", { method: "HEAD" })).ok;
}

export async function samples() {
  return (await ask(`${chosen}samples`)).json();
}

export async function sample(name) {
  return (await ask(`${chosen}samples/${encodeURIComponent(name)}`)).blob();
}

export async function detect(image, threshold, signal) {
  const answer = await ask(`${detectPath()}?score_threshold=${threshold}`, { method: "POST", body: raw(image), signal });
  return answer.json();
}

// The image as JPEG, for formats that browsers do not show. No score is above 1: no boxes.
export async function preview(image) {
  const answer = await ask("detect?format=jpeg&score_threshold=1&tiles=off", {
    method: "POST",
    body: raw(image),
  });
  return answer.blob();
}

function raw(image) {
  return image.slice(0, image.size, "application/octet-stream");
}
