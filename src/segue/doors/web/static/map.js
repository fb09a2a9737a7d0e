/* The map of a taste on a canvas: moved and zoomed by mouse, fingers and keys. */

import { exchange, toast } from "./fragments.js";

const NEVER = 255;
const ARTISTS_FROM = 2.2;  // zoom from which artists are named
const FARTHEST = 1;
const NEAREST = 40;
const SPREAD = 1.7;  // how much wider than high the map may become
const AT_ONCE = 16000;  // dots, which are drawn within a frame or two; nearer by there are fewer

function read(buffer) {
  const view = new DataView(buffer);
  const length = view.getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const at = 4 + length;
  const points = [];
  for (let n = 0; n < head.points; n += 1) {
    const from = at + 12 * n;
    points.push({
      x: view.getUint16(from, true) / 65535, y: view.getUint16(from + 2, true) / 65535,
      plays: view.getUint16(from + 4, true), genre: view.getUint8(from + 6), first: view.getUint8(from + 7),
      mood: view.getUint8(from + 11)
        ? `rgb(${view.getUint8(from + 8)} ${view.getUint8(from + 9)} ${view.getUint8(from + 10)})` : "",
    });
  }
  const visits = head.periods.map(() => new Map());
  for (let n = 0; n < head.visits; n += 1) {
    const from = at + 12 * head.points + 4 * n;
    visits[view.getUint8(from + 2)].set(view.getUint16(from, true), view.getUint8(from + 3));
  }
  return { ...head, points, visits };
}

class TasteMap {
  constructor(stage, map) {
    this.stage = stage;
    this.map = map;
    this.canvas = stage.querySelector("canvas");
    this.tip = stage.querySelector(".map-tip");
    this.pen = this.canvas.getContext("2d");
    this.zoom = 1;
    this.x = 0.5;
    this.y = 0.5;
    this.by = "genre";
    this.when = map.periods.length;
    this.spot = stage.dataset.x ? { x: Number(stage.dataset.x), y: Number(stage.dataset.y) } : null;
    this.fingers = new Map();
    this.is_keyed = false;
    /* at a glance: what was played most, and what was never played; the others as there is room */
    const all = map.points.map((_, n) => n);
    this.first = all.filter((n) => n < map.first || map.points[n].first === NEVER)
      .sort((a, b) => map.points[a].plays - map.points[b].plays);
    this.further = all.filter((n) => n >= map.first && map.points[n].first !== NEVER);
    this.watch();
    this.colours();
    this.fit();
  }

  /* --- where things are ---------------------------------------------------------------------- */

  fit() {
    const { width, height } = this.stage.getBoundingClientRect();
    const dots = Math.min(devicePixelRatio || 1, 2);
    this.width = width;
    this.height = height;
    this.canvas.width = Math.round(width * dots);
    this.canvas.height = Math.round(height * dots);
    this.pen.setTransform(dots, 0, 0, dots, 0, 0);
    const side = Math.min(width, height);
    this.across = Math.min(width, side * SPREAD) * 0.92;
    this.down = Math.min(height, side * SPREAD) * 0.92;
    this.draw();
  }

  on_screen(point) {
    return [
      this.width / 2 + (point.x - this.x) * this.across * this.zoom,
      this.height / 2 + (point.y - this.y) * this.down * this.zoom,
    ];
  }

  on_map(left, top) {
    return {
      x: this.x + (left - this.width / 2) / (this.across * this.zoom),
      y: this.y + (top - this.height / 2) / (this.down * this.zoom),
    };
  }

  move(right, below) {
    this.x = Math.min(1, Math.max(0, this.x - right / (this.across * this.zoom)));
    this.y = Math.min(1, Math.max(0, this.y - below / (this.down * this.zoom)));
    this.draw();
  }

  closer(times, left = this.width / 2, top = this.height / 2) {
    const before = this.on_map(left, top);
    this.zoom = Math.min(NEAREST, Math.max(FARTHEST, this.zoom * times));
    const after = this.on_map(left, top);
    this.x = Math.min(1, Math.max(0, this.x + before.x - after.x));
    this.y = Math.min(1, Math.max(0, this.y + before.y - after.y));
    this.draw();
  }

