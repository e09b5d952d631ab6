// The views that create a channel and change one.

import { call, channelPath, Problem, schema, versionTag } from "./api.js";
import { button, el } from "./dom.js";
import { say } from "./notices.js";
import { SchemaForm } from "./schema_form.js";

const GROUPS = [
  ["Channel", ["name", "description", "labels", "enabled", "outdate"]],
  ["Snapshots", ["is_image", "image_time", "image_quality", "image_sizes", "image_skip_unchanged"]],
  ["Recordings", ["is_video", "video_time"]],
  ["Watching", ["is_hls", "hls_time", "hls_list_size", "is_on_demand"]],
  ["Broadcast", ["source_url", "reconnect_window", "second_publisher", "task_size"]],
  ["Keeping", ["retention"]],
];

const pageOf = (id) => `#/channels/${encodeURIComponent(id)}`;

function showProblem(view, error) {
  view.append(el("p", { class: "problem", role: "alert" }, error.message),
    button("Try again", () => window.dispatchEvent(new Event("hashchange"))));
}

// Loads what a form needs and shows it, or why that is not possible.
async function showForm(view, signal, title, make) {
  document.title = `${title} · streamkeep`;
  view.append(el("h1", {}, title));
  try {
    const form = await make();
    if (signal.aborted) return;
    view.append(form.node);
    form.node.classList.add("sheet");
    form.node.querySelector("input").focus();
  } catch (error) {
    if (!signal.aborted && error.status !== 401) showProblem(view, error);
  }
}

export function showNew(view, signal) {
  return showForm(view, signal, "New channel", async () => new SchemaForm({
    schema: await schema("ChannelFields"),
    groups: GROUPS,
    action: "Create channel",
    cancel: () => (location.hash = "#/"),
    async submit(form) {
      const channel = await call("channels", { method: "POST", body: form.given() });
      say("The channel was created.");
      location.hash = pageOf(channel.id);
    },
  }));
}

export function showEdit(view, signal, id) {
  return showForm(view, signal, "Edit channel", async () => {
    const [described, channel] = await Promise.all([schema("ChannelFields"), call(channelPath(id), { signal })]);
    return editForm(described, channel);
  });
}

function editForm(described, channel) {
  const path = channelPath(channel.id);
  let etag = versionTag(channel);

  // Saves what was changed here. Somebody else's change since the form was opened is not overwritten unasked.
  async function submit(form) {
    try {
      await call(path, { method: "PATCH", body: form.changed(), etag });
    } catch (error) {
      if (error.status !== 412) throw error;
      form.show(new Problem(412, "Somebody else changed this channel since you opened the form."),
        el("div", { class: "buttons" },
          button("Load the newer version", () => window.dispatchEvent(new Event("hashchange"))),
          button("Save my changes on top", () => saveOnTop(form)),
        ),
      );
      return;
    }
    say("The changes were saved.");
    location.hash = pageOf(channel.id);
  }

  async function saveOnTop(form) {
    try {
      etag = versionTag(await call(path));
      form.node.requestSubmit();
    } catch (error) {
      form.show(error);
    }
  }

  return new SchemaForm({
    schema: described,
    groups: GROUPS,
    values: channel,
    action: "Save changes",
    cancel: () => (location.hash = pageOf(channel.id)),
    submit,
  });
}
