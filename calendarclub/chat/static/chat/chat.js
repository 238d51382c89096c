// The conversation page: posts a message and shows the server-sent events of its answer. All texts
// are set as text; HTML comes only from the server's templates.

const chat = document.querySelector("[data-chat]");
const log = document.getElementById("log");
const composer = document.getElementById("composer");
const input = document.getElementById("message");
const send = document.getElementById("send");
const picks = document.getElementById("picks");
const problem = document.getElementById("problem");
const status = document.getElementById("status");
const csrfToken = composer.elements.csrfmiddlewaretoken.value;

let running = null; // the AbortController of the current turn

// ---- Talking to the server

async function post(url, data, signal) {
  const response = await fetch(url, {
    method: "POST",
    signal,
    headers: {
      "Content-Type": "application/json",
      "X-CSRFToken": csrfToken,
      Accept: "application/json, text/event-stream",
    },
    body: JSON.stringify(data),
  });
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({}));
  throw new Refused(error || `The server had an error (${response.status}). Try again in a moment.`);
}

class Refused extends Error {}

async function* serverSentEvents(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (text + value).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const [name, data] = block.split("\n");
      yield [name.slice("event: ".length), JSON.parse(data.slice("data: ".length))];
    }
  }
}

async function conversationUrl(signal) {
  if (chat.dataset.url) return chat.dataset.url;
  const { url } = await (await post(chat.dataset.create, {}, signal)).json();
  chat.dataset.url = url;
  history.replaceState(null, "", url);
  const reset = fromTemplate("reset-template");
  reset.action = `${url}reset/`;
  document.querySelector(".top").append(reset);
  return url;
}

// ---- One turn

async function answer(turn, data) {
  const shown = turn.querySelector("[data-answer]");
  const signal = begin(turn);
  let received = false;
  try {
    const url = await conversationUrl(signal);
    const response = await post(`${url}messages/`, data, signal);
    for await (const [name, event] of serverSentEvents(response)) {
      received = true;
      show[name]?.(turn, shown, event);
      if (name === "done") return true;
    }
    throw new Error("The stream ended early.");
  } catch (error) {
    return interrupted(turn, error, received);
  } finally {
    end(turn);
  }
}

const show = {
  content(turn, shown, { delta }) {
    shown.classList.add("live");
    // Leading white space would show as an empty line until the answer is complete.
    shown.textContent = (shown.textContent + delta).trimStart();
    follow(turn);
  },
  events(turn, shown, { html }) {
    turn.querySelector("[data-cards]").innerHTML = html;
    follow(turn);
  },
  quick_picks(turn, shown, event) {
    picks.replaceChildren(...event.quick_picks.map(pickButton));
  },
  placeholder(turn, shown, { placeholder }) {
    if (placeholder) input.placeholder = placeholder;
  },
  error(turn, shown, { message }) {
    fail(turn, message);
  },
  done(turn, shown, { html, title, answered }) {
    shown.classList.remove("live");
    shown.innerHTML = html;
    picks.hidden = !answered;
    if (title) entitle(title);
    if (answered) status.textContent = "Answered.";
    else if (!turn.querySelector("[data-failed]")) fail(turn, "There was no answer.");
    follow(turn);
  },
};

function begin(turn) {
  running = new AbortController();
  problem.hidden = true;
  picks.hidden = true;
  turn.classList.add("thinking");
  turn.querySelector("[data-failed]")?.remove();
  // Screen readers read the answer once, when it is complete, and not word by word.
  turn.setAttribute("aria-busy", "true");
  status.textContent = "Thinking.";
  chat.classList.add("running");
  send.setAttribute("aria-label", "Stop");
  follow(turn, true);
  return running.signal;
}

function end(turn) {
  running = null;
  turn.classList.remove("thinking");
  turn.removeAttribute("aria-busy");
  chat.classList.remove("running");
  send.setAttribute("aria-label", "Send");
}

// Returns whether the message has reached the server.
function interrupted(turn, error, received) {
  status.textContent = "";
  turn.querySelector("[data-answer]").textContent = "";
  if (error.name === "AbortError") {
    fail(turn, "Stopped.");
    // The server may not have received the message, so it stays in the input.
    if (!received && !input.value) input.value = turn.querySelector("[data-question]").textContent;
    return true;
  }
  if (error instanceof Refused) return refuse(error.message);
  if (!received) return refuse("The server cannot be reached. Send the message again in a moment.");
  fail(turn, "The connection was lost.");
  return true;
}

function refuse(sentence) {
  problem.textContent = sentence;
  problem.hidden = false;
  return false;
}

function fail(turn, sentence) {
  const failed = fromTemplate("failed-template");
  failed.querySelector("[data-sentence]").textContent = sentence;
  turn.querySelector(".answer").append(failed);
  status.textContent = "";
  follow(turn);
}

// ---- What the visitor does

async function say(message) {
  if (running || !message.trim()) return;
  const turn = fromTemplate("turn-template");
  turn.querySelector("[data-question]").textContent = message;
  log.append(turn);
  document.getElementById("welcome")?.remove();
  // Only the last turn can be tried again.
  for (const failed of log.querySelectorAll("[data-failed]")) failed.remove();
  if (input.value === message) input.value = ""; // a click on a suggestion keeps a draft
  const hasArrived = await answer(turn, { message });
  if (hasArrived) return;
  turn.remove();
  if (!input.value) input.value = message; // the message stays in the input
  input.focus();
}

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) running.abort();
  else say(input.value);
  input.focus();
});

input.addEventListener("keydown", (event) => {
  // While an input method composes a character, Enter belongs to it.
  if (event.key !== "Enter" || event.shiftKey) return;
  if (event.isComposing || event.keyCode === 229) return; // Safari sends 229 instead
  event.preventDefault();
  if (!running) composer.requestSubmit();
});

picks.addEventListener("click", ({ target }) => {
  if (!target.matches("button")) return;
  say(target.textContent);
  input.focus();
});

log.addEventListener("click", async ({ target }) => {
  if (!target.matches("[data-retry]") || running) return;
  const turn = target.closest(".turn");
  input.focus();
  const sentence = turn.querySelector("[data-sentence]").textContent;
  if (!(await answer(turn, { retry: true }))) fail(turn, sentence);
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// ---- Small parts of the page

function fromTemplate(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

function pickButton(text) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  return button;
}

function entitle(title) {
  const heading = document.getElementById("title");
  heading.textContent = title;
  heading.classList.remove("unseen");
  document.title = `${title} · Calendar Club`;
  const list = document.getElementById("nav-list");
  if (list.querySelector("[aria-current]")) return;
  const link = document.createElement("a");
  link.href = chat.dataset.url;
  link.textContent = title;
  link.setAttribute("aria-current", "page");
  const item = document.createElement("li");
  item.append(link);
  list.prepend(item);
}

// Scrolls a growing turn up until its question is at the top. If the visitor has scrolled away,
// nothing happens.
function follow(turn, always = false) {
  const box = turn.getBoundingClientRect();
  if (!always && box.top > window.innerHeight) return;
  const lowest = document.documentElement.scrollHeight - window.innerHeight;
  const top = window.scrollY + box.top - parseFloat(getComputedStyle(turn).scrollMarginTop);
  if (always || top > window.scrollY) window.scrollTo({ top: Math.min(lowest, top) });
}

const lastTurn = log.querySelector(".turn:last-of-type");
if (lastTurn) follow(lastTurn, true);
