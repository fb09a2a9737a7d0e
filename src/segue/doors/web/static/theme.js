/* Light or dark: what the system has, until somebody says otherwise. */

const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-switch]")) return;
  const now = root.dataset.theme || (system.matches ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  root.dataset.theme = next;
  document.cookie = `segue_theme=${next}; Path=/; Max-Age=31536000; SameSite=Lax`;
  document.dispatchEvent(new CustomEvent("theme-changed", { detail: next }));
});
