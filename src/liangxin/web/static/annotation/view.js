/** The task as it stands on the page: dialogues, verdict buttons, evidence. Texts enter as text nodes only. */
import { codePoints, showText, sliceCodePoints, spanOf } from "./text.js";
import { t } from "../site.js";

const LONG = 1500;
const STATUS = {
  filtered: ["被服务商拦截，没有回答", "blocked by the provider; there is no answer"],
  empty: ["空回答", "an empty answer"],
  failed: ["请求失败，没有回答", "the request failed; there is no answer"],
  not_asked: ["没有问到这一轮", "this turn was not asked"],
  truncated: ["回答到长度上限被截断", "cut off at the length limit"],
};

/** An element with properties (`class`, `data-…`, `aria-…` as attributes, `on` as listeners) and children. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "on") for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** The key of each option: its name where all are called by one digit (0, 1, 2), else 1 to 9 by place, then 0. */
export function keysOf(names) {
  if (names.every((name) => /^[0-9]$/.test(name))) return names;
  return names.map((_name, index) => (index < 9 ? String(index + 1) : index === 9 ? "0" : ""));
}

const keyHint = (key) => (key ? make("kbd", { "aria-hidden": "true" }, key) : null);

/** A level as its button says it; its name is left out where the key beside it says the same. */
function levelTitle(level, key) {
  const title = t(level.zh, level.en) || level.name;
  return title.includes(level.name) || key === level.name ? title : `${title} · ${level.name}`;
}

