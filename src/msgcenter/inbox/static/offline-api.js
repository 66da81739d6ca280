/** The inbox's API on a device that keeps messages: without a network, the newest can be read and marked. */

import { belongsTo } from "./view.js";

/** @import { Api } from "./api.js" */
/** @import { Device } from "./device.js" */

/**
 * Let an API answer from what a device keeps while the server is out of reach.
 *
 * @param {Api} api
 * @param {Device} device
 */
export function answerOffline(api, device) {
  const list = api.list.bind(api);
  const setRead = api.setRead.bind(api);

  api.list = async (view, options = {}) => {
    // Marks that were made without a network are sent first, so that the list has them.
    await device.sendMarks();
    try {
      return await list(view, options);
    } catch (error) {
      const kept = isOffline(error) && !options.cursor ? await device.keptList() : null;
      if (!kept) throw error;
      const messages = kept.messages.filter((message) => belongsTo(view, message));
      const oldest = kept.messages.at(-1);
      return {
        messages,
        nextCursor: kept.hasMore && oldest ? oldest.id : null,
        ...(kept.counts && { counts: kept.counts }),
      };
    }
  };

  api.setRead = async (ids, read) => {
    try {
      return await setRead(ids, read);
    } catch (error) {
      if (!isOffline(error) || !(await device.keepMarks(ids, read))) throw error;
      return { changed: ids, counts: null };
    }
  };
}

/**
 * Return whether a call did not reach the server. The error is one of the component's script, which is not this one.
 *
 * @param {unknown} error
 */
function isOffline(error) {
  return /** @type {Partial<import("./api.js").ApiError>} */ (error).status === 0;
}
