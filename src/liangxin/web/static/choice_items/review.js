/** Reviewing choice items by keyboard: e and h set the difficulty, a accepts, r goes to the reason, n to the next. */

const byId = (id) => document.getElementById(id);

function choose(value) {
  const radio = document.querySelector(`input[name="difficulty"][value="${value}"]`);
  radio.checked = true;
  radio.focus();
}

const keys = {
  e: () => choose("easy"),
  h: () => choose("hard"),
  a: () => byId("accept").click(),
  r: () => byId("reason").focus(),
  n: () => byId("next")?.click(),
};

const writing = (target) => target.matches("textarea, select, input:not([type='radio'])");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || writing(event.target)) return;
  const act = keys[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});
