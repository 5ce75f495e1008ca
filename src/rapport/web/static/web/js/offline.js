// Once the server can be reached again the page that was asked for comes by itself.
const AGAIN_MS = 5000;

async function again() {
  try {
    const answer = await fetch("/healthz", { cache: "no-store" });
    if (answer.ok) location.reload();
  } catch {
    // still without
  }
}

addEventListener("online", again);
setInterval(again, AGAIN_MS);
document.querySelector("[data-again]")?.addEventListener("click", (event) => {
  event.preventDefault();
  location.reload();
});
