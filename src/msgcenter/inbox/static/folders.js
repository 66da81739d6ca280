/** The views beside the inbox. */

/** @import { IconName } from "./dom.js" */

/** @type {{filter: "starred" | "snoozed" | "archived", icon: IconName}[]} */
export const FOLDERS = [
  { filter: "starred", icon: "star" },
  { filter: "snoozed", icon: "moon" },
  { filter: "archived", icon: "archive" },
];
