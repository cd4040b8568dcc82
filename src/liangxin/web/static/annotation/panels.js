/** What stands around the task: progress, trouble with the connection, the outbox, and three dialogs. */
import { make } from "./view.js";
import { keep, recall, troubleText } from "./outbox.js";
import { get, say, t } from "../site.js";

const WIDE = matchMedia("(min-width: 68rem)");
const GUIDELINE = "liangxin.guideline";
const place = (id) => document.getElementById(id);

/** Progress: done, left, and what is left of today's goal. */
export function showProgress(progress) {
  const { done, left, total, today, goal } = progress;
  const parts = [t(`已完成 ${done}/${total}`, `${done} of ${total} done`), t(`还剩 ${left}`, `${left} left`)];
  if (goal > 0) {
    const rest = Math.max(0, goal - today);
    parts.push(
      rest > 0
        ? t(`今天 ${today}/${goal}，还差 ${rest}`, `today ${today} of ${goal}, ${rest} to go`)
        : t(`今天 ${today}，目标 ${goal} 已完成`, `today ${today}, goal of ${goal} reached`),
    );
  } else parts.push(t(`今天 ${today}`, `today ${today}`));
  place("counts").replaceChildren(...parts.map((part) => make("span", {}, part)));
  const bar = place("bar");
  bar.max = Math.max(1, total);
  bar.value = Math.min(done, bar.max);
}

/** Say that the connection or the sign-in is gone, or that it is back (an empty trouble). */
export function showTrouble(trouble) {
  const box = place("trouble");
  const text = troubleText(trouble) ?? "";
  if (box.firstElementChild.textContent !== text) box.firstElementChild.textContent = text;
  box.hidden = !text;
}

function wordsOf(body) {
  const levels = Object.entries(body.levels).map(([id, level]) => {
    const [candidate, turn] = id.split(":").map(Number);
    return `${String.fromCharCode(65 + candidate)}${turn}: ${level}`;
  });
  const best = body.best.map((candidate) => String.fromCharCode(65 + candidate)).join(", ");
  return [
    levels.join("; "),
    best && t(`最好：${best}`, `best: ${best}`),
    body.none_good && t("都不好", "none is good"),
    body.points && t(`${body.points} 分`, `${body.points} points`),
    body.skip && t(`跳过：${body.skip}`, `skipped: ${body.skip}`),
    body.comment,
    body.own_answer,
  ].filter(Boolean).join("\n");
}

function advice(status) {
  if (status === 409) return t("可以打开服务器上的版本，把你的内容填进去再保存。", "Open the version on the server, fill in what you wrote, and save again.");
  if (status === 413) return t("内容太长：打开这一题，缩短后再保存。", "It is too long: open the task, shorten it, and save again.");
  return t("可以再试一次，或复制内容交给负责人。", "Try again, or copy it and give it to the owner.");
}

function entryItem(entry, told) {
  const words = wordsOf(entry.body);
  const action = (text, handler, kind = "") =>
    make("button", { type: "button", class: `button small ${kind}`, on: { click: handler } }, text);
  const copied = async () => {
    try {
      await navigator.clipboard.writeText(words);
      say(t("已复制。", "Copied."));
    } catch {
      say(t("复制不了；请选中上面的文字自己复制。", "Copying is not possible here; select the text above."), "bad");
    }
  };
  const discard = action(t("丢弃", "Throw away"), () => {
    if (discard.dataset.sure) return told.discard(entry);
    discard.dataset.sure = "yes";
    discard.textContent = t("确定丢弃？再点一次", "Throw away for good? Press again");
    return undefined;
  }, "danger");
  const title = t(`第 ${entry.number} 题`, `Task ${entry.number}`);
  if (!entry.refusal) return make("li", {}, make("strong", {}, title), ` ${t("等待发送", "waiting to be sent")}`);
  return make(
    "li",
    {},
    make("p", {}, make("strong", {}, title), ` ${entry.refusal.text}`),
    make("p", { class: "note" }, advice(entry.refusal.status)),
    make("pre", { class: "words" }, words),
    make("div", { class: "toolbar" },
      action(t("填进这一题", "Fill it in again"), () => told.reopen(entry), "primary"),
      action(t("再发一次", "Send again"), () => told.retry(entry)),
      action(t("复制", "Copy"), copied),
      discard),
  );
}

/** The counter of what is not yet stored, and the list behind it; refused entries open the list. */
export function showOutbox(outbox, told) {
  const entries = outbox.entries();
  const button = place("unsynced");
  button.hidden = !outbox.waits;
  button.textContent = t(`未同步 ${entries.length}`, `Not synced: ${entries.length}`);
  const shown = JSON.stringify(entries.map((entry) => [entry.body.token, entry.refusal]));
  const list = place("outbox-list");
  if (list.dataset.shown !== shown) {
    list.dataset.shown = shown;
    list.replaceChildren(...entries.map((entry) => entryItem(entry, told)));
    if (entries.some((entry) => entry.refusal)) openOutbox(true);
  }
  if (!outbox.waits) openOutbox(false);
}

/** Open or close the outbox's list. */
export function openOutbox(open) {
  place("outbox").hidden = !open;
  place("unsynced").setAttribute("aria-expanded", String(open));
}

/** Let every dialog's own back button close it. */
export function wireDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  }
  const skip = place("skip-dialog");
  const choices = [...skip.querySelectorAll('input[name="reason"]')];
  skip.addEventListener("keydown", (event) => {
    const index = Number(event.key) - 1;
    if (event.target.id === "own-reason" || event.isComposing || !choices[index]) return;
    event.preventDefault();
    choices[index].checked = true;
    (choices[index].value ? choices[index] : place("own-reason")).focus();
  });
  place("own-reason").addEventListener("input", () => {
    if (!choices.some((choice) => choice.checked)) choices.at(-1).checked = true;
  });
}

