/** The inbox's API on a device that keeps messages: without a network, the newest can be read and marked. */

import { Api, ApiError } from "./api.js";
import { belongsTo } from "./view.js";

/** @import { ChangeResult, Page, Session, View } from "./api.js" */
/** @import { Device } from "./device.js" */

export class OfflineApi extends Api {
  #device;

  /**
   * @param {string} server
   * @param {Session} session
   * @param {string} language
   * @param {Device} device
   */
  constructor(server, session, language, device) {
    super(server, session, language);
    this.#device = device;
  }

  /**
   * Marks that were made without a network are sent first, so that the list has them.
   *
   * @param {View} view
   * @param {Parameters<Api["list"]>[1]} [options]
   * @returns {Promise<Page>}
   * @override
   */
  async list(view, options = {}) {
    await this.#device.sendMarks();
    try {
      return await super.list(view, options);
    } catch (error) {
      const kept = isOffline(error) && !options.cursor ? await this.#device.keptList() : null;
      if (!kept) throw error;
      const messages = kept.messages.filter((message) => belongsTo(view, message));
      const oldest = kept.messages.at(-1);
      return {
        messages,
        nextCursor: kept.hasMore && oldest ? oldest.id : null,
        ...(kept.counts && { counts: kept.counts }),
      };
    }
  }

  /**
   * @param {string[]} ids
   * @param {boolean} read
   * @returns {Promise<ChangeResult>}
   * @override
   */
  async setRead(ids, read) {
    try {
      return await super.setRead(ids, read);
    } catch (error) {
      if (!isOffline(error) || !(await this.#device.keepMarks(ids, read))) throw error;
      return { changed: ids, counts: null };
    }
  }
}

/**
 * Return whether a call did not reach the server.
 *
 * @param {unknown} error
 */
function isOffline(error) {
  return error instanceof ApiError && error.status === 0;
}
