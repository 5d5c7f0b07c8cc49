// The request that gives what is on the screen, as people type it.

const NOTHING = "# No class is ticked: there is nothing to ask for.";

export function curl(request) {
  if (isForNothing(request)) return NOTHING;
  const key = request.hasKey ? ' \\\n  -H "X-API-Key: $UMOP_KEY"' : "";
  const asked = query(request);
  return `curl "${request.url}${asked && `?${asked}`}"${key} \\\n  -F ${shell(`file=@${quoted(request.file)}`)}`;
}

export function python(request) {
  if (isForNothing(request)) return NOTHING;
  const parameters = [];
  if (request.threshold !== null) parameters.push(`"score_threshold": ${request.threshold}`);
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

function isForNothing(request) {
  return request.classes?.length === 0;
}

function query(request) {
  const parameters = new URLSearchParams();
  if (request.threshold !== null) parameters.append("score_threshold", request.threshold);
  for (const name of request.classes ?? []) parameters.append("classes", name);
  return parameters.toString().replaceAll("%20", "+");
}

// curl takes a comma or semicolon in a bare name for the end of it.
function quoted(file) {
  return `"${file.replaceAll(/["\\]/g, "\\$&")}"`;
}

function shell(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
