// Draws /openapi.json. Every text in it is shown as text, never as markup.

import { make } from "/page/shared/dom.js";
import { account } from "/page/session/account.js";
import { signOut } from "/page/session/issuer.js";
import { choose, session } from "/page/session/token.js";
import { tryIt } from "./try.js";

const METHODS = ["get", "post", "put", "delete", "patch"];

/** Paragraphs. Text between backticks becomes `code`. */
function prose(text = "") {
  return text.split(/\n{2,}/).filter((part) => part.trim()).map((part) => make("p", {}, inline(part)));
}

function inline(text = "") {
  return text.split("`").map((part, place) => (place % 2 ? make("code", {}, part) : part));
}

function unfolding(head, body, attributes = {}) {
  return make("details", attributes, make("summary", {}, head), make("div", { class: "body" }, body));
}

function table(heads, rows) {
  const cells = (kind, row) => make("tr", {}, row.map((cell) => make(kind, {}, cell)));
  return make("table", {}, make("thead", {}, cells("th", heads)), make("tbody", {}, rows.map((row) => cells("td", row))));
}

function resolved(api, thing) {
  if (!thing?.$ref) return thing;
  return thing.$ref.slice(2).split("/").reduce((found, name) => found[name], api);
}

/** A short description of a schema, with links to the schemas that it refers to. */
function kind(schema = {}) {
  if (schema.$ref) {
    const name = schema.$ref.split("/").at(-1);
    return [make("a", { href: `#schema-${name}` }, name)];
  }
  if ("const" in schema) return [make("code", {}, JSON.stringify(schema.const))];
  if (schema.enum) return joined(schema.enum.map((value) => [make("code", {}, String(value))]), " | ");
  const several = schema.oneOf ?? schema.anyOf;
  if (several) return joined(several.map(kind), " or ");
  if (schema.type === "array") return ["list of ", ...kind(schema.items)];
  const type = [schema.type ?? "anything"].flat().join(" or ");
  return [schema.format ? `${type} (${schema.format})` : type];
}

function joined(parts, between) {
  return parts.flatMap((part, place) => (place ? [between, ...part] : part));
}

function bounds(schema = {}) {
  const texts = {
    minimum: (value) => `at least ${value}`,
    maximum: (value) => `at most ${value}`,
    minLength: (value) => `at least ${value} character${value === 1 ? "" : "s"}`,
    maxLength: (value) => `at most ${value} characters`,
    maxItems: (value) => `at most ${value} items`,
    pattern: (value) => `pattern ${value}`,
    default: (value) => `default ${value}`,
  };
  const exact = (value) => typeof value !== "number" || Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  return Object.keys(texts).filter((name) => name in schema && exact(schema[name]))
    .map((name) => texts[name](schema[name])).join(", ");
}

function described(description, schema) {
  const bound = bounds(schema);
  return [...inline(description ?? schema?.description), bound ? make("div", { class: "quiet" }, bound) : null];
}

function properties(schema) {
  const must = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties).map(([name, each]) => [
    make("code", { class: must.has(name) ? "must" : "" }, name), kind(each), described(each.description, each),
  ]);
  const nested = Object.entries(schema.properties)
    .filter(([, each]) => each.properties)
    .flatMap(([name, each]) => [make("h4", {}, "in ", make("code", {}, name)), properties(each)]);
  return make("div", {}, rows.length ? table(["Member", "Type", "Description"], rows) : "Empty.", nested);
}

function shape(schema) {
  return schema.properties ? properties(schema) : make("p", {}, kind(schema), " ", described(schema.description, schema));
}

function examples(type, media) {
  return Object.values(media.examples ?? {}).map(({ summary, value }) =>
    unfolding(["Example: ", summary], make("pre", { tabindex: "0" }, written(type, value))));
}

/** An example as it is sent. For a form, each part follows its name. */
function written(type, value) {
  if (typeof value === "string") return value;
  if (!type.startsWith("multipart/")) return JSON.stringify(value, null, 2);
  return Object.entries(value).map(([name, part]) => `${name}\n${part}`).join("\n\n");
}

function contents(content = {}) {
  return Object.entries(content).flatMap(([type, media]) => [
    make("h4", {}, make("code", {}, type)), shape(media.schema ?? {}), examples(type, media),
  ]);
}

/** The media types of a successful response. */
const accepts = ({ responses }) => [...new Set(Object.entries(responses).filter(([status]) => status.startsWith("2")).flatMap(([, each]) => Object.keys(each.content ?? {})))];

function parameters(given) {
  if (!given.length) return [];
  const rows = given.map((each) => [
    make("code", { class: each.required ? "must" : "" }, each.name), each.in,
    kind(each.schema), described(each.description, each.schema),
  ]);
  return [make("h3", {}, "Parameters"), table(["Name", "In", "Type", "Description"], rows)];
}

