/**
 * Build the bundles that the server sends to browsers: node scripts/bundle.mjs [--check | --package]
 *
 * Each is one script or style sheet with all that it imports, without comments and spaces. They are committed, so that
 * neither a server nor a checkout needs Node.js; with `--check` nothing is written, and a bundle that differs from what
 * its sources give ends the program with status 1. `--package` builds the script of the npm package (sdk/web) instead.
 */

import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PACKAGES = path.join(ROOT, "src", "msgcenter");
/** Browsers since 2023: the oldest that have what the sources use (popovers, container queries). */
const TARGET = ["chrome114", "firefox125", "safari17"];
/** The entries of each package, in its folder static/ unless they name another; each becomes bundle/NAME.min.js or .min.css. */
const ENTRIES = {
  inbox: [
    "msg-inbox.js",
    "page.js",
    "page.css",
    "early.js",
    "device.js",
    "settings.js",
    "later.js",
    "../worker/service-worker.js",
  ],
  portal: [
    "portal.js",
    "try.js",
    "announce.js",
    "message.js",
    "directory.js",
    "template.js",
    "template-preview.js",
    "portal.css",
  ],
};
const COMMON = {
  bundle: true,
  minify: true,
  charset: "utf8",
  target: TARGET,
  // Short enough for Git to merge and show; shorter lines compress badly (3 % at 160).
  lineLimit: 1_000,
  legalComments: "none",
  write: false,
  logLevel: "error",
};

/** In the browser the inbox's scripts lie at /inbox/, and the portal's import them from there; here, in static/. */
const inboxScripts = {
  name: "inbox-scripts",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.\/\.\.\/inbox\/[^/]+\.js$/ }, ({ path: imported }) => ({
      path: path.join(PACKAGES, "inbox", "static", path.basename(imported)),
    }));
  },
};

/** The parts of the component's style sheet are template literals, which a bundler leaves as they are. */
const styleSheets = {
  name: "style-sheets",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]inbox[\\/]static[\\/]styles-[a-z]+\.js$/ }, async ({ path: file }) => {
      const source = await readFile(file, "utf8");
      const sheet = /`[^`$\\]*`/.exec(source);
      if (!sheet) throw new Error(`${file}: no template literal without \${...} and backslashes`);
      const { code } = await transform(sheet[0].slice(1, -1), { loader: "css", minify: true, target: TARGET });
      return { contents: source.replace(sheet[0], () => `\`${code.trim()}\``), loader: "js" };
    });
  },
};

/** Scripts that are no modules: one runs before the page is there, and some browsers take no modules as workers. */
const CLASSIC = ["early.js", "../worker/service-worker.js"];

async function bundlesOf(name, entries) {
  const modules = entries.filter((entry) => !CLASSIC.includes(entry));
  const scripts = entries.filter((entry) => CLASSIC.includes(entry));
  return [...(await bundled(name, modules, "esm")), ...(await bundled(name, scripts, "iife"))];
}

async function bundled(name, entries, format) {
  const { outputFiles } = await build({
    ...COMMON,
    format,
    entryPoints: entries.map((entry) => ({
      in: path.join(PACKAGES, name, "static", entry),
      out: path.parse(entry).name,
    })),
    outdir: path.join(PACKAGES, name, "bundle"),
    outExtension: { ".js": ".min.js", ".css": ".min.css" },
    plugins: [inboxScripts, styleSheets],
  });
  return outputFiles;
}

async function stale(files, folder) {
  const expected = new Set(files.map((file) => path.basename(file.path)));
  const others = (await readdir(folder).catch(() => [])).filter((name) => !expected.has(name));
  const changed = [];
  for (const file of files) {
    const current = await readFile(file.path, "utf8").catch(() => null);
    if (current !== file.text) changed.push(path.basename(file.path));
  }
  return [...changed, ...others].map((name) => path.relative(ROOT, path.join(folder, name)));
}

/** The component for other people's bundlers, which minify it themselves: readable, with the licence beside it. */
async function buildPackage() {
  const folder = path.join(ROOT, "sdk", "web");
  await build({
    ...COMMON,
    minify: false,
    lineLimit: undefined,
    format: "esm",
    write: true,
    entryPoints: [path.join(PACKAGES, "inbox", "static", "msg-inbox.js")],
    outdir: path.join(folder, "dist"),
    plugins: [styleSheets],
  });
  await copyFile(path.join(ROOT, "LICENSE"), path.join(folder, "LICENSE"));
}

async function buildBundles({ isCheck }) {
  const differing = [];
  for (const [name, entries] of Object.entries(ENTRIES)) {
    const folder = path.join(PACKAGES, name, "bundle");
    const files = await bundlesOf(name, entries);
    if (isCheck) {
      differing.push(...(await stale(files, folder)));
      continue;
    }
    await mkdir(folder, { recursive: true });
    for (const file of files) await writeFile(file.path, file.text);
  }
  if (differing.length === 0) return;
  console.error(`These differ from their sources: ${differing.join(", ")}\nRun: make bundle`);
  process.exitCode = 1;
}

if (process.argv.includes("--package")) await buildPackage();
else await buildBundles({ isCheck: process.argv.includes("--check") });
