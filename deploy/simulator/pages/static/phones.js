"use strict";

const phones = document.querySelector("#phones");
const live = document.querySelector("#live");

// One after another, so that two changes to one phone never insert it twice.
let working = Promise.resolve();
const inTurn = (work) => (working = working.then(work).catch((error) => console.error(error)));

async function refresh(number) {
  const answer = await fetch(`/phones/${number.slice(1)}/card`);
  if (!answer.ok) return;
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  const fresh = template.content.firstElementChild;
  const present = document.getElementById(fresh.id);
  if (present) update(present, fresh);
  else insert(fresh);
}

function insert(phone) {
  document.querySelector("#nothing").hidden = true;
  phones.prepend(phone);
  settle(phone);
}

// The form stays: somebody may be typing in it. Bubbles are added one by one, so that each is announced once.
function update(present, fresh) {
  replace(present, fresh, "state");
  if (newest(present) !== newest(fresh)) replace(present, fresh, "to");
  const log = part(present, "log");
  const bubbles = part(present, "bubbles");
  for (const bubble of [...part(fresh, "bubbles").children]) {
    const known = bubbles.querySelector(`[data-sid="${bubble.dataset.sid}"]`);
    localTime(bubble);
    if (!known) {
      bubble.classList.add("new");
      bubbles.append(bubble);
      log.scrollTop = log.scrollHeight;
    } else if (known.textContent !== bubble.textContent) {
      known.replaceWith(bubble);
    }
  }
}

const part = (phone, name) => phone.querySelector(`[data-part="${name}"]`);
const newest = (phone) => phone.querySelector("select")?.options[0].value; // who wrote last
const replace = (present, fresh, name) => part(present, name).replaceWith(part(fresh, name));

function settle(phone) {
  localTime(phone);
  const log = part(phone, "log");
  log.scrollTop = log.scrollHeight;
}

function localTime(within) {
  for (const time of within.querySelectorAll("time")) {
    time.textContent = new Date(time.dateTime).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  }
}

async function post(path, content) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(content),
    });
    if (answer.ok) return "";
    const { detail } = await answer.json();
    return typeof detail === "string" ? detail : "This cannot be sent.";
  } catch {
    return "The phones do not answer. Nothing was sent; try again in a moment.";
  }
}

async function say(phone, body, media = []) {
  const form = part(phone, "answer");
  const to = form.elements.to.value.replace(/[^+0-9]/g, "");
  const said = { body, media, ...(to && { to }) };
  const problem = await post(`/phones/${phone.dataset.number.slice(1)}/messages`, said);
  part(phone, "problem").textContent = problem;
  return !problem;
}

// What is typed, with what is sent along. What was typed meanwhile stays.
async function sayTyped(form, media = []) {
  const input = form.elements.body;
  const body = input.value.trim() === "" ? "" : input.value;
  if (!body && !media.length) return;
  if ((await say(form.closest(".phone"), body, media)) && input.value === body) input.value = "";
}

phones.addEventListener("submit", (event) => {
  event.preventDefault();
  sayTyped(event.target);
});

phones.addEventListener("click", (event) => {
  if (event.target.dataset.picks) event.target.form.elements.media.click();
  const word = event.target.dataset.word;
  if (word) say(event.target.closest(".phone"), word);
});

phones.addEventListener("change", async (event) => {
  if (event.target.name !== "media" || event.target.files.length === 0) return;
  const [file] = event.target.files;
  event.target.value = "";
  const bytes = new Uint8Array(await file.arrayBuffer());
  const content = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const media = { content_type: file.type || "application/octet-stream", content };
  sayTyped(event.target.form, [media]);
});

phones.addEventListener("keydown", (event) => {
  if (event.target.name === "body" && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});

document.querySelector("#open").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const problem = await post("/phones", { number: form.elements.number.value });
  document.querySelector("#open-problem").textContent = problem;
  if (!problem) form.reset();
});

function listen() {
  const source = new EventSource(`/changes?since=${document.body.dataset.version}`);
  let wasOpen = false;
  source.addEventListener("open", () => {
    if (wasOpen) location.reload(); // the simulator was started anew and remembers nothing
    wasOpen = true;
    live.textContent = "Live";
    live.classList.add("on");
  });
  source.addEventListener("message", (event) => {
    for (const number of JSON.parse(event.data)) inTurn(() => refresh(number));
  });
  source.addEventListener("error", () => {
    live.textContent = "Not connected, trying again";
    live.classList.remove("on");
  });
}

document.querySelectorAll(".phone").forEach(settle);
listen();
