/** The digit on a level chooses it, Enter after the reason submits: a hand can stay on the keyboard. */
import { say, t } from "../site.js";

const form = document.getElementById("decide");
const reason = form.elements.reason;
const levels = Array.from(form.querySelectorAll('input[name="level"]'));
const settle = form.querySelector('button[value="decide"]');
let sent = false;

const typing = (element) => element instanceof HTMLElement && element.matches("textarea, select, input:not([type=radio])");

function choose(digit) {
  const level = levels.find((one) => one.dataset.key === digit);
  if (!level) return;
  level.checked = true;
  reason.focus();
}

/** Whether a key press belongs to an input method: its Enter ends a word, not the reason. */
const composing = (event) => event.isComposing || event.keyCode === 229;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || composing(event) || typing(event.target)) return;
  if (!/^[0-9]$/.test(event.key)) return;
  event.preventDefault();
  choose(event.key);
});

reason.addEventListener("keydown", (event) => {
  if (event.key === "Escape") reason.blur();
  if (event.key !== "Enter" || event.shiftKey || composing(event)) return;
  event.preventDefault();
  if (!levels.some((level) => level.checked)) say(t("请先选级别", "Choose a level first"), "bad");
  form.requestSubmit(settle);
});

form.addEventListener("submit", (event) => {
  if (sent) event.preventDefault();
  sent = true;
});
addEventListener("pageshow", () => (sent = false));

document.getElementById("here")?.scrollIntoView({ block: "nearest" });
