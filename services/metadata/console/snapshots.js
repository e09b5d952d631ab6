// A channel's snapshots: a grid by time, and one of them large.

import { here, toSave } from "./api.js";
import { open } from "./dialogs.js";
import { button, el } from "./dom.js";
import { clock, size, stamp, time } from "./formats.js";
import { MediaList } from "./media_list.js";

const PAGE = 24;

// Points an image at a link, and once more at a fresh one if that does not open any more.
function load(image, item, list) {
  image.onerror = async () => {
    image.onerror = null;
    const link = await list.fresh(item).catch(() => item);
    image.src = here(link.url);
  };
  image.src = here(item.url);
}

// Opens a picture large; the arrow keys go to the ones before and after it.
function show(start, list) {
  let item = start;
  const image = el("img", { alt: "" });
  const words = el("p", {});
  const download = el("a", { class: "button", download: true }, "Download");
  const step = (by) => () => {
    const at = list.items.findIndex((each) => each.key === item.key);
    const next = list.items[at + by];
    if (at >= 0 && next) draw(next);
  };
  const newer = button("‹ Newer", step(-1));
  const older = button("Older ›", step(1));

  async function draw(next) {
    item = next;
    load(image, item, list);
    image.alt = `Snapshot of ${stamp(item.captured_at)}`;
    words.replaceChildren(time(item.captured_at), ` · ${item.width}×${item.height} · ${size(item.bytes)}`);
    const at = list.items.findIndex((each) => each.key === item.key);
    newer.disabled = at <= 0;
    older.disabled = at < 0 || at === list.items.length - 1;
    const fresh = await list.fresh(item).catch(() => item);
    if (item.key === fresh.key) download.href = toSave(fresh.url);
  }

  const dialog = open("Snapshot", [image, words, el("div", { class: "buttons" }, newer, older, download)], { wide: true });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") newer.click();
    if (event.key === "ArrowRight") older.click();
  });
  draw(item);
}

function row(item, list) {
  const image = el("img", { alt: "", loading: "lazy", width: item.width, height: item.height });
  load(image, item, list);
  const label = `Snapshot of ${stamp(item.captured_at)}, open it large`;
  return {
    node: el("li", {}, button(image, () => show(item, list), { class: "plain", "aria-label": label }), time(item.captured_at, clock)),
    update: (now) => (item = now),
  };
}

export function snapshotList(path, signal) {
  return new MediaList({ title: "Snapshots", kind: "snapshots", path, signal, limit: PAGE, className: "grid", row });
}
