/** How loading, empty and failed lists, new messages, notes, menus and dialogs look. */

export const states = `
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
.toasts { grid-area: 4 / 1; align-self: end; justify-self: center; display: grid; justify-items: center; gap: 8px; z-index: 3; max-width: calc(100% - 24px); margin-bottom: max(16px, env(safe-area-inset-bottom)); }
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
.menu small { flex: none; color: var(--_soft); font-size: 12.5px; font-variant-numeric: tabular-nums; }
.menu .rule { height: 1px; margin: 6px 8px; background: var(--_border); }
`;
