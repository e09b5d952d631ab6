// Labels: names with values, a row for each, to change, add and remove.
//
// What nobody touches is given back as it was, whatever an input makes of it.

import { Problem } from "./api.js";
import { button, el } from "./dom.js";

// One text of a row.
function box(text, words, placeholder) {
  const node = el("input", { type: "text", value: text, "aria-label": words, placeholder, autocomplete: "off" });
  const shown = node.value;
  return { node, read: () => (node.value === shown ? text : node.value.trim()) };
}

export class LabelRows {
  #rows = [];
  #field;
  #list = el("div", { class: "label-rows" });
  #add = button("Add a label", () => this.#append("", "").name.node.focus());
  #wrong = null; // the input to which a complaint belongs, if it is known
  isGroup = true;
  node;

  constructor(attributes, labels) {
    this.#field = attributes;
    this.node = el("fieldset", { ...attributes, class: "labels", "aria-labelledby": `${attributes.id}-name` }, this.#list, this.#add);
    Object.entries(labels ?? {}).forEach(([name, value]) => this.#append(name, value));
  }

  raw() {
    return JSON.stringify(this.#filled().map(({ name, value }) => [name.read(), value.read()]));
  }

  // Gives the labels; throws a Problem where they cannot be told apart.
  read() {
    this.#wrong = null;
    const labels = new Map();
    for (const { name, value } of this.#filled()) {
      const named = name.read();
      if (named === "") this.#refuse(name, "a label must have a name");
      if (labels.has(named)) this.#refuse(name, "two labels have this name");
      labels.set(named, value.read());
    }
    return Object.fromEntries(labels);
  }

  mark(isWrong) {
    this.node.querySelectorAll("[aria-invalid]").forEach((input) => input.removeAttribute("aria-invalid"));
    const input = this.#wrong ?? this.#rows[0]?.name.node;
    if (!isWrong || !input) return;
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", this.#field["aria-describedby"]);
  }

  // A row that says nothing is none.
  #filled() {
    return this.#rows.filter(({ name, value }) => name.read() !== "" || value.read() !== "");
  }

  #refuse(name, problem) {
    this.#wrong = name.node;
    throw new Problem(0, problem, [{ field: this.#field.name, problem }]);
  }

  #append(name, value) {
    const row = { name: box(name, "Label name", "Name"), value: box(value, "Label value", "Value") };
    const remove = button("×", () => this.#remove(row), { class: "plain close", "aria-label": "Remove this label", title: "Remove" });
    row.node = el("div", { class: "label-row" }, row.name.node, row.value.node, remove);
    this.#rows.push(row);
    this.#list.append(row.node);
    return row;
  }

  #remove(row) {
    const at = this.#rows.indexOf(row);
    this.#rows.splice(at, 1);
    row.node.remove();
    (this.#rows[at]?.name.node ?? this.#add).focus();
  }
}
