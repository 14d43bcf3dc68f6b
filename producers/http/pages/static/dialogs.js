// Dialogs: a button with data-opens opens one; its data-fill-NAME go into the fields of that name.

import { complain } from "/static/forms.js";
import { now, typed } from "/static/times.js";

const DAY_MS = 86_400_000;

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) open(document.getElementById(opener.dataset.opens), opener.dataset);
  const closer = event.target.closest("[data-closes]");
  if (closer) closer.closest("dialog").close();
  if (event.target.matches("dialog")) event.target.close(); // the shade around it
});

function open(dialog, data) {
  const form = dialog.querySelector("form");
  form.reset();
  complain(form, "");
  for (const [key, value] of Object.entries(data)) {
    if (key.startsWith("fill")) fill(form.elements[key[4].toLowerCase() + key.slice(5)], value);
  }
  for (const field of form.querySelectorAll("[type=datetime-local]")) bound(field);
  dialog.showModal();
}

function fill(field, value) {
  field.value = field.type === "datetime-local" ? typed(new Date(value)) : value;
}

// What was obtained lies behind us, what is to be sent ahead.
export function bound(field) {
  const here = now();
  if (field.dataset.moment === "past") field.max = typed(here);
  else field.min = typed(here);
  field.value ||= field.dataset.moment === "past" ? field.max : typed(tomorrow(here));
}

function tomorrow(here) {
  const morning = new Date(here.getTime() + DAY_MS);
  morning.setHours(9, 0, 0, 0);
  return morning;
}
