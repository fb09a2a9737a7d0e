/* The list of plays goes on as it is scrolled, and lets go of what is far away.

   Each answer is one chunk and a link to the next. A chunk far outside the window is emptied and
   keeps its height; it is filled again, from what was kept of it, once it comes near. */

import { ask, toast } from "./fragments.js";

const NEAR = "1500px";
const FAR = "6000px";
const AGAIN_MS = 3000;
const kept = new WeakMap();

const coming = new IntersectionObserver((seen) => {
  for (const one of seen) if (one.isIntersecting) go_on(one.target);
}, { rootMargin: NEAR });

const passing = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) {
    if (isIntersecting && kept.has(target)) {
      target.innerHTML = kept.get(target);
      target.style.height = "";
      kept.delete(target);
    } else if (!isIntersecting && !kept.has(target) && target.childElementCount
        && !target.contains(document.activeElement)) {
      target.style.height = `${target.getBoundingClientRect().height}px`;
      kept.set(target, target.innerHTML);
      target.replaceChildren();
    }
  }
}, { rootMargin: FAR });

async function go_on(link) {
  coming.unobserve(link);
  const end = link.parentElement;
  try {
    const answer = await ask(link.getAttribute("href"), "plays", { key: "earlier" });
    if (answer === null || !end.isConnected) {
      later(link);
      return;
    }
    const had_focus = end.contains(document.activeElement);
    const place = document.createElement("template");
    place.innerHTML = answer.html;
    const chunk = place.content.querySelector(".chunk");
    end.replaceWith(place.content);
    if (had_focus) chunk.querySelector("a")?.focus({ preventScroll: true });
    watch(chunk.parentElement);
  } catch (error) {
    toast(error.message);
    later(link);
  }
}

/* It is tried again as long as its place is near. */
function later(link) {
  setTimeout(() => { if (link.isConnected) coming.observe(link); }, AGAIN_MS);
}

function watch(list) {
  for (const chunk of list.querySelectorAll(".chunk:not([data-watched])")) {
    chunk.dataset.watched = "";
    passing.observe(chunk);
  }
  for (const link of list.querySelectorAll("[data-earlier]")) coming.observe(link);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-earlier]");
  if (!link || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  go_on(link);
});
document.addEventListener("part-changed", (event) => {
  if (event.detail.id === "plays") watch(event.detail);
});
watch(document.getElementById("plays"));
