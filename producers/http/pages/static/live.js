// Live updates: when something changed, the page is fetched again and what differs is put in place.
//
// data-live="whole"   it becomes what it is now (needs an id, as all of these do)
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

function whole(present, fresh) {
  const focused = present.contains(document.activeElement) ? document.activeElement.id : "";
  become(present, fresh);
  if (focused && document.activeElement.id !== focused) document.getElementById(focused)?.focus();
}

// What is the same stays the same element: a press of its button that has begun is still a click when it ends, and
// a screen reader hears of what is new only.
function become(present, fresh) {
  if (present.isEqualNode(fresh)) return;
  if (!alike(present, fresh)) return present.replaceWith(fresh);
  if (present.nodeType !== Node.ELEMENT_NODE) {
    present.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name } of [...present.attributes]) if (!fresh.hasAttribute(name)) present.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (present.getAttribute(name) !== value) present.setAttribute(name, value);
  }
  const [old, next] = [[...present.childNodes], [...fresh.childNodes]];
  while (old.length && next.length && alike(old.at(-1), next.at(-1))) become(old.pop(), next.pop());
  const behind = old.length ? old.at(-1).nextSibling : present.childNodes[0] ?? null;
  while (old.length && next.length && alike(old[0], next[0])) become(old.shift(), next.shift());
  for (const gone of old) gone.remove();
  for (const node of next) present.insertBefore(node, behind);
}

// What can be pressed stays only as long as it is the very same: a press must not do what it did not show.
const PRESSED = "a, button, form, input, select, textarea";

function alike(one, other) {
  if (one.nodeName !== other.nodeName) return false;
  if (one.nodeType !== Node.ELEMENT_NODE) return true;
  return one.id === other.id && (!one.matches(PRESSED) || one.isEqualNode(other));
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
