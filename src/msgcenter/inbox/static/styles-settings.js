/** How the settings look. They adopt the component's style sheet as well. */

export const settings = `
.settings { display: flex; flex-direction: column; width: min(560px, calc(100vw - 24px)); max-height: min(760px, calc(100dvh - 32px)); margin: auto; padding: 0; border: 1px solid var(--_border); border-radius: 16px; background: var(--_surface); color: var(--_text); box-shadow: var(--_shadow); overflow: hidden; }
.settings:not([open]) { display: none; }
.settings::backdrop { background: rgb(10 14 22 / 45%); }
.settings-head { display: flex; align-items: center; justify-content: space-between; padding: 14px 14px 10px 20px; border-bottom: 1px solid var(--_border); }
.settings-head h2 { font-size: 17px; font-weight: 650; }
.settings-body { padding: 4px 20px 24px; overflow-y: auto; overscroll-behavior: contain; }
.settings-body h3 { margin: 22px 0 4px; font-size: 15px; font-weight: 650; }
.settings-body h4 { margin: 18px 0 2px; color: var(--_soft); font-size: 13px; font-weight: 600; }
.setting { display: flex; align-items: center; gap: 16px; min-height: 56px; padding: 10px 0; }
.setting + .setting { border-top: 1px solid var(--_border); }
.setting-text { flex: 1; min-width: 0; }
.setting-name { display: block; font-weight: 550; overflow-wrap: anywhere; }
.setting-hint { display: block; margin-top: 2px; color: var(--_soft); font-size: 13px; overflow-wrap: anywhere; }
.setting-tag { margin-inline-start: 8px; padding: 1px 7px; border-radius: 9px; background: var(--_todo-tint); color: var(--_todo); font-size: 12px; font-weight: 550; white-space: nowrap; }
.switch { position: relative; flex: none; width: 44px; height: 26px; margin: 0; border-radius: 13px; background: color-mix(in srgb, var(--_text) 45%, var(--_surface)); appearance: none; cursor: pointer; transition: background-color .15s; }
.switch::before { content: ""; position: absolute; inset: 3px auto auto 3px; width: 20px; height: 20px; border-radius: 50%; background: var(--_surface); transition: transform .15s; }
.switch:checked { background: var(--_accent); }
.switch:checked::before { transform: translateX(18px); }
.switch:disabled { opacity: .45; cursor: default; }
.settings select, .settings input[type="time"] { min-height: 40px; max-width: 60%; padding: 0 10px; border: 1px solid color-mix(in srgb, var(--_text) 45%, var(--_surface)); border-radius: 10px; background: var(--_surface); color: var(--_text); font: inherit; }
.settings .quiet-times { display: flex; align-items: center; gap: 8px; }
.settings .quiet-times input { max-width: none; }
.setting.wrapping { flex-wrap: wrap; gap: 8px 16px; }
.setting.wrapping .setting-text { flex: 1 1 160px; }
.setting-boxes { display: flex; flex-wrap: wrap; gap: 4px 14px; }
.setting-box { display: inline-flex; align-items: center; gap: 6px; min-height: 32px; cursor: pointer; }
.setting-box:has(:disabled) { color: var(--_soft); cursor: default; }
.box { width: 18px; height: 18px; margin: 0; accent-color: var(--_accent); }
.settings-trouble { margin: 12px 0 0; padding: 10px 14px; border-radius: 10px; background: var(--_todo-tint); color: var(--_todo); }
.settings-trouble:empty { display: none; }
.settings-wait { display: flex; justify-content: center; padding: 40px 0; }
@media (max-width: 600px) {
  .settings { width: 100vw; max-width: none; height: 100dvh; max-height: none; border: 0; border-radius: 0; }
  .settings-head { padding-top: max(14px, env(safe-area-inset-top)); }
  .settings-body { padding-bottom: max(24px, env(safe-area-inset-bottom)); }
  .settings .switch::after { content: ""; position: absolute; inset: -9px 0; }
}
@media (forced-colors: active) {
  .switch { border: 1px solid ButtonText; }
  .switch::before { background: ButtonText; }
  .switch:checked { background: Highlight; forced-color-adjust: none; }
}
@media (prefers-reduced-motion: reduce) { .switch, .switch::before { transition: none; } }
`;
