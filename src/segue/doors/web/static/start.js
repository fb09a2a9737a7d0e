/* Files that are dropped or chosen: sent one after the other as they are, then imported. */

import { ask, exchange, say } from "./fragments.js";

const zone = document.querySelector("[data-drop]");
const rest = zone.querySelector(".drop-rest");
const busy = zone.querySelector(".drop-busy");
const bar = busy.querySelector("progress");
const told = busy.querySelector("[data-sent]");
const wrong = zone.querySelector("[data-wrong]");
let sending = null;

function show(is_busy, words = "") {
  rest.hidden = is_busy;
  busy.hidden = !is_busy;
  wrong.hidden = words === "";
  wrong.textContent = words;
}

/* What was dropped, with the folders it lies in. */
async function files_of(entry, before = "") {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    return [[before + file.name, file]];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (some.length === 0) break;
    for (const one of some) found.push(...await files_of(one, `${before}${entry.name}/`));
  }
  return found;
}

function send(address, file, on_progress) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    sending = request;
    request.open("POST", address);
    request.setRequestHeader("X-Token", document.querySelector('meta[name="token"]').content);
    request.setRequestHeader("X-Fragment", "upload");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => on_progress(event.loaded));
    request.addEventListener("load", () => {
      if (request.status === 200) {
        done();
        return;
      }
      const words = new DOMParser().parseFromString(request.responseText, "text/html").body.textContent;
      failed(new Error(words.replace(/\s+/g, " ").trim() || "The file was not taken."));
    });
    request.addEventListener("error", () => failed(new Error("The connection broke off. Try it again.")));
    request.addEventListener("abort", () => failed(new Error("")));
    request.send(file);
  });
}

async function take(files) {
  if (files.length === 0) return;
  show(true);
  say("Sending");
  const total = files.reduce((sum, [, file]) => sum + file.size, 0) || 1;
  let before = 0;
  try {
    const place = await ask("/start/upload", "upload", { body: new URLSearchParams() });
    const holder = document.createElement("template");
    holder.innerHTML = place.html.trim();
    const upload = holder.content.querySelector("[data-upload]").dataset.upload;
    for (const [name, file] of files) {
      const asked = new URLSearchParams({ upload, name });
      await send(`/start/files?${asked}`, file, (sent) => {
        const percent = Math.round(100 * (before + sent) / total);
        bar.value = percent;
        told.textContent = `${percent} % of ${(total / 1e6).toFixed(1)} MB`;
      });
      before += file.size;
    }
    await exchange("/start/import", "work", { body: new URLSearchParams({ upload }) });
    show(false);
    document.getElementById("work").scrollIntoView({ block: "start" });
  } catch (error) {
    show(false, error.message);
  } finally {
    sending = null;
  }
}

busy.querySelector("[data-stop]").addEventListener("click", () => sending?.abort());

for (const field of zone.querySelectorAll('input[type="file"]')) {
  field.addEventListener("change", () => {
    take([...field.files].map((file) => [file.webkitRelativePath || file.name, file]));
    field.value = "";
  });
}

addEventListener("dragover", (event) => {
  event.preventDefault();
  zone.toggleAttribute("data-over", true);
});
addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) zone.toggleAttribute("data-over", false);
});
addEventListener("drop", async (event) => {
  event.preventDefault();
  zone.toggleAttribute("data-over", false);
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const plain = [...event.dataTransfer.files].map((file) => [file.name, file]);
  try {
    const found = [];
    for (const entry of entries) found.push(...await files_of(entry));
    take(found.length ? found : plain);
  } catch {
    show(false, "What was dropped cannot be read. Choose the files instead.");
  }
});
