/** How the inbox looks, as a style sheet that shadow roots adopt: no style attribute and no style element is needed. */

const css = `
:host { display: inline-block; vertical-align: middle; }
:host([mode="panel"]) { display: block; height: var(--msg-height, 100%); width: var(--msg-width, auto); min-height: 0; }
:host([hidden]) { display: none; }
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }

.root {
  --_accent: var(--msg-accent, #2b5fd9);
  --_background: var(--msg-background, #f5f6f8);
  --_surface: var(--msg-surface, #ffffff);
  --_text: var(--msg-text, #1a1e27);
  --_soft: var(--msg-text-soft, #59616f);
  --_border: var(--msg-border, #e5e8ed);
  --_radius: var(--msg-radius, 14px);
  --_badge: var(--msg-unread, #d3312f);
  --_dot: var(--msg-unread, var(--_accent));
  --_shadow: var(--msg-shadow, 0 1px 2px rgb(16 24 40 / 5%), 0 16px 40px -8px rgb(16 24 40 / 20%));
  --_lift: 0 1px 2px rgb(16 24 40 / 4%), 0 4px 16px -6px rgb(16 24 40 / 10%);
  --_hover: color-mix(in srgb, var(--_text) 5%, transparent);
  --_press: color-mix(in srgb, var(--_text) 9%, transparent);
  --_tint: color-mix(in srgb, var(--_accent) 9%, transparent);
  --_small: calc(var(--_radius) * 0.6);
  --_font: var(--msg-font, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans SC", "Noto Sans CJK SC", Arial, sans-serif);
  --_todo: #8a4b00;
  --_todo-tint: #fff3dc;
  color-scheme: light;
  font: 400 14px/1.55 var(--_font);
  color: var(--_text);
  text-align: start;
  letter-spacing: normal;
  text-transform: none;
  -webkit-text-size-adjust: 100%;
  -webkit-font-smoothing: antialiased;
}
.root[data-theme="dark"] {
  --_accent: var(--msg-accent, #86aeff);
  --_background: var(--msg-background, #101317);
  --_surface: var(--msg-surface, #191d23);
  --_text: var(--msg-text, #e9ebef);
  --_soft: var(--msg-text-soft, #a2abb8);
  --_border: var(--msg-border, #2b313a);
  --_shadow: var(--msg-shadow, 0 0 0 1px rgb(255 255 255 / 6%), 0 18px 50px -8px rgb(0 0 0 / 70%));
  --_lift: 0 1px 2px rgb(0 0 0 / 30%);
  --_todo: #ffc978;
  --_todo-tint: #3a2c14;
  color-scheme: dark;
}
.root[data-theme="dark"] .tile:not(.bone) { background: hsl(var(--hue) 28% 22%); color: hsl(var(--hue) 60% 80%); }
.root[data-mode="panel"] { height: 100%; }

button { font: inherit; color: inherit; background: none; border: 0; padding: 0; margin: 0; cursor: pointer; -webkit-tap-highlight-color: transparent; }
button:disabled { cursor: default; }
h2, h3, p, dl, dd { margin: 0; }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }
.icon { width: 20px; height: 20px; flex: none; display: block; }
.icon-more { stroke-width: 2.6; }
.spring { flex: 1; }
.probe { color: var(--_accent); background-color: var(--_surface); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.spinner { width: 14px; height: 14px; border: 2px solid color-mix(in srgb, currentColor 25%, transparent); border-top-color: currentColor; border-radius: 50%; animation: spin .8s linear infinite; flex: none; }

/* --- The bell --- */
.bell { position: relative; display: grid; place-items: center; width: 44px; height: 44px; border-radius: 50%; color: var(--msg-text, currentColor); transition: background-color .15s; }
.bell:hover, .bell[aria-expanded="true"] { background: var(--_hover); }
.bell .icon { width: 24px; height: 24px; transform-origin: 50% 10%; }
.bell.ringing .icon { animation: ring .7s ease; }
.bell-badge { position: absolute; top: 3px; inset-inline-start: 23px; min-width: 18px; height: 18px; padding: 0 5px; border-radius: 9px; background: var(--_badge); color: #fff; font: 700 11px/18px var(--_font); text-align: center; font-variant-numeric: tabular-nums; box-shadow: 0 0 0 2px var(--_surface); }

/* --- The panel --- */
.panel { container: inbox / inline-size; position: relative; display: block; width: 100%; height: 100%; min-height: 0; color: var(--_text); }
.panel:focus-visible { outline: none; }
.panel[popover] { position: fixed; inset: auto; margin: 0; padding: 0; border: 0; overflow: visible; background: none; z-index: 2147483000; width: min(var(--msg-width, 420px), calc(100vw - 12px)); height: min(var(--msg-height, 640px), calc(100vh - 96px)); min-height: min(320px, 100vh); }
.panel[popover] .frame { border-radius: var(--_radius); box-shadow: var(--_shadow); border: 1px solid var(--_border); animation: rise .16s ease-out; }
.panel[popover] .overlay { position: absolute; }
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
.frame:not([data-view="archived"]) .back, .root[data-mode="panel"] .close, .close-search, .frame[data-view="archived"] .mark-all { display: none; }
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

/* --- The list --- */
.scroller { grid-area: 4 / 1; overflow: hidden auto; overscroll-behavior: contain; min-height: 0; scrollbar-width: thin; scrollbar-color: color-mix(in srgb, var(--_text) 22%, transparent) transparent; }
.column { position: relative; min-height: 100%; display: flex; flex-direction: column; }
.chips { padding: 10px 16px 0; }
.chip { display: inline-flex; align-items: center; gap: 6px; max-width: 100%; min-height: 32px; padding: 0 10px 0 14px; border-radius: 16px; background: var(--_tint); color: var(--_accent); font-size: 13px; font-weight: 550; }
.chip span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.chip .icon { width: 14px; height: 14px; }
.item { outline: none; overflow-anchor: auto; }
.day { padding: 14px 18px 4px; color: var(--_soft); font-size: 12px; font-weight: 600; }
.card { position: relative; display: flex; gap: 12px; padding: 14px 18px; cursor: pointer; transition: background-color .15s; }
.item + .item > .card { border-top: 1px solid var(--_border); }
.item > .day:not([hidden]) + .card { border-top-color: transparent; }
.item:focus-visible > .card { outline: 2px solid var(--_accent); outline-offset: -3px; border-radius: 10px; }
.tile { display: grid; place-items: center; width: 36px; height: 36px; border-radius: 11px; background: hsl(var(--hue) 60% 94%); color: hsl(var(--hue) 45% 34%); flex: none; }
.main { flex: 1; min-width: 0; }
.meta { display: flex; align-items: center; gap: 8px; min-height: 22px; color: var(--_soft); font-size: 12.5px; line-height: 22px; }
.from { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 3em; font-weight: 550; }
.meta time { flex: none; font-variant-numeric: tabular-nums; white-space: nowrap; }
.dot { width: 9px; height: 9px; border-radius: 50%; background: var(--_dot); flex: none; transform: scale(0); transition: transform .2s; margin-inline-start: -8px; width: 0; }
.unread .dot { transform: none; width: 9px; margin-inline-start: 0; }
.unread .from { color: var(--_text); }
.official { display: inline-flex; align-items: center; gap: 4px; padding: 0 8px 0 6px; border-radius: 11px; background: var(--_accent); color: var(--_surface); font-size: 12px; font-weight: 600; white-space: nowrap; flex: none; }
.official .icon { width: 14px; height: 14px; }
.root .of-platform .tile.tile { background: var(--_accent); color: var(--_surface); }
.approval { display: inline-flex; align-items: center; gap: 4px; padding: 0 8px 0 6px; border-radius: 11px; font-size: 12px; font-weight: 600; white-space: nowrap; flex: none; }
.approval:empty { display: none; }
.approval .icon { width: 14px; height: 14px; }
[data-approval="todo"] .approval { background: var(--_todo-tint); color: var(--_todo); }
[data-approval="closed"] .approval { background: var(--_hover); color: var(--_soft); }
.reminder { display: inline-flex; align-items: center; gap: 4px; padding: 0 8px 0 6px; border-radius: 11px; background: var(--_tint); color: var(--_accent); font-size: 12px; font-weight: 600; white-space: nowrap; flex: none; }
.reminder[hidden] { display: none; }
.reminder .icon { width: 13px; height: 13px; }
.updated, .closed { margin-top: 4px; color: var(--_soft); font-size: 12.5px; overflow-wrap: anywhere; }
.quick-actions { display: flex; flex: none; gap: 0; margin-inline-end: -8px; }
.quick-actions .icon-button { width: 32px; height: 32px; margin-block: -5px; border-radius: 9px; }
.quick-actions .icon { width: 18px; height: 18px; }

.headline { font-size: 15px; line-height: 1.45; font-weight: 550; overflow-wrap: anywhere; margin-top: 2px; }
.unread .headline { font-weight: 680; }
.headline a { color: inherit; text-decoration: none; }
.headline a[href]:hover { color: var(--_accent); }
.target { border-radius: 4px; }
.content { margin-top: 3px; white-space: pre-wrap; overflow-wrap: anywhere; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 4; line-clamp: 4; overflow: hidden; }
.content.text { font-size: 15px; line-height: 1.6; -webkit-line-clamp: 6; line-clamp: 6; }
.content.soft { color: var(--_soft); }
.content.open { display: block; -webkit-line-clamp: none; line-clamp: none; }
.item:not(.unread) .content.text { color: color-mix(in srgb, var(--_text) 82%, var(--_surface)); }
.inline { color: var(--_accent); text-underline-offset: 2px; }
mark { background: #ffe28f; color: #1a1e27; border-radius: 3px; padding: 0 1px; margin: 0 -1px; }
.expand { display: inline-block; margin-top: 2px; padding: 3px 0; color: var(--_accent); font-size: 13px; font-weight: 550; }
.expand:hover { text-decoration: underline; text-underline-offset: 3px; }
.linked { display: flex; flex-wrap: wrap; gap: 0 14px; align-items: flex-start; }
.words { flex: 1 1 0; min-width: 60%; }
.picture { flex: none; overflow: hidden; border-radius: var(--_small); background: var(--_hover); margin-top: 6px; }
.picture img { display: block; width: 100%; height: 100%; object-fit: cover; }
.picture.small, .picture.waiting { width: 80px; height: 80px; }
.picture.waiting { animation: breathe 1.4s ease-in-out infinite; }
.picture.wide { width: 100%; max-width: 560px; aspect-ratio: 2 / 1; margin-top: 10px; }
.picture.wide img, .picture.small img { animation: fade .25s; }

.oa { max-width: 560px; margin-top: 6px; border: 1px solid var(--_border); border-radius: var(--_radius); overflow: hidden; background: var(--_surface); }
.oa-head { padding: 9px 14px; font-size: 14px; font-weight: 620; line-height: 1.45; overflow-wrap: anywhere; }
.oa-body { padding: 10px 14px 12px; }
.oa-body:empty { display: none; }
.oa-body .headline { margin: 0; }
.oa-body > * + * { margin-top: 8px; }
.oa-body > .content + .expand { margin-top: 2px; }
.form { display: grid; grid-template-columns: fit-content(9em) minmax(0, 1fr); gap: 5px 16px; font-size: 14px; }
.form > div { display: contents; }
.form dt { color: var(--_soft); overflow-wrap: anywhere; }
.form dd { overflow-wrap: anywhere; }
.oa-foot { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 14px; padding: 4px 14px; min-height: 40px; border-top: 1px solid var(--_border); color: var(--_soft); font-size: 13px; }
.oa-head + .oa-body:empty + .oa-foot { border-top: 0; }
.fact { display: inline-flex; align-items: center; gap: 5px; min-width: 0; overflow-wrap: anywhere; }
.fact .icon { width: 16px; height: 16px; }
.details { display: inline-flex; margin-inline-start: auto; align-items: center; gap: 2px; min-height: 32px; color: var(--_accent); font-weight: 550; text-decoration: none; }
.details:not([href]) { display: none; }
.details:hover { text-decoration: underline; text-underline-offset: 3px; }
.details .icon { width: 16px; height: 16px; }
[dir="rtl"] .icon-next, :host(:dir(rtl)) .icon-next, :host(:dir(rtl)) .icon-back { transform: scaleX(-1); }

/* With a mouse, what can be done shows where the pointer is. */
@media (hover: hover) and (pointer: fine) {
  .card:hover { background: var(--_hover); }
  .card .oa { transition: box-shadow .15s; }
  .quick-actions { position: absolute; inset: 7px 12px auto auto; padding: 3px; gap: 1px; margin: 0; border-radius: 12px; background: var(--_surface); border: 1px solid var(--_border); box-shadow: var(--_lift); opacity: 0; transition: opacity .12s; z-index: 1; }
  .quick-actions .icon-button { margin: 0; }
  .card:hover .quick-actions, .item:focus-visible .quick-actions, .quick-actions:focus-within, .quick-actions:has([aria-expanded="true"]) { opacity: 1; }
}
@media not all and (hover: hover) and (pointer: fine) {
  .quick { display: none; }
  .icon-button, .quick-actions .icon-button { width: 44px; height: 44px; }
  .quick-actions .icon-button { margin: -11px -6px -11px -10px; }
  .bar .mark-all { width: 44px; min-height: 44px; }
  .tab { height: 46px; padding: 0 12px; }
  .text-button, .button, .chip { min-height: 44px; }
  .chip { border-radius: 22px; }
  .expand { padding: 11px 0; margin-block: -4px; }
  .details { min-height: 44px; }
  .search { height: 44px; border-radius: 22px; }
  .query { font-size: 16px; }
  .menu button { min-height: 48px; }
}

/* --- States --- */
.state { flex: 1; display: grid; }
.state:empty { display: none; }
.empty { place-self: center; display: grid; justify-items: center; max-width: 340px; padding: 40px 24px 64px; text-align: center; animation: fade .25s; }
.emblem { display: grid; place-items: center; width: 76px; height: 76px; margin-bottom: 18px; border-radius: 50%; background: var(--_tint); color: var(--_accent); }
.emblem .icon { width: 34px; height: 34px; stroke-width: 1.5; }
.empty-title { font-size: 17px; font-weight: 650; }
.empty-text { margin-top: 4px; color: var(--_soft); overflow-wrap: anywhere; }
.button { margin-top: 20px; min-height: 40px; padding: 0 22px; border-radius: 20px; background: var(--_accent); color: var(--_on-accent, #fff); font-weight: 600; }
.button:hover { background: color-mix(in srgb, var(--_accent) 90%, var(--_text)); }
.bones { align-self: start; }
.skeleton .card { cursor: default; background: none; }
.bone { border-radius: 6px; background: var(--_press); animation: breathe 1.4s ease-in-out infinite; }
.tile.bone { border-radius: 11px; background: var(--_press); }
.bone.line { height: 12px; margin: 5px 0 10px; }
.bone.short { width: 34%; }
.bone.long { width: 78%; }
.bones .item:nth-child(even) .bone { animation-delay: .2s; }
.foot:not(:empty) { display: flex; align-items: center; justify-content: center; gap: 8px; min-height: 56px; padding: 8px 16px max(8px, env(safe-area-inset-bottom)); color: var(--_soft); font-size: 13px; }
.sentinel { height: 1px; margin-top: -1px; }
.pill { position: relative; grid-area: 4 / 1; justify-self: center; align-self: start; z-index: 2; display: inline-flex; align-items: center; gap: 6px; height: 36px; margin-top: 12px; padding: 0 16px 0 12px; border-radius: 18px; background: var(--_accent); color: var(--_on-accent, #fff); font-size: 13px; font-weight: 600; box-shadow: var(--_shadow); animation: drop .2s ease-out; }
.pill .icon { width: 16px; height: 16px; stroke-width: 2.2; }
.toasts { grid-area: 4 / 1; align-self: end; justify-self: center; z-index: 3; max-width: calc(100% - 24px); margin-bottom: max(16px, env(safe-area-inset-bottom)); }
.toast { display: flex; align-items: center; gap: 8px; min-height: 44px; padding: 4px 8px 4px 18px; border-radius: 22px; background: #23272f; color: #fff; box-shadow: var(--_shadow); font-size: 14px; animation: lift .2s ease-out; }
.toast > span { padding: 6px 10px 6px 0; }
.toast button { min-height: 36px; padding: 0 12px; border-radius: 18px; color: #a9c5ff; font-weight: 650; white-space: nowrap; }
.toast button:hover { background: rgb(255 255 255 / 12%); }
.toast button:focus-visible { outline-color: #a9c5ff; outline-offset: -2px; }
.root[data-theme="dark"] .toast { background: #363d48; }
.arrived > .card { animation: arrive .45s cubic-bezier(.2, .8, .2, 1); }

/* --- What floats --- */
.overlay { display: contents; }
.menu { position: fixed; inset: auto; margin: 0; min-width: 200px; max-width: min(320px, calc(100vw - 12px)); max-height: calc(100vh - 12px); overflow: auto; padding: 6px; border: 1px solid var(--_border); border-radius: 14px; background: var(--_surface); color: var(--_text); box-shadow: var(--_shadow); z-index: 2147483001; animation: rise .12s ease-out; }
.menu button { display: flex; align-items: center; gap: 12px; width: 100%; min-height: 40px; padding: 6px 12px; border-radius: 9px; text-align: start; font-size: 14px; }
.menu button span { flex: 1; overflow: hidden; text-overflow: ellipsis; }
.menu button:hover:enabled, .menu button:focus { background: var(--_hover); }
.menu button:focus-visible { outline-offset: -2px; }
.menu button:disabled { color: var(--_soft); opacity: .6; }
.menu .icon { width: 18px; height: 18px; color: var(--_soft); }
.menu .rule { height: 1px; margin: 6px 8px; background: var(--_border); }
.keys { width: min(440px, calc(100vw - 32px)); padding: 0; border: 1px solid var(--_border); border-radius: 18px; background: var(--_surface); color: var(--_text); box-shadow: var(--_shadow); animation: rise .16s ease-out; }
.keys::backdrop { background: rgb(10 14 20 / 45%); }
.keys-head { display: flex; align-items: center; justify-content: space-between; padding: 14px 12px 4px 22px; }
.keys h2 { font-size: 17px; font-weight: 650; }
.keys dl { padding: 4px 22px 20px; }
.keys dl > div { display: flex; align-items: center; gap: 16px; min-height: 40px; border-top: 1px solid var(--_border); }
.keys dl > div:first-child { border-top: 0; }
.keys dt { display: flex; gap: 4px; width: 84px; flex: none; }
kbd { min-width: 28px; padding: 0 7px; border: 1px solid var(--_border); border-bottom-width: 2px; border-radius: 7px; font: 600 12px/24px var(--_font); text-align: center; }

/* --- Wide: views at the side, cards in a column --- */
@container inbox (min-width: 900px) {
  .frame { grid-template: auto auto minmax(0, 1fr) / minmax(24px, 1fr) 224px minmax(0, 744px) minmax(24px, 1fr); background: var(--_background); }
  .bar { grid-area: 1 / 2 / 2 / 4; min-height: 76px; padding: 16px 12px 12px 0; gap: 6px; }
  .bar .spring { display: none; }
  .name { width: 224px; padding-inline-start: 14px; flex: none; }
  .title { font-size: 22px; }
  .back, .frame[data-view="archived"] .back { display: none; }
  .search, .searching .search { display: flex; height: 44px; border-radius: 14px; background: var(--_surface); border: 1px solid var(--_border); margin-inline: 12px 8px; }
  .searching .name { display: flex; }
  .open-search, .close-search, .searching .close-search { display: none; }
  .bar .mark-all, .searching .mark-all { display: inline-flex; width: auto; padding: 0 14px; min-height: 40px; color: var(--_accent); }
  .bar .mark-all span { display: inline; }
  .bar .mark-all:hover:enabled { color: var(--_accent); background: var(--_tint); }
  .bar .mark-all:disabled { color: var(--_soft); }
  .frame[data-view="archived"] .mark-all { visibility: hidden; }
  .bar .icon-button { width: 40px; height: 40px; }
  .rail { grid-area: 2 / 2 / 4 / 3; border: 0; padding-top: 10px; overflow: hidden auto; }
  .tabs { flex-direction: column; padding: 0; gap: 2px; overflow: visible; }
  .tab, .side-button { display: flex; align-items: center; gap: 12px; width: 100%; min-height: 44px; height: auto; padding: 6px 14px; border-radius: 12px; color: var(--_soft); font-weight: 550; text-align: start; transition: background-color .15s, color .15s; }
  .tab .icon { display: block; }
  .tab::after { content: none; }
  .tab-name, .side-name { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .tab:hover, .side-button:hover { background: var(--_hover); color: var(--_text); }
  .tab[aria-selected="true"], .side-button[aria-pressed="true"] { background: var(--_tint); color: var(--_accent); font-weight: 620; }
  .tab-count { background: none; }
  [aria-selected="true"] .tab-count { background: none; }
  .tab:focus-visible, .side-button:focus-visible { outline-offset: -2px; border-radius: 12px; }
  .side { display: block; margin-top: 2px; }
  .swatch { width: 10px; height: 10px; margin: 0 5px; border-radius: 4px; background: hsl(var(--hue) 55% 58%); flex: none; }
  .side-title { padding: 22px 14px 6px; font-size: 12px; font-weight: 600; color: var(--_soft); }
  .notice { grid-area: 2 / 3; margin: 10px 12px 0; border-radius: 12px; overflow: hidden; }
  .scroller { grid-area: 3 / 3 / 4 / 5; }
  .column { max-width: 744px; padding: 0 12px 24px; }
  .chips { padding: 10px 0 0; }
  .day { padding: 16px 6px 6px; }
  .item + .item, .skeleton + .skeleton { margin-top: 10px; }
  .item:has(> .day:not([hidden])) { margin-top: 0; }
  .card, .item + .item > .card, .item > .day:not([hidden]) + .card { padding: 18px 20px; gap: 16px; border: 1px solid var(--_border); border-radius: var(--_radius); background: var(--_surface); }
  .item:focus-visible > .card { outline-offset: 1px; border-radius: var(--_radius); }
  .tile { width: 40px; height: 40px; border-radius: 12px; }
  .bones { padding-top: 10px; width: 100%; }
  .pill, .toasts { grid-area: 3 / 3; }
  .oa .picture.wide { max-width: 100%; }
}
@container inbox (min-width: 900px) {
  @media (hover: hover) and (pointer: fine) {
    .card:hover { background: var(--_surface); border-color: color-mix(in srgb, var(--_text) 18%, var(--_border)); box-shadow: var(--_lift); }
    .skeleton .card:hover { border-color: var(--_border); box-shadow: none; }
  }
}

/* --- Phones: the popover covers the screen --- */
@media (max-width: 560px) {
  .panel[popover] { top: 0 !important; left: 0 !important; width: 100vw; height: 100dvh; }
  .panel[popover] .frame { border: 0; border-radius: 0; padding-top: env(safe-area-inset-top); }
  .card { padding-inline: 16px; }
}

@keyframes spin { to { transform: rotate(1turn); } }
@keyframes fade { from { opacity: 0; } }
@keyframes breathe { 50% { opacity: .45; } }
@keyframes rise { from { opacity: 0; transform: translateY(-6px); } }
@keyframes lift { from { opacity: 0; transform: translateY(10px); } }
@keyframes drop { from { opacity: 0; transform: translateY(-12px); } }
@keyframes arrive { from { opacity: 0; transform: translateY(-22px); background: var(--_tint); } }
@keyframes ring { 0%, 100% { transform: none; } 20% { transform: rotate(14deg); } 40% { transform: rotate(-12deg); } 60% { transform: rotate(8deg); } 80% { transform: rotate(-5deg); } }
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation-duration: .01ms !important; animation-iteration-count: 1 !important; transition-duration: .01ms !important; }
}
@media (forced-colors: active) {
  .dot, .bell-badge { forced-color-adjust: none; }
  .tab[aria-selected="true"] { text-decoration: underline; }
}
`;

export const sheet = new CSSStyleSheet();
sheet.replaceSync(css);
