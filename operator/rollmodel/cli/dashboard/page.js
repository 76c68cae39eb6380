// Keeps the page current, and gives it keys. Without a script the page still works: it loads itself anew.
"use strict";

const base = document.body.dataset.base;
const connection = document.getElementById("connection");
const help = document.getElementById("help");
let events = null;
let loading = false;
let again = false;

// -- staying current ---------------------------------------------------------------------------------------------------

// Sections that differ are exchanged, so that what somebody reads, selects or has in focus stays where it is.
function exchange(fresh) {
  const main = document.getElementById("main");
  const next = fresh.getElementById("main");
  if (!next) return;
  const focused = document.activeElement && document.activeElement.getAttribute("href");
  const ids = (node) => [...node.children].map((child) => child.id).join();
  const filter = document.getElementById("filter");
  if (ids(main) !== ids(next)) {
    const kept = filter && { text: filter.value, focus: document.activeElement === filter };
    main.replaceChildren(...next.childNodes);
    const field = document.getElementById("filter");
    if (kept && field) {
      field.value = kept.text;
      if (kept.focus) field.focus();
    }
  } else {
    for (const part of [...next.children]) {
      const old = part.id && document.getElementById(part.id);
      if (old && old.dataset.source !== part.outerHTML) {
        part.dataset.source = part.outerHTML;
        old.replaceWith(part);
      }
    }
  }
  document.title = fresh.title;
  document.querySelector("footer").textContent = fresh.querySelector("footer").textContent;
  if (focused) {
    const link = [...document.querySelectorAll("main a")].find((one) => one.getAttribute("href") === focused);
    if (link && document.activeElement === document.body) link.focus({ preventScroll: true });
  }
  narrow();
}

async function load() {
  if (loading) {
    again = true;
    return;
  }
  loading = true;
  try {
    const answer = await fetch(location.pathname, { cache: "no-store", redirect: "error" });
    if (answer.ok || answer.status === 404) {
      exchange(new DOMParser().parseFromString(await answer.text(), "text/html"));
    }
  } catch {
    say("not connected", true);
  }
  loading = false;
  if (again) {
    again = false;
    load();
  }
}

function say(text, lost) {
  connection.textContent = text;
  connection.classList.toggle("lost", lost);
}

// A browser has few connections for one host: only the page that is looked at keeps one.
function connect() {
  if (document.hidden) {
    if (events) events.close();
    events = null;
    return;
  }
  if (events) return;
  events = new EventSource(base + "events");
  events.onopen = () => say("live", false);
  events.onmessage = load;
  events.onerror = () => say("not connected: is `rollmodel dashboard` still running?", true);
}

document.addEventListener("visibilitychange", connect);
window.addEventListener("pagehide", () => events && events.close());
connect();

// -- filter and keys ---------------------------------------------------------------------------------------------------

function narrow() {
  const field = document.getElementById("filter");
  if (!field) return;
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const table of document.querySelectorAll("table.objects")) {
    let shown = 0;
    for (const row of table.querySelectorAll("tr.object")) {
      const text = row.dataset.words.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) shown += 1;
    }
    table.hidden = shown === 0;
    table.nextElementSibling.hidden = shown !== 0;
  }
}

function links() {
  return [...document.querySelectorAll("tr.object:not([hidden]) td.name a")];
}

function move(by) {
  const all = links();
  if (!all.length) return;
  const at = all.indexOf(document.activeElement);
  const to = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by));
  all[to].focus();
}

const keys = {
  "/": () => { const field = document.getElementById("filter"); if (field) field.focus(); },
  "j": () => move(1),
  "k": () => move(-1),
  "u": () => { location.href = base; },
  "?": () => help.showModal(),
};

document.addEventListener("input", (event) => { if (event.target.id === "filter") narrow(); });
document.getElementById("help-button").addEventListener("click", () => help.showModal());
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (event.target.id === "filter") {
    if (event.key === "Escape") { event.target.value = ""; narrow(); event.target.blur(); }
    if (event.key === "Enter" && links().length) location.href = links()[0].href;
    return;
  }
  if (Object.hasOwn(keys, event.key)) {
    event.preventDefault();
    keys[event.key]();
  }
});
