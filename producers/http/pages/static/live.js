// Live updates: when something changed, the page is fetched again and what differs is put in place.
//
// data-live="whole"   what is in it is replaced, and its attributes (needs an id, as all of these do)
// data-live="state"   only its hidden and disabled are taken over: somebody may be typing inside
// data-live="log"     its items, known by data-key, are added one by one, so that each is announced once

import { localize } from "/static/times.js";

const RETRY_MS = 3_000;
const TOGETHER_MS = 40; // changes that come in one breath are fetched together
const PAUSE_MS = 400; // and a busy account is looked at no more often than this

const sign = document.querySelector("#live");
const announced = new EventTarget();
let source = null;
let fetching = null;
let again = false;
let follows = followed(document);

export const onRefreshed = (listener) => announced.addEventListener("refreshed", listener);

export function refresh() {
  if (fetching) {
    again = true;
    return fetching;
  }
  fetching = bring().finally(() => {
    fetching = null;
    if (again) {
      again = false;
      refresh();
    }
  });
  return fetching;
}

async function bring() {
  let answer;
  try {
    answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  } catch {
    say("Not connected, trying again", false);
    return;
  }
  if (answer.status === 401 || answer.redirected) return location.reload();
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  localize(fresh);
  follows = followed(fresh);
  for (const place of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(place.id);
    if (next) APPLY[place.dataset.live](place, next);
  }
  announced.dispatchEvent(new Event("refreshed"));
}

const APPLY = { whole, state, log };

// The element itself stays, so that a screen reader that watches it hears of what is new in it.
function whole(present, fresh) {
  if (present.isEqualNode(fresh)) return;
  const focused = present.contains(document.activeElement) ? document.activeElement.id : "";
  for (const { name } of [...present.attributes]) if (!fresh.hasAttribute(name)) present.removeAttribute(name);
  for (const { name, value } of fresh.attributes) present.setAttribute(name, value);
  present.replaceChildren(...fresh.childNodes);
  if (focused) document.getElementById(focused)?.focus();
}

function state(present, fresh) {
  for (const name of ["hidden", "disabled"]) present.toggleAttribute(name, fresh.hasAttribute(name));
}

function log(present, fresh) {
  const known = new Map([...present.children].map((item) => [item.dataset.key, item]));
  const items = [...fresh.children];
  if (known.size > 0 && items.length > 0 && !items.some((item) => known.has(item.dataset.key))) {
    present.replaceChildren(...items); // away for longer than a page of it
    return;
  }
  for (const item of items) {
    const old = known.get(item.dataset.key);
    if (!old) present.append(item);
    else if (!old.isEqualNode(item)) takeOver(old, item);
  }
}

// Only the parts that can change are touched, so that a new status does not read the whole text out again.
function takeOver(old, item) {
  old.className = item.className;
  for (const part of item.querySelectorAll("[data-part]")) {
    const place = old.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!place.isEqualNode(part)) place.replaceWith(part);
  }
}

// --- the stream -----------------------------------------------------------------------------------

let soon = 0;
let last = 0;

function changed(event) {
  const { kind, subject } = JSON.parse(event.data);
  if (follows.has(kind) || follows.has(`${kind}:${subject}`)) refreshSoon();
}

function followed(page) {
  return new Set((page.body.dataset.follows ?? "").split(" "));
}

function refreshSoon() {
  if (soon) return;
  const wait = Math.max(TOGETHER_MS, last + PAUSE_MS - Date.now());
  soon = setTimeout(() => {
    soon = 0;
    last = Date.now();
    refresh();
  }, wait);
}

function open() {
  source = new EventSource(document.body.dataset.stream);
  source.addEventListener("open", () => {
    say("Live", true);
    refresh(); // what was missed meanwhile
  });
  source.addEventListener("change", changed);
  source.addEventListener("reload", refreshSoon);
  source.addEventListener("error", () => {
    say("Not connected, trying again", false);
    if (source?.readyState === EventSource.CLOSED) {
      close();
      setTimeout(listen, RETRY_MS);
    }
  });
}

function close() {
  source?.close();
  source = null;
}

// A browser opens few connections to one place: pages that nobody looks at let go of theirs.
export function listen() {
  if (!document.body.dataset.stream) return;
  if (document.visibilityState === "visible" && !source) open();
  if (document.visibilityState === "hidden") close();
}

function say(text, on) {
  if (!sign || sign.textContent === text) return;
  sign.textContent = text;
  sign.classList.toggle("on", on);
}

document.addEventListener("visibilitychange", listen);
