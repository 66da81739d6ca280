/** The texts of what is loaded when it is needed, in Chinese and in English. */

/** @import { Language } from "./texts.js" */

/** @typedef {typeof en} LaterTexts */

/** @type {LaterTexts} */
const zh = {
  snoozeMenu: "什么时候再提醒？",
  inAnHour: "1 小时后",
  thisEvening: "今天晚上",
  tomorrow: "明天上午",
  nextMonday: "下周一上午",
  ownTime: "选择时间…",
  ownTimeLabel: "提醒时间",
  badTime: "请选择未来一年内的时间",
  confirm: "确定",
  cancel: "取消",
  keyList: [
    { keys: ["↑", "↓"], action: "上一条、下一条（也可用 k、j）" },
    { keys: ["Enter"], action: "打开" },
    { keys: ["u"], action: "标为已读或未读" },
    { keys: ["U"], action: "此条及更早的标为已读" },
    { keys: ["s"], action: "加或取消星标" },
    { keys: ["h"], action: "稍后提醒" },
    { keys: ["e"], action: "归档或移出归档" },
    { keys: ["Del"], action: "删除（也可用 #）" },
    { keys: ["z"], action: "撤销" },
    { keys: ["/"], action: "搜索" },
    { keys: ["Esc"], action: "关闭" },
    { keys: ["?"], action: "显示快捷键" },
  ],
};

const en = {
  snoozeMenu: "Remind me when?",
  inAnHour: "In an hour",
  thisEvening: "This evening",
  tomorrow: "Tomorrow morning",
  nextMonday: "Next Monday",
  ownTime: "Choose a time…",
  ownTimeLabel: "When to remind you",
  badTime: "Choose a time within the next year",
  confirm: "OK",
  cancel: "Cancel",
  keyList: [
    { keys: ["↑", "↓"], action: "Previous, next message (also k, j)" },
    { keys: ["Enter"], action: "Open" },
    { keys: ["u"], action: "Mark as read or unread" },
    { keys: ["U"], action: "Mark this and older as read" },
    { keys: ["s"], action: "Star or remove the star" },
    { keys: ["h"], action: "Snooze" },
    { keys: ["e"], action: "Archive or move to inbox" },
    { keys: ["Del"], action: "Delete (also #)" },
    { keys: ["z"], action: "Undo" },
    { keys: ["/"], action: "Search" },
    { keys: ["Esc"], action: "Close" },
    { keys: ["?"], action: "Show this list" },
  ],
};

/**
 * @param {Language} language
 * @returns {LaterTexts}
 */
export function laterTexts(language) {
  return language === "zh" ? zh : en;
}
