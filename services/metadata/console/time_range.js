// From when to when, chosen by two inputs; what stands in them counts once it is asked for.

import { el, freshId } from "./dom.js";
import { LAST_LOCAL_INPUT, momentIn } from "./formats.js";

function timeField(words, described) {
  const id = freshId("time");
  const input = el("input", { id, type: "datetime-local", step: 1, max: LAST_LOCAL_INPUT, "aria-describedby": described });
  return { words, input, node: el("label", { for: id }, words, input) };
}

export class TimeRange {
  #id = freshId("range-problem");
  #begin = timeField("From", this.#id);
  #end = timeField("To", this.#id);
  problem = el("p", { class: "problem", role: "alert", id: this.#id });
  from = null;
  to = null;
  node;

  // `chosen()` is called when a range was asked for; `more` stands after the button for that.
  constructor(chosen, more) {
    const submit = (event) => {
      event.preventDefault();
      if (this.#choose()) chosen();
    };
    this.node = el("form", { class: "filters", novalidate: true, submit }, this.#begin.node, this.#end.node, el("button", {}, "Show"), more);
  }

  get isChosen() {
    return this.from !== null || this.to !== null;
  }

  clear() {
    this.#begin.input.value = this.#end.input.value = "";
    this.#choose();
  }

  // Takes what stands in the inputs, or says why it cannot be; gives whether it could.
  #choose() {
    for (const { input } of [this.#begin, this.#end]) input.removeAttribute("aria-invalid");
    this.problem.textContent = "";
    try {
      const [from, to] = [this.#momentOf(this.#begin), this.#momentOf(this.#end)];
      if (from && to && from > to) this.#refuse(this.#begin, "From is later than To.");
      [this.from, this.to] = [from, to];
      return true;
    } catch (error) {
      this.problem.textContent = error.message;
      return false;
    }
  }

  #momentOf(field) {
    try {
      return momentIn(field.input);
    } catch (error) {
      return this.#refuse(field, `${field.words} ${error.message}.`);
    }
  }

  #refuse({ input }, words) {
    input.setAttribute("aria-invalid", "true");
    input.focus();
    throw new RangeError(words);
  }
}
