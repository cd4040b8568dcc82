/**
 * An answer on the page and the places in it.
 *
 * The server counts characters (code points); the browser counts UTF-16 units, and shows some characters as something
 * else (a hidden direction mark as its name). So an answer is cut into leaves, each knowing where in the source it
 * begins, and a selection is led back through them.
 */

const STEERING =
  // eslint-disable-next-line no-control-regex
  /\r\n?|[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

const places = new WeakMap();

/** How many characters (code points) a text has. */
export function codePoints(text) {
  let count = 0;
  for (const _one of text) count += 1;
  return count;
}

/** The characters from `start` to `end` of a text, counted in code points. */
export function sliceCodePoints(text, start, end) {
  return Array.from(text).slice(start, end).join("");
}

function shownAs(found) {
  if (found === "\r\n" || found === "\r") return "\n";
  return `U+${found.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Cut a text into leaves `{start, length, shown, plain}`, in code points of the source. */
export function leavesOf(text) {
  const leaves = [];
  let [at, unit] = [0, 0];
  const plain = (piece) => {
    if (!piece) return;
    const length = codePoints(piece);
    leaves.push({ start: at, length, shown: piece, plain: true });
    at += length;
  };
  for (const found of text.matchAll(STEERING)) {
    plain(text.slice(unit, found.index));
    const length = codePoints(found[0]);
    leaves.push({ start: at, length, shown: shownAs(found[0]), plain: false });
    at += length;
    unit = found.index + found[0].length;
  }
  plain(text.slice(unit));
  return leaves;
}

function cut(leaf, start, end) {
  if (!leaf.plain) return { ...leaf };
  const from = Math.max(start, leaf.start);
  const to = Math.min(end, leaf.start + leaf.length);
  const shown = sliceCodePoints(leaf.shown, from - leaf.start, to - leaf.start);
  return { start: from, length: to - from, shown, plain: true };
}

function nodeOf(leaf) {
  const node = document.createTextNode(leaf.shown);
  places.set(node, leaf);
  if (leaf.plain || leaf.shown === "\n") return node;
  const box = document.createElement("span");
  box.className = "unseen";
  box.append(node);
  return box;
}

/** Show a text inside an element, with its spans (`{start, end}`, sorted, apart) as `<mark>`. */
export function showText(element, text, spans = []) {
  const leaves = leavesOf(text);
  const total = leaves.reduce((sum, leaf) => sum + leaf.length, 0);
  const parts = [];
  let at = 0;
  for (const span of spans) {
    if (span.start > at) parts.push({ start: at, end: span.start, marked: false });
    parts.push({ start: span.start, end: Math.min(span.end, total), marked: true });
    at = span.end;
  }
  if (at < total) parts.push({ start: at, end: total, marked: false });
  element.replaceChildren(
    ...parts.flatMap(({ start, end, marked }) => {
      const inside = leaves.filter((leaf) => leaf.start < end && leaf.start + leaf.length > start);
      const nodes = inside.map((leaf) => nodeOf(cut(leaf, start, end)));
      if (!marked) return nodes;
      const mark = document.createElement("mark");
      mark.append(...nodes);
      return [mark];
    }),
  );
}

function textNodes(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) found.push(walker.currentNode);
  return found;
}

/**
 * The part of an element's text that a selection's range covers, as `{start, end}` in code points of the source, or
 * null where it covers none of it.
 */
export function spanOf(element, range) {
  let [start, end] = [null, null];
  for (const node of textNodes(element)) {
    const leaf = places.get(node);
    if (!leaf || !range.intersectsNode(node)) continue;
    const first = node === range.startContainer ? range.startOffset : 0;
    const last = node === range.endContainer ? range.endOffset : node.data.length;
    if (last <= first) continue;
    const from = leaf.plain ? codePoints(node.data.slice(0, first)) : 0;
    const to = leaf.plain ? codePoints(node.data.slice(0, last)) : leaf.length;
    start ??= leaf.start + from;
    end = leaf.start + to;
  }
  return start === null || end <= start ? null : { start, end };
}

/** The spans of one answer with another added: sorted, those that touch made one. */
export function withSpan(spans, added) {
  const sorted = [...spans, added].sort((one, other) => one.start - other.start);
  const joined = [];
  for (const span of sorted) {
    const last = joined.at(-1);
    if (last && span.start <= last.end) last.end = Math.max(last.end, span.end);
    else joined.push({ start: span.start, end: span.end });
  }
  return joined;
}
