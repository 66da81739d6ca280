/** How the list looks: days, cards, and the bodies of messages. */

export const list = `
/* --- The list --- */
.scroller { grid-area: 4 / 1; overflow: hidden auto; overscroll-behavior: contain; min-height: 0; scrollbar-width: thin; scrollbar-color: color-mix(in srgb, var(--_text) 22%, transparent) transparent; }
.column { position: relative; min-height: 100%; display: flex; flex-direction: column; }
.chips { padding: 10px 16px 0; }
.chips:not([hidden]) { display: flex; align-items: center; gap: 4px; }
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
.from.two { display: flex; white-space: pre; }
.sender, .by { overflow: hidden; text-overflow: ellipsis; }
.sender { flex: 0 1000 auto; min-width: 2em; }
.by { min-width: 0; color: var(--_soft); font-weight: 400; }
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
.marks { display: inline-flex; align-items: center; gap: 6px; flex: none; }
.marks[hidden] { display: none; }
.star { display: grid; color: var(--_todo); }
.star .icon { width: 15px; height: 15px; fill: currentColor; }
.asleep { display: inline-flex; align-items: center; gap: 4px; padding: 0 8px 0 6px; border-radius: 11px; background: var(--_tint); color: var(--_accent); font-size: 12px; font-weight: 600; white-space: nowrap; }
.asleep .icon { width: 14px; height: 14px; }
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
`;
