// The app without a connection, and pushes. `SHELL`, above, says what is kept: one page without anything personal and
// the files it is made of. Pages, cases and whatever else are never kept: they are asked of the server, always.

self.addEventListener("install", (event) => {
  event.waitUntil(keepShell().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers().then(() => self.clients.claim()));
});

async function keepShell() {
  const box = await caches.open(SHELL.name);
  await box.addAll([SHELL.page, ...SHELL.files].map((url) => new Request(url, { cache: "reload" })));
}

async function forgetOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("rapport-") && name !== SHELL.name).map((name) => caches.delete(name)));
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => shell(SHELL.page)));
    return;
  }
  const url = new URL(request.url);
  // The shell names its files with their content, so what is kept under a name never changes.
  if (url.origin === location.origin && SHELL.files.includes(url.pathname + url.search)) {
    event.respondWith(shell(url.pathname + url.search).then((kept) => (kept.type === "error" ? fetch(request) : kept)));
  } else if (url.origin === location.origin && url.pathname.endsWith(".woff2")) {
    // Its style sheet asks for the font without the content in its name.
    event.respondWith(fetch(request).catch(() => shell(SHELL.files.find((file) => file.startsWith(`${url.pathname}?`)) ?? "")));
  }
});

async function shell(url) {
  const box = await caches.open(SHELL.name);
  return (await box.match(url)) ?? Response.error();
}

// Pushes -------------------------------------------------------------------------------------------
self.addEventListener("push", (event) => {
  let told;
  try {
    told = event.data.json();
  } catch {
    return; // not from us
  }
  event.waitUntil(show(told));
});

async function show(told) {
  if (typeof told.count === "number") await self.navigator.setAppBadge?.(told.count).catch(() => {});
  await self.registration.showNotification(told.title, {
    body: told.body,
    tag: told.tag,
    renotify: Boolean(told.tag),
    lang: told.lang,
    dir: told.dir,
    timestamp: told.at,
    icon: SHELL.icon,
    badge: SHELL.badge,
    data: { url: told.url },
  });
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.url ?? "/"));
});

// A window that is open already goes there, else a new one opens.
async function open(path) {
  const url = new URL(path, location.origin);
  if (url.origin !== location.origin) return;
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find((one) => new URL(one.url).pathname === url.pathname);
  if (there) {
    await there.focus();
    return;
  }
  await self.clients.openWindow(url.href);
}

// Somebody logged out: what was shown of them goes.
self.addEventListener("message", (event) => {
  if (event.data !== "signed-out") return;
  event.waitUntil(signedOut());
});

async function signedOut() {
  const shown = await self.registration.getNotifications();
  for (const one of shown) one.close();
  await self.navigator.clearAppBadge?.().catch(() => {});
  const subscription = await self.registration.pushManager?.getSubscription();
  await subscription?.unsubscribe();
}
