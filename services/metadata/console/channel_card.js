// One channel in the list.

import { el, setText } from "./dom.js";
import { NewestPicture } from "./pictures.js";
import { badge, reasonWords } from "./words.js";

export function labelChips(labels) {
  return Object.entries(labels).map(([name, value]) => el("li", { class: "chip" }, el("bdi", {}, name), value && [": ", el("bdi", {}, value)]));
}

export function channelCard(channel, signal) {
  const picture = new NewestPicture(signal);
  const state = badge();
  const name = el("bdi", { class: "name" });
  const reason = el("p", { class: "reason" });
  const chips = el("ul", { class: "chips" });
  const id = el("span", { class: "id" }, channel.id);
  const address = `#/channels/${encodeURIComponent(channel.id)}`;
  const link = el("a", { class: "card", href: address }, picture.node, state.node, name, id, reason);
  return {
    node: el("li", {}, link, chips),
    leave: () => picture.leave(),
    update(now) {
      state.show(now.state);
      setText(name, now.name || "Channel without a name");
      setText(reason, now.state_reason ? reasonWords(now.state_reason) : now.enabled ? "" : "Disabled: nobody may publish");
      if (chips.dataset.shown !== JSON.stringify(now.labels)) {
        chips.dataset.shown = JSON.stringify(now.labels);
        chips.replaceChildren(...labelChips(now.labels));
      }
      picture.update(now);
    },
  };
}
