/** How the inbox fills wide screens and phones, what moves, and what does not for those who want it calm. */

export const layout = `
/* --- Wide: views at the side, cards in a column --- */
@container inbox (min-width: 900px) {
  .frame { grid-template: auto auto minmax(0, 1fr) / minmax(24px, 1fr) 224px minmax(0, 744px) minmax(24px, 1fr); background: var(--_background); }
  .bar { grid-area: 1 / 2 / 2 / 4; min-height: 76px; padding: 16px 12px 12px 0; gap: 6px; }
  .bar .spring { display: none; }
  .name { width: 224px; padding-inline-start: 14px; flex: none; }
  .title { font-size: 22px; }
  .back, .folder .back { display: none; }
  .search, .searching .search { display: flex; height: 44px; border-radius: 14px; background: var(--_surface); border: 1px solid var(--_border); margin-inline: 12px 8px; }
  .searching .name { display: flex; }
  .open-search, .close-search, .searching .close-search { display: none; }
  .bar .mark-all, .searching .mark-all { display: inline-flex; width: auto; padding: 0 14px; min-height: 40px; color: var(--_accent); }
  .bar .mark-all span { display: inline; }
  .bar .mark-all:hover:enabled { color: var(--_accent); background: var(--_tint); }
  .bar .mark-all:disabled { color: var(--_soft); }
  .frame:is([data-view="archived"], [data-view="snoozed"]) .mark-all { visibility: hidden; }
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
  .muted { display: grid; color: var(--_soft); }
  .muted .icon { width: 16px; height: 16px; }
  .is-muted .side-name, .is-muted .tab-count { color: var(--_soft); font-weight: 450; }
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

/* --- Narrow: badges that need room stand below who has sent it --- */
@container inbox (max-width: 520px) {
  .meta:has(.asleep, .reminder:not([hidden])) { flex-wrap: wrap; row-gap: 2px; }
  .meta:has(.asleep, .reminder:not([hidden]))::after { content: ""; order: 1; flex-basis: 100%; }
  .meta:has(.asleep, .reminder:not([hidden])) :is(.approval, .marks, .reminder) { order: 2; }
  .meta:has(.asleep, .reminder:not([hidden])) > .from { flex: 1 1 0; }
}

/* --- Phones --- */
@media (max-width: 560px) {
  .card { padding-inline: 16px; }
}

@keyframes spin { to { transform: rotate(1turn); } }
@keyframes fade { from { opacity: 0; } }
@keyframes breathe { 50% { opacity: .45; } }
@keyframes rise { from { opacity: 0; transform: translateY(-6px); } }
@keyframes lift { from { opacity: 0; transform: translateY(10px); } }
@keyframes drop { from { opacity: 0; transform: translateY(-12px); } }
@keyframes arrive { from { opacity: 0; transform: translateY(-22px); background: var(--_tint); } }
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation-duration: .01ms !important; animation-iteration-count: 1 !important; transition-duration: .01ms !important; }
}
@media (forced-colors: active) {
  .dot { forced-color-adjust: none; }
  .tab[aria-selected="true"] { text-decoration: underline; }
}
`;
