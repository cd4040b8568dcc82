/** What every page's script shares: calls with the CSRF token, and one place where the page speaks. */

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";

/** Whether the reader chose English. */
export const english = document.documentElement.lang === "en";

/** A text in the reader's language. */
export const t = (zh, en) => (english ? en : zh);

/** The alias of whoever is signed in: what drafts in this browser are kept under. */
export const person = meta("person");

/** A refusal or failure that the server stated. */
export class Refused extends Error {
  /** @param {number} status @param {{zh?: string, en?: string}} said */
  constructor(status, said) {
    super(t(said.zh, said.en) || `HTTP ${status}`);
    this.status = status;
  }
}

async function answerOf(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, body.error ?? {});
  return body;
}

/** Read JSON. Throws Refused where the server says no, TypeError where it is not reached. */
export async function get(url) {
  return answerOf(await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store" }));
}

/** Send JSON; errors as `get`. */
export async function post(url, body) {
  return answerOf(
    await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": meta("csrf-token") },
      body: JSON.stringify(body),
    }),
  );
}

let silence = 0;

/** Say something to the person; `kind` is "" or "bad". Errors stay longer. */
export function say(text, kind = "") {
  const place = document.getElementById("said");
  place.textContent = text;
  place.className = `said ${kind}`;
  clearTimeout(silence);
  silence = setTimeout(() => (place.textContent = ""), kind === "bad" ? 9000 : 3000);
}
