/* Parts of a page, exchanged without loading it anew.

   A link or form with data-into="NAME" asks for its address with the header X-Fragment: NAME and
   puts the answer into the element of that id. Forms that ask (GET) keep the address bar as it
   would be without us, so that reloading and sharing work. data-now: at every change of a field.
   data-load="ADDRESS": filled once the page is there. data-poll="MS" data-from="ADDRESS": again and
   again, until the answer has no such element any more. */

const under_way = new Map();
const token = () => document.querySelector('meta[name="token"]').content;

export function say(words) {
  const said = document.getElementById("said");
  said.textContent = "";
  requestAnimationFrame(() => { said.textContent = words; });
}

export function toast(words, seconds = 6) {
  const one = document.createElement("div");
  one.className = "toast";
  one.textContent = words;
  document.getElementById("toasts").replaceChildren(one);
  say(words);
  setTimeout(() => one.remove(), seconds * 1000);
}

/* The answer to a question for a part; null: something else was asked meanwhile. Throws words. */
export async function ask(address, name, { body, key = name } = {}) {
  under_way.get(key)?.abort();
  const control = new AbortController();
  under_way.set(key, control);
  const headers = { "X-Fragment": name };
  if (body !== undefined) headers["X-Token"] = token();
  let answer;
  try {
    answer = await fetch(address, {
      method: body === undefined ? "GET" : "POST", body, headers, signal: control.signal,
    });
  } catch (error) {
    if (error.name === "AbortError") return null;
    throw new Error("Segue does not answer. Is it running? It is tried again when you do something.");
  } finally {
    if (under_way.get(key) === control) under_way.delete(key);
  }
  const go = answer.headers.get("X-Go");
  if (go) {
    location.assign(go);
    return null;
  }
  const html = await answer.text();
  if (!answer.ok) {
    const words = new DOMParser().parseFromString(html, "text/html").body.textContent;
    throw new Error(words.replace(/\s+/g, " ").trim() || "That did not work.");
  }
  return { html, say: decodeURIComponent(answer.headers.get("X-Say") || ""), trigger: answer.headers.get("X-Trigger") };
}

/* Put an answer in its place; the focus stays where it was. */
export function put(target, answer) {
  const focused = target.contains(document.activeElement) ? document.activeElement.id : "";
  target.innerHTML = answer.html;
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  if (answer.say) say(answer.say);
  if (answer.trigger) document.dispatchEvent(new CustomEvent(answer.trigger));
  document.dispatchEvent(new CustomEvent("part-changed", { detail: target }));
  start(target);
}

export async function exchange(address, name, { body, history_as = "" } = {}) {
  const target = document.getElementById(name);
  target.setAttribute("aria-busy", "true");
  try {
    const answer = await ask(address, name, { body });
    if (answer === null) return false;
    if (history_as === "replace") history.replaceState(null, "", address);
    if (history_as === "push") history.pushState({ part: name }, "", address);
    shown = location.pathname + location.search;
    put(target, answer);
    target.removeAttribute("aria-busy");
    return true;
  } catch (error) {
    target.removeAttribute("aria-busy");
    toast(error.message);
    return false;
  }
}

function address_of(form) {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    const field = form.elements[name];
    if (value !== "" && value !== field?.dataset?.usual) asked.append(name, value);
  }
  const words = asked.toString();
  return form.getAttribute("action") + (words ? `?${words}` : "");
}

function send(form, button) {
  const name = form.dataset.into;
  if (form.method === "get") {
    exchange(address_of(form), name, { history_as: form.dataset.history || "replace" });
    return;
  }
  const fields = new FormData(form);
  if (button?.name) fields.append(button.name, button.value);
  exchange(form.getAttribute("action"), name, { body: new URLSearchParams(fields) });
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sure && !confirm(form.dataset.sure)) {
    event.preventDefault();
    return;
  }
  if (!form.dataset.into || form.method === "dialog") return;
  event.preventDefault();
  send(form, event.submitter);
});

let later;
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form || form.dataset.now === undefined || !form.dataset.into) return;
  clearTimeout(later);
  const typed = event.target.matches('input[type="search"], input[type="text"], input:not([type])');
  later = setTimeout(() => send(form), typed ? 160 : event.target.type === "range" ? 60 : 0);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-into]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  exchange(link.getAttribute("href"), link.dataset.into, { history_as: link.dataset.history || "push" });
});

let shown = location.pathname + location.search;
addEventListener("popstate", () => {
  if (location.pathname + location.search !== shown) location.reload();
});

async function load(target) {
  const address = target.dataset.load;
  delete target.dataset.load;
  await exchange(address, target.id);
}

function poll(one) {
  const { poll: pause, from } = one.dataset;
  const target = one.closest("[id]") ?? one;
  const name = one.dataset.into || target.id;
  let trouble = 0;
  const look = async () => {
    if (!one.isConnected) return;
    if (document.hidden) {
      setTimeout(look, Number(pause));
      return;
    }
    try {
      const answer = await ask(from, name);
      if (answer !== null && one.isConnected) {
        put(document.getElementById(name), answer);
        return;
      }
    } catch (error) {
      trouble += 1;
      if (trouble === 3) toast("Segue does not answer at the moment. It is tried again.");
    }
    if (one.isConnected) setTimeout(look, Number(pause) * Math.min(1 + trouble, 8));
  };
  setTimeout(look, Number(pause));
}

function start(within) {
  for (const one of within.querySelectorAll("[data-load]")) load(one);
  for (const one of within.querySelectorAll("[data-poll]")) poll(one);
}

start(document);
