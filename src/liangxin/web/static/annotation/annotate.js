/** The annotating page: takes one task, keeps every keystroke, saves, goes on. */
import { asked } from "./keys.js";
import { draftOf, inTime, keepDraft, newToken, Outbox, session, tidyDrafts } from "./outbox.js";
import {
  askSkip, openOutbox, placeGuideline, showBreak, showCorrecting, showDone, showEnd, showGuidelineBox, showOutbox,
  showProgress, showRefusal, showTrouble, toggleGuideline, wireDialogs,
} from "./panels.js";
import { Entered, MOST_SPANS } from "./response.js";
import { Work } from "./rest.js";
import { make, selectedIn, showGuideline, TaskView } from "./view.js";
import { get, person, post, Refused, say, t } from "../site.js";

const KEEP_EVERY = 4 * 60_000;
const place = (id) => document.getElementById(id);
const project = place("annotate").dataset.project;

class Desk {
  constructor() {
    this.work = new Work(showBreak);
    this.outbox = new Outbox(project, {
      saved: (entry, answer) => this.#saved(entry, answer),
      changed: () => this.#outboxChanged(),
    });
    /** "loading" | "working" | "sending" | "idle" */
    this.mode = "loading";
    this.task = null;
    this.view = null;
    this.entered = new Entered();
    this.current = null;
    this.base = 0;
    this.replaces = null;
    this.selected = null;
    /** What to load, as long as it has not come, and whether the site was out of reach. */
    this.wanted = null;
    this.unreached = false;
    /** Whether a save has told the progress since the last task was asked for. */
    this.counted = false;
    this.asked = 0;
    this.kept = Date.now();
    this.pause = 1000;
    this.timer = 0;
  }

  async start() {
    tidyDrafts();
    wireDialogs();
    this.#wire();
    this.#say(t("正在取题……", "Fetching your task…"));
    await this.outbox.send();
    if (this.mode === "loading") await this.load();
  }

  /** Take the next task, or open `assignment` to correct it. Tried again by itself while the site is out of reach. */
  async load(assignment = null, fill = null) {
    clearTimeout(this.timer);
    this.mode = "loading";
    this.wanted = { assignment, fill };
    this.unreached = false;
    this.asked += 1;
    const { asked: mine } = this;
    // A save that came just before has counted already.
    const counted = this.counted ? "?counted=1" : "";
    const address = assignment ? `/api/assignments/${assignment}` : `/api/projects/${project}/next${counted}`;
    if (!assignment) this.counted = false;
    const found = await inTime(get(address)).catch((error) => error);
    // A later wish has overtaken this one.
    if (mine === this.asked) this.#came(found, assignment, fill);
  }

