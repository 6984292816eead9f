"""A mail server that keeps what comes in a file, one line each, before it says that it has it.

mailbox.py PORT LOG
"""

import email
import json
import os
import socket
import sys
import threading

from aiosmtpd.controller import Controller

port, log = int(sys.argv[1]), sys.argv[2]


class Mailbox:
    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content)
        body = mail.get_payload(decode=True).decode()
        line = {"to": envelope.rcpt_tos, "id": mail["message-id"], "subject": mail["subject"]}
        with open(log, "a") as file:
            file.write(json.dumps({**line, "body": body}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return "250 OK"


if port == 0:
    # The controller looks whether it is there, and so has to know where.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
controller = Controller(Mailbox(), hostname="127.0.0.1", port=port)
controller.start()
print(port, flush=True)
threading.Event().wait()
