// The page works without this: Chinese is shown, the switch is CSS, folds are the browser's own.
(function () {
  "use strict";
  var root = document.documentElement;
  var titles = { zh: document.title, en: root.getAttribute("data-title-en") || document.title };

  function speak(language) {
    root.lang = language === "en" ? "en" : "zh-Hans";
    document.title = titles[language];
  }

  ["zh", "en"].forEach(function (language) {
    var choice = document.getElementById("lang-" + language);
    choice.addEventListener("change", function () {
      speak(language);
    });
    if (choice.checked) {
      speak(language);
    }
  });

  function open() {
    var target = document.getElementById(location.hash.slice(1));
    for (var at = target; at; at = at.parentElement) {
      if (at.tagName === "DETAILS") {
        at.open = true;
      }
    }
    if (target) {
      target.scrollIntoView();
    }
  }

  window.addEventListener("hashchange", open);
  if (location.hash.length > 1) {
    open();
  }
})();
