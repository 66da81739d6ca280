/** How the panel's frame, its bar, its views and its notice look. */

export const panel = `
/* --- The panel --- */
.panel { container: inbox / inline-size; position: relative; display: block; width: 100%; height: 100%; min-height: 0; color: var(--_text); }
.panel:focus-visible { outline: none; }
.frame { position: relative; display: grid; grid-template: auto auto auto minmax(0, 1fr) / minmax(0, 1fr); width: 100%; height: 100%; overflow: hidden; background: var(--_surface); }
.bar { grid-area: 1 / 1; display: flex; align-items: center; gap: 2px; min-height: 56px; padding: 8px 8px 4px 18px; }
.name { display: flex; align-items: center; gap: 8px; min-width: 0; }
.title { font-size: 18px; line-height: 1.3; font-weight: 650; letter-spacing: -.01em; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.count { min-width: 22px; padding: 0 7px; border-radius: 11px; background: var(--_tint); color: var(--_accent); font-size: 12px; font-weight: 650; line-height: 22px; text-align: center; font-variant-numeric: tabular-nums; }
.count:empty { display: none; }
.icon-button { display: grid; place-items: center; width: 36px; height: 36px; border-radius: 10px; color: var(--_soft); flex: none; transition: background-color .15s, color .15s; }
.icon-button:hover, .icon-button[aria-expanded="true"] { background: var(--_hover); color: var(--_text); }
.icon-button:active { background: var(--_press); }
.text-button { display: inline-flex; align-items: center; gap: 6px; min-height: 36px; padding: 0 10px; border-radius: 10px; color: var(--_accent); font-weight: 550; white-space: nowrap; transition: background-color .15s; }
.text-button:hover { background: var(--_tint); }
.text-button:disabled { color: var(--_soft); opacity: .55; background: none; }
.bar .mark-all { width: 36px; padding: 0; justify-content: center; color: var(--_soft); }
.bar .mark-all span { display: none; }
.bar .mark-all:hover:enabled { color: var(--_text); background: var(--_hover); }
.frame:not(.folder) .back, .root[data-mode="panel"] .close, .close-search, .frame:is([data-view="archived"], [data-view="snoozed"]) .mark-all { display: none; }
.back, .close-search { margin-inline-start: -10px; }

.search { position: relative; display: none; align-items: center; flex: 1; min-width: 0; height: 40px; border-radius: 20px; background: var(--_hover); color: var(--_soft); }
.search > .icon { position: absolute; inset-inline-start: 12px; width: 18px; height: 18px; pointer-events: none; }
.query { width: 100%; height: 100%; padding: 0 42px 0 38px; border: 0; border-radius: inherit; background: none; font: inherit; font-size: 15px; color: var(--_text); appearance: none; }
.query::placeholder { color: var(--_soft); opacity: 1; }
.query::-webkit-search-cancel-button { display: none; }
.clear { position: absolute; inset-inline-end: 2px; border-radius: 50%; }
.clear .icon { width: 16px; height: 16px; }
.searching .search { display: flex; }
.searching .close-search { display: grid; }
.searching .name, .searching .open-search, .searching .mark-all, .searching .back, .searching .bar > .spring { display: none; }

.rail { grid-area: 2 / 1; border-bottom: 1px solid var(--_border); }
.tabs { display: flex; gap: 4px; padding: 0 10px; overflow-x: auto; scrollbar-width: none; }
.tab { position: relative; display: inline-flex; align-items: center; gap: 6px; height: 42px; padding: 0 10px; color: var(--_soft); font-weight: 550; white-space: nowrap; transition: color .15s; }
.tab .icon { display: none; }
.tab::after { content: ""; position: absolute; inset: auto 8px -1px; height: 2px; border-radius: 2px 2px 0 0; background: var(--_accent); opacity: 0; transform: scaleX(.4); transition: opacity .15s, transform .2s; }
.tab:hover { color: var(--_text); }
.tab[aria-selected="true"] { color: var(--_accent); }
.tab[aria-selected="true"]::after { opacity: 1; transform: none; }
.tab:focus-visible { outline-offset: -4px; border-radius: 10px; }
.tab-count { min-width: 20px; padding: 0 6px; border-radius: 10px; background: var(--_hover); color: var(--_soft); font-size: 12px; font-weight: 600; line-height: 20px; text-align: center; font-variant-numeric: tabular-nums; }
.tab-count:empty { display: none; }
[aria-selected="true"] .tab-count { background: var(--_tint); color: var(--_accent); }
.side { display: none; }

.notice { grid-area: 3 / 1; }
.notice:not(:empty) { display: flex; align-items: center; justify-content: center; gap: 8px; padding: 8px 16px; background: var(--_todo-tint); color: var(--_todo); font-size: 13px; animation: fade .2s; }
.notice .icon { width: 18px; height: 18px; }
`;