  whole() {
    Object.assign(this, { zoom: 1, x: 0.5, y: 0.5 });
    this.draw();
  }

  /* --- drawing ------------------------------------------------------------------------------- */

  colours() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    this.ink = colour("ink");
    this.muted = colour("muted");
    this.paper = colour("surface");
    this.quiet = colour("quiet");
    this.faint = colour("faint");
    this.accent = colour("accent");
    this.series = [1, 2, 3, 4, 5, 6, 7].map((n) => colour(`series-${n}`));
    this.others = colour("series-8");
    this.font = getComputedStyle(this.stage).fontFamily;
  }

  draw() {
    if (this.is_due) return;
    this.is_due = true;
    requestAnimationFrame(() => {
      this.is_due = false;
      this.paint();
    });
  }

  colour_of(point) {
    if (this.by === "mood") return point.mood || this.faint;
    return point.genre === NEVER ? this.others : this.series[point.genre];
  }

  is_seen(n) {
    const { x, y } = this.map.points[n];
    const left = (x - this.x) * this.across * this.zoom;
    const top = (y - this.y) * this.down * this.zoom;
    return Math.abs(left) < this.width / 2 + 20 && Math.abs(top) < this.height / 2 + 20;
  }

  /* What is drawn, the least played first. */
  shown(visited) {
    const first = this.first.filter((n) => this.is_seen(n));
    const others = [];
    let room = AT_ONCE - first.length;
    for (const n of this.further) {
      if (room <= 0 && !visited) break;
      if ((room > 0 || visited?.has(n)) && this.is_seen(n)) {
        others.push(n);
        room -= 1;
      }
    }
    return others.reverse().concat(first);
  }

  paint() {
    const { pen, map } = this;
    const is_all = this.when >= map.periods.length;
    const visited = is_all ? null : map.visits[this.when];
    const small = Math.min(1, Math.max(0.65, Math.sqrt(this.width / 900)));
    const grown = Math.min(Math.sqrt(this.zoom), 2.6) * small;
    pen.clearRect(0, 0, this.width, this.height);
    for (const n of this.shown(visited)) {
      const point = map.points[n];
      const [left, top] = this.on_screen(point);
      const is_heard = point.first !== NEVER && (is_all || point.first <= this.when);
      const now = visited?.get(n) ?? 0;
      let size = 1.3;
      if (is_heard) size = 1.6 + Math.min(4, Math.log2(1 + (is_all ? point.plays : now * 4)) * 0.55);
      const weight = this.by === "genre" && point.genre === NEVER ? 0.5 : 0.92;
      pen.globalAlpha = is_heard ? (is_all || now ? weight : 0.3) : 0.6;
      pen.fillStyle = is_heard ? this.colour_of(point) : this.quiet;
      pen.beginPath();
      pen.arc(left, top, size * grown, 0, 6.2832);
      pen.fill();
    }
    pen.globalAlpha = 1;
    this.name();
    if (this.spot) this.ring(...this.on_screen(this.spot));
    if (this.is_keyed) this.cross();
  }

  /* Names where there is room for them, the weightiest first. */
  name() {
    const { pen } = this;
    const taken = [];
    let artists = 0;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    pen.lineWidth = 4;
    pen.strokeStyle = this.paper;
    for (const label of this.map.labels) {
      const is_genre = label.kind === "genre";
      if (!is_genre && (this.zoom < ARTISTS_FROM || artists >= 40)) continue;
      const [left, top] = this.on_screen(label);
      const size = is_genre ? 14 : 12;
      pen.font = `${is_genre ? 650 : 500} ${size}px ${this.font}`;
      const half = pen.measureText(label.name).width / 2 + 5;
      const box = [left - half, top - size * 0.8, left + half, top + size * 0.8];
      if (box[0] < 2 || box[1] < 2 || box[2] > this.width - 2 || box[3] > this.height - 2) continue;
      if (taken.some((one) => box[0] < one[2] && box[2] > one[0] && box[1] < one[3] && box[3] > one[1])) continue;
      taken.push(box);
      artists += is_genre ? 0 : 1;
      pen.fillStyle = is_genre ? this.ink : this.muted;
      pen.strokeText(label.name, left, top);
      pen.fillText(label.name, left, top);
    }
  }

  ring(left, top) {
    const { pen } = this;
    pen.lineWidth = 3;
    pen.strokeStyle = this.accent;
    pen.beginPath();
    pen.arc(left, top, 12, 0, 6.2832);
    pen.stroke();
  }

  cross() {
    const { pen, width, height } = this;
    pen.lineWidth = 1.5;
    pen.strokeStyle = this.ink;
    pen.beginPath();
    pen.moveTo(width / 2 - 9, height / 2);
    pen.lineTo(width / 2 + 9, height / 2);
    pen.moveTo(width / 2, height / 2 - 9);
    pen.lineTo(width / 2, height / 2 + 9);
    pen.stroke();
  }

  /* --- what somebody does -------------------------------------------------------------------- */

  watch() {
    const { stage } = this;
    const at = (event) => {
      const box = stage.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.closer(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), ...at(event));
    }, { passive: false });
    stage.addEventListener("pointerdown", (event) => {
      if (event.target.closest("button")) return;
      stage.setPointerCapture(event.pointerId);
      this.fingers.set(event.pointerId, at(event));
      this.moved = 0;
    });
    stage.addEventListener("pointermove", (event) => {
      const here = at(event);
      if (!this.fingers.has(event.pointerId)) {
        if (event.pointerType === "mouse") this.point_out(...here);
        return;
      }
      this.drag(event.pointerId, here);
    });
    const ended = (event) => {
      const was = this.fingers.get(event.pointerId);
      this.fingers.delete(event.pointerId);
      stage.classList.remove("dragged");
      if (was && event.type === "pointerup" && this.moved < 6 && !this.fingers.size) {
        this.is_keyed = false;
        this.choose(this.on_map(...at(event)));
      }
    };
    stage.addEventListener("pointerup", ended);
    stage.addEventListener("pointercancel", ended);
    stage.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    stage.addEventListener("keydown", (event) => this.key(event));
    stage.addEventListener("blur", () => { this.is_keyed = false; this.draw(); });
    stage.addEventListener("click", (event) => {
      const how = event.target.closest("[data-zoom]")?.dataset.zoom;
      if (how === "all") this.whole();
      else if (how) this.closer(how === "in" ? 1.6 : 1 / 1.6);
    });
    new ResizeObserver(() => this.fit()).observe(stage);
    const repaint = () => { this.colours(); this.draw(); };
    new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
    document.fonts?.ready.then(repaint);
  }

  drag(finger, here) {
    const before = this.fingers.get(finger);
    const others = [...this.fingers].filter(([id]) => id !== finger).map(([, place]) => place);
    this.fingers.set(finger, here);
    this.moved += Math.hypot(here[0] - before[0], here[1] - before[1]);
    if (this.moved > 6) this.stage.classList.add("dragged");
    this.tip.hidden = true;
    if (!others.length) {
      this.move(here[0] - before[0], here[1] - before[1]);
      return;
    }
    const [other] = others;
    const length = (one) => Math.max(8, Math.hypot(one[0] - other[0], one[1] - other[1]));
    this.closer(length(here) / length(before), (here[0] + other[0]) / 2, (here[1] + other[1]) / 2);
  }

  key(event) {
    if (event.target !== this.stage || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 60;
    const does = {
      ArrowLeft: () => this.move(step, 0), ArrowRight: () => this.move(-step, 0),
      ArrowUp: () => this.move(0, step), ArrowDown: () => this.move(0, -step),
      "+": () => this.closer(1.4), "=": () => this.closer(1.4), "-": () => this.closer(1 / 1.4),
      0: () => this.whole(), Enter: () => this.choose({ x: this.x, y: this.y }),
    }[event.key];
    if (!does) return;
    event.preventDefault();
    this.is_keyed = true;
    does();
    this.draw();
  }

  nearest(left, top, within) {
    let best = -1;
    let apart = within ** 2;
    this.shown(null).forEach((n) => {
      const [x, y] = this.on_screen(this.map.points[n]);
      const far = (x - left) ** 2 + (y - top) ** 2;
      if (far < apart) { apart = far; best = n; }
    });
    return best;
  }

  async point_out(left, top) {
    const n = this.nearest(left, top, 10);
    this.tip.hidden = true;
    if (n < 0) return;
    this.names ??= fetch(this.stage.dataset.names).then((answer) => answer.ok ? answer.json() : []).catch(() => []);
    const name = (await this.names)[n];
    if (!name) return;
    const { plays } = this.map.points[n];
    this.tip.textContent = plays ? `${name} · ${plays} play${plays === 1 ? "" : "s"}` : name;
    this.tip.hidden = false;
    const box = this.tip.getBoundingClientRect();
    const x = Math.min(Math.max(4, left - box.width / 2), this.width - box.width - 4);
    const y = top > box.height + 18 ? top - box.height - 14 : top + 18;
    this.tip.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  }

  choose(place) {
    this.spot = { x: Math.min(1, Math.max(0, place.x)), y: Math.min(1, Math.max(0, place.y)) };
    this.draw();
    const address = `/map?x=${this.spot.x.toFixed(4)}&y=${this.spot.y.toFixed(4)}`;
    exchange(address, "spot", { history_as: "replace" }).then((is_there) => {
      if (is_there) document.querySelector("#spot h2")?.scrollIntoView({ block: "nearest" });
    });
  }

  colour_by(by) {
    this.by = by;
    this.draw();
  }

  show(when) {
    this.when = when;
    this.draw();
  }
}

