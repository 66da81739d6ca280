/** The scripts of the inbox and of the portal as a whole. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const SOURCES = fileURLToPath(new URL("../../src/msgcenter/", import.meta.url));
const FOLDERS = ["inbox", "portal"].map((name) => path.join(SOURCES, name, "static"));
const IMPORT = /^import .*?from "(\.[^"]+)";|^import "(\.[^"]+)";/gms;

/** What each module imports, by path. */
const imports = new Map(
  FOLDERS.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".js"))
      .map((name) => path.join(folder, name)),
  ).map((file) => [
    file,
    [...readFileSync(file, "utf8").matchAll(IMPORT)].map(([, from, alone]) => pathOf(file, from ?? alone)),
  ]),
);

/**
 * Return the file that an import names. In browsers, the inbox's scripts are at /inbox/ and the portal's at
 * /portal/static/.
 *
 * @param {string} file
 * @param {string} specifier
 */
function pathOf(file, specifier) {
  const inbox = /^\.\.\/\.\.\/inbox\/(.+)$/.exec(specifier);
  return inbox ? path.join(FOLDERS[0], inbox[1]) : path.join(path.dirname(file), specifier);
}

test("every import names a module", () => {
  assert.ok(imports.size > 30);
  for (const [file, imported] of imports) {
    for (const module of imported) assert.ok(imports.has(module), `${file}: ${module}`);
  }
});

test("no module imports itself through others", () => {
  for (const start of imports.keys()) {
    const seen = new Set();
    const next = [...(imports.get(start) ?? [])];
    for (let file = next.pop(); file; file = next.pop()) {
      assert.notEqual(file, start, `${start} is in a circle`);
      if (seen.has(file)) continue;
      seen.add(file);
      next.push(...(imports.get(file) ?? []));
    }
  }
});

test("every module begins with its subject, and can be read in one sitting", () => {
  for (const file of imports.keys()) {
    const source = readFileSync(file, "utf8");
    assert.match(source, /^\/\*\*/, file);
    assert.ok(source.split("\n").length <= 500, file);
  }
});
