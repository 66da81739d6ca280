/** The texts of the settings, in Chinese and in English. */

/** @import { Language } from "./texts.js" */

/** @typedef {typeof en} SettingsTexts */

/** @type {SettingsTexts} */
const zh = {
  title: "设置",
  close: "关闭",
  retry: "重试",
  loading: "正在加载",
  failed: "设置加载失败，请检查网络后重试",
  couldNot: "没有保存成功，请重试",
  device: "此设备",
  push: "在此设备上接收通知",
  pushStates: {
    on: "消息中心关闭时，未读消息也会以通知提醒您",
    off: "开启后，消息中心关闭时也能收到通知；浏览器会请求您的许可",
    blocked: "浏览器已禁止通知：请在浏览器的网站设置中允许后重新打开此页",
    unsupported: "此浏览器不支持推送通知。iPhone 和 iPad 请先将此页添加到主屏幕，再从主屏幕打开",
    unavailable: "您的学校或平台尚未开通推送通知",
  },
  keep: "在此设备上保留消息",
  keepHint: "最近的 100 条消息可离线阅读，登录保留至过期。请勿在公用电脑上开启；关闭后立即清除",
  others: "其他接收通知的设备",
  unnamed: "未命名的浏览器",
  since: (when) => `自 ${when}`,
  remove: "移除",
  removeDevice: (name) => `移除：${name}`,
};

const en = {
  title: "Settings",
  close: "Close",
  retry: "Try again",
  loading: "Loading",
  failed: "The settings could not be loaded. Check your connection and try again.",
  couldNot: "That was not saved. Please try again.",
  device: "This device",
  push: "Notifications on this device",
  pushStates: {
    on: "You are notified of unread messages even when this page is closed",
    off: "Be notified even when this page is closed; the browser will ask for your permission",
    blocked: "The browser blocks notifications: allow them in its settings for this website, and open this page again",
    unsupported: "This browser has no push notifications. On an iPhone or iPad, add this page to the home screen first",
    unavailable: "Your school or platform does not offer push notifications",
  },
  keep: "Keep messages on this device",
  keepHint:
    "The newest 100 messages can be read offline, and you stay signed in until your session ends. Not for shared computers; turning it off erases everything",
  others: "Other devices with notifications",
  unnamed: "Unnamed browser",
  since: (/** @type {string} */ when) => `Since ${when}`,
  remove: "Remove",
  removeDevice: (/** @type {string} */ name) => `Remove: ${name}`,
};

/**
 * @param {Language} language
 * @returns {SettingsTexts}
 */
export function settingsTexts(language) {
  return language === "zh" ? zh : en;
}
