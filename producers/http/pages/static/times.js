// Moments: what the server says in UTC, shown in the browser's own zone; what people type there, sent as UTC.

const SHAPES = {
  time: { hour: "2-digit", minute: "2-digit" },
  day: { day: "numeric", month: "short" },
  date: { day: "numeric", month: "short", year: "numeric" },
};

// The server's clock is the one that decides; this browser's may be wrong.
const behind = Date.parse(document.body.dataset.now) - Date.now();

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
export const now = () => new Date(Date.now() + behind);

export function localize(root) {
  for (const time of root.querySelectorAll("time[datetime]")) time.textContent = shown(new Date(time.dateTime));
  for (const place of root.querySelectorAll("[data-zone]")) place.textContent = zone.replaceAll("_", " ");
}

function shown(moment) {
  const here = now();
  const clock = format(moment, SHAPES.time);
  if (moment.toDateString() === here.toDateString()) return `today, ${clock}`;
  const shape = moment.getFullYear() === here.getFullYear() ? SHAPES.day : SHAPES.date;
  return `${format(moment, shape)}, ${clock}`;
}

const format = (moment, shape) => new Intl.DateTimeFormat("en-GB", shape).format(moment);

// For <input type="datetime-local">: wall-clock time, whole minutes, no zone.
export function typed(moment) {
  const local = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

export const meant = (text) => new Date(text).toISOString();
