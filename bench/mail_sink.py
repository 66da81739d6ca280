"""A mail server that accepts everything and keeps nothing: `python -m bench.mail_sink` prints its port.

It does as little as SMTP allows, because it shares the cores with what is measured. A line on its standard input makes
it print the number of mails so far.
"""

import asyncio
import sys
from contextlib import suppress


class Sink:
    """Counts mails."""

    def __init__(self) -> None:
        self.mails = 0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer a client until it leaves."""
        writer.write(b"220 sink\r\n")
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                command = line[:4].upper()
                if command == b"DATA":
                    writer.write(b"354 go\r\n")
                    await reader.readuntil(b"\r\n.\r\n")
                    self.mails += 1
                writer.write(b"221 bye\r\n" if command == b"QUIT" else b"250 accepted\r\n")
                if command == b"QUIT":
                    break
        writer.close()


async def main() -> None:
    """Serve until the standard input ends."""
    sink = Sink()
    server = await asyncio.start_server(sink.converse, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(sink.mails, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