/** One task's elements, and what the person does on them told to `told`. */
export class TaskView {
  /**
   * @param {HTMLElement} root where the task stands
   * @param {object} task as `/api/projects/{key}/next` gives it
   * @param {object} told handlers: level(target, name), best(place, on), noneGood(on), points(n), unmark(span),
   *   current(id)
   */
  constructor(root, task, told) {
    this.task = task;
    this.told = told;
    /** What needs a choice, in order: {id, kind, place, turn, options, keys, group}. */
    this.targets = [];
    this.answers = new Map();
    const several = task.candidates.length > 1;
    const prompt = several ? this.#sharedPrompt() : null;
    this.heading = make("h2", { tabindex: "-1", class: "task-title" }, ...this.#title());
    root.replaceChildren(
      this.heading,
      ...(prompt === null ? [] : [this.#prompt(prompt, 1)]),
      ...(task.reference ? [this.#reference(task.reference)] : []),
      make(
        "div",
        { class: `candidates candidates-${Math.min(task.candidates.length, 4)}` },
        ...task.candidates.map((candidate) => this.#candidate(candidate, several, prompt !== null)),
      ),
      ...(task.kind === "expert" ? this.#expert() : []),
    );
    for (const box of root.querySelectorAll(".long")) this.#fold(box);
  }

  #title() {
    const { number, category_title: category } = this.task;
    const name = t(category.zh, category.en);
    return [t(`第 ${number} 题`, `Task ${number}`), make("small", {}, make("bdi", {}, name))];
  }

  #sharedPrompt() {
    const first = this.task.candidates.map((candidate) => candidate.turns[0]?.prompt);
    return first.every((prompt) => prompt === first[0]) ? first[0] : null;
  }

  #candidate(candidate, several, promptShown) {
    const turns = candidate.turns.map((turn) => this.#turn(candidate, turn, several, promptShown && turn === candidate.turns[0]));
    if (!several) return make("article", { class: "candidate", "aria-label": t("对话", "Dialogue") }, ...turns);
    const name = t(`回答 ${candidate.letter}`, `Answer ${candidate.letter}`);
    return make(
      "article",
      { class: "candidate", "aria-label": name },
      make("h3", { class: "candidate-letter" }, make("span", { class: "letter", "aria-hidden": "true" }, candidate.letter), name),
      ...turns,
    );
  }

  #turn(candidate, turn, several, promptShown) {
    const parts = [];
    if (candidate.turns.length > 1) {
      const title = t(`第 ${turn.turn} 轮`, `Turn ${turn.turn}`);
      parts.push(make(several ? "h4" : "h3", { class: "turn-title" }, title));
    }
    if (!promptShown) parts.push(this.#prompt(turn.prompt, turn.turn));
    parts.push(...this.#answer(candidate, turn));
    const grade = this.task.kind === "grade" && turn.judgeable && candidate.levels.length > 0;
    const id = `${candidate.place}:${turn.turn}`;
    if (grade) parts.push(this.#levels(candidate, turn, id));
    return make("section", { class: "turn", "data-target": grade ? id : null }, ...parts);
  }

  #reference(text) {
    const box = make("div", { class: "text" });
    showText(box, text);
    const long = codePoints(text) > LONG ? " long" : "";
    const label = make("span", { class: "speaker" }, t("参考答案", "Reference answer"));
    return make("div", { class: `reference-box${long}` }, label, box);
  }

  #prompt(text, turn) {
    const box = make("div", { class: "text" });
    showText(box, text);
    const long = codePoints(text) > LONG ? " long" : "";
    const label = make("span", { class: "speaker" }, t("问", "User"));
    return make("div", { class: `prompt-box${long}`, "data-prompt": turn }, label, box);
  }

  #answer(candidate, turn) {
    const status = STATUS[turn.status];
    const note = status ? make("p", { class: "status" }, t(...status)) : null;
    if (!turn.answer) return [note ?? make("p", { class: "status" }, t(...STATUS.empty))];
    const box = make("div", { class: "text answer" });
    const evidence = make("ul", { class: "evidence", "aria-label": t("标出的依据", "Marked evidence") });
    this.answers.set(`${candidate.place}:${turn.turn}`, { box, evidence, text: turn.answer });
    showText(box, turn.answer);
    const long = codePoints(turn.answer) > LONG ? " long" : "";
    const label = make("span", { class: "speaker" }, t("答", "Model"));
    return [make("div", { class: `answer-box${long}` }, label, box), note, evidence];
  }

  /** Long texts are folded; they stay whole in the page, so that search, selection and offsets go on working. */
  #fold(box) {
    const fold = make("button", { type: "button", class: "button small unfold", "aria-expanded": "false" });
    const show = (open) => {
      box.classList.toggle("folded", !open);
      fold.setAttribute("aria-expanded", String(open));
      fold.textContent = open ? t("收起", "Show less") : t("展开全文", "Show all");
    };
    fold.addEventListener("click", () => show(box.classList.contains("folded")));
    show(false);
    box.after(fold);
  }

  #levels(candidate, turn, id) {
    const label =
      (this.task.candidates.length > 1 ? t(`回答 ${candidate.letter}`, `Answer ${candidate.letter}`) : "") +
      (candidate.turns.length > 1 ? ` ${t(`第 ${turn.turn} 轮`, `turn ${turn.turn}`)}` : "");
    const keys = keysOf(candidate.levels.map((level) => level.name));
    const options = candidate.levels.map((level, index) => ({ value: level.name, title: levelTitle(level, keys[index]) }));
    const target = { id, kind: "level", place: candidate.place, turn: turn.turn, options };
    return this.#group(target, `${label} ${t("判定", "verdict")}`.trim(), "radio", (value) =>
      this.told.level(target, value),
    );
  }

  #group(target, title, type, chosen) {
    target.keys = keysOf(target.options.map((option) => String(option.value)));
    const boxes = target.options.map((option, index) => {
      const input = make("input", {
        type,
        name: `choice-${target.id}`,
        value: option.value,
        disabled: option.disabled ?? false,
        on: { change: (event) => chosen(option.value, event.target.checked) },
      });
      return make("label", { class: "option" }, input, keyHint(target.keys[index]), make("span", {}, option.title));
    });
    const role = type === "radio" ? "radiogroup" : "group";
    const legend = make("legend", { id: `legend-${target.id}` }, title);
    const short = target.options.every((option) => codePoints(option.title) <= 6) ? "options-short" : "";
    const row = make("div", { class: `options options-${target.kind} ${short}` }, ...boxes);
    target.group = make("fieldset", { role, class: "choice", "aria-labelledby": `legend-${target.id}` }, legend, row);
    target.group.addEventListener("focusin", () => this.told.current(target.id));
    target.group.addEventListener("pointerdown", () => this.told.current(target.id));
    this.targets.push(target);
    return target.group;
  }

