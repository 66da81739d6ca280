/** Small comforts; every page works without them. */

const isChinese = document.documentElement.lang.startsWith("zh");

/** Copy a text and say so beside its button. */
async function copy(text, button) {
  await navigator.clipboard.writeText(text);
  const before = button.textContent;
  button.textContent = isChinese ? "已复制" : "Copied";
  setTimeout(() => (button.textContent = before), 1500);
}

for (const place of document.querySelectorAll("[data-copy], [data-copy-block]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button small copy-button";
  button.textContent = isChinese ? "复制" : "Copy";
  button.addEventListener("click", () => copy(place.textContent.trim(), button));
  if ("copy" in place.dataset) {
    place.after(" ", button);
  } else {
    const frame = document.createElement("div");
    frame.className = "copy-frame";
    place.parentElement.before(frame);
    frame.append(place.parentElement, button);
  }
}

/** The search is one key away, and the page that is shown stands in view among the others. */
const search = document.getElementById("q");
document.addEventListener("keydown", (event) => {
  if (!search || event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.composedPath()[0].closest("input, textarea, select, [contenteditable], msg-inbox")) return;
  event.preventDefault();
  search.focus();
  search.select();
});
const here = document.querySelector(".side-link[aria-current]");
if (here) {
  const side = here.closest(".side");
  side.scrollTop = here.offsetTop - side.clientHeight / 2;
  side.scrollLeft = here.offsetLeft - side.clientWidth / 2;
}

/** Whoever picks a colour does not want it chosen for them. */
for (const colour of document.querySelectorAll("input[type=color]")) {
  const { automatic } = colour.form.elements;
  if (automatic) colour.addEventListener("input", () => (automatic.checked = false));
}

/** The account menu closes like any other. */
for (const menu of document.querySelectorAll("details.menu")) {
  document.addEventListener("click", (event) => menu.contains(event.target) || menu.removeAttribute("open"));
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.removeAttribute("open");
    menu.querySelector("summary").focus();
  });
}

/** On a phone the present tab may lie outside the screen. */
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

/** Switches keep the rest of the address. */
for (const link of document.querySelectorAll(".switches a")) {
  const address = new URLSearchParams(location.search);
  for (const [name, value] of new URL(link.href).searchParams) address.set(name, value);
  address.delete("done");
  link.href = `?${address}${location.hash}`;
}
