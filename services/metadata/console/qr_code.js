// QR codes, drawn by lean-qr; null where the library is not installed.

import { svg } from "./dom.js";

const QUIET = 4; // modules of white around the code, as readers need

export async function qrCode(text, label) {
  let generate;
  try {
    ({ generate } = await import("./lib/qr.mjs"));
  } catch {
    return null;
  }
  const code = generate(text);
  const side = code.size + 2 * QUIET;
  const modules = [];
  for (let y = 0; y < code.size; y += 1) {
    for (let x = 0; x < code.size; x += 1) {
      if (code.get(x, y)) modules.push(`M${x + QUIET} ${y + QUIET}h1v1h-1z`);
    }
  }
  return svg("svg", { class: "qr", viewBox: `0 0 ${side} ${side}`, role: "img", "aria-label": label },
    svg("rect", { width: side, height: side, fill: "#fff" }),
    svg("path", { d: modules.join(""), fill: "#000", "shape-rendering": "crispEdges" }),
  );
}
