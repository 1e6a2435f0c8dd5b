"""The page at ``/docs``: renders ``/openapi.json`` in the browser, with nothing from elsewhere."""

DOCS_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>playvitals events API</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; --line: color-mix(in srgb, CanvasText 18%, Canvas); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1.5rem; }
h1 { margin: 0 0 .25rem; } h2 { margin: 2.2rem 0 .5rem; font-size: 1.2rem; }
code, pre { font: .875rem/1.5 ui-monospace, monospace; }
pre { border: 1px solid var(--line); border-radius: 6px; padding: .75rem; overflow-x: auto; }
details { border: 1px solid var(--line); border-radius: 6px; padding: .4rem .75rem; }
details { margin: .4rem 0; }
summary { cursor: pointer; font-weight: 600; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
table { display: block; overflow-x: auto; }
th, td { text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
th, td { padding: .3rem .8rem .3rem 0; }
.verb { font-weight: 700; margin-right: .5rem; }
</style>
</head>
<body>
<main id="page"><p>Loading <a href="/openapi.json">openapi.json</a> &hellip;</p></main>
<script>
const make = (tag, text, ...children) => {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  node.append(...children);
  return node;
};
const code = text => make("code", text);
const plain = text => text.replaceAll("`", "");
const lookUp = (doc, ref) => ref.slice(2).split("/").reduce((at, key) => at[key], doc);
const nameOf = ref => ref.split("/").pop();
const typeOf = schema => {
  if (schema.$ref) return nameOf(schema.$ref);
  if (schema.anyOf) return schema.anyOf.map(typeOf).filter(t => t !== "null").join(" or ");
  if (schema.enum) return schema.enum.map(v => JSON.stringify(v)).join(", ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.type === "array") return "array of " + typeOf(schema.items || {});
  const range = ["minimum", "maximum", "minLength", "maxLength", "maxItems", "pattern"]
    .filter(key => key in schema).map(key => key + " " + schema[key]);
  return [schema.type || "any", ...range].join(", ");
};
const table = (head, rows) => {
  const cells = (tag, row) => make("tr", undefined, ...row.map(c => make(tag, undefined, c)));
  return make("table", undefined, cells("th", head), ...rows.map(row => cells("td", row)));
};
const fields = schema => table(["field", "type", "required", "about"],
  Object.entries(schema.properties || {}).map(([name, field]) => [
    code(name), typeOf(field), (schema.required || []).includes(name) ? "yes" : "",
    field.description || ""]));
const example = value => make("pre", JSON.stringify(value, null, 2));
const operation = (doc, path, verb, op) => {
  const box = make("section", undefined,
    make("h2", undefined, Object.assign(make("span", verb.toUpperCase()), {className: "verb"}),
      code(path)),
    make("p", plain([op.summary, op.description].filter(Boolean).join(". "))));
  const body = op.requestBody && op.requestBody.content["application/json"];
  if (op.parameters) box.append(table(["parameter", "values", "default"],
    op.parameters.map(({name, schema}) =>
      [code(name), typeOf(schema), JSON.stringify(schema.default)])));
  if (body) box.append(make("p", "Body: " + typeOf(body.schema)), example(body.example));
  box.append(table(["status", "meaning"], Object.entries(op.responses).map(([status, answer]) => [
    code(status), (answer.$ref ? lookUp(doc, answer.$ref) : answer).description])));
  return box;
};
const render = doc => {
  const page = document.getElementById("page");
  page.replaceChildren(make("h1", doc.info.title),
    make("p", plain(doc.info.description)),
    make("p", "Authentication: Authorization: Bearer pk_… or X-API-Key: pk_…"));
  for (const [path, verbs] of Object.entries(doc.paths))
    for (const [verb, op] of Object.entries(verbs)) page.append(operation(doc, path, verb, op));
  page.append(make("h2", "Schemas"));
  for (const [name, schema] of Object.entries(doc.components.schemas))
    page.append(make("details", undefined, make("summary", name),
      make("p", plain(schema.description || "")),
      schema.properties ? fields(schema) : typeOf(schema)));
};
fetch("/openapi.json").then(answer => answer.json()).then(render).catch(error => {
  document.getElementById("page").textContent = "Cannot load /openapi.json: " + error;
});
</script>
</body>
</html>
"""
