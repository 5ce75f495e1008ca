// The editor of a listening query: goes to where an error is, and keeps what somebody types while parts of the
// page are made anew. Without it the form works by its buttons.
const form = document.getElementById("query-form");

// The server counts characters, a field counts UTF-16 units.
function units(text, characters) {
  let at = 0;
  for (let left = characters; left > 0 && at < text.length; left -= 1) at += text.codePointAt(at) > 0xffff ? 2 : 1;
  return at;
}

function goTo(place) {
  const field = document.getElementById("query-text");
  // The server leaves out what is empty before the first word.
  const lead = field.value.length - field.value.trimStart().length;
  const text = field.value.slice(lead);
  const [start, end] = place.split("-").map((one) => lead + units(text, Number(one)));
  field.focus();
  field.setSelectionRange(start, Math.min(end, field.value.length));
}

function refresh() {
  for (const button of form.querySelectorAll("[data-go][hidden]")) button.hidden = false;
  for (const button of form.querySelectorAll("[data-without-script]")) button.hidden = true;
  const wrong = form.querySelector(".query-problem.error") !== null;
  document.getElementById("query-text").setAttribute("aria-invalid", String(wrong));
}

form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-go]");
  if (button) goTo(button.dataset.go);
});

form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.querySelector('.query-save [name="do"][value="save"]').click();
  }
});

// What somebody types in is never replaced under their hands.
document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target } = event.detail;
  if (["query-text", "query-builder"].includes(target.id) && target.contains(document.activeElement)) {
    event.detail.shouldSwap = false;
  }
});

document.body.addEventListener("htmx:afterSettle", (event) => {
  refresh();
  if (event.target.id === "query-examples") form.querySelector("[data-fresh]")?.focus();
  // The button that was pressed is gone: go on beside where it was.
  if (event.target.id === "query-preview" && document.activeElement === document.body) {
    document.getElementById("preview-title")?.focus();
  }
});

// What would be lost. `first`: as the page came, whatever the browser has put back into it since.
function written(first = false) {
  const value = (field) => {
    if (!first) return field.value;
    return field.options ? ([...field.options].find((one) => one.defaultSelected) ?? field.options[0]).value : field.defaultValue;
  };
  const fields = ["query-name", "query-kind", "query-brand", "query-text", "query-foreign"].map((id) => document.getElementById(id));
  const examples = [...form.querySelectorAll(".example")].map((row) => [...row.querySelectorAll("[name=example-text], [name=example-must]")].map(value).reverse());
  // An example without words is left out when it is saved.
  return JSON.stringify([...fields.map((field) => field && value(field).trim()), ...examples.filter(([text]) => text.trim())]);
}

// The server gave back what it did not save.
const saved = "unsaved" in form.dataset ? null : written(true);
let grouping = false; // words were typed into a group, and the text does not have them yet
let sent = false;

form.addEventListener("input", (event) => {
  if (event.target.closest("#query-builder")) grouping = true;
});
document.body.addEventListener("htmx:afterSettle", () => (grouping = false));
form.addEventListener("submit", (event) => {
  sent = !event.defaultPrevented;
});
addEventListener("pageshow", (event) => {
  if (event.persisted) sent = false;
});
// Every way off this page loads another one: the browser asks, in its own words.
addEventListener("beforeunload", (event) => {
  if (sent || (!grouping && written() === saved)) return;
  event.preventDefault();
  event.returnValue = ""; // browsers of before 2024
});

refresh();
