import "msgcenter-inbox";

const inbox = document.querySelector("msg-inbox");

async function inboxToken() {
  return (await fetch("/inbox-token")).json();
}

inbox.renewToken = async () => (await inboxToken()).token;
inbox.addEventListener("msg-inbox:counts", ({ detail }) => {
  document.querySelector("#summary").textContent = `Unread messages: ${detail.unread}`;
});
const { server, token } = await inboxToken();
inbox.setAttribute("server", server);
inbox.setAttribute("token", token);
