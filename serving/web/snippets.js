// The request that gives what is on the screen, as people type it.

export function curl(request) {
  const key = request.hasKey ? ' \\\n  -H "X-API-Key: $UMOP_KEY"' : "";
  return `curl "${request.url}?${query(request)}"${key} \\\n  -F ${shell(`file=@${request.file}`)}`;
}

export function python(request) {
  const parameters = [`"score_threshold": ${request.threshold}`];
  if (request.classes) parameters.push(`"classes": ${JSON.stringify(request.classes)}`);
  const key = request.hasKey ? '\n    headers={"X-API-Key": os.environ["UMOP_KEY"]},' : "";
  return `${request.hasKey ? "import os\n\n" : ""}import httpx

answer = httpx.post(
    "${request.url}",
    params={${parameters.join(", ")}},${key}
    files={"file": open(${JSON.stringify(request.file)}, "rb")},
)
for found in answer.raise_for_status().json()["detections"]:
    print(found["label"], found["score"], found["box"])`;
}

function query(request) {
  const parameters = new URLSearchParams({ score_threshold: request.threshold });
  for (const name of request.classes ?? []) parameters.append("classes", name);
  return parameters.toString().replaceAll("%20", "+");
}

function shell(text) {
  return /^[\w@=./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
