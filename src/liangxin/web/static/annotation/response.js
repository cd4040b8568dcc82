/** What a person has entered for one task, with the steps to take back. */
import { withSpan } from "./text.js";

const UNDO_STEPS = 40;
/** The most passages that a task can have marked: the server takes no more. */
export const MOST_SPANS = 50;
const CHOICES = ["levels", "spans", "best", "none_good", "points"];

const copyOf = (value) => JSON.parse(JSON.stringify(value));

const nothing = () => ({
  levels: {},
  comment: "",
  spans: [],
  best: [],
  none_good: false,
  points: null,
  own_answer: "",
});

/** The entries of one task. Texts have the fields' own undo; choices and marks have this one. */
export class Entered {
  /** @param {object} before what was entered or sent earlier @param {object[]} history its steps */
  constructor(before = {}, history = []) {
    this.values = nothing();
    for (const name of Object.keys(this.values)) this.values[name] = copyOf(before[name] ?? this.values[name]);
    this.history = history;
  }

  #step(current) {
    const kept = Object.fromEntries(CHOICES.map((name) => [name, copyOf(this.values[name])]));
    this.history = [...this.history.slice(1 - UNDO_STEPS), { kept, current }];
  }

  /** Take the last step back; gives the target that it was made at, or undefined where there is none. */
  undo() {
    const step = this.history.pop();
    if (step) Object.assign(this.values, step.kept);
    return step?.current;
  }

  /** Give a turn its level. */
  level(target, name, current) {
    this.#step(current);
    this.values.levels[target] = name;
  }

  /** Call an answer one of the best, or not. */
  best(candidate, on, current) {
    this.#step(current);
    const others = this.values.best.filter((one) => one !== candidate);
    this.values.best = on ? [...others, candidate].sort((one, other) => one - other) : others;
    if (on) this.values.none_good = false;
  }

  /** Say that none of the answers is good, or not. */
  noneGood(on, current) {
    this.#step(current);
    this.values.none_good = on;
    if (on) Object.assign(this.values, { best: [], points: null });
  }

  /** Give the best answers their points. */
  points(value, current) {
    this.#step(current);
    this.values.points = value;
  }

  /** Mark a passage; passages that touch become one. */
  mark(place, turn, span, current) {
    this.#step(current);
    const isHere = (one) => one.place === place && one.turn === turn;
    const here = withSpan(this.values.spans.filter(isHere), span);
    const others = this.values.spans.filter((one) => !isHere(one));
    this.values.spans = [...others, ...here.map((one) => ({ place, turn, ...one }))];
  }

  /** Take a mark away. */
  unmark(span, current) {
    this.#step(current);
    const same = (one) => ["place", "turn", "start", "end"].every((name) => one[name] === span[name]);
    this.values.spans = this.values.spans.filter((one) => !same(one));
  }

  /** What is sent: everything, or with a reason to skip the comment alone. */
  body(skip) {
    const { comment } = this.values;
    return { ...copyOf(skip ? { ...nothing(), comment } : this.values), skip };
  }

  /** Whether anything was entered. */
  get any() {
    return JSON.stringify(this.values) !== JSON.stringify(nothing());
  }
}
