// "Try it": a form for an operation, which sends a real request with the token of this tab, and the curl command for it.

import { authorization } from "/page/shared/api.js";
import { confirmed } from "/page/shared/confirm.js";
import { button, make, redraw } from "/page/shared/dom.js";
import { bytes, number } from "/page/shared/format.js";
import { notice } from "/page/shared/notice.js";
import { issuer, leaveForIssuer } from "/page/session/issuer.js";
import { claimsOf, configuration, session } from "/page/session/token.js";

const SHOWN = 256 * 1024; // bytes of an answer

/** The curl command of an operation, and what sends the same request. `parameters` are those of path and query. */
export function tryIt(operation) {
  const command = make("pre", { tabindex: "0", "aria-label": "curl command" }, curl(operation, {}));
  const place = make("div", {}, button("Try it", () => redraw(place, form(operation, command, place)), { class: "plain" }));
  return [command, make("div", { class: "try" }, place)];
}

/** The command for the values of the form; names in braces where there is none. */
function curl({ method, path, secured, content, parameters }, values) {
  const lines = [`curl -X ${method.toUpperCase()} "$BASE${address(path, parameters, values)}"`];
  if (secured) lines.push('-H "Authorization: Bearer $TOKEN"');
  if (values.accept) lines.push(`-H "Accept: ${values.accept}"`);
  if (content["multipart/form-data"]) lines.push(`-F file=@${quoted(values.file?.name ?? "plans.xml")}`);
  const body = values.body ?? example(content);
  if (body) lines.push(`-H "Content-Type: application/json" -d ${quoted(body)}`);
  return lines.join(" \\\n  ");
}

/** A text for the shell. */
const quoted = (text) => (/^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** The path and the query. A name in braces stays until it has a value. */
function address(path, parameters, values) {
  const filled = path.replace(/{(\w+)}/g, (braces, name) => (values[name] ? encodeURIComponent(values[name]) : braces));
  const query = new URLSearchParams(parameters.filter((each) => each.in === "query" && values[each.name]).map(({ name }) => [name, values[name]]));
  return query.size ? `${filled}?${query}` : filled;
}

/** The first example of a JSON body. */
function example(content) {
  const [first] = Object.values(content["application/json"]?.examples ?? {});
  return first ? JSON.stringify(first.value) : null;
}

function form(operation, command, place) {
  const { secured, scopes, parameters, content, accepts, path } = operation;
  if (secured && !session()?.client) return signInFirst();
  const kept = { client_id: session()?.client };
  const controls = parameters.map((each) => control(each, kept[each.name]));
  const file = content["multipart/form-data"] ? make("input", { type: "file", name: "file", required: true }) : null;
  const body = example(content) ? make("textarea", { name: "body", rows: "4", spellcheck: "false" }, example(content)) : null;
  const accept = accepts.length > 1 ? make("select", { name: "accept" }, accepts.map((value) => make("option", { value }, value))) : null;
  const answer = make("div", { class: "answer", "aria-live": "polite" });
  const go = make("button", { class: "primary" }, "Send");

  const read = () => Object.fromEntries([...controls, body, accept].filter(Boolean).map((each) => [each.name, each.value.trim()])
    .concat(file ? [["file", file.files[0]]] : []));
  const show = () => { command.textContent = curl(operation, read()); };

  async function submit(event) {
    event.preventDefault();
    const values = read();
    const target = address(path, parameters, values);
    if (operation.method !== "get" && !(await confirmed(`Send ${operation.method.toUpperCase()}?`, `It changes data of the service: ${target}`, "Send"))) return;
    go.disabled = true;
    redraw(answer, await send(operation, target, values));
    go.disabled = false;
  }

  show();
  return [
    make("form", { submit, input: show },
      lacks(scopes) ? make("p", { class: "notice warn" }, `Your token does not have the scope ${scopes.join(" or ")}: the service will refuse the request.`) : null,
      make("div", { class: "values" },
        controls.map((each) => labelled(each.name, each)), file && labelled("file", file),
        accept && labelled("Accept", accept), body && labelled("Body", body)),
      make("div", { class: "actions" }, go, button("Close", () => { command.textContent = curl(operation, {}); redraw(place, button("Try it", () => redraw(place, form(operation, command, place)), { class: "plain" })); }))),
    answer,
  ];
}

function signInFirst() {
  const state = make("div");
  const go = issuer ? button("Sign in", () => leaveForIssuer().catch((error) => state.replaceChildren(notice(error.title, error.message, error.remedy))), { class: "primary" })
    : make("a", { class: "as-button", href: "/" }, "Sign in");
  return [make("p", {}, "Sign in to send requests from here."), state, make("div", { class: "actions" }, go)];
}

/** Whether the session's token has none of the scopes. */
function lacks(scopes) {
  const claim = claimsOf(session()?.token ?? "")?.[configuration.scope_claim] ?? [];
  const has = typeof claim === "string" ? claim.split(/\s+/) : [claim].flat();
  return scopes.length > 0 && !scopes.some((each) => has.includes(each));
}

function control({ name, schema, required }, value = "") {
  if (schema.enum) return make("select", { name, required }, ["", ...schema.enum].map((each) => make("option", { value: each }, String(each))));
  return make("input", { name, required, value, autocomplete: "off", inputmode: schema.type === "integer" ? "numeric" : false });
}

const labelled = (name, element) => make("label", { class: "field" }, make("span", { class: "label" }, name, element.required ? make("span", { class: "must", title: "required" }) : null), element);

/** Send the request, and return what to show of its answer. */
async function send({ method, secured }, target, { file, body, accept }) {
  const headers = { Accept: accept || "*/*" };
  const from = performance.now();
  try {
    if (secured) headers.Authorization = await authorization();
    if (body) headers["Content-Type"] = "application/json";
    const form = new FormData();
    if (file) form.append("file", file);
    const response = await fetch(target, { method: method.toUpperCase(), headers, body: file ? form : body, redirect: "error" });
    const { text, whole, size } = await beginning(response);
    const kept = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    return [
      make("p", { class: "outcome" }, make("strong", { class: response.ok ? "good" : "bad" }, `${response.status} ${response.statusText}`),
        make("span", { class: "quiet" }, ` · ${number(Math.round(performance.now() - from))} ms · ${bytes(size)}${whole ? "" : ", of which the beginning is shown"}`)),
      make("details", {}, make("summary", {}, "Headers"), make("pre", { tabindex: "0" }, kept)),
      text ? make("pre", { tabindex: "0", "aria-label": "Body of the answer" }, whole ? pretty(text) : text) : null,
    ];
  } catch (error) {
    return [notice(error.title || "No answer", error.title ? error.message : "The service cannot be reached, or the connection was lost.")];
  }
}

/** The first bytes of a response; the rest is not read. */
async function beginning(response) {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let [text, size] = ["", 0];
  while (reader && size < SHOWN) {
    const { value, done } = await reader.read();
    if (done) return { text, size, whole: true };
    size += value.length;
    text += decoder.decode(value, { stream: true });
  }
  await reader?.cancel();
  return { text, size, whole: !reader };
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
