"""A receiver of notifications: keeps what comes in a file, one line each, before it answers.

receiver.py PORT LOG MODE: the file MODE says `ok`, `fail` (503) or `hang`.
"""

import http.server
import json
import os
import sys
import time

port, log, mode = int(sys.argv[1]), sys.argv[2], sys.argv[3]


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def take(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        with open(mode) as file:
            now = file.read().strip()
        if now == "hang":
            time.sleep(3600)
        if now == "ok":
            headers = {name.lower(): value for name, value in self.headers.items()}
            text = body.decode()
            line = {"method": self.command, "path": self.path, "headers": headers, "text": text}
            with open(log, "a") as file:
                file.write(json.dumps(line) + "\n")
                file.flush()
                os.fsync(file.fileno())
        self.send_response(200 if now == "ok" else 503)
        self.send_header("content-length", "0")
        self.end_headers()

    do_POST = do_PUT = take

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


server = Server(("127.0.0.1", port), Receiver)
print(server.server_address[1], flush=True)
server.serve_forever()
