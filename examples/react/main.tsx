import type { MsgInbox } from "msgcenter-inbox/react";
import "msgcenter-inbox/react";
import { useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";

interface Access {
  server: string;
  token: string;
}

async function inboxAccess(): Promise<Access> {
  return (await fetch("/inbox-token")).json();
}

const renewToken = async () => (await inboxAccess()).token;

function Inbox({ server, token }: Access) {
  const [unread, setUnread] = useState(0);
  const [isShown, setShown] = useState(true);
  const inbox = useRef<MsgInbox>(null);

  useEffect(() => {
    const controller = new AbortController();
    inbox.current?.addEventListener("msg-inbox:counts", ({ detail }) => setUnread(detail.unread), controller);
    return () => controller.abort();
  }, []);

  return (
    <main>
      <h1>School</h1>
      <p role="status">Unread messages: {unread}</p>
      <button type="button" onClick={() => setShown(!isShown)}>
        {isShown ? "Hide messages" : "Show messages"}
      </button>
      <div style={{ height: 600, display: isShown ? "block" : "none" }}>
        <msg-inbox ref={inbox} server={server} token={token} mode="panel" renewToken={renewToken} />
      </div>
    </main>
  );
}

inboxAccess().then((access) => {
  const place = document.querySelector("#app");
  if (place) createRoot(place).render(<Inbox {...access} />);
});
