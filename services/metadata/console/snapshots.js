// A channel's snapshots: a grid by time, and one of them large.

import { here, toSave } from "./api.js";
import { open } from "./dialogs.js";
import { button, el } from "./dom.js";
import { clock, size, stamp, time } from "./formats.js";
import { MediaList } from "./media_list.js";
import { flagWord } from "./words.js";

const PAGE = 24;
const TILE_WIDTH = 240; // pixels that are enough for a tile
const ALONE = { items: [], fresh: async (item) => item }; // a picture of no list

// Gives the smallest picture that is enough for a tile.
const small = (item) => item.sizes.find(({ width }) => width >= TILE_WIDTH) ?? item;

const flags = (item) => item.flags.map((flag) => el("span", { class: "flag" }, flagWord(flag)));

// Points an image at a link, and once more at a fresh one if that does not open any more.
function load(image, item, list, pick = (found) => found) {
  image.onerror = async () => {
    image.onerror = null;
    const link = await list.fresh(item).catch(() => item);
    image.src = here(pick(link).url);
  };
  image.src = here(pick(item).url);
}

// Opens a picture large; the arrow keys go to the ones before and after it.
export function show(start, list = ALONE) {
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
  newer.hidden = older.hidden = list === ALONE;

  async function draw(next) {
    item = next;
    load(image, item, list);
    image.alt = `Snapshot of ${stamp(item.captured_at)}`;
    words.replaceChildren(time(item.captured_at), ` · ${item.width}×${item.height} · ${size(item.bytes)} `, ...flags(item));
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
  load(image, item, list, small);
  const label = `Snapshot of ${stamp(item.captured_at)}, open it large`;
  return {
    node: el("li", {},
      button(image, () => show(item, list), { class: "plain", "aria-label": label }),
      el("span", {}, time(item.captured_at, clock), " ", flags(item)),
    ),
    update: (now) => (item = now),
  };
}

export function snapshotList(path, signal) {
  return new MediaList({ title: "Snapshots", kind: "snapshots", path, signal, limit: PAGE, className: "grid", row });
}
