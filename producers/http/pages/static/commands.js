// Commands: what somebody wants, posted to the one door, each with an id of its own.

const WAIT_S = 10;
const SETTLED_TRIES = 40;
const SETTLED_PAUSE_MS = 75;

export const door = `/v1/accounts/${document.body.dataset.account}`;

// One wish keeps one id until it is decided: a double click, or another try after a lost answer, is the same
// command and takes effect once. Other content is another wish.
export class Wish {
  #content = "";
  #id = "";

  idFor(content) {
    const written = JSON.stringify(content);
    if (written !== this.#content) [this.#content, this.#id] = [written, uuid7()];
    return this.#id;
  }

  forget() {
    this.#content = "";
  }
}

// Resolves to { accepted, sentence, result, decided }; never rejects. Undecided means: try again, same wish.
export async function post(wish, content) {
  const id = wish.idFor(content);
  let answer;
  try {
    answer = await fetch(`${door}/commands`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Prefer: `wait=${WAIT_S}` },
      body: JSON.stringify({ ...content, command_id: id }),
    });
  } catch {
    return undecided("Sayso cannot be reached. Nothing is lost: try again.");
  }
  const said = await answer.json();
  if (answer.status === 202) return undecided("This takes longer than usual. Try again to see what came of it.");
  if (answer.ok) {
    wish.forget();
    await settled(said.command_id);
    return { accepted: true, decided: true, result: said.result, sentence: "" };
  }
  if (answer.status >= 500) return undecided(said.detail);
  wish.forget();
  return { accepted: false, decided: true, result: {}, sentence: sentenceOf(answer.status, said) };
}

const undecided = (sentence) => ({ accepted: false, decided: false, result: {}, sentence });

function sentenceOf(status, problem) {
  if (status === 401) return "Your session has ended. Sign in again, then try once more.";
  const fault = problem.errors?.[0];
  return fault ? `${problem.detail} ${fault.detail}.` : problem.detail;
}

// What was decided is readable a moment later: the receipt is written with everything else that it changed.
async function settled(commandId) {
  for (let tries = 0; tries < SETTLED_TRIES; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, SETTLED_PAUSE_MS));
    const answer = await fetch(`${door}/receipts/${commandId}`);
    if (answer.ok) return;
  }
}

// RFC 9562, 5.7: 48 bits of milliseconds, then random.
export function uuid7() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  new DataView(bytes.buffer).setUint32(0, Math.floor(Date.now() / 65_536));
  new DataView(bytes.buffer).setUint16(4, Date.now() % 65_536);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