/** Ask why a task is skipped; `chosen(reason)` is called with what was said. */
export function askSkip(chosen) {
  const dialog = place("skip-dialog");
  const form = dialog.querySelector("form");
  form.reset();
  place("skip-wrong").textContent = "";
  form.onsubmit = (event) => {
    event.preventDefault();
    const picked = form.querySelector('input[name="reason"]:checked');
    const own = place("own-reason").value.trim();
    const reason = [picked?.value, own].filter(Boolean).join("：");
    if (!reason) {
      place("skip-wrong").textContent = t("请选一个原因，或写一句。", "Choose a reason, or write one.");
      return;
    }
    dialog.close();
    chosen(reason);
  };
  dialog.showModal();
  form.querySelector('input[name="reason"]').focus();
}

function summaryOf(one) {
  if (one.skip !== null) return t("跳过", "skipped");
  if (one.none_good) return t("都不好", "none is good");
  const best = one.best.map((candidate) => String.fromCharCode(65 + candidate)).join("、");
  return best ? t(`${best} 最好，${one.points} 分`, `best: ${best}, ${one.points} points`) : one.levels.join(" · ");
}

/** Show the latest tasks done; `opened(assignment)` is called for the one to correct. */
export async function showDone(project, opened) {
  const { done } = await get(`/api/projects/${project}/mine?limit=50`);
  const dialog = place("done-dialog");
  const rows = done.map((one) => {
    const category = t(one.category_title.zh, one.category_title.en);
    const said = [t(`第 ${one.number} 题`, `Task ${one.number}`), category, summaryOf(one)];
    const button = make("button", { type: "button", class: "button done-one" }, ...said.filter(Boolean).map((part) => make("bdi", {}, part)));
    button.addEventListener("click", () => {
      dialog.close();
      opened(one.assignment);
    });
    return make("li", {}, button);
  });
  const none = make("li", { class: "quiet" }, t("还没有完成的题。", "No task is done yet."));
  place("done-list").replaceChildren(...(rows.length > 0 ? rows : [none]));
  dialog.showModal();
}

/** Nothing is left to take: thanks, or a word on who holds the rest. `told` has again() and review(). */
export function showEnd(progress, told) {
  const over = progress.left === 0;
  const title = over ? t("都做完了，谢谢你！", "All done — thank you!") : t("现在没有可以取的题", "There is nothing to take just now");
  const text = over
    ? t(`你在这个项目里完成了 ${progress.done} 题。每一题都已存好，随时可以更正。`, `You finished ${progress.done} tasks in this project. All are stored, and you can correct them at any time.`)
    : t("剩下的题正在别人手里；有人放下时会回到这里。", "The remaining tasks are with other people; they come back here when somebody lets one go.");
  const action = (words, handler) => make("button", { type: "button", class: "button", on: { click: handler } }, words);
  const home = make("a", { class: "button primary", href: "/projects" }, t("回到项目", "To the projects"));
  const review = action(t("回看已完成的题", "Look at what is done"), told.review);
  const again = action(t("看看有没有新题", "Look for new tasks"), told.again);
  place("message").replaceChildren(
    make("div", { class: "empty thanks" },
      make("h2", {}, title), make("p", {}, text), make("div", { class: "toolbar" }, home, review, again)),
  );
}

/** The server does not let this person go on here, and says why. */
export function showRefusal(text) {
  const home = make("a", { class: "button", href: "/projects" }, t("回到项目", "To the projects"));
  place("message").replaceChildren(make("div", { class: "notice bad" }, make("p", {}, text), home));
}

/** Say that a finished task is open for correction; `back` leaves it. */
export function showCorrecting(on, back) {
  const box = place("correcting");
  box.hidden = !on;
  if (!on) return;
  const text = t(
    "正在更正一道已完成的题；原来的判断留在历史里。",
    "You are correcting a task that is done; the earlier verdict stays in its history.",
  );
  const words = t("不改了，做下一题", "Leave it, go to the next task");
  const button = make("button", { type: "button", class: "button small", on: { click: () => back() } }, words);
  box.replaceChildren(make("span", {}, text), button);
}

/** Suggest a break, calmly. */
export function showBreak(minutes, tasks) {
  const text = t(
    `已经连续做了 ${minutes} 分钟，完成 ${tasks} 题。起来走走、看看远处；这里的内容不会丢。`,
    `You have been at it for ${minutes} minutes and finished ${tasks} tasks. Stand up, look into the distance; nothing here is lost.`,
  );
  place("rest").firstElementChild.textContent = text;
  place("rest").hidden = false;
}

/** Show the guideline's box or hide it. */
export function showGuidelineBox(open) {
  place("guideline").hidden = !open;
  place("desk").classList.toggle("with-guideline", open);
  place("show-guideline").setAttribute("aria-expanded", String(open));
}

/** Beside the task there is room for the guideline, unless it was put away; above it only when asked for. */
export function placeGuideline() {
  showGuidelineBox(WIDE.matches && (recall(GUIDELINE) ?? true));
}

/** Show the guideline or put it away; a wide page remembers. */
export function toggleGuideline() {
  const open = place("guideline").hidden;
  showGuidelineBox(open);
  if (WIDE.matches) keep(GUIDELINE, open);
  else if (open) place("guideline").scrollIntoView({ block: "start" });
}
