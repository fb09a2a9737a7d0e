/* What somebody says of a track: by its buttons, by “…” or a swipe where there is no pointer. */

import { ask, say, toast } from "./fragments.js";

async function tell(row, verb) {
  const body = new URLSearchParams({
    track: row.dataset.track, verb, recommendation: row.dataset.recommendation || "",
    reason: row.querySelector(".reason")?.textContent || "",
  });
  row.setAttribute("aria-busy", "true");
  try {
    const answer = await ask("/feedback", "row", { body, key: row.id });
    if (answer === null) return;
    const held = row.contains(document.activeElement);
    const place = document.createElement("template");
    place.innerHTML = answer.html.trim();
    const next = place.content.firstElementChild;
    row.replaceWith(next);
    if (held) next.querySelector("button[data-verb]")?.focus({ preventScroll: true });
    say(answer.say);
    document.dispatchEvent(new CustomEvent("feedback", { detail: { verb, row: next } }));
  } catch (error) {
    row.removeAttribute("aria-busy");
    toast(error.message);
  }
}

function open(row, is_open) {
  for (const other of document.querySelectorAll(".track.open")) {
    if (other !== row) open(other, false);
  }
  row.classList.toggle("open", is_open);
  row.querySelector(".track-more")?.setAttribute("aria-expanded", String(is_open));
}

document.addEventListener("click", (event) => {
  const verb = event.target.closest("[data-verb]");
  const row = event.target.closest("[data-track]");
  if (verb && row) tell(row, verb.dataset.verb);
  const more = event.target.closest(".track-more");
  if (more && row) open(row, !row.classList.contains("open"));
});

/* A swipe to the left opens what can be said, one to the right closes it. */
let from = null;
document.addEventListener("touchstart", (event) => {
  const row = event.target.closest?.(".track:not(.gone)");
  const touch = event.touches[0];
  from = row && event.touches.length === 1 ? { row, x: touch.clientX, y: touch.clientY } : null;
}, { passive: true });
document.addEventListener("touchend", (event) => {
  if (!from) return;
  const touch = event.changedTouches[0];
  const across = touch.clientX - from.x;
  if (Math.abs(across) > 48 && Math.abs(touch.clientY - from.y) < 32) open(from.row, across < 0);
  from = null;
}, { passive: true });
