/** JSX types of <msg-inbox> for React 19: import "msgcenter-inbox/react". */

import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type { MsgInbox, MsgInboxAttributes, RenewToken } from "./index.js";

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "msg-inbox": Omit<DetailedHTMLProps<HTMLAttributes<MsgInbox>, MsgInbox>, keyof MsgInboxAttributes> &
        MsgInboxAttributes & { renewToken?: RenewToken };
    }
  }
}

export * from "./index.js";