function period_words(map, n) {
  if (n >= map.periods.length) return "All time";
  const day = new Date(`${map.periods[n]}T12:00:00Z`);
  const months = map.periods.length > 1
    ? Math.round((new Date(map.periods[1]) - new Date(map.periods[0])) / 2.6e9) : 1;
  if (months >= 3) return `${Math.floor(day.getUTCMonth() / 3) * 3 + 1}–${Math.floor(day.getUTCMonth() / 3) * 3 + 3}/${day.getUTCFullYear()}`;
  return day.toLocaleDateString("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });
}

async function begin() {
  const stage = document.getElementById("stage");
  if (!stage || stage.dataset.begun !== undefined) return;
  stage.dataset.begun = "";
  let map;
  try {
    const answer = await fetch(stage.dataset.points);
    if (!answer.ok) throw new Error();
    map = read(await answer.arrayBuffer());
  } catch {
    toast("The map cannot be shown. Load the page again.");
    return;
  }
  const drawn = new TasteMap(stage, map);
  const when = document.getElementById("map-when");
  const words = document.getElementById("map-when-words");
  when.max = String(map.periods.length);
  when.value = when.max;
  when.addEventListener("input", () => {
    drawn.show(Number(when.value));
    words.textContent = period_words(map, Number(when.value));
    when.setAttribute("aria-valuetext", words.textContent);
  });
  for (const chip of document.querySelectorAll("[data-colour]")) {
    chip.addEventListener("click", () => {
      drawn.colour_by(chip.dataset.colour);
      for (const other of document.querySelectorAll("[data-colour]")) other.setAttribute("aria-pressed", String(other === chip));
      for (const legend of document.querySelectorAll("[data-legend]")) legend.hidden = legend.dataset.legend !== chip.dataset.colour;
    });
  }
  for (const link of document.querySelectorAll("[data-near]")) {
    link.addEventListener("click", () => {
      const asked = new URL(link.href).searchParams;
      drawn.spot = { x: Number(asked.get("x")), y: Number(asked.get("y")) };
      drawn.draw();
    });
  }
  stage.dataset.ready = "";
}

document.addEventListener("part-changed", begin);
begin();
