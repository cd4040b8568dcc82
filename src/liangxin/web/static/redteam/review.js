/** The review page: fields for one's own words only where they are asked for, and commands to copy. */

import { say, t } from "../site.js";

for (const [select, field] of [
  ["category", "words-field"],
  ["style_choice", "own-field"],
]) {
  const choice = document.getElementById(select);
  if (!choice) continue;
  const show = () => {
    document.getElementById(field).hidden = !choice.selectedOptions[0]?.dataset.free;
  };
  choice.addEventListener("change", show);
  show();
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      say(t("已复制。", "Copied."));
    } catch {
      say(t("浏览器不让复制，请选中命令自己复制。", "The browser does not allow copying; select the command yourself."), "bad");
    }
  });
}
