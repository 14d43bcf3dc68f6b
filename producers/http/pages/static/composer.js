// The composer: what a text costs and lacks while one types, and sending it once.

import { door } from "/static/commands.js";
import { bound } from "/static/dialogs.js";
import { announce, contentOf, submit } from "/static/forms.js";
import { onRefreshed, refresh } from "/static/live.js";
import { localize } from "/static/times.js";

const PAUSE_MS = 180;
const RETRY_MS = 2_000;
const FIRST = {
  advise: "A first text should say who writes and how to stop. Add:",
  require: "A first text must say who writes and how to stop. Add:",
  append: "A first text says who writes and how to stop. This is added by itself:",
};

const form = document.querySelector("#composer");
const part = (selector) => form.querySelector(selector);
let asking = null;
let soon = 0;
let said = null; // the newest answer, for the buttons

function look() {
  clearTimeout(soon);
  soon = setTimeout(ask, PAUSE_MS);
}

async function ask() {
  clearTimeout(soon);
  asking?.abort();
  const { signal } = (asking = new AbortController());
  const draft = { ...whom(), ...how(), body: part("#text").value };
  try {
    const answer = await fetch(`${door}/texts/preview`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(draft),
      signal,
    });
    said = { ok: answer.ok, ...(await answer.json()) };
  } catch {
    if (!signal.aborted) soon = setTimeout(ask, RETRY_MS);
    return;
  }
  if (said.ok) show(said);
  else refused({ refusal: { code: said.code, sentence: said.detail } });
}

const whom = () => ({ candidate: form.elements.candidate.value, number: form.elements.number.value });

function how() {
  const { send_at, override_quiet_hours } = contentOf(form); // none of it while the form is switched off
  return { send_at, override_quiet_hours };
}

function show(preview) {
  count(preview);
  dear(preview);
  first(preview);
  for (const place of form.querySelectorAll("[data-warning]")) {
    place.hidden = !preview.warnings.includes(place.dataset.warning);
  }
  const deferred = part("#deferred");
  deferred.hidden = !preview.deferred;
  if (preview.deferred) deferred.querySelector("time").dateTime = preview.send_at;
  localize(deferred);
  refused(preview);
}

function count({ encoding, segments, credits, segment_units_left: left, text_units_left: limit }) {
  const parts = [encoding, counted(segments, "segment"), `${counted(left, "unit")} left`];
  if (segments > 1) {
    parts[2] += " in the last";
    parts.push(`costs ${counted(credits, "text")}`, `${Math.max(0, limit)} units until the limit`);
  }
  part("#count").textContent = parts.join(" · ");
}

const counted = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

function dear({ forcing, swapped }) {
  const place = part("#dear");
  place.hidden = forcing.length === 0;
  if (place.hidden) return;
  part("[data-characters]").textContent = forcing
    .map(({ character, name, positions, swap }) => {
      const times = positions.length > 1 ? ` (${positions.length} times)` : "";
      return `${character} ${name.toLowerCase()}${times}${swap === null ? "" : swap === "" ? ", can go" : ` → ${swap}`}`;
    })
    .join("; ");
  const swappable = swapped !== null && swapped.body !== part("#text").value;
  part("#swap").hidden = !swappable;
  part("[data-saving]").textContent = dearness(forcing.length, swappable ? swapped.saved : 0);
}

function dearness(kinds, saved) {
  const what = kinds === 1 ? "One character makes" : `${kinds} characters make`;
  const gain = saved > 0 ? ` Swapping saves ${counted(saved, "segment")}.` : "";
  return `${what} this a UCS-2 text, with less than half the room in each segment.${gain}`;
}

function first({ advised_sentence: sentence, appended, refusal }) {
  const place = part("#first");
  place.hidden = sentence === null || part("#text").value.trim() === "";
  if (place.hidden) return;
  const required = refusal?.code === "first_text_incomplete";
  part("[data-lack]").textContent = FIRST[appended ? "append" : required ? "require" : "advise"];
  part("[data-sentence]").textContent = sentence;
  part("#insert").hidden = appended;
}

// What is told elsewhere, or cannot be otherwise yet, is not said again.
const UNSAID = new Set(["body_empty", "first_text_incomplete"]);

function refused({ refusal }) {
  const place = part("#refused");
  const blocked = document.querySelector("#blocked").children.length > 0;
  place.hidden = refusal === null || blocked || UNSAID.has(refusal.code);
  place.textContent = place.hidden ? "" : refusal.sentence;
}

// --- what the buttons do --------------------------------------------------------------------------

function write(body) {
  const text = part("#text");
  text.value = body;
  text.focus();
  ask();
}

function insert() {
  const body = part("#text").value.trimEnd();
  write(body === "" ? said.advised_sentence : `${body} ${said.advised_sentence}`);
}

function schedule() {
  const later = part("#later").checked;
  const picker = part("#send-at");
  part("#picker").hidden = !later;
  picker.disabled = !later;
  if (later) bound(picker);
  part("#send").textContent = later ? "Schedule" : "Send";
  ask();
}

async function send(event) {
  event.preventDefault();
  if (part("#text").value.trim() === "") return part("#text").focus();
  const outcome = await submit(form, contentOf(form));
  if (!outcome?.accepted) return;
  announce(outcome.result.send_at ? "The text is scheduled." : "The text is on its way.");
  form.reset();
  schedule();
  part("#text").focus();
  await refresh();
}

if (form) {
  form.addEventListener("submit", send);
  form.addEventListener("input", look);
  part("#later").addEventListener("change", schedule);
  part("#swap").addEventListener("click", () => write(said.swapped.body));
  part("#insert").addEventListener("click", insert);
  part("#text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  onRefreshed(look);
  ask();
}
