// The app's worker, and whether this device is told things. A device belongs to one login: whoever turned it on and
// logs in again is told again, without being asked.
import { toast } from "./toasts.js";
import { say } from "./words.js";

const MARK = "rapport-told"; // who wanted to be told on this device

function remembered(id) {
  try {
    if (id === undefined) return localStorage.getItem(MARK);
    if (id === null) localStorage.removeItem(MARK);
    else localStorage.setItem(MARK, id);
  } catch {
    // a private window forgets
  }
  return null;
}

function bytes(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

const same = (buffer, key) => {
  const left = new Uint8Array(buffer ?? []);
  return left.length === key.length && left.every((value, at) => value === key[at]);
};

function post(fields) {
  const body = new FormData();
  body.set("csrfmiddlewaretoken", document.querySelector('[name="csrfmiddlewaretoken"]')?.value ?? "");
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  return fetch(document.getElementById("bell").dataset.devices, { method: "POST", body, headers: { "HX-Request": "true" } });
}

// Subscribes with our key, anew where the browser holds one for another, and tells the server.
async function subscribe(registration, key) {
  let held = await registration.pushManager.getSubscription();
  if (held && !same(held.options.applicationServerKey, bytes(key))) {
    await held.unsubscribe();
    held = null;
  }
  held ??= await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
  const { endpoint, keys } = held.toJSON();
  const answer = await post({ endpoint, p256dh: keys.p256dh, auth: keys.auth });
  if (answer.status !== 204) throw new Error(`status ${answer.status}`);
}

async function unsubscribe(registration) {
  const held = await registration.pushManager.getSubscription();
  if (!held) return;
  await post({ endpoint: held.endpoint, gone: "yes" });
  await held.unsubscribe();
}

function show(switcher, state) {
  for (const part of switcher.querySelectorAll("[data-when]")) part.hidden = !part.dataset.when.split(" ").includes(state);
}

async function startSwitch(switcher, registration, { key, user }) {
  if (!registration || !("PushManager" in window) || !("Notification" in window)) {
    show(switcher, "cannot");
    return;
  }
  const look = async () => {
    if (Notification.permission === "denied") show(switcher, "denied");
    else show(switcher, (await registration.pushManager.getSubscription()) && remembered() === user ? "on" : "off");
  };
  switcher.addEventListener("click", async (event) => {
    const wanted = event.target.closest("[data-push]")?.dataset.push;
    if (!wanted) return;
    try {
      if (wanted === "on") {
        if ((await Notification.requestPermission()) !== "granted") {
          await look();
          return;
        }
        await subscribe(registration, key);
        remembered(user);
      } else {
        remembered(null);
        await unsubscribe(registration);
      }
      location.reload(); // the list of devices is the server's
    } catch {
      toast(say("pushFailed"), { bad: true });
      await look();
    }
  });
  await look();
}

export async function startPush() {
  const bell = document.getElementById("bell");
  if (!bell || !("serviceWorker" in navigator)) {
    const without = document.getElementById("push-switch");
    if (without) show(without, "cannot");
    return;
  }
  const { worker, user, pushKey: key } = bell.dataset;
  let registration = null;
  try {
    await navigator.serviceWorker.register(worker, { scope: "/", updateViaCache: "none" });
    registration = await navigator.serviceWorker.ready;
  } catch {
    // no worker over plain http or in a private window: the desk works without
  }
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-log-out], form:has([data-log-out])")) registration?.active?.postMessage("signed-out");
  });
  const switcher = document.getElementById("push-switch");
  if (switcher) await startSwitch(switcher, registration, { key, user });
  else if (registration?.pushManager && remembered() === user && window.Notification?.permission === "granted") {
    await once(user, () => subscribe(registration, key));
  }
}

// Once in each window of the browser is enough.
async function once(user, action) {
  try {
    if (sessionStorage.getItem(MARK) === user) return;
    await action();
    sessionStorage.setItem(MARK, user);
  } catch {
    // the next window tries again
  }
}
