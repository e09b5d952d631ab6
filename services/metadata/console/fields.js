// One control for each kind of field that the API's description knows.
//
// A control is `{ node, raw(), read() }`: `raw` is what stands in it, to see a change; `read` is the value to send,
// undefined where nothing is given; it throws a Problem for what cannot be sent. Some have a `hint` that says how they
// are filled in; one of several inputs `isGroup` and has `mark(isWrong)`.

import { Problem } from "./api.js";
import { el } from "./dom.js";
import { LAST_LOCAL_INPUT, localInput, momentIn } from "./formats.js";
import { LabelRows } from "./label_rows.js";
import { NumberFields } from "./number_fields.js";

const LONG_TEXT = 500; // characters; a field that takes more gets several lines

function variants(described) {
  return described.anyOf ? described.anyOf.flatMap(variants) : [described];
}

const isNumeric = ({ type }) => ["number", "integer"].includes(type);

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

// Numbers in a row. What is none goes to the API as it is written, which says what it takes instead.
function numerals(attributes, value) {
  const node = el("input", { ...attributes, type: "text", value: (value ?? []).join(", ") });
  const read = () => node.value.split(/[\s,;]+/).filter(Boolean).map((text) => (/^\d+$/.test(text) ? Number(text) : text));
  return { node, raw: () => node.value, read, hint: "With commas between them." };
}

function choice(attributes, value, { enum: values }) {
  const node = el("select", attributes, values.map((each) => el("option", { value: each, selected: each === value }, each)));
  return { node, raw: () => node.value, read: () => node.value };
}

function moment(attributes, value) {
  const node = el("input", { ...attributes, type: "datetime-local", step: 1, max: LAST_LOCAL_INPUT, value: localInput(value) });
  const read = () => {
    try {
      return momentIn(node) ?? undefined;
    } catch (error) {
      throw new Problem(0, error.message, [{ field: attributes.name, problem: error.message }]);
    }
  };
  return { node, raw: () => `${node.value}${node.validity.badInput}`, read, hint: "In your time zone." };
}

// A list is written as JSON: few fields are one, and each holds something else.
function list(attributes, value) {
  const node = el("input", { ...attributes, type: "text", value: value === null || value === undefined ? "" : JSON.stringify(value) });
  const read = () => {
    if (!node.value.trim()) return undefined;
    try {
      return JSON.parse(node.value);
    } catch {
      const problem = "must be a list, written as JSON";
      throw new Problem(0, problem, [{ field: attributes.name, problem }]);
    }
  };
  return { node, raw: () => node.value, read, hint: "A list, written as JSON." };
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
  const numbers = kinds.find((each) => each.type === "array" && variants(each.items).some(isNumeric));
  const numeric = kinds.find(isNumeric);
  if (kinds.some((each) => each.type === "boolean")) return flag(attributes, value);
  if (numbers) return numerals(attributes, value);
  if (kinds.some((each) => each.type === "array")) return list(attributes, value);
  if (numeric) return numeral(attributes, value, numeric);
  const named = kinds.find((each) => each.type === "object" && each.properties);
  if (named) return new NumberFields(attributes, value, named.properties);
  if (kinds.some((each) => each.type === "object")) return new LabelRows(attributes, value);
  if (kinds[0].enum) return choice(attributes, value, kinds[0]);
  if (kinds.some((each) => each.format === "date-time")) return moment(attributes, value);
  return words(attributes, value, kinds[0]);
}
