/** The red-teaming chat: a streamed answer, a composer that stays, the claim beside it, the verdict afterwards. */

import { get, person, post, Refused, say, t } from "../site.js";

const chat = document.querySelector(".chat");
const key = chat.dataset.attack;
const address = `/api/attacks/${key}`;
const list = document.getElementById("turns");
const composer = document.getElementById("composer");
const claim = document.getElementById("claim-form");

const part = (turn, name) => turn.querySelector(`[data-part="${name}"]`);
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const turnOf = (number) => list.querySelector(`[data-turn="${number}"]`);

/* ---- the dialogue ---- */

function atBottom() {
  return window.innerHeight + window.scrollY > document.documentElement.scrollHeight - 160;
}

function toBottom() {
  window.scrollTo({ top: document.documentElement.scrollHeight });
}

/** The bubble of a turn: the one there is (asked again), or a new one at the bottom. */
function opened(number, prompt) {
  let turn = turnOf(number);
  if (!turn) {
    turn = document.getElementById("turn-template").content.firstElementChild.cloneNode(true);
    turn.dataset.turn = number;
    part(turn, "number").textContent = number;
    list.append(turn);
  }
  document.getElementById("start-here").hidden = true;
  part(turn, "prompt").textContent = prompt;
  filled(turn, { text: "", status: "asking", note: "", again: false, judgeable: false });
  list.querySelectorAll('[data-part="again"]').forEach((button) => (button.hidden = true));
  return turn;
}

/** Show a turn as it was stored. */
function filled(turn, values) {
  const asking = values.status === "asking";
  turn.dataset.status = values.status;
  turn.setAttribute("aria-busy", String(asking));
  part(turn, "text").textContent = values.text;
  part(turn, "dots").hidden = !asking;
  part(turn, "note").textContent = values.note;
  part(turn, "note").hidden = asking || !values.note;
  part(turn, "mark").hidden = !values.judgeable;
  part(turn, "again").hidden = !values.again || turn !== list.lastElementChild;
  offered(Number(turn.dataset.turn), values.judgeable);
}

/** One line of the stream; returns the turn that it speaks of. */
function took(line, turn) {
  if (line.turn) {
    turn = opened(line.turn, line.prompt);
    toBottom();
  } else if (turn && line.piece) {
    const stay = atBottom();
    part(turn, "text").textContent += line.piece;
    if (stay) toBottom();
  } else if (turn && line.done) {
    const stay = atBottom();
    filled(turn, line.done);
    if (stay) toBottom();
  }
  return turn;
}

/** Read a stream of JSON lines to its end. */
async function readLines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let turn = null;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line) turn = took(JSON.parse(line), turn);
  }
}

/** Show what the server has, once the answer that is on its way is there. */
async function caughtUp() {
  for (;;) {
    const state = await get(address).catch((error) => {
      if (error instanceof Refused) throw error;
      return null;
    });
    const last = state?.turns.at(-1);
    if (state && !state.running) {
      // Nobody is asking any more, yet the turn is open: its server was started anew.
      if (last?.status === "asking") await post(`${address}/stop`, {});
      else {
        for (const values of state.turns) filled(turnOf(values.turn) ?? opened(values.turn, values.prompt), values);
        return;
      }
    }
    await wait(state ? 700 : 2500);
  }
}

/* ---- the composer ---- */

const box = document.getElementById("prompt");
const draft = `attack:${person}:${key}`;
let busy = false;

function busyNow(now) {
  busy = now;
  document.getElementById("send").hidden = now;
  document.getElementById("stop").hidden = !now;
}

function sized() {
  const left = Number(box.maxLength) - box.value.length;
  document.getElementById("left").textContent = left < 500 ? t(`还可写 ${left} 字`, `${left} characters left`) : "";
  if (!CSS.supports("field-sizing", "content")) box.rows = Math.min(9, box.value.split("\n").length);
  localStorage.setItem(draft, box.value);
}

/** Ask, and read the answer to its end; `again` repeats the last turn. */
async function ask(prompt, again) {
  busyNow(true);
  try {
    const response = await fetch(`${address}/turns`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "X-CSRF-Token": document.querySelector('meta[name="csrf-token"]').content,
      },
      body: JSON.stringify({ prompt, again }),
    });
    if (!response.ok) throw new Refused(response.status, (await response.json().catch(() => ({}))).error ?? {});
    if (!again) {
      box.value = "";
      sized();
    }
    await readLines(response);
  } catch (error) {
    if (error instanceof Refused) say(error.message, "bad");
    else await lost();
  } finally {
    busyNow(false);
    box.focus();
  }
}

/** The line broke: the answer is stored by the server all the same. */
async function lost() {
  say(t("连接断了，正在接回……", "The connection was lost; coming back …"), "bad");
  await caughtUp().then(
    () => say(t("已接回。", "Back again.")),
    (error) => say(error.message, "bad"),
  );
}

function send() {
  if (!busy && box.value.trim()) ask(box.value, false);
}

