"""A server with the ports of Triton that answers any request of HTTP/2: health 8000, gRPC 8001, counters 8002.

For tests in which the server is not the point: ``python -c PROGRAM FOLDER``, with the ``behaviour.json`` of a light
model. Each answer carries the model's name, and counts as failed where the model fails; what a gateway splits is seen.
``HTTP_2`` alone is the part that answers: a program says before it what ``answer()`` is, in bytes, and serves it after.
"""

__all__ = ["HTTP_2", "PROGRAM"]

#: Preface, SETTINGS, and to each request (HEADERS, 0x1) `:status: 200` (index 8 of HPACK's table) and the answer.
HTTP_2 = """
import os, socketserver
def frame(kind, flags, stream, body=b""):
    return len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + body
class Requests(socketserver.StreamRequestHandler):
    def handle(self):
        self.rfile.read(24)
        self.wfile.write(frame(4, 0, 0))
        while head := self.rfile.read(9):
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big")
            self.rfile.read(int.from_bytes(head[:3], "big"))
            if kind == 4 and not flags & 1:
                self.wfile.write(frame(4, 1, 0))
            if kind in (0, 1) and flags & 1:
                self.wfile.write(frame(1, 4, stream, b"\\x88") + frame(0, 1, stream, answer()))
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads = True, True
def serve(port):
    Server((os.environ["ROLLMODEL_LISTEN_ADDRESS"], port), Requests).serve_forever()
"""

_COUNTED = """
import http.server, json, os, sys, threading
behaviour = json.load(open(sys.argv[1] + "/behaviour.json"))
host, lock, books = os.environ["ROLLMODEL_LISTEN_ADDRESS"], threading.Lock(), {"success": 0, "failure": 0}
def answer():
    with lock:
        number = sum(books.values()) + 1
        failed = int(number * behaviour["errors"]) > int((number - 1) * behaviour["errors"])
        books["failure" if failed else "success"] += 1
    return behaviour["name"].encode()
class Looks(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_GET(self):
        lines = [f"nv_inference_request_{name} {n}\\n" for name, n in books.items()]
        text = "".join(lines) if "metrics" in self.path else ""
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
for port in (8000, 8002):
    threading.Thread(target=http.server.ThreadingHTTPServer((host, port), Looks).serve_forever, daemon=True).start()
"""

PROGRAM = f"{_COUNTED}{HTTP_2}serve(8001)\n"
