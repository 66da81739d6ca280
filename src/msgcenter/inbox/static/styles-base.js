/** How the inbox looks: its colours, which host pages set by custom properties, and the elements that all parts use. */

export const base = `
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
`;
