/* Copying, jumping and hiding on the page of a session. Everything else works without a script. */
(() => {
  "use strict";

  const page = document.querySelector(".as-page");
  if (!page) return;
  const announcer = document.getElementById("as-announcer");
  const toggle = document.getElementById("as-toggle");
  const SETTING = "agent_sessions.conversation_only";

  const announce = (name) => {
    announcer.textContent = "";
    // Screen readers repeat a text only if it was gone for a moment.
    requestAnimationFrame(() => { announcer.textContent = announcer.dataset[name]; });
  };

  // Hide the cards of tools, reasoning and system messages.

  const remembered = (value) => {
    try { // a browser may forbid its storage
      if (value === undefined) return localStorage.getItem(SETTING) === "1";
      localStorage.setItem(SETTING, value ? "1" : "0");
    } catch { /* Then the setting is forgotten. */ }
    return false;
  };

  const leaveOut = (isOn) => {
    page.classList.toggle("as-conversation-only", isOn);
    toggle.setAttribute("aria-pressed", String(isOn));
  };

  const switchOver = () => {
    const isOn = !page.classList.contains("as-conversation-only");
    leaveOut(isOn);
    remembered(isOn);
    announce(isOn ? "only" : "all");
  };

  // Copy.

  const copyOldWay = (text) => {
    const area = document.createElement("textarea");
    const focused = document.activeElement;
    area.value = text;
    area.className = "as-hidden";
    document.body.append(area);
    area.select();
    const isDone = document.execCommand("copy");
    area.remove();
    if (focused) focused.focus();
    return isDone;
  };

  const copy = async (text) => {
    let isDone = false;
    try {
      await navigator.clipboard.writeText(text); // undefined without HTTPS
      isDone = true;
    } catch {
      isDone = copyOldWay(text);
    }
    announce(isDone ? "copied" : "failed");
  };

  const textOf = (card) => [...card.querySelectorAll("[data-text]")]
    .map((part) => (part.tagName === "PRE" ? part.textContent : part.innerText).trim())
    .join("\n\n");

  // Jump between user messages, and between errors.

  const users = [...page.querySelectorAll(".as-card.as-user")];
  const errors = [...page.querySelectorAll(".as-card")].filter((card) => card.querySelector(".as-fault"));

  // Returns false if there is no card to jump to.
  const jump = (cards, step) => {
    const focused = cards.findIndex((card) => card.contains(document.activeElement));
    const inView = cards.findIndex((card) => card.getBoundingClientRect().top >= -1);
    const below = inView === -1 ? cards.length : inView;
    const card = cards[focused !== -1 ? focused + step : step > 0 ? below : below - 1];
    if (!card) return false;
    if (card.closest(".as-aside")) leaveOut(false);
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "start" });
    return true;
  };

  const jumpToUser = (step) => jump(users, step) || announce("last");

  const jumpToError = (step) => {
    if (jump(errors, step)) return;
    const link = page.querySelector(step > 0 ? "[data-later-error]" : "[data-earlier-error]");
    if (link) link.click();
    else announce("faultless");
  };

  const jumpToEnd = () => {
    const link = page.querySelector("[data-end]");
    if (link) link.click();
    else location.hash = "end";
  };

  const keys = {
    j: () => jumpToUser(1),
    n: () => jumpToUser(1),
    k: () => jumpToUser(-1),
    p: () => jumpToUser(-1),
    e: () => jumpToError(1),
    E: () => jumpToError(-1),
    g: () => document.getElementById("as-turn")?.focus(),
    G: jumpToEnd,
    t: switchOver,
    "/": () => document.getElementById("as-find")?.focus(),
    "?": () => {
      const help = page.querySelector(".as-keys");
      help.open = !help.open;
      if (help.open) help.querySelector("summary").focus();
    },
  };

  const isTyping = (element) =>
    element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isTyping(event.target) || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });

  page.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button === toggle) switchOver();
    if ("copyText" in button.dataset) copy(textOf(button.closest(".as-card")));
    if ("copyLink" in button.dataset) {
      copy(button.closest(".as-turn").querySelector(".as-permalink").href);
    }
  });

  // A link to a hidden card shows the hidden cards.

  const arrive = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.closest(".as-aside")) leaveOut(false);
    if (target && page.contains(target)) {
      target.focus({ preventScroll: true });
      target.scrollIntoView({ block: "start" });
    }
  };

  for (const element of page.querySelectorAll(".as-needs-script")) element.hidden = false;
  leaveOut(remembered());
  arrive();
  window.addEventListener("hashchange", arrive);
})();
