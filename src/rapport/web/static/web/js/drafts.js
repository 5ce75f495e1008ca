// What is typed is kept on the server, for each person and case, a second after typing stops. Until it is there it is
// kept on this device, and sent as soon as the server can be reached again. Words of another tab or device that came
// in between are not overwritten: the server keeps both and offers the older.
const PAUSE_MS = 1000;
const AGAIN_MS = 5000;
const OTHERS_AFTER_MS = 10_000; // another tab, if it lives, has sent its words itself by then
const MAX_AGE_MS = 30 * 24 * 3600 * 1000;
const KEEPALIVE_LENGTH = 12_000; // what a browser sends after its page is gone has a limit in bytes
const REFUSED = [403, 404, 422];

// Each tab has its own place on the device, so that two of them do not overwrite each other there either.
const tab = Math.random().toString(36).slice(2);
// By field, as "<case>-reply": {text, at, base, saved, timer, sending, failed}. `base`: the server's revision that
// the words go on from; `saved`: what the server has of them.
const states = new Map();

const desk = () => document.getElementById("desk");
const mark = () => `rapport-draft-${desk().dataset.user}-`;
const keyOf = (name) => `${mark()}${name}-${tab}`;
const fieldOf = (name) => document.querySelector(`textarea[data-draft="${name}"]`);
const serverOf = (name) => document.querySelector(`[data-draft-of="${name}"]`);
const unsaved = (state) => state.text !== state.saved;

function store(action) {
  try {
    return action(localStorage);
  } catch {
    return null; // private windows and full disks: the field itself still holds the words
  }
}

// What this device holds that the server may not have: [{key, name, text, at, base}], the newest first.
function held() {
  const found = store((box) =>
    Object.keys(box)
      .filter((key) => key.startsWith(mark()))
      .map((key) => ({ ...JSON.parse(box.getItem(key)), key, name: key.slice(mark().length).split("-").slice(0, 2).join("-") })),
  );
  return (found ?? []).sort((one, two) => two.at - one.at);
}

function hold(name, state) {
  const { text, at, base } = state;
  store((box) => box.setItem(keyOf(name), JSON.stringify({ text, at, base })));
}

const release = (key) => store((box) => box.removeItem(key));

function tell(name) {
  const place = serverOf(name);
  const state = states.get(name);
  if (!place || !state) return;
  const local = unsaved(state) && state.failed;
  place.classList.toggle("is-local", Boolean(local));
  const words = local ? place.dataset.local : state.saved.trim() && !unsaved(state) ? place.dataset.saved : "";
  if (place.textContent !== words) place.textContent = words;
}

function request(name, { text, at, base }) {
  const [id, field] = name.split("-");
  const body = new FormData();
  body.set("csrfmiddlewaretoken", document.querySelector('[name="csrfmiddlewaretoken"]')?.value ?? "");
  body.set("field", field);
  body.set("text", text);
  body.set("base", base);
  body.set("age", Math.max(0, Math.floor((Date.now() - at) / 1000)));
  return [`${new URL(desk().dataset.list, location.href).pathname}case/${id}/draft/`, body];
}

// The server's answer; null when it could not be reached, and the status when it refused for good.
async function send(name, words) {
  const [url, body] = request(name, words);
  try {
    const answer = await fetch(url, {
      method: "POST",
      body,
      headers: { "HX-Request": "true" },
      keepalive: words.text.length < KEEPALIVE_LENGTH,
    });
    if (REFUSED.includes(answer.status)) return answer.status;
    return answer.ok && !answer.redirected ? await answer.json() : null;
  } catch {
    return null;
  }
}

function show(field, text) {
  field.value = text;
  field.dispatchEvent(new CustomEvent("input", { bubbles: true, detail: "draft" }));
}

function offer(name, html) {
  const [id, field] = name.split("-");
  const place = document.getElementById(`asides-${field}-${id}`);
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector(".asides");
  if (!place || !fresh || place.childElementCount === fresh.childElementCount) return;
  place.replaceWith(fresh);
  htmx.process(fresh);
}

async function save(name) {
  const state = states.get(name);
  if (!state) return;
  unschedule(state);
  if (state.sending) return;
  if (!unsaved(state)) {
    release(keyOf(name));
    return;
  }
  const { text, at, base } = state;
  state.sending = true;
  const answer = await send(name, { text, at, base });
  state.sending = false;
  if (states.get(name) !== state) return; // sent as a reply meanwhile
  state.failed = answer === null || typeof answer === "number";
  if (answer === null) {
    schedule(name, AGAIN_MS);
  } else if (!state.failed) {
    const field = fieldOf(name);
    const typedOn = state.text !== text;
    // Where newer words stand on the server, what is typed on here still goes on from the older ones.
    if (answer.text === text || !typedOn) Object.assign(state, { base: answer.revision, saved: answer.text });
    if (typedOn) {
      schedule(name);
    } else {
      release(keyOf(name));
      state.text = answer.text;
      if (field && field.value !== answer.text) show(field, answer.text);
    }
    offer(name, answer.asides);
  }
  tell(name);
}

