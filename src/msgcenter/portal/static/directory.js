/** The tree of organisations: opens a branch in place, and is used with the arrow keys. Without it, twigs are links. */

import { all } from "./page-parts.js";

for (const tree of all(".top-tree", HTMLElement)) {
  prepare(tree);
  tree.addEventListener("click", (event) => {
    const twig = twigOf(event.target);
    if (!twig || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    toggle(twig);
  });
  tree.addEventListener("keydown", onKey);
}

/**
 * Make the twigs of a part of the tree buttons.
 *
 * @param {ParentNode} part
 */
function prepare(part) {
  for (const twig of part.querySelectorAll("a.twig")) {
    twig.setAttribute("role", "button");
    twig.setAttribute("aria-expanded", String(twig.classList.contains("open")));
    const name = twig.querySelector(".twig-name");
    const org = twig.closest(".tree-row")?.querySelector(".tree-name a");
    // The state says whether it is open; the name is that of the organisation.
    if (name) name.textContent = org?.textContent ?? "";
  }
}

/**
 * @param {EventTarget | null} target
 * @returns {HTMLAnchorElement | null}
 */
function twigOf(target) {
  return target instanceof Element ? target.closest("a.twig") : null;
}

/** @param {Element} twig */
function isOpen(twig) {
  return twig.getAttribute("aria-expanded") === "true";
}

/**
 * Return the branches below a twig, if they were opened before.
 *
 * @param {Element} twig
 * @returns {HTMLElement | null}
 */
function below(twig) {
  return /** @type {HTMLElement | null} */ (twig.closest("li")?.querySelector(":scope > ul") ?? null);
}

/** @param {HTMLAnchorElement} twig */
async function toggle(twig) {
  const opens = !isOpen(twig);
  if (opens && !below(twig)) {
    if (twig.getAttribute("aria-busy") === "true") return;
    twig.setAttribute("aria-busy", "true");
    const part = await load(new URL(twig.dataset.branch ?? "", new URL("directory/", location.href)));
    twig.removeAttribute("aria-busy");
    if (!part) {
      location.assign(twig.href);
      return;
    }
    prepare(part);
    twig.closest("li")?.append(part);
  }
  const branches = below(twig);
  if (branches) branches.hidden = !opens;
  twig.classList.toggle("open", opens);
  twig.setAttribute("aria-expanded", String(opens));
}

/**
 * Return the list at a URL; null if the server does not answer with one, for example because the session has ended.
 *
 * @param {URL} url
 * @returns {Promise<HTMLElement | null>}
 */
async function load(url) {
  try {
    const answer = await fetch(url, { redirect: "error" });
    if (!answer.ok) return null;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return page.querySelector("ul.tree");
  } catch {
    return null;
  }
}

/**
 * Right opens, left closes or goes to the organisation above; up and down go through what is open.
 *
 * @param {KeyboardEvent} event
 */
function onKey(event) {
  const here = event.target;
  const tree = event.currentTarget;
  if (!(here instanceof HTMLAnchorElement && tree instanceof HTMLElement)) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const twig = twigOf(here);
  const row = here.closest("li");
  const ownTwig = row?.querySelector(":scope > .tree-row > a.twig");
  if (event.key === " " && twig) {
    toggle(twig);
  } else if (event.key === "ArrowRight" && ownTwig instanceof HTMLAnchorElement) {
    if (!isOpen(ownTwig)) toggle(ownTwig);
  } else if (event.key === "ArrowLeft") {
    if (ownTwig instanceof HTMLAnchorElement && isOpen(ownTwig)) toggle(ownTwig);
    else linkOf(row?.parentElement?.closest("li"))?.focus();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const rows = [...tree.querySelectorAll("li")].filter((item) => item.checkVisibility());
    const place = rows.indexOf(/** @type {HTMLLIElement} */ (row)) + (event.key === "ArrowDown" ? 1 : -1);
    linkOf(rows[place])?.focus();
  } else {
    return;
  }
  event.preventDefault();
}

/**
 * Return what has the focus in a row of the tree: its twig, or the link if there is nothing below.
 *
 * @param {Element | null | undefined} row
 * @returns {HTMLElement | null}
 */
function linkOf(row) {
  return row?.querySelector(":scope > .tree-row a, :scope > a") ?? null;
}
