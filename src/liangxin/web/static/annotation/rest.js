/** How long somebody has been at it: seconds on a task, and when a break would be good. */
import { person } from "../site.js";

const BREAK_AFTER = 45 * 60_000;
const REST = 5 * 60_000;
const READING = 2 * 60_000;
const KEY = `liangxin.work.${person}`;
const SIGNS = ["keydown", "pointerdown", "pointermove", "wheel", "scroll", "touchstart"];

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

/** Measures activity; a pause of five minutes is a break already taken. */
export class Work {
  /** @param {(minutes: number, tasks: number) => void} tired called once when a break is due */
  constructor(tired) {
    this.tired = tired;
    this.onTask = 0;
    /** When the last sign of activity was seen. */
    this.last = Date.now();
    const before = stored();
    const fresh = !before || this.last - before.last > REST;
    [this.streak, this.tasks] = fresh ? [0, 0] : [before.streak, before.tasks];
    this.told = false;
    for (const sign of SIGNS) addEventListener(sign, () => this.#seen(), { passive: true, capture: true });
  }

  #seen() {
    const gap = Date.now() - this.last;
    if (gap < 1000) return;
    this.last += gap;
    this.onTask += Math.min(gap, READING);
    if (gap > REST) [this.streak, this.tasks, this.told] = [0, 0, false];
    else this.streak += gap;
    this.#store();
    if (this.streak >= BREAK_AFTER && !this.told) {
      this.told = true;
      this.tired(Math.floor(this.streak / 60_000), this.tasks);
    }
  }

  #store() {
    try {
      sessionStorage.setItem(KEY, JSON.stringify({ last: this.last, streak: this.streak, tasks: this.tasks }));
    } catch {
      // Without a store the count begins anew with the page.
    }
  }

  /** A new task is on the page. */
  begin(seconds = 0) {
    this.#seen();
    this.last = Date.now();
    this.onTask = seconds * 1000;
  }

  /** Seconds of activity on this task. */
  seconds() {
    return Math.round((this.onTask + Math.min(Math.max(0, Date.now() - this.last), READING)) / 100) / 10;
  }

  /** One more task is done. */
  done() {
    this.tasks += 1;
    this.#store();
  }

  /** The person was told and goes on. */
  rested() {
    [this.streak, this.tasks, this.told] = [0, 0, false];
    this.#store();
  }
}