function composed() {
  box.value = localStorage.getItem(draft) ?? "";
  sized();
  // The page comes with both off: what is typed before somebody listens would be lost.
  box.disabled = false;
  document.getElementById("send").disabled = false;
  box.addEventListener("input", sized);
  box.addEventListener("keydown", (event) => {
    // While an input method composes, Enter chooses a word.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    send();
  });
  composer.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  document.getElementById("stop").addEventListener("click", () =>
    post(`${address}/stop`, {}).catch((error) => say(error.message, "bad")),
  );
  if (list.lastElementChild?.dataset.status === "asking") {
    busyNow(true);
    rejoined().finally(() => busyNow(false));
  }
}

/** Come back to an answer that is still on its way. */
async function rejoined() {
  try {
    const response = await fetch(`${address}/turns`, { cache: "no-store" });
    if ((response.headers.get("Content-Type") ?? "").includes("ndjson")) await readLines(response);
    else await caughtUp();
  } catch {
    await lost();
  }
}

/* ---- the claim ---- */

function offered(number, judgeable) {
  const choice = claim?.elements.turn;
  if (!choice) return;
  const known = [...choice.options].find((option) => option.value === String(number));
  if (judgeable && !known) choice.add(new Option(t(`第 ${number} 轮`, `Turn ${number}`), number));
  if (!judgeable && known) known.remove();
}

/** A choice of one's own words shows the field for them. */
function freed(select, field) {
  const free = Boolean(select.selectedOptions[0]?.dataset.free);
  field.hidden = !free;
}

function marked() {
  const number = claim.elements.turn.value;
  for (const turn of list.children) {
    const here = !claim.hidden && turn.dataset.turn === number;
    turn.classList.toggle("marked", here);
    part(turn, "mark").setAttribute("aria-pressed", String(here));
  }
  document.getElementById("follow-field").hidden = number !== "1";
  if (number === "1" && turnOf(2)) proposed(claim.elements.follow_up);
}

/** What was said next is the first proposal, character for character. */
async function proposed(text) {
  const state = await get(address).catch(() => null);
  if (state?.turns[1] && !text.value) text.value = state.turns[1].raw;
}

function showClaim(show) {
  claim.hidden = !show;
  document.getElementById("claim-wait").hidden = show;
  chat.classList.toggle("claiming", show);
  marked();
}

function claiming() {
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const turn = event.target.closest(".turn");
    if (button?.dataset.part === "again" && !busy) ask("", true);
    if (button?.dataset.part !== "mark" || !claim) return;
    claim.elements.turn.value = turn.dataset.turn;
    showClaim(true);
    claim.elements.category.focus({ preventScroll: true });
    // On a narrow screen the claim stands below the dialogue, else beside it.
    if (matchMedia("(max-width: 63.99rem)").matches) document.getElementById("claim").scrollIntoView();
  });
  if (!claim) return;
  const pairs = [
    [claim.elements.category, "words-field"],
    [claim.elements.style_choice, "own-field"],
  ];
  for (const [select, field] of pairs) {
    const show = () => freed(select, document.getElementById(field));
    select.addEventListener("change", show);
    show();
  }
  claim.elements.turn.addEventListener("change", marked);
  claim.addEventListener("submit", () => localStorage.removeItem(draft));
  document.getElementById("claim-close").addEventListener("click", () => {
    showClaim(false);
    box?.focus();
    toBottom();
  });
}

/* ---- the verdict, after handing in ---- */

async function verdictCame(place) {
  for (let tries = 0; tries < 150; tries += 1) {
    const state = await get(address).catch(() => null);
    if (state && state.verdict && !state.judging) return ruled(place, state.verdict);
    if (state && !state.judging && tries > 3) break;
    await wait(800);
  }
  place.textContent = t("还没有结论。", "There is no verdict yet.");
  document.getElementById("judge-again").hidden = false;
}

function ruled(place, verdict) {
  const tag = document.createElement("span");
  tag.className = `tag ${verdict.passing === null ? "" : verdict.passing ? "good" : "bad"}`;
  tag.textContent = verdict.said;
  place.replaceChildren(tag);
  const add = (name, text, kind) => {
    const made = document.createElement(name);
    made.className = kind;
    made.textContent = text;
    place.append(" ", made);
  };
  if (verdict.given) {
    const held = t("评审认为没有攻破", "the judge says that it held");
    add("span", verdict.passing ? held : t("评审也认为攻破了", "the judge says so too"), "");
  }
  if (verdict.reason) add("p", verdict.reason, "note prose");
  if (verdict.judge) add("p", verdict.judge, "note");
  document.getElementById("judge-again").hidden = verdict.given;
  place.dataset.state = "done";
}

const verdict = document.getElementById("verdict");
if (verdict?.dataset.state === "wait") verdictCame(verdict);
if (composer) composed();
claiming();
if (composer) {
  toBottom();
  // A keyboard on a touch screen would cover half of the page.
  if (matchMedia("(pointer: fine)").matches) box.focus({ preventScroll: true });
}