function unschedule(state) {
  clearTimeout(state.timer);
  state.timer = undefined;
}

function schedule(name, pause = PAUSE_MS) {
  const state = states.get(name);
  unschedule(state);
  state.timer = setTimeout(() => save(name), pause);
}

function typed(name, text) {
  const state = states.get(name);
  if (!state || state.text === text) return;
  Object.assign(state, { text, at: Date.now() });
  hold(name, state);
  schedule(name);
  tell(name);
}

// A field that is shown for the first time in this tab: what this device could not send goes into it.
function meet(name, field, server) {
  const state = { text: field.value, at: Date.now(), base: server.revision, saved: server.text };
  states.set(name, state);
  const here = held().filter((one) => one.name === name);
  for (const one of here) if (one.text === server.text) release(one.key); // it arrived as its page was left
  const newest = here.find((one) => one.text !== server.text);
  if (newest && field.value === server.text) {
    Object.assign(state, { text: newest.text, at: newest.at, base: newest.base ?? 0 });
    hold(name, state);
    release(newest.key);
    show(field, newest.text);
  }
}

function settle(field) {
  const name = field.dataset.draft;
  const place = serverOf(name);
  if (!place) return;
  const server = { revision: Number(place.dataset.revision), text: place.dataset.text };
  const state = states.get(name);
  if (!state) {
    meet(name, field, server);
  } else if (field.value === state.text) {
    // Another device went on, and nobody is writing here.
    if (!unsaved(state) && server.revision > state.base && field !== document.activeElement) {
      Object.assign(state, { base: server.revision, saved: server.text, text: server.text });
      if (field.value !== server.text) show(field, server.text);
    }
  } else if (field.value === server.text && (unsaved(state) || server.revision < state.base)) {
    show(field, state.text); // back from another case, before the server had it all
  } else {
    // Words came back, of a reply that was taken back, say.
    Object.assign(state, { base: server.revision, saved: server.text, text: field.value, at: Date.now() });
    if (unsaved(state)) hold(name, state);
  }
  const now = states.get(name);
  if (unsaved(now) && !now.timer && !now.sending) schedule(name);
  tell(name);
}

export function restoreDrafts(root = document) {
  for (const field of root.querySelectorAll("textarea[data-draft]")) settle(field);
}

export function forget(name) {
  const state = states.get(name);
  if (state) unschedule(state);
  states.delete(name);
  release(keyOf(name));
}

// What other tabs left behind here, and this one could not send.
async function sendHeld() {
  for (const [name, state] of states) if (unsaved(state)) save(name);
  for (const one of held()) {
    if (one.key === keyOf(one.name) || Date.now() - one.at < OTHERS_AFTER_MS) continue;
    const answer = await send(one.name, { base: 0, ...one });
    if (answer === null) return;
    if (typeof answer === "number") {
      // No place for it any more. It is kept a while for somebody who may get back what they lost.
      if (Date.now() - one.at > MAX_AGE_MS) release(one.key);
      continue;
    }
    release(one.key);
    offer(one.name, answer.asides);
  }
}

function leave() {
  for (const [name, state] of states) {
    if (unsaved(state)) navigator.sendBeacon(...request(name, state));
  }
}

export function startDrafts() {
  restoreDrafts();
  sendHeld();
  document.addEventListener("input", (event) => {
    const name = event.target.dataset?.draft;
    if (name && event.detail !== "draft") typed(name, event.target.value);
  });
  document.addEventListener("focusout", (event) => {
    const name = event.target.dataset?.draft;
    if (name && states.get(name) && unsaved(states.get(name))) save(name);
  });
  addEventListener("pagehide", leave);
  addEventListener("online", sendHeld);
  // The server is told what this tab knew of the draft it sends.
  document.body.addEventListener("htmx:configRequest", (event) => {
    const field = event.detail.elt.querySelector?.("textarea[data-draft]");
    const state = field && states.get(field.dataset.draft);
    if (!state) return;
    unschedule(state);
    event.detail.parameters.draft = String(state.base);
  });
  // Sent by the server once the words are in the database.
  document.body.addEventListener("rapport:sent", (event) => forget(`${event.detail.case}-${event.detail.field}`));
  document.body.addEventListener("htmx:afterSettle", () => restoreDrafts());
}
