// Emoji by name in the reader's language, fetched when they are first wanted. What was used last comes first, in
// the skin tone that was chosen last; both are kept on this device.
const MOST = 8;
const MOST_RECENT = 24;
const RECENT = "rapport-emoji-recent";
const TONE = "rapport-emoji-tone";
const loaded = new Map(); // by address, once for the page

function store(action) {
  try {
    return action(localStorage);
  } catch {
    return null; // private windows and full disks
  }
}

const plain = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

// Every emoji: {char, group, name, tones, find}. Rejects when the list cannot be had; the next try asks again.
export function load(url) {
  if (!loaded.has(url)) {
    const coming = fetch(url, { credentials: "same-origin" })
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(String(answer.status)))))
      .then((rows) =>
        rows.map(([char, group, name, words, tones]) => ({
          char,
          group,
          name,
          tones: tones?.split(" ") ?? null,
          find: [name, ...words.split("|")].filter(Boolean).map(plain),
        })),
      );
    coming.catch(() => loaded.delete(url));
    loaded.set(url, coming);
  }
  return loaded.get(url);
}

export const tone = () => Number(store((box) => box.getItem(TONE)) ?? 0) || 0;
export const setTone = (value) => store((box) => box.setItem(TONE, String(value)));

// The emoji in the tone of choice; 0 is none.
export const shown = (one) => (tone() && one.tones?.[tone() - 1]) || one.char;

export function recent() {
  const found = store((box) => JSON.parse(box.getItem(RECENT) ?? "[]"));
  return Array.isArray(found) ? found.filter((one) => typeof one === "string") : [];
}

export function remember(char) {
  store((box) => box.setItem(RECENT, JSON.stringify([char, ...recent().filter((one) => one !== char)].slice(0, MOST_RECENT))));
}

// How well an emoji fits, 0 the best; Infinity for one that does not.
function rank(one, wanted) {
  const [name] = one.find;
  if (name === wanted || one.find.includes(wanted)) return name === wanted ? 0 : 1;
  if (name.startsWith(wanted)) return 2;
  if (one.find.some((words) => words.startsWith(wanted))) return 3;
  if (one.find.some((words) => words.includes(` ${wanted}`))) return 4;
  // Scripts without spaces: anywhere.
  return /[\u0e00-\u0eff]/.test(wanted) && one.find.some((words) => words.includes(wanted)) ? 5 : Infinity;
}

export async function find(url, text) {
  const all = await load(url);
  const wanted = plain(text.replaceAll("_", " "));
  const used = recent();
  return all
    .map((one, at) => ({ one, at, rank: rank(one, wanted) }))
    .filter((found) => found.rank < Infinity)
    .sort((a, b) => a.rank - b.rank || usedBefore(used, a.one, b.one) || a.at - b.at)
    .map((found) => found.one);
}

function usedBefore(used, one, other) {
  const place = (emoji) => (used.includes(emoji.char) ? used.indexOf(emoji.char) : used.length);
  return place(one) - place(other);
}

export async function emojiOptions(url, text) {
  return (await find(url, text)).slice(0, MOST).map((one, at) => {
    const option = document.createElement("li");
    option.id = `aid-${at + 1}`;
    option.setAttribute("role", "option");
    option.className = "aid-emoji";
    option.dataset.text = `${shown(one)} `;
    option.dataset.emoji = one.char;
    const sign = document.createElement("span");
    sign.className = "emoji";
    sign.textContent = shown(one);
    const name = document.createElement("bdi");
    name.textContent = one.name;
    option.append(sign, name);
    return option;
  });
}
