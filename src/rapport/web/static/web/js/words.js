// Words the script shows, written by the server in the person's language.
const words = document.getElementById("words").dataset;

export function say(name, values = {}) {
  return Object.entries(values).reduce((text, [key, value]) => text.replace(`%(${key})s`, value), words[name] ?? "");
}

// The same form as durations.py gives.
export function shortDuration(seconds) {
  const minutes = Math.floor(Math.max(seconds, 0) / 60);
  if (minutes < 1) return say("now");
  if (minutes < 60) return say("minutes", { m: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return say(minutes % 60 ? "hours" : "wholeHours", { h: hours, m: minutes % 60 });
  return say(hours % 24 ? "days" : "wholeDays", { d: Math.floor(hours / 24), h: hours % 24 });
}