  #expert() {
    const answered = (candidate) => candidate.turns.some((turn) => turn.judgeable);
    const best = this.task.candidates.map((candidate) => ({
      value: candidate.place,
      title: t(`回答 ${candidate.letter} 最好`, `Answer ${candidate.letter} is best`),
      disabled: !answered(candidate),
    }));
    best.push({ value: "none", title: t("都不好", "None is good") });
    const points = Array.from({ length: 10 }, (_one, index) => ({
      value: index + 1,
      title: String(index + 1),
    }));
    this.own = make("textarea", { id: "own-answer", rows: "5", maxlength: "20000" });
    const bestGroup = this.#group(
      { id: "best", kind: "best", options: best },
      t("哪个回答最好（可多选）", "Which answer is best (several may be)"),
      "checkbox",
      (value, on) => (value === "none" ? this.told.noneGood(on) : this.told.best(value, on)),
    );
    const pointsGroup = this.#group(
      { id: "points", kind: "points", options: points },
      t("给最好的回答打分（1 到 10 分）", "Points for the best answer (1 to 10)"),
      "radio",
      (value) => this.told.points(value),
    );
    const own = make(
      "div",
      { class: "field" },
      make("label", { for: "own-answer" }, t("自己的回答（可不写）", "Your own answer (optional)")),
      this.own,
    );
    return [
      make("section", { class: "expert card", "aria-label": t("专家评定", "Expert verdict") },
        make("div", { "data-target": "best" }, bestGroup),
        make("div", { "data-target": "points" }, pointsGroup),
        own),
    ];
  }

  /** What a target's choice is in a response: a value, or undefined. */
  chosen(target, response) {
    if (target.kind === "level") return response.levels[target.id];
    if (target.kind === "points") return response.points ?? undefined;
    return response.best.length > 0 || response.none_good ? "chosen" : undefined;
  }

  /** The targets that still need a choice: with "none is good" there is no best answer to give points to. */
  open(response) {
    return this.targets.filter(
      (target) =>
        this.chosen(target, response) === undefined && !(target.kind === "points" && response.none_good),
    );
  }

  /** Bring every input, highlight and evidence list in line with the response and the current target. */
  show(response, current) {
    for (const target of this.targets) {
      const place = target.group.closest("[data-target]");
      place.classList.toggle("current", target.id === current && this.targets.length > 1);
      place.classList.toggle("chosen", this.chosen(target, response) !== undefined);
      const inputs = target.group.querySelectorAll("input");
      target.options.forEach((option, index) => {
        inputs[index].checked = this.#isOn(target, option.value, response);
        if (target.kind === "points") inputs[index].disabled = response.none_good;
      });
    }
    for (const [id, answer] of this.answers) this.#evidence(id, answer, response);
  }

  #isOn(target, value, response) {
    if (target.kind === "level") return response.levels[target.id] === value;
    if (target.kind === "points") return response.points === value;
    return value === "none" ? response.none_good : response.best.includes(value);
  }

  #evidence(id, answer, response) {
    const spans = response.spans
      .filter((span) => `${span.place}:${span.turn}` === id)
      .sort((one, other) => one.start - other.start);
    const shown = JSON.stringify(spans);
    if (answer.shown === shown || (answer.shown === undefined && spans.length === 0)) return;
    answer.shown = shown;
    showText(answer.box, answer.text, spans);
    answer.evidence.replaceChildren(...spans.map((span) => this.#chip(span, answer.text)));
  }

  #chip(span, text) {
    const words = sliceCodePoints(text, span.start, Math.min(span.end, span.start + 24)).replace(/\s+/g, " ");
    const said = words + (span.end - span.start > 24 ? "…" : "");
    const remove = make(
      "button",
      {
        type: "button",
        class: "remove",
        "aria-label": t(`去掉标记“${said}”`, `Remove the mark “${said}”`),
        on: { click: () => this.told.unmark(span) },
      },
      "×",
    );
    return make("li", {}, make("q", {}, make("bdi", {}, said)), remove);
  }

  /** Put the focus on a target's chosen option, else its first, and bring it into view. */
  focus(id) {
    const target = this.targets.find((one) => one.id === id);
    if (!target) return;
    const input = target.group.querySelector("input:checked") ?? target.group.querySelector("input:enabled");
    input?.focus({ preventScroll: true });
    target.group.scrollIntoView({ block: "nearest" });
  }

  /** The answer that holds a node of the page: its place and turn, or null. */
  answerAt(node) {
    for (const [id, answer] of this.answers) {
      if (answer.box.contains(node)) {
        const [place, turn] = id.split(":").map(Number);
        return { place, turn, box: answer.box };
      }
    }
    return null;
  }
}

/** A guideline: paragraphs as they stand. */
export function showGuideline(element, task) {
  const box = make("div", { class: "text" });
  showText(box, task.guideline || t("这个项目没有写指南。", "This project has no guideline."));
  const ours = task.guideline && task.guideline_ours;
  element.replaceChildren(
    ...(ours ? [make("p", { class: "note" }, t("论文没有公布指南，这是我们的解读。", "The paper published no guideline; this is our reading of it."))] : []),
    box,
  );
}

/** What is selected within one answer of a task: {place, turn, span}, or null. */
export function selectedIn(view) {
  const selection = getSelection();
  if (!view || selection.isCollapsed || selection.rangeCount === 0) return null;
  const range = selection.getRangeAt(0);
  const answer = view.answerAt(range.startContainer) ?? view.answerAt(range.endContainer);
  const span = answer && spanOf(answer.box, range);
  return span ? { place: answer.place, turn: answer.turn, span } : null;
}
