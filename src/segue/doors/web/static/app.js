/* What every page does: parts that are exchanged, feedback, light and dark. */

import { exchange } from "./fragments.js";
import "./feedback.js";
import "./theme.js";

for (const sheet of document.querySelectorAll("[data-sheet]")) {
  document.addEventListener("click", (event) => {
    if (sheet.open && !sheet.contains(event.target)) sheet.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && sheet.open) {
      sheet.open = false;
      sheet.querySelector("summary").focus();
    }
  });
}

/* A link with data-dialog="NAME" shows its address in the dialog of that id. */
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
    event.preventDefault();
    const dialog = document.getElementById(link.dataset.dialog);
    dialog.replaceChildren();
    exchange(link.getAttribute("href"), dialog.id);
  }
  if (event.target.matches("dialog[data-closes]")) event.target.close(); // the space around it
});

/* An answer that is put into a closed dialog opens it. */
document.addEventListener("part-changed", (event) => {
  const dialog = event.detail;
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
});

/* Once something was said of tracks, the list can be made anew. */
document.addEventListener("feedback", () => {
  for (const one of document.querySelectorAll("[data-renew]")) one.hidden = false;
});
