/** The texts of the portal's scripts, in Chinese and in English; those of its pages are in the templates. */

/**
 * @typedef {"zh" | "en"} Language
 * @typedef {typeof en} Texts
 */

/** @type {Texts} */
const zh = {
  copy: "复制",
  copied: "已复制",
  nextModMsgStatus: "下一步：把它设为已读",
  nextGetMsgStatus: "下一步：看谁已读",
  notAnObject: "须为JSON对象",
  invalidJson: (reason) => `不是有效的JSON：${reason}`,
  callsLeft: (count) => `本秒剩余调用次数：${count}`,
};

const en = {
  copy: "Copy",
  copied: "Copied",
  nextModMsgStatus: "Next: set it read",
  nextGetMsgStatus: "Next: see who has read it",
  notAnObject: "it must be a JSON object",
  invalidJson: (/** @type {string} */ reason) => `Invalid JSON: ${reason}`,
  callsLeft: (/** @type {string} */ count) => `Calls left in this second: ${count}`,
};

/** The language of the page. @type {Language} */
export const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";

/** The texts in the language of the page. */
export const texts = language === "zh" ? zh : en;
