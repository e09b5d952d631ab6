// Judges the links of the metadata service at CloudFront: /p/<exp>-<mac>/<key> becomes /<key>, anything else is refused.
//
// The same judgement as services/domain/signing.py gives, held together by tests/contract/test_link_judges.py. The key
// value store holds `link_secrets`, spelled id:secret[,id:secret], and `api`, the address of the metadata service.
//
// CloudFront's runtime knows less than Node: no destructuring, no `catch` without a name, no `await` among arguments.
import cf from "cloudfront";
import crypto from "crypto";

const TOKEN = /^([0-9]{1,12})-(.*)$/;
const MAC_DIGITS = 32;
const CONTROL = /[\u0000-\u001f\u007f\\]/;

function problem(status, title, detail) {
  return {
    statusCode: status,
    statusDescription: title,
    headers: {
      "content-type": { value: "application/problem+json" },
      "cache-control": { value: "no-store" },
      "access-control-allow-origin": { value: "*" },
    },
    body: JSON.stringify({ type: "about:blank", title: title, status: status, detail: detail }),
  };
}

// What a link opens: the key itself or, for HLS, its channel's whole prefix.
function scope(key) {
  return key.startsWith("hls/") ? `${key.split("/").slice(0, 2).join("/")}/` : key;
}

// Takes as long for a wrong first letter as for a wrong last one.
function same(ours, given) {
  let differs = ours.length ^ given.length;
  for (let at = 0; at < ours.length; at += 1) differs |= ours.charCodeAt(at) ^ given.charCodeAt(at % given.length || 0);
  return differs === 0;
}

function judge(secrets, token, key) {
  const parts = TOKEN.exec(token);
  if (!parts) return "malformed";
  const message = `${Number(parts[1])}\n${scope(key)}`;
  const isRight = secrets.split(",").map((each) => {
    const secret = each.trim().slice(each.trim().indexOf(":") + 1);
    return same(crypto.createHmac("sha256", secret).update(message).digest("hex").slice(0, MAC_DIGITS), parts[2]);
  }).includes(true);
  if (!isRight) return "wrong";
  return Date.now() / 1000 < Number(parts[1]) ? "ok" : "expired";
}

const REFUSALS = {
  expired: "the link has expired; ask the API for a new one",
  malformed: "the link is malformed; copy it whole",
  wrong: "the link's signature is wrong; copy it whole",
};

function isKey(key) {
  return !CONTROL.test(key) && key.split("/").every((part) => part !== "" && !part.startsWith("."));
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    return "";
  }
}

// Under which name a browser saves an object, as services/domain/keys.py gives it.
function fileName(key) {
  const parts = key.split("/");
  return (parts.length > 1 ? `${parts[1]}-${parts[parts.length - 1]}` : key).replace(/[^A-Za-z0-9._-]/g, "_");
}

async function handler(event) {
  const request = event.request;
  const parts = request.uri.split("/");
  const key = decoded(parts.slice(3).join("/"));
  const token = decoded(parts[2] || "");
  if (parts[1] !== "p" || !token || !key) return problem(404, "Not Found", "there is no such address");
  const store = cf.kvs();
  const secrets = await store.get("link_secrets");
  const verdict = judge(secrets, token, key);
  if (verdict !== "ok") return problem(403, "Forbidden", REFUSALS[verdict]);
  if (!isKey(key)) return problem(404, "Not Found", "no object has this key");
  const query = request.querystring;
  if (query.width) {
    const api = await store.get("api");
    const location = `${api}${request.uri}?width=${encodeURIComponent(query.width.value)}`;
    const headers = { location: { value: location }, "cache-control": { value: "no-store" } };
    return { statusCode: 307, statusDescription: "Temporary Redirect", headers: headers };
  }
  // However a viewer spelled it: what CloudFront keeps under one name it can forget by that name.
  request.uri = `/${key.split("/").map(encodeURIComponent).join("/")}`;
  const saved = encodeURIComponent(`attachment; filename="${fileName(key)}"`);
  request.querystring = query.download ? { "response-content-disposition": { value: saved } } : {};
  return request;
}
