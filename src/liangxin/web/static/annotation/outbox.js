/**
 * What must not get lost: drafts and the outbox, both in this browser's own store, under the person's alias.
 *
 * A save is first written to the outbox and then sent. Each carries a token, so that one that is sent twice after a
 * lost connection is one save. Every entry has a place of its own in the store: two tabs never overwrite each other's.
 */
import { get, person, post, Refused, t } from "../site.js";

const DRAFT_DAYS = 60;
const PATIENCE = 30_000;
const SLOW = 2000;
const LONGEST_PAUSE = 30_000;
const outboxPrefix = `liangxin.outbox.${person}.`;
const draftPrefix = `liangxin.draft.${person}.`;
const inMemory = new Map();

/** Read one value of the browser's store; a store that is switched off is the page's memory. */
export function recall(key) {
  try {
    const found = inMemory.get(key) ?? localStorage.getItem(key);
    return found === null || found === undefined ? null : JSON.parse(found);
  } catch {
    return null;
  }
}

/** Keep one value; false where only this page's memory could take it. */
export function keep(key, value) {
  const text = JSON.stringify(value);
  try {
    localStorage.setItem(key, text);
    inMemory.delete(key);
    return true;
  } catch {
    inMemory.set(key, text);
    return false;
  }
}

/** Forget one value. */
export function forget(key) {
  inMemory.delete(key);
  try {
    localStorage.removeItem(key);
  } catch {
    // The store is switched off: there was nothing in it.
  }
}

function keysWith(prefix) {
  const found = new Set([...inMemory.keys()].filter((key) => key.startsWith(prefix)));
  try {
    for (let at = 0; at < localStorage.length; at += 1) {
      const key = localStorage.key(at);
      if (key.startsWith(prefix)) found.add(key);
    }
  } catch {
    // The store is switched off: memory is all there is.
  }
  return [...found];
}

/** What was entered for an assignment and not yet saved, or null. */
export const draftOf = (assignment) => recall(`${draftPrefix}${assignment}`);

/** Keep what is entered for an assignment. */
export const keepDraft = (assignment, draft) => keep(`${draftPrefix}${assignment}`, { ...draft, kept: Date.now() });

/** Forget an assignment's draft: it was saved. */
export const dropDraft = (assignment) => forget(`${draftPrefix}${assignment}`);

/** Forget drafts that nobody came back to for two months. */
export function tidyDrafts() {
  for (const key of keysWith(draftPrefix)) {
    const kept = recall(key)?.kept ?? 0;
    if (kept < Date.now() - DRAFT_DAYS * 86_400_000) forget(key);
  }
}

/** A random token (UUID version 4); pages over plain http have no `crypto.randomUUID`. */
export function newToken() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The answer to a call, or a TypeError where none comes within half a minute. */
export function inTime(promise) {
  let timer = 0;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new TypeError("no answer in time")), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const passing = (error) => !(error instanceof Refused) || error.status >= 500 || [408, 429].includes(error.status);

/** Sends what was saved, in order, one tab at a time. */
export class Outbox {
  /**
   * @param {string} project the project's key
   * @param {{saved: Function, changed: Function}} told `saved(entry, answer)` after each save; `changed(outbox)`
   *   whenever something to show has changed
   */
  constructor(project, told) {
    this.project = project;
    this.told = told;
    /** "" | "offline" | "signed_out" | "other_person" */
    this.trouble = "";
    this.pause = 1000;
    this.timer = 0;
    this.busy = false;
    this.again = false;
    addEventListener("online", () => this.send());
    addEventListener("focus", () => this.trouble && this.send());
    addEventListener("storage", (event) => event.key?.startsWith(outboxPrefix) && this.#changed());
  }

  /** Something was put in or taken out; look once more when what is on its way should have arrived. */
  #changed() {
    this.told.changed(this);
    setTimeout(() => this.told.changed(this), SLOW + 100);
  }

  /** Whether anything waits longer than a save takes, here or in another tab. */
  get waits() {
    const slow = Date.now() - SLOW;
    return this.entries().some((entry) => this.trouble || entry.refusal || entry.at < slow);
  }

  /** Everything not yet stored by the server, the oldest first. */
  entries() {
    const found = keysWith(outboxPrefix).map(recall).filter(Boolean);
    // What waits since an older version of this page calls the assignment its `seat`.
    return found.map((entry) => ({ assignment: entry.seat, ...entry })).sort((one, other) => one.at - other.at);
  }

