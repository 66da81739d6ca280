/** Small comforts; every page works without them. */

const isChinese = document.documentElement.lang.startsWith("zh");

/** Copy a text and say so beside its button. */
async function copy(text, button) {
  await navigator.clipboard.writeText(text);
  const before = button.textContent;
  button.textContent = isChinese ? "已复制" : "Copied";
  setTimeout(() => (button.textContent = before), 1500);
}

for (const place of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button small";
  button.textContent = isChinese ? "复制" : "Copy";
  button.addEventListener("click", () => copy(place.textContent.trim(), button));
  place.after(" ", button);
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

/** Switches keep the rest of the address. */
for (const link of document.querySelectorAll(".switches a")) {
  const here = new URLSearchParams(location.search);
  for (const [name, value] of new URL(link.href).searchParams) here.set(name, value);
  here.delete("done");
  link.href = `?${here}`;
}
