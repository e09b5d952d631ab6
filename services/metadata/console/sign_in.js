// The form that asks for the token.

import { opens } from "./api.js";
import { el } from "./dom.js";
import { remember } from "./token.js";

export function showSignIn(view) {
  const problem = el("p", { class: "problem", id: "token-problem", role: "alert" });
  const input = el("input", {
    id: "token",
    type: "password",
    required: true,
    autocomplete: "off",
    "aria-describedby": "token-hint token-problem",
  });

  async function submit(event) {
    event.preventDefault();
    problem.textContent = "";
    const given = input.value.trim();
    try {
      if (await opens(given)) {
        remember(given);
        window.dispatchEvent(new Event("signed-in"));
        return;
      }
      problem.textContent = "This token is wrong. Copy it whole.";
    } catch (error) {
      problem.textContent = error.message;
    }
    input.focus();
  }

  view.append(
    el(
      "form",
      { class: "sheet narrow", submit },
      el("h1", {}, "Sign in"),
      el("div", { class: "field" },
        el("label", { for: "token" }, "Token"),
        el("p", { class: "hint", id: "token-hint" }, "streamkeep prints it when it starts, and an address that carries it."),
        input,
        problem,
      ),
      el("div", { class: "buttons" }, el("button", { class: "main" }, "Sign in")),
    ),
  );
  input.focus();
}
