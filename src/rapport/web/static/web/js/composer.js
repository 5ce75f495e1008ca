// The live count beside a reply: guessed at once, then as the network counts it.
const PAUSE_MS = 250;
let timer;

function show(output, length, limit) {
  output.textContent = `${length} / ${limit}`;
  output.classList.toggle("over", length > limit);
  output.classList.toggle("near", length <= limit && length > limit * 0.9);
}

async function ask(form, field, output) {
  const text = field.value;
  const body = new FormData();
  body.set("text", text);
  body.set("visibility", form.elements.visibility?.value ?? "");
  body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  try {
    const answer = await fetch(form.dataset.length, { method: "POST", body, headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    const { length, limit } = await answer.json();
    if (field.isConnected && field.value === text) show(output, length, limit);
  } catch {
    // The guess stays; the server counts again before anything is sent.
  }
}

export function count(field) {
  const form = field.form;
  const output = form?.querySelector("output.length");
  if (!output || !form.dataset.length) return;
  const isPrivate = form.elements.visibility?.value === "private";
  show(output, [...field.value.trim()].length, Number(isPrivate ? output.dataset.limitPrivate : output.dataset.limit));
  clearTimeout(timer);
  timer = setTimeout(() => ask(form, field, output), PAUSE_MS);
}

export function focusField(mode) {
  const radio = document.querySelector(`.modes [value="${mode}"]`);
  if (radio) radio.checked = true;
  const field = document.querySelector(mode === "note" ? ".note-form textarea" : ".reply-form textarea");
  field?.focus();
  field?.setSelectionRange(field.value.length, field.value.length);
}

export function startComposer() {
  document.addEventListener("input", (event) => {
    if (event.target.matches(".reply-form textarea")) count(event.target);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches(".modes input")) focusField(event.target.value);
    if (event.target.matches('.reply-form [name="visibility"]')) count(event.target.form.querySelector("textarea"));
  });
  // Ctrl or Cmd and Enter sends what is in the field.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches(".composer textarea")) {
      event.preventDefault();
      const form = event.target.form;
      form.requestSubmit(form.querySelector(".send-main, .note-send"));
    }
  });
  // A kept field does not come back from the server, so its count must not fall back to the server's.
  document.body.addEventListener("htmx:afterSettle", () => {
    const field = document.querySelector(".reply-form textarea");
    if (field?.value) count(field);
  });
}
