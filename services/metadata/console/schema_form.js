// A form that is built from the API's description of a body, so that both say the same of every field.

import { button, el, freshId } from "./dom.js";
import { control } from "./fields.js";
import { wordsOf } from "./notices.js";

export class SchemaForm {
  #fields = new Map();
  #problem = el("div", { class: "problem", role: "alert" });
  #submit;
  node;

  // `groups` are `[title, names]`; fields that no group names come last, so that a new one is never left out.
  // `submit(values)` may throw; the fields that a Problem names are marked.
  constructor({ schema, groups = [], values = {}, action, danger = false, submit, cancel }) {
    const named = new Set(groups.flatMap(([, names]) => names));
    const rest = Object.keys(schema.properties).filter((name) => !named.has(name));
    const all = rest.length ? [...groups, [groups.length ? "More" : null, rest]] : groups;
    this.#submit = el("button", { class: danger ? "danger" : "main" }, action);
    this.node = el("form", { novalidate: true, submit: (event) => this.#send(event, submit) },
      all.map(([title, names]) => this.#group(schema, title, names, values)),
      this.#problem,
      el("div", { class: "buttons" }, this.#submit, button("Cancel", cancel)),
    );
  }

  // Gives what was changed since the form was made.
  changed() {
    const fields = [...this.#fields].filter(([, { made, was }]) => made.raw() !== was);
    // A field that was emptied takes its default again.
    return Object.fromEntries(fields.map(([name, { made, otherwise }]) => [name, made.read() ?? otherwise]));
  }

  // Gives what is filled in.
  given() {
    const fields = [...this.#fields].map(([name, { made }]) => [name, made.read()]);
    return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
  }

  // Shows what is wrong, each of a Problem's at the field it names; `more` are elements to show with it.
  show(error, ...more) {
    this.#clear();
    const fields = error.fields ?? [];
    const elsewhere = fields.filter(({ field }) => !this.#fields.has(field));
    for (const { field, problem } of fields) this.#fields.get(field)?.complain(problem);
    const general = fields.length ? elsewhere.map(({ field, problem }) => `${field}: ${problem}`).join("; ") : wordsOf(error);
    const marked = fields.length > elsewhere.length ? "Some fields need another value." : "";
    this.#problem.append(...[general || marked].map((text) => el("p", {}, text)), ...more);
    (this.node.querySelector("[aria-invalid=true]") ?? this.#submit).focus();
  }

  #group(schema, title, names, values) {
    const known = names.filter((name) => name in schema.properties);
    return el("fieldset", {}, title && el("legend", {}, title), known.map((name) => this.#field(schema, name, values)));
  }

  #field(schema, name, values) {
    const described = schema.properties[name];
    const id = freshId(name);
    const attributes = { id, name, "aria-describedby": `${id}-hint ${id}-problem`, autocomplete: "off" };
    const made = control(described, attributes, name in values ? values[name] : described.default);
    const problem = el("p", { class: "problem", id: `${id}-problem` });
    const complain = (text) => {
      problem.textContent = text;
      if (made.mark) made.mark(text !== "");
      else made.node.setAttribute("aria-invalid", String(text !== ""));
    };
    this.#fields.set(name, { made, was: made.raw(), otherwise: described.default ?? null, complain });
    return el("div", { class: `field ${made.node.type}` },
      el(made.isGroup ? "span" : "label", { id: `${id}-name`, for: made.isGroup ? null : id }, described.title ?? name),
      el("p", { class: "hint", id: `${id}-hint` }, [described.description, made.hint].filter(Boolean).join(" ")),
      made.node,
      problem,
    );
  }

  #clear() {
    this.#problem.replaceChildren();
    for (const field of this.#fields.values()) field.complain("");
  }

  async #send(event, submit) {
    event.preventDefault();
    this.#clear();
    this.#submit.disabled = true;
    try {
      await submit(this);
    } catch (error) {
      this.#submit.disabled = false; // before the focus goes to it
      this.show(error);
    } finally {
      this.#submit.disabled = false;
    }
  }
}
