// Runs a CloudFront Function: a line of JSON in, {"uri", "querystring"}, and a line out, what the function returned.
//
// `node edge.mjs FUNCTION.js '{"link_secrets": "…"}'`: the second argument is what the key value store holds.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [, , path, stored] = process.argv;
const values = JSON.parse(stored);
globalThis.cloudfront = {
  kvs: () => ({
    get: async (key) => {
      if (!(key in values)) throw new Error(`the store has no ${key}`);
      return values[key];
    },
  }),
};
// The module `cloudfront` is there in CloudFront only, and the handler is called by its name.
const source = readFileSync(path, "utf8")
  .replace('import cf from "cloudfront";', "const cf = globalThis.cloudfront;")
  .concat("\nexport { handler };\n");
const { handler } = await import(`data:text/javascript;base64,${Buffer.from(source).toString("base64")}`);

for await (const line of createInterface({ input: process.stdin })) {
  const { uri, querystring } = JSON.parse(line);
  const event = { version: "1.0", request: { method: "GET", uri, querystring, headers: {}, cookies: {} } };
  process.stdout.write(`${JSON.stringify(await handler(event))}\n`);
}
