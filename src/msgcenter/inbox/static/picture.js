/** Pictures of messages. Their sizes are known only when they are loaded. */

import { el } from "./dom.js";
import { webUrl } from "./links.js";

const MIN_WIDE_WIDTH = 300;
const MIN_WIDE_RATIO = 1.35;

/** How the pictures that were loaded are shown, by URL: so drawing one again does not move the texts around it. */
const looks = /** @type {Map<string, "wide" | "small" | "broken">} */ (new Map());

/**
 * Return a picture: wide ones go below the text, small ones next to it. Null without a web address, and for a picture
 * that is known to be broken.
 *
 * @param {string | undefined} address
 */
export function picture(address) {
  const url = webUrl(address);
  if (!url || looks.get(url) === "broken") return null;
  const image = el("img", { alt: "", loading: "lazy", decoding: "async", referrerpolicy: "no-referrer" });
  const frame = el("div", { class: `picture ${looks.get(url) ?? "waiting"}` }, image);
  image.addEventListener("load", () => {
    const { naturalWidth: width, naturalHeight: height } = image;
    const look = width >= MIN_WIDE_WIDTH && width / height >= MIN_WIDE_RATIO ? "wide" : "small";
    looks.set(url, look);
    frame.className = `picture ${look}`;
  });
  image.addEventListener("error", () => {
    if (navigator.onLine) looks.set(url, "broken");
    frame.remove();
  });
  image.src = url;
  return frame;
}
