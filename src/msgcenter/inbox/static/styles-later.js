/** How the dialogs look that are loaded when they are needed. */

export const later = `
.keys { width: min(440px, calc(100vw - 32px)); padding: 0; border: 1px solid var(--_border); border-radius: 18px; background: var(--_surface); color: var(--_text); box-shadow: var(--_shadow); animation: rise .16s ease-out; }
.keys::backdrop { background: rgb(10 14 20 / 45%); }
.keys-head { display: flex; align-items: center; justify-content: space-between; padding: 14px 12px 4px 22px; }
.keys h2 { font-size: 17px; font-weight: 650; }
.keys dl { padding: 4px 22px 20px; }
.keys dl > div { display: flex; align-items: center; gap: 16px; min-height: 40px; border-top: 1px solid var(--_border); }
.keys dl > div:first-child { border-top: 0; }
.keys dt { display: flex; gap: 4px; width: 84px; flex: none; }
.ask { width: min(340px, calc(100vw - 32px)); }
.ask form { display: grid; gap: 10px; padding: 20px 22px; }
.ask label { font-size: 15px; font-weight: 620; }
.ask input { width: 100%; min-height: 44px; padding: 0 12px; border: 1px solid var(--_border); border-radius: 10px; background: var(--_surface); color: var(--_text); color-scheme: light; font: 16px var(--_font); }
.root[data-theme="dark"] .ask input { color-scheme: dark; }
.ask-foot { display: flex; justify-content: flex-end; align-items: center; gap: 8px; }
.ask-foot button { min-height: 44px; margin: 0; padding: 0 18px; border-radius: 22px; }
.refusal { color: var(--_todo); font-size: 13.5px; }
.refusal:empty { display: none; }
kbd { min-width: 28px; padding: 0 7px; border: 1px solid var(--_border); border-bottom-width: 2px; border-radius: 7px; font: 600 12px/24px var(--_font); text-align: center; }
`;
