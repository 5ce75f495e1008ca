// What does not fit into one message, shown below the field; and the posts that it could be. The server counts.
const BEFORE = 60; // so many characters of what fits are shown, for a hold

const boxOf = (form) => form.querySelector(".cut");

// `found`: what the server says of the text in `field`; null while it is not known, or fits.
export function showCut(form, text, found) {
  const box = boxOf(form);
  if (!box) return;
  const over = found !== null && "fits" in found;
  const says = box.querySelector(".cut-says");
  const words = over ? says.dataset.says : "";
  if (says.textContent !== words) says.textContent = words;
  const line = box.querySelector(".cut-text");
  line.hidden = !over;
  if (over) {
    const [fits, rest] = [text.slice(0, found.fits), text.slice(found.fits)];
    line.querySelector("span").textContent = fits.length > BEFORE ? `…${fits.slice(-BEFORE)}` : fits;
    line.querySelector("mark").textContent = rest;
  }
  showPosts(box, over ? found : null);
}

function showPosts(box, found) {
  const posts = box.querySelector(".posts");
  if (!posts) return;
  const possible = found !== null && ("posts" in found || "unsplit" in found);
  posts.hidden = !possible;
  if (!possible) return;
  const list = found.posts ?? [];
  posts.querySelector("ol").replaceChildren(...list.map((post) => drawn(post, found.limit)));
  posts.querySelector("ol").hidden = !list.length;
  const why = posts.querySelector(".unsplit");
  why.hidden = !found.unsplit;
  why.textContent = found.unsplit ?? "";
  const send = posts.querySelector(".send-posts");
  posts.querySelector(".posts-send").hidden = !list.length;
  if (found.send_as) send.querySelector("span").textContent = found.send_as;
}

function drawn(post, limit) {
  const item = document.createElement("li");
  const words = Object.assign(document.createElement("span"), { dir: "auto", className: "words", textContent: post.text });
  const size = Object.assign(document.createElement("span"), { className: "count", textContent: `${post.length} / ${limit}` });
  item.append(words, size);
  return item;
}