function answer(api, status, given) {
  const response = resolved(api, given);
  const headers = Object.entries(response.headers ?? {}).map(([name, each]) => {
    const header = resolved(api, each);
    return [make("code", { class: header.required ? "must" : "" }, name), inline(header.description)];
  });
  return unfolding(
    [make("span", { class: "status" }, status), " ", ...inline(response.description)],
    [headers.length ? table(["Header", "Description"], headers) : null, contents(response.content)],
  );
}

function operation(api, path, method, shared, details) {
  const scopes = details.security.flatMap((each) => Object.values(each).flat());
  const body = details.requestBody;
  const given = [...shared, ...(details.parameters ?? [])].map((each) => resolved(api, each));
  const element = unfolding(
    [
      make("span", { class: `method ${method}` }, method.toUpperCase()),
      make("span", { class: "path" }, path), make("span", { class: "title" }, details.summary),
    ],
    [
      prose(details.description),
      make("p", { class: "quiet" }, scopes.length ? ["Scope: ", ...joined(scopes.map((each) => [make("code", {}, each)]), " or ")] : "Public: no token."),
      tryIt({
        method, path, scopes, secured: details.security.length > 0, content: body?.content ?? {}, accepts: accepts(details),
        parameters: given.filter((each) => ["path", "query"].includes(each.in)).map((each) => ({ ...each, schema: resolved(api, each.schema) })),
      }),
      parameters(given),
      body ? [make("h3", {}, "Body"), prose(body.description), contents(body.content)] : null,
      make("h3", {}, "Responses"),
      Object.entries(details.responses).map(([status, each]) => answer(api, status, each)),
    ],
    { id: details.operationId },
  );
  element.dataset.words = `${method} ${path} ${details.summary} ${details.description} ${details.operationId}`.toLowerCase();
  return element;
}

function groups(api) {
  const all = Object.entries(api.paths).flatMap(([path, methods]) =>
    METHODS.filter((method) => methods[method]).map((method) => [path, method, methods.parameters ?? [], methods[method]]));
  return api.tags.map((tag) =>
    make("section", { "aria-label": tag.name }, make("h2", {}, tag.name), prose(tag.description),
      all.filter(([, , , details]) => details.tags.includes(tag.name)).map((each) => operation(api, ...each))));
}

function schemas(api) {
  const listed = Object.entries(api.components.schemas).map(([name, schema]) => {
    const element = unfolding(make("code", {}, name), [prose(schema.description), shape({ ...schema, description: "" })], { id: `schema-${name}` });
    element.dataset.words = `${name} ${schema.description ?? ""}`.toLowerCase();
    return element;
  });
  return make("section", { "aria-label": "Schemas" }, make("h2", {}, "Schemas"), listed);
}

function about(api) {
  const { info, components } = api;
  document.title = info.title;
  const authentication = Object.values(components.securitySchemes).map((each) => prose(each.description));
  document.querySelector("#about").replaceChildren(
    make("h1", {}, info.title),
    make("p", { class: "quiet" }, `${info.version} · OpenAPI ${api.openapi} · `, make("a", { href: "/openapi.json" }, "openapi.json")),
    ...prose(info.description), make("h2", {}, "Authentication"), ...authentication.flat(),
  );
}

function filter() {
  const words = document.querySelector("#filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const section of document.querySelectorAll("section")) {
    let left = 0;
    for (const each of section.querySelectorAll(":scope > details")) {
      each.hidden = !words.every((word) => each.dataset.words.includes(word));
      left += !each.hidden;
    }
    section.hidden = !left;
    found += left;
  }
  document.querySelector("#found").value = words.length ? `${found} found` : "";
}

/** Open the section that the address names. */
function unfold() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named?.tagName !== "DETAILS") return;
  named.open = true;
  named.scrollIntoView();
}

function listen() {
  const input = document.querySelector("#filter");
  input.addEventListener("input", filter);
  addEventListener("hashchange", unfold);
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target === input) return;
    event.preventDefault();
    input.focus();
  });
  document.querySelector("#operations").addEventListener("click", (event) => {
    const head = event.target.closest("summary");
    const opened = head?.parentElement;
    if (opened?.id) history.replaceState(null, "", opened.open ? location.pathname : `#${opened.id}`);
  });
}

/** The menu of the user, as on the page; without a session, a link to the page. */
function showUser() {
  const picked = (client) => { choose(client); location.reload(); };
  document.querySelector(".who").replaceChildren(session()?.client ? account({ picked, leave: signOut }) : make("a", { href: "/" }, "Sign in"));
}

showUser();
try {
  const answered = await fetch("/openapi.json");
  if (!answered.ok) throw new Error(`${answered.status} ${answered.statusText}`);
  const api = await answered.json();
  about(api);
  document.querySelector("#operations").replaceChildren(...groups(api), schemas(api));
  listen();
  unfold();
} catch (fault) {
  document.querySelector("#state").textContent = `/openapi.json cannot be shown: ${fault.message}`;
}
