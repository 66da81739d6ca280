/** How the bell and its popover look. */

export const bell = `
.bell { position: relative; display: grid; place-items: center; width: 44px; height: 44px; border-radius: 50%; color: var(--msg-text, currentColor); transition: background-color .15s; }
.bell:hover, .bell[aria-expanded="true"] { background: var(--_hover); }
.bell .icon { width: 24px; height: 24px; transform-origin: 50% 10%; }
.bell.ringing .icon { animation: ring .7s ease; }
.bell-badge { position: absolute; top: 3px; inset-inline-start: 23px; min-width: 18px; height: 18px; padding: 0 5px; border-radius: 9px; background: var(--_badge); color: #fff; font: 700 11px/18px var(--_font); text-align: center; font-variant-numeric: tabular-nums; box-shadow: 0 0 0 2px var(--_surface); }

.panel[popover] { position: fixed; inset: auto; margin: 0; padding: 0; border: 0; overflow: visible; background: none; z-index: 2147483000; width: min(var(--msg-width, 420px), calc(100vw - 12px)); height: min(var(--msg-height, 640px), calc(100vh - 96px)); min-height: min(320px, 100vh); }
.panel[popover] .frame { border-radius: var(--_radius); box-shadow: var(--_shadow); border: 1px solid var(--_border); animation: rise .16s ease-out; }
.panel[popover] .overlay { position: absolute; }

/* On a phone the popover covers the screen. */
@media (max-width: 560px) {
  .panel[popover] { top: 0 !important; left: 0 !important; width: 100vw; height: 100dvh; }
  .panel[popover] .frame { border: 0; border-radius: 0; padding-top: env(safe-area-inset-top); }
}
@keyframes ring { 0%, 100% { transform: none; } 20% { transform: rotate(14deg); } 40% { transform: rotate(-12deg); } 60% { transform: rotate(8deg); } 80% { transform: rotate(-5deg); } }
@media (forced-colors: active) {
  .bell-badge { forced-color-adjust: none; }
}
`;
