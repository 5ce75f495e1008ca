// A chosen picture is cut to a small square here: quick to send, the right way up, and nothing of the camera in it.
const SIDE = 256;

async function cut(file) {
  const picture = await createImageBitmap(file);
  const side = Math.min(picture.width, picture.height);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.min(SIDE, side);
  const place = [(picture.width - side) / 2, (picture.height - side) / 2, side, side];
  canvas.getContext("2d").drawImage(picture, ...place, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((done) => canvas.toBlob(done, file.type === "image/png" ? "image/png" : "image/jpeg", 0.9));
  return { canvas, blob };
}

export function startPicture() {
  const field = document.querySelector("[data-picture]");
  field?.addEventListener("change", async () => {
    const [file] = field.files;
    if (!file) return;
    try {
      const { canvas, blob } = await cut(file);
      const holder = new DataTransfer();
      holder.items.add(new File([blob], file.name, { type: blob.type }));
      field.files = holder.files;
      document.querySelector("[data-picture-preview]").replaceChildren(canvas);
    } catch {
      // Not a picture that this browser can draw: the server says what is the matter.
    }
  });
}
