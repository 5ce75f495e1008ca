// Writes src/rapport/web/static/vendor/emoji/*.json: every emoji with its names, once per language of the desk.
// Run in an empty folder, when a new version of Unicode's names is wanted:
//   npm install emojibase-data@17.0.0 cldr-annotations-full@48.2.0 cldr-annotations-derived-full@48.2.0
//   node …/.ci/emoji.mjs …/src/rapport/web/static/vendor/emoji
// A row is [emoji, group, name, other words, its skin tones from light to dark where it has them].
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const LANGUAGES = ["en", "es", "hr", "th", "de"];
const NEWEST = 15; // later ones are boxes on devices that are a few years old
const COMPONENTS = 2;
const target = process.argv[2];

const read = (path) => JSON.parse(readFileSync(join("node_modules", path), "utf8"));
const bare = (text) => text.replaceAll("\uFE0F", "");
const shown = (emoji) => (/^\p{Emoji_Presentation}$/u.test(bare(emoji)) ? bare(emoji) : emoji);

const emoji = read("emojibase-data/en/data.json")
  .filter((one) => one.group !== undefined && one.group !== COMPONENTS && one.version <= NEWEST)
  .sort((one, other) => one.order - other.order);
mkdirSync(target, { recursive: true });
for (const language of LANGUAGES) {
  const names = {
    ...read(`cldr-annotations-derived-full/annotationsDerived/${language}/annotations.json`).annotationsDerived.annotations,
    ...read(`cldr-annotations-full/annotations/${language}/annotations.json`).annotations.annotations,
  };
  const rows = emoji.map((one) => {
    const { tts, default: words = [] } = names[bare(one.emoji)] ?? names[one.emoji];
    const name = (tts ?? words)[0];
    const tones = (one.skins ?? []).filter((skin) => typeof skin.tone === "number");
    tones.sort((light, dark) => light.tone - dark.tone);
    const row = [shown(one.emoji), one.group, name, words.filter((word) => word !== name).join("|")];
    return tones.length === 5 ? [...row, tones.map((skin) => skin.emoji).join(" ")] : row;
  });
  writeFileSync(join(target, `${language}.json`), `[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]\n`);
}
