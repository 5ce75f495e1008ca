// Buttons that copy a field. Without script they stay hidden: the field can be selected.
const SHOWN_MS = 2000;

export function startCopy() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    const field = document.getElementById(button.dataset.copy);
    const words = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
      } catch {
        return; // it is selected: Ctrl+C copies it
      }
      button.textContent = button.dataset.copied;
      setTimeout(() => (button.textContent = words), SHOWN_MS);
    });
  }
}