  #came(found, assignment, fill) {
    if (found instanceof Error) this.#refused(found, assignment);
    else if (found.person !== person) this.#unreached("other_person");
    else {
      this.#reached();
      if (found.progress) showProgress(found.progress);
      if (found.task) this.#open(found.task, fill);
      else this.#finished(found.progress);
    }
  }

  #refused(error, assignment) {
    if (!(error instanceof Refused) || error.status >= 500 || error.status === 429) this.#unreached("offline");
    else if (error.status === 401) this.#unreached("signed_out");
    else if (assignment && this.task) this.#stay(error);
    else this.#message(error.message);
  }

  #reached() {
    this.wanted = null;
    this.unreached = false;
    this.pause = 1000;
    if (!this.outbox.trouble) showTrouble("");
  }

  #unreached(trouble) {
    this.unreached = true;
    showTrouble(trouble);
    if (!this.task) this.#say(t("正在等待连接……", "Waiting for the connection…"));
    this.timer = setTimeout(() => this.#again(), this.pause);
    this.pause = Math.min(this.pause * 2, 30_000);
  }

  #again() {
    if (this.unreached) this.load(this.wanted.assignment, this.wanted.fill);
  }

  /** The other task cannot be opened: the one on the page stays. */
  #stay(error) {
    this.wanted = null;
    this.mode = "working";
    this.#inert(false);
    say(error.message, "bad");
  }

  #open(task, fill) {
    this.task = task;
    this.mode = "working";
    this.base = task.response?.version ?? 0;
    this.kept = Date.now();
    const draft = draftOf(task.assignment);
    const known = draft && draft.base === this.base ? draft : null;
    const before = fill?.body ?? known?.response ?? task.response ?? {};
    this.entered = new Entered(before, known && !fill ? known.history : []);
    this.replaces = fill?.body.token ?? known?.replaces ?? null;
    this.view = new TaskView(place("task"), task, this.#told());
    this.current = (this.view.open(this.entered.values)[0] ?? this.view.targets[0])?.id ?? null;
    showGuideline(place("guideline-text"), task);
    placeGuideline();
    this.work.begin(known?.seconds ?? 0);
    this.#say("");
    showCorrecting(this.base > 0, () => this.load());
    this.#inert(false);
    place("comment").value = this.entered.values.comment;
    if (this.view.own) {
      this.view.own.value = this.entered.values.own_answer;
      this.view.own.addEventListener("input", () => this.#typed("own_answer", this.view.own.value));
    }
    this.#show();
    if (fill) this.#keepDraft();
    scrollTo(0, 0);
    this.view.heading.focus({ preventScroll: true });
    if (this.outbox.holds(task.assignment)) this.#wait();
    else if (known && this.entered.any) say(t("已恢复上次没有保存的内容。", "What you had not saved was restored."));
  }

  #told() {
    const { entered } = this;
    return {
      level: (target, name) => this.#change(() => entered.level(target.id, name, this.current)),
      best: (candidate, on) => this.#change(() => entered.best(candidate, on, this.current)),
      noneGood: (on) => this.#change(() => entered.noneGood(on, this.current)),
      points: (value) => this.#change(() => entered.points(value, this.current)),
      unmark: (span) => this.#change(() => entered.unmark(span, this.current)),
      current: (id) => {
        if (this.current === id) return;
        this.current = id;
        this.#show();
      },
    };
  }

  #change(work) {
    if (this.mode !== "working") return;
    work();
    this.#keepDraft();
    this.#show();
  }

  #typed(name, value) {
    if (this.mode !== "working") return;
    this.entered.values[name] = value;
    this.#keepDraft();
  }

  #keepDraft() {
    const { values: response, history } = this.entered;
    const { base, replaces } = this;
    const stored = keepDraft(this.task.assignment, { response, history, base, replaces, seconds: this.work.seconds() });
    if (!stored && !this.warned) {
      this.warned = true;
      say(t("这个浏览器不让本页存草稿；关掉标签页前请先保存。", "This browser does not let the page keep drafts; save before you close the tab."), "bad");
    }
  }

  #show() {
    this.view.show(this.entered.values, this.current);
    const open = this.view.open(this.entered.values).length;
    const all = this.view.targets.length;
    const sending = this.outbox.trouble
      ? t("已存在这个浏览器里，等待发送", "Kept in this browser, waiting to be sent")
      : t("正在保存……", "Saving…");
    place("state").textContent = this.mode === "sending"
      ? sending
      : open > 0 ? t(`还有 ${open}/${all} 处没有判`, `${open} of ${all} still open`) : t("都判好了", "all judged");
  }

  #inert(on) {
    for (const id of ["task", "comment-field"]) place(id).inert = on;
    place("comment-field").hidden = !this.task;
    place("actions").hidden = !this.task;
    for (const id of ["undo", "mark", "skip", "save"]) place(id).disabled = on;
  }

  /** Send the verdict, if it is whole. */
  save(skip = null) {
    if (this.mode !== "working") return;
    const open = skip ? [] : this.view.open(this.entered.values);
    if (open.length > 0) {
      this.current = open[0].id;
      this.#show();
      this.view.focus(this.current);
      say(t(`还有 ${open.length} 处没有判。`, `${open.length} still to judge.`), "bad");
      return;
    }
    const body = {
      token: newToken(),
      base_version: this.base,
      ...this.entered.body(skip),
      seconds: this.work.seconds(),
    };
    this.#wait();
    this.outbox.add({ assignment: this.task.assignment, number: this.task.number, replaces: this.replaces, body });
  }

  /** The task rests until its save has arrived, or was refused. */
  #wait() {
    this.mode = "sending";
    this.#inert(true);
    this.#show();
  }

  #saved(entry, answer) {
    if (entry.project !== project) return;
    if (answer.progress) showProgress(answer.progress);
    this.counted = Boolean(answer.progress);
    if (!answer.repeated) this.work.done();
    say(entry.body.skip ? t("已跳过。", "Skipped.") : t("已保存。", "Saved."));
  }

  #outboxChanged() {
    const outbox = this.outbox;
    if (!this.wanted || outbox.trouble) showTrouble(outbox.trouble);
    showOutbox(outbox, {
      reopen: (entry) => this.mode !== "sending" && this.load(entry.assignment, entry),
      retry: (entry) => outbox.retry(entry),
      discard: (entry) => outbox.drop(entry.body.token),
    });
    if (this.mode !== "sending") return;
    if (outbox.holds(this.task.assignment)) this.#show();
    else this.load();
  }

  /** Take back the last choice; with none, go back to the task before. */
  async undo() {
    if (this.mode === "working" && this.entered.history.length > 0) {
      this.current = this.entered.undo() ?? this.current;
      this.#keepDraft();
      this.#show();
      this.view.focus(this.current);
      say(t("已撤销一步。", "One step undone."));
      return;
    }
    if (this.mode !== "working" && this.mode !== "idle") return;
    try {
      const { done } = await get(`/api/projects/${project}/mine?limit=50`);
      const here = done.findIndex((one) => one.assignment === this.task?.assignment);
      const before = done[here + 1];
      if (before) await this.load(before.assignment);
      else say(t("前面没有可以更正的题了。", "There is no earlier task to correct."));
    } catch (error) {
      say(error instanceof Refused ? error.message : t("连接断开，现在打不开上一题。", "The connection is lost; the earlier task cannot be opened now."), "bad");
    }
  }

  #digit(key) {
    const target = this.view?.targets.find((one) => one.id === this.current);
    const index = target ? target.keys.indexOf(key) : -1;
    const option = target?.options[index];
    const input = option && target.group.querySelectorAll("input")[index];
    if (!option || input.disabled || this.mode !== "working") return;
    const told = this.view.told;
    if (target.kind === "best") {
      if (option.value === "none") told.noneGood(!this.entered.values.none_good);
      else told.best(option.value, !this.entered.values.best.includes(option.value));
    } else if (target.kind === "points") {
      told.points(option.value);
      this.view.focus(target.id);
    } else {
      told.level(target, option.value);
      this.#toNextOpen();
    }
  }

  #toNextOpen() {
    const targets = this.view.targets;
    const here = targets.findIndex((one) => one.id === this.current);
    const open = new Set(this.view.open(this.entered.values));
    const next = [...targets.slice(here + 1), ...targets.slice(0, here)].find((one) => open.has(one));
    this.#goTo(next ? next.id : this.current);
  }

  #goTo(id) {
    this.current = id;
    this.#show();
    this.view.focus(id);
  }

  /** Move to the target before or after; where there is none, scroll. */
  #move(step) {
    const targets = this.mode === "working" ? this.view.targets : [];
    const next = targets[targets.findIndex((one) => one.id === this.current) + step];
    if (next) this.#goTo(next.id);
    else scrollBy({ top: step * 120 });
  }

  #mark() {
    const found = selectedIn(this.view) ?? this.selected;
    if (!found) {
      say(t("先在回答里选中一段文字，再按 M。", "Select a passage of an answer first, then press M."), "bad");
      return;
    }
    if (this.entered.values.spans.length >= MOST_SPANS) {
      say(t(`一题最多标 ${MOST_SPANS} 处。`, `At most ${MOST_SPANS} passages a task can be marked.`), "bad");
      return;
    }
    const { place: candidate, turn, span } = found;
    this.#change(() => this.entered.mark(candidate, turn, span, this.current));
    this.selected = null;
    getSelection().removeAllRanges();
    say(t("已标为依据。", "Marked as evidence."));
  }

  #skip() {
    if (this.mode === "working") askSkip((reason) => this.save(reason));
  }

  async #done() {
    try {
      await showDone(project, (assignment) => this.mode !== "sending" && this.load(assignment));
    } catch (error) {
      say(error instanceof Refused ? error.message : t("连接断开，稍后再试。", "The connection is lost; try again later."), "bad");
    }
  }

  #finished(progress) {
    this.task = null;
    this.view = null;
    this.mode = "idle";
    place("task").replaceChildren();
    place("guideline-text").replaceChildren();
    showGuidelineBox(false);
    showCorrecting(false);
    this.#inert(true);
    showEnd(progress, { again: () => this.load(), review: () => this.#done() });
  }

  #say(text) {
    place("message").replaceChildren(...(text ? [make("p", { class: "empty" }, text)] : []));
  }

  #message(text) {
    this.mode = "idle";
    this.task = null;
    this.view = null;
    place("task").replaceChildren();
    this.#inert(true);
    showRefusal(text);
  }

  /** Keep the assignment while its person is at work. */
  async #keepAssignment() {
    if (this.mode !== "working" || this.base > 0 || Date.now() - this.kept < KEEP_EVERY) return;
    if (Date.now() - this.work.last > KEEP_EVERY) return;
    this.kept = Date.now();
    const assignment = this.task.assignment;
    try {
      await post(`/api/assignments/${assignment}/keep`, {});
    } catch (error) {
      if (!(error instanceof Refused)) return;
      if (error.status === 401 || error.status === 403) await session().catch(() => null);
      else if (this.task?.assignment === assignment) say(error.message, "bad");
    }
  }

  #wire() {
    const clicked = (id, handler) => place(id).addEventListener("click", handler);
    clicked("save", () => this.save());
    clicked("undo", () => this.undo());
    clicked("skip", () => this.#skip());
    clicked("mark", () => this.#mark());
    clicked("show-guideline", () => toggleGuideline());
    clicked("show-keys", () => place("keys-dialog").showModal());
    clicked("show-done", () => this.#done());
    clicked("unsynced", () => openOutbox(place("outbox").hidden));
    clicked("retry", () => this.#retryNow());
    clicked("rested", () => {
      this.work.rested();
      place("rest").hidden = true;
      // A hidden button would still take the next Enter.
      (this.view?.heading ?? place("show-done")).focus({ preventScroll: true });
    });
    // A press on the button must not take the selection away before it is read.
    place("mark").addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.selected = selectedIn(this.view);
    });
    place("comment").addEventListener("input", () => this.#typed("comment", place("comment").value));
    document.addEventListener("keydown", (event) => this.#key(event));
    addEventListener("online", () => this.#again());
    addEventListener("focus", () => this.#again());
    setInterval(() => this.#keepAssignment(), 30_000);
  }

  #retryNow() {
    this.outbox.send();
    this.#again();
  }

  #key(event) {
    const wish = asked(event);
    if (!wish) return;
    const acts = {
      digit: () => this.#digit(wish.key),
      next: () => this.#move(1),
      previous: () => this.#move(-1),
      save: () => this.save(),
      undo: () => this.undo(),
      comment: () => place("comment").focus(),
      leave: () => this.view?.heading.focus({ preventScroll: true }),
      skip: () => this.#skip(),
      mark: () => this.#mark(),
      guideline: () => toggleGuideline(),
      keys: () => place("keys-dialog").showModal(),
    };
    event.preventDefault();
    acts[wish.act]();
  }
}

new Desk().start();
