// Calls of the API.

import { forget, token } from "./token.js";

// The service lies one level above the console, also behind a proxy that adds a path.
const SERVICE = new URL("../", document.baseURI);
const ANSWER_MS = 15_000;

// An error answer (RFC 9457); `status` 0 is no answer at all. `fields` are `{ field, problem }`.
export class Problem extends Error {
  constructor(status, detail, fields = []) {
    super(detail);
    this.status = status;
    this.fields = fields;
  }
}

async function problemOf(answer) {
  const details = await answer.json().catch(() => ({}));
  return new Problem(answer.status, details.detail ?? `The service answered ${answer.status}.`, details.errors ?? []);
}

function limited(signal) {
  const late = AbortSignal.timeout(ANSWER_MS);
  return signal ? AbortSignal.any([signal, late]) : late;
}

function headersOf({ body, etag, accept = "application/json", showing = token() }) {
  let headers;
  try {
    headers = new Headers({ Authorization: `Bearer ${showing}`, Accept: accept });
  } catch {
    throw new Problem(401, "This token is wrong: it has a character that no token has."); // a header cannot carry it
  }
  if (body !== undefined) headers.set("Content-Type", "application/json");
  if (etag) headers.set("If-Match", etag);
  return headers;
}

async function send(path, options) {
  const { method = "GET", body, signal } = options;
  const request = { method, headers: headersOf(options), signal: limited(signal), body: body && JSON.stringify(body) };
  try {
    return await fetch(new URL(path, SERVICE), request);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, "The service does not answer. Does it still run?");
  }
}

async function checked(path, options) {
  try {
    const answer = await send(path, options);
    if (answer.ok) return answer;
    throw await problemOf(answer);
  } catch (error) {
    if (error.status === 401 && options.showing === undefined) forget();
    throw error;
  }
}

// Gives the JSON of an answer, null if it has none. The channel's version is a field of its own, so no ETag is read.
export async function call(path, options = {}) {
  const answer = await checked(path, options);
  return answer.status === 204 ? null : answer.json();
}

export async function picture(path, signal) {
  const answer = await checked(path, { accept: "image/jpeg", signal });
  return answer.blob();
}

// Says whether the API takes this token.
export async function opens(showing) {
  try {
    await checked("channels?limit=1", { showing });
    return true;
  } catch (error) {
    if (error.status === 401) return false;
    throw error;
  }
}

export const channelPath = (id, rest = "") => `channels/${encodeURIComponent(id)}${rest}`;

export const versionTag = (channel) => `"${channel.version}"`;

// Gives a link as it opens from this page. Links carry the service's public address; whoever came here by another
// name (a tunnel, a proxy) reaches the same service at that name, and the link's right lies in its path.
export function here(link) {
  const path = /\/(p\/\d+-[^/]+\/.+)$/.exec(new URL(link).pathname);
  return path ? new URL(path[1], SERVICE).href : link;
}

// Gives the link at which the service tells the browser to save what it opens, wherever that lies.
export const toSave = (link) => `${here(link)}?download`;

let described;

// Gives the description of a request's body, from the API's own document.
export async function schema(name) {
  described ??= call("openapi.json").catch((error) => {
    described = undefined;
    throw error;
  });
  return (await described).components.schemas[name];
}