  /** Entries that the server refused: they wait for the person. */
  refused() {
    return this.entries().filter((entry) => entry.refusal);
  }

  /** Whether an assignment has a save on its way. */
  holds(assignment) {
    return this.entries().some((entry) => entry.assignment === assignment && !entry.refusal);
  }

  /** Keep a save and send it; false where it could be kept in this page's memory only. */
  add(entry) {
    const stored = keep(outboxPrefix + entry.body.token, { ...entry, project: this.project, at: Date.now() });
    this.#changed();
    this.send();
    return stored;
  }

  /** Take an entry out: it was saved, or its writer threw it away. */
  drop(token) {
    forget(outboxPrefix + token);
    this.told.changed(this);
  }

  /** Send a refused entry once more. */
  retry(entry) {
    keep(outboxPrefix + entry.body.token, { ...entry, refusal: null });
    this.send();
  }

  /** Send what waits; resolves when nothing more can be sent now. */
  async send() {
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    clearTimeout(this.timer);
    try {
      do {
        this.again = false;
        await this.#alone(() => this.#sendAll());
      } while (this.again && !this.trouble);
    } finally {
      this.busy = false;
    }
    this.told.changed(this);
  }

  /** Two tabs share the outbox: the browser's lock lets one of them send. Without locks the tokens still guard. */
  async #alone(work) {
    if (!navigator.locks) return work();
    return navigator.locks.request(outboxPrefix, work);
  }

  async #sendAll() {
    let renewed = false;
    for (let entry = this.#next(); entry; entry = this.#next()) {
      try {
        const answer = await inTime(post(`/api/assignments/${entry.assignment}`, entry.body));
        this.#settled(entry, answer);
        renewed = false;
      } catch (error) {
        const isSession = error instanceof Refused && [401, 403].includes(error.status) && !renewed;
        if (isSession) {
          if (!(await this.#renewed())) return this.#later();
          renewed = true;
        } else if (passing(error)) {
          this.trouble = "offline";
          return this.#later();
        } else {
          this.#refuse(entry, error);
          renewed = false;
        }
      }
    }
    this.trouble = "";
    return undefined;
  }

  #next() {
    return this.entries().find((entry) => !entry.refusal);
  }

  #settled(entry, answer) {
    this.trouble = "";
    this.pause = 1000;
    forget(outboxPrefix + entry.body.token);
    if (entry.replaces) forget(outboxPrefix + entry.replaces);
    const draft = draftOf(entry.assignment);
    if (!draft || draft.base === entry.body.base_version) dropDraft(entry.assignment);
    this.told.saved(entry, answer);
  }

  #refuse(entry, error) {
    this.trouble = "";
    keep(outboxPrefix + entry.body.token, { ...entry, refusal: { status: error.status, text: error.message } });
    this.told.changed(this);
  }

  #later() {
    this.told.changed(this);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  /** Who is signed in now, and the token of that session: after signing in again in another tab the page goes on. */
  async #renewed() {
    const found = await session().catch((error) => error);
    if (found instanceof Error) {
      this.trouble = found instanceof Refused && found.status === 401 ? "signed_out" : "offline";
      return false;
    }
    this.trouble = found.person === person ? "" : "other_person";
    return !this.trouble;
  }
}

/** Ask who is signed in, and take that session's CSRF token where it is the same person. */
export async function session() {
  const found = await inTime(get("/api/session"));
  if (found.person === person) document.querySelector('meta[name="csrf-token"]').content = found.csrf;
  return found;
}

/** What to do about an outbox that cannot send. */
export function troubleText(trouble) {
  return {
    offline: t("连接断开：判断已存在本机，恢复后自动发送。", "Connection lost: your verdicts are kept here and are sent when it is back."),
    signed_out: t("登录已过期：请在另一个标签页重新登录，再回到这里。这里的内容不会丢。", "You are signed out: sign in again in another tab, then come back. Nothing here is lost."),
    other_person: t("这个浏览器现在登录的是另一个人。请用原来的帐号登录后再试，这里的内容不会丢。", "Somebody else is signed in in this browser now. Sign in with your own account and try again; nothing here is lost."),
  }[trouble];
}
