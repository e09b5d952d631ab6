// An object of numbers under names that are known: an input for each, empty where it has none.

import { el } from "./dom.js";

export class NumberFields {
  #inputs;
  #field;
  isGroup = true;
  node;

  constructor(attributes, values, properties) {
    this.#field = attributes;
    this.#inputs = Object.entries(properties).map(([name, described]) => {
      const { minimum, maximum } = described.anyOf?.find((each) => each.type === "integer") ?? described;
      return el("input", { name, type: "number", step: 1, min: minimum, max: maximum, value: values?.[name] ?? "" });
    });
    const rows = this.#inputs.map((input) => el("label", { class: "label-row" }, `${input.name} `, input));
    this.node = el("fieldset", { ...attributes, class: "labels", "aria-labelledby": `${attributes.id}-name` }, rows);
  }

  raw() {
    return JSON.stringify(this.#inputs.map((input) => `${input.value}${input.validity.badInput}`));
  }

  // What is no number goes to the API as text, which says what it takes instead.
  read() {
    const told = (input) => (input.value === "" ? (input.validity.badInput ? "?" : null) : Number(input.value));
    return Object.fromEntries(this.#inputs.map((input) => [input.name, told(input)]));
  }

  mark(isWrong) {
    for (const input of this.#inputs) {
      input.removeAttribute("aria-invalid");
      if (!isWrong) continue;
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", this.#field["aria-describedby"]);
    }
  }
}
