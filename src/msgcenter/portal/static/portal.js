/** Improvements of all pages of the portal, which work without them too. */

import { all, copy } from "./page-parts.js";
import { texts } from "./texts.js";

addCopyButtons();
addSearchKey();
showCurrentLinks();
untickAutomaticColours();
closeMenus();
completeSwitches();

function addCopyButtons() {
  for (const place of all("[data-copy], [data-copy-block]", HTMLElement)) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button small copy-button";
    button.textContent = texts.copy;
    button.addEventListener("click", () => copy((place.textContent ?? "").trim(), button));
    const block = place.parentElement;
    if ("copy" in place.dataset || !block) {
      place.after(" ", button);
    } else {
      const frame = document.createElement("div");
      frame.className = "copy-frame";
      block.before(frame);
      frame.append(block, button);
    }
  }
}

/** The key "/" focuses the search field. */
function addSearchKey() {
  const search = document.getElementById("q");
  if (!(search instanceof HTMLInputElement)) return;
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    const focused = /** @type {Element} */ (event.composedPath()[0]);
    if (focused.closest("input, textarea, select, [contenteditable], msg-inbox")) return;
    event.preventDefault();
    search.focus();
    search.select();
  });
}

/** Scroll the links of the present page into view: in the side list, and among the tabs on small screens. */
function showCurrentLinks() {
  const [link] = all(".side-link[aria-current]", HTMLElement);
  const side = link?.closest(".side");
  if (side) {
    side.scrollTop = link.offsetTop - side.clientHeight / 2;
    side.scrollLeft = link.offsetLeft - side.clientWidth / 2;
  }
  document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

/** Picking a colour unticks "automatic". */
function untickAutomaticColours() {
  for (const colour of all("input[type=color]", HTMLInputElement)) {
    const automatic = colour.form?.elements.namedItem("automatic");
    if (!(automatic instanceof HTMLInputElement)) continue;
    colour.addEventListener("input", () => {
      automatic.checked = false;
    });
  }
}

/** A click outside and the key Escape close a menu. */
function closeMenus() {
  for (const menu of all("details.menu", HTMLDetailsElement)) {
    document.addEventListener("click", (event) => {
      if (!menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      menu.open = false;
      menu.querySelector("summary")?.focus();
    });
  }
}

/** The links that switch language and theme keep the rest of the page's address. */
function completeSwitches() {
  for (const link of all(".switches a", HTMLAnchorElement)) {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of new URL(link.href).searchParams) query.set(name, value);
    query.delete("done");
    link.href = `?${query}${location.hash}`;
  }
}
