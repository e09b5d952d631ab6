// One control for each kind of field that the API's description knows.
//
// A control is `{ node, raw(), read() }`: `raw` is what stands in it, to see a change; `read` is the value to send,
// undefined where nothing is given. `hint`, where there is one, says how this control is filled in.

import { el } from "./dom.js";
import { fromLocalInput, localInput } from "./formats.js";

const LONG_TEXT = 500; // characters; a field that takes more gets several lines

function variants(described) {
  return described.anyOf ? described.anyOf.flatMap(variants) : [described];
}

function flag(attributes, value) {
  const node = el("input", { ...attributes, type: "checkbox", checked: Boolean(value) });
  return { node, raw: () => node.checked, read: () => node.checked };
}

function numeral(attributes, value, { minimum, maximum, type }) {
  const step = type === "integer" ? 1 : "any";
  const node = el("input", { ...attributes, type: "number", min: minimum, max: maximum, step, value: value ?? "" });
  // What is no number goes to the API as empty text, which says what it takes instead.
  const read = () => (node.value === "" ? (node.validity.badInput ? "" : undefined) : Number(node.value));
  return { node, raw: () => `${node.value}${node.validity.badInput}`, read };
}

function choice(attributes, value, { enum: values }) {
  const node = el("select", attributes, values.map((each) => el("option", { value: each, selected: each === value }, each)));
  return { node, raw: () => node.value, read: () => node.value };
}

function moment(attributes, value) {
  const node = el("input", { ...attributes, type: "datetime-local", step: 1, value: localInput(value) });
  return { node, raw: () => node.value, read: () => fromLocalInput(node.value) ?? undefined, hint: "In your time zone." };
}

function mapOfText(attributes, value) {
  const lines = Object.entries(value ?? {}).map(([name, said]) => `${name}: ${said}`);
  const node = el("textarea", { ...attributes, rows: 3, placeholder: "team: sport" }, lines.join("\n"));
  const pair = (line) => {
    const at = line.includes(":") ? line.indexOf(":") : line.length;
    return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  };
  const read = () => Object.fromEntries(node.value.split("\n").filter((line) => line.trim()).map(pair));
  return { node, raw: () => node.value, read, hint: "One on each line, as name: value." };
}

function words(attributes, value, { maxLength }) {
  const node = maxLength > LONG_TEXT
    ? el("textarea", { ...attributes, rows: 3 }, value ?? "")
    : el("input", { ...attributes, type: "text", value: value ?? "" });
  return { node, raw: () => node.value, read: () => node.value };
}

// Gives the control for a field's description, with a value in it.
export function control(described, attributes, value) {
  const kinds = variants(described);
  const numeric = kinds.find((each) => ["number", "integer"].includes(each.type));
  if (kinds.some((each) => each.type === "boolean")) return flag(attributes, value);
  if (numeric) return numeral(attributes, value, numeric);
  if (kinds.some((each) => each.type === "object")) return mapOfText(attributes, value);
  if (kinds[0].enum) return choice(attributes, value, kinds[0]);
  if (kinds.some((each) => each.format === "date-time")) return moment(attributes, value);
  return words(attributes, value, kinds[0]);
}
