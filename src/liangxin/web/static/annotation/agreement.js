/** Renews the numbers every 15 seconds while somebody looks; what the reader opened or is reading stays as it is. */

const EVERY = 15_000;
const live = document.getElementById("live");

/** The elements of a page's part, as the server wrote it: markup without scripts, never run. */
function partOf(text) {
  const parsed = new DOMParser().parseFromString(text, "text/html");
  return Array.from(parsed.body.childNodes);
}

/** Which details are open and how far each table was scrolled, by id. */
function keepReading() {
  const opened = Array.from(live.querySelectorAll("details[open]"), (one) => one.id);
  const scrolled = Array.from(live.querySelectorAll(".wide"), (one) => one.scrollLeft);
  const focused = Array.from(live.querySelectorAll(".wide, summary, a")).indexOf(document.activeElement);
  return () => {
    for (const one of live.querySelectorAll("details")) one.open = opened.includes(one.id);
    live.querySelectorAll(".wide").forEach((one, place) => (one.scrollLeft = scrolled[place] ?? 0));
    if (focused >= 0) live.querySelectorAll(".wide, summary, a")[focused]?.focus({ preventScroll: true });
  };
}

async function renew() {
  if (document.hidden) return;
  try {
    const answer = await fetch(live.dataset.part, { cache: "no-store" });
    if (!answer.ok || answer.redirected) return;
    const nodes = partOf(await answer.text());
    const restore = keepReading();
    live.replaceChildren(...nodes);
    restore();
  } catch {
    // Not reached: the numbers stand with the time they were computed at, and the next try is soon.
  }
}

setInterval(renew, EVERY);
document.addEventListener("visibilitychange", renew);
