/* What every page does: parts that are exchanged, feedback, light and dark. */

import "./fragments.js";
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
