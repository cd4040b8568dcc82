/** Which key asks for what. Keys are silent while somebody types, composes with an input method, or answers a dialog. */

const LETTERS = {
  j: "next",
  arrowdown: "next",
  k: "previous",
  arrowup: "previous",
  enter: "save",
  z: "undo",
  c: "comment",
  s: "skip",
  m: "mark",
  g: "guideline",
  "?": "keys",
  "？": "keys",
};
const NOT_TYPING = ["radio", "checkbox", "button", "submit"];

/** Whether an element takes text. */
export function takesText(element) {
  if (!element) return false;
  if (element.isContentEditable || element.matches("textarea, select")) return true;
  return element.matches("input") && !NOT_TYPING.includes(element.type);
}

const hasOwnEnter = (element) => Boolean(element?.closest?.("button, a, summary"));

/**
 * What a key press asks for: {act: "digit", key}, {act: NAME}, or null.
 *
 * @param {KeyboardEvent} event
 */
export function asked(event) {
  if (event.isComposing || event.keyCode === 229 || event.defaultPrevented) return null;
  if (document.querySelector("dialog[open]")) return null;
  const key = event.key.toLowerCase();
  const typing = takesText(event.target);
  if ((event.ctrlKey || event.metaKey) && !event.altKey && key === "enter") {
    return event.repeat ? null : { act: "save" };
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (typing) return key === "escape" ? { act: "leave" } : null;
  if (/^[0-9]$/.test(key)) return event.repeat ? null : { act: "digit", key };
  const act = LETTERS[key];
  if (!act || (key === "enter" && hasOwnEnter(event.target))) return null;
  return event.repeat && !["next", "previous"].includes(act) ? null : { act };
}
