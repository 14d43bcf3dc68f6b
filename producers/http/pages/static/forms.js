// Forms that post a command: what their fields say becomes the command's JSON.
//
// data-command="add-consent"   the command's type
// data-then="stay | reset | go" what follows when it was accepted (go: to data-href); a dialog closes anyway
// data-said="Consent recorded." what is then announced
// Fields: a dotted name is a path; data-type says what the text means: moment, boolean, list (begins one), item
// (adds to it), null (what an empty field sends). An empty field is otherwise left out, and so is a disabled one.

import { Wish, post } from "/static/commands.js";
import { refresh } from "/static/live.js";
import { meant } from "/static/times.js";

const wishes = new WeakMap();
const toast = document.querySelector("#toast");

export function contentOf(form) {
  const content = { type: form.dataset.command };
  for (const field of form.elements) {
    if (!field.name || field.matches(":disabled")) continue;
    if (field.type === "radio" && !field.checked) continue;
    put(content, field);
  }
  return content;
}

function put(content, field) {
  const path = field.name.split(".");
  const name = path.pop();
  let place = content;
  for (const step of path) place = place[step] ??= {};
  if (field.dataset.type === "list") place[name] = [];
  else if (field.dataset.type === "item") place[name].push(...itemOf(field));
  else {
    const value = valueOf(field);
    if (value !== undefined) place[name] = value;
  }
}

const itemOf = (field) => (field.type === "checkbox" && !field.checked ? [] : [field.value]);

function valueOf(field) {
  if (field.type === "checkbox") return field.checked;
  if (field.value === "") return field.dataset.type === "null" ? null : undefined;
  if (field.dataset.type === "boolean") return field.value === "true";
  if (field.dataset.type === "moment") return meant(field.value);
  return field.value;
}

// While one post is under way another is not begun: a double click is one wish.
export async function submit(form, content) {
  if (form.dataset.busy) return null;
  form.dataset.busy = "yes";
  form.setAttribute("aria-busy", "true");
  if (!wishes.has(form)) wishes.set(form, new Wish());
  const outcome = await post(wishes.get(form), content);
  complain(form, outcome.sentence);
  delete form.dataset.busy;
  form.removeAttribute("aria-busy");
  return outcome;
}

export function complain(form, sentence) {
  const place = form.querySelector("[data-problem]");
  place.textContent = sentence;
  place.hidden = sentence === "";
}

export function announce(sentence) {
  toast.textContent = sentence;
  toast.classList.remove("shown");
  void toast.offsetWidth; // so that the same words come into view anew
  toast.classList.toggle("shown", sentence !== "");
}

async function accepted(form) {
  announce(form.dataset.said ?? "");
  if (form.dataset.then === "go") {
    location.assign(form.dataset.href);
    return;
  }
  if (form.dataset.then === "reset") form.reset();
  form.closest("dialog")?.close();
  await refresh();
  // What was used may be gone now; whoever goes by keyboard stays on the page.
  if (document.activeElement === document.body) document.querySelector("#main").focus({ preventScroll: true });
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-command]");
  if (!form || form.matches("[data-own]")) return;
  event.preventDefault();
  const outcome = await submit(form, contentOf(form));
  if (outcome?.accepted) await accepted(form);
});

// A checkbox that switches a group of fields on and off.
document.addEventListener("change", (event) => {
  const group = event.target.dataset?.switches;
  if (group) document.getElementById(group).disabled = !event.target.checked;
});
