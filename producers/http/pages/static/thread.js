// The thread: newest at the bottom, older ones on request, read as soon as somebody looks.

import { Wish, post } from "/static/commands.js";
import { onRefreshed, refresh } from "/static/live.js";
import { localize } from "/static/times.js";

const NEAR_PX = 120;

const scroller = document.querySelector("#scroller");
const list = document.querySelector("#messages");
const wish = new Wish();
let atEnd = true;

function toEnd() {
  scroller.scrollTop = scroller.scrollHeight;
}

async function older(event) {
  const link = event.target.closest("#older a");
  if (!link) return;
  event.preventDefault();
  const answer = await fetch(link.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  localize(page);
  const before = scroller.scrollHeight;
  list.prepend(...page.querySelector("#messages").children);
  link.parentElement.replaceWith(page.querySelector("#older"));
  scroller.scrollTop += scroller.scrollHeight - before;
}

async function read() {
  const { count, candidate, number } = document.querySelector("#unread").dataset;
  if (count === "0" || document.visibilityState !== "visible") return;
  const outcome = await post(wish, { type: "mark-read", candidate, number });
  if (outcome.accepted) await refresh();
}

if (list) {
  scroller.addEventListener("scroll", () => {
    atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_PX;
  });
  scroller.addEventListener("click", older);
  new MutationObserver(() => atEnd && toEnd()).observe(list, { childList: true });
  onRefreshed(read);
  document.addEventListener("visibilitychange", read);
  toEnd();
  read();
}
