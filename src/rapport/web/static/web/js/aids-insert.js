// Puts words into a field as typing does: the browser's undo takes them back, and whoever listens hears of them.
export function insertAt(field, start, end, text) {
  field.focus();
  field.setSelectionRange(start, end);
  // Only this keeps the browser's own undo; where it is not to be had, the words come without it.
  if (document.execCommand("insertText", false, text)) return;
  field.setRangeText(text, start, end, "end");
  field.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertText", data: text }));
}
