#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""echo_client.py ADDRESS PORT CONNECTIONS BYTES: the kernel TCP's side.

Opens all connections, and only when every one is established sends BYTES over
each, half-closes, and expects them back unchanged, then the end.  The
content tells its connection and its place, so that nothing mixed up, missing
or doubled goes unnoticed.
"""
import errno
import os
import resource
import selectors
import socket
import struct
import sys
import time

address, port = sys.argv[1], int(sys.argv[2])
count, size = int(sys.argv[3]), int(sys.argv[4])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
slow = 10 if os.environ.get("XTCP_TEST_DEBUG", "0") != "0" else 1
deadline = time.monotonic() + 200 * slow


class Flow:
    def __init__(self, number):
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.setblocking(False)
        words = (size + 7) // 8
        self.want = b"".join(struct.pack(">II", number, i)
                             for i in range(words))[:size]
        self.sent, self.got, self.up = 0, bytearray(), False
        err = self.sock.connect_ex((address, port))
        assert err in (0, errno.EINPROGRESS), errno.errorcode[err]

    def connected(self):
        err = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        assert err == 0, errno.errorcode[err]
        self.sock.getpeername()
        self.up = True

    def write(self):
        if self.sent < size:
            chunk = memoryview(self.want)[self.sent:self.sent + 65536]
            self.sent += self.sock.send(chunk)
        if self.sent == size:
            self.sock.shutdown(socket.SHUT_WR)
            return True
        return False

    def read(self):
        data = self.sock.recv(65536)
        self.got += data
        assert len(self.got) <= size
        if data:
            return False
        assert self.got == self.want, "%d of %d bytes back, %s" % (
            len(self.got), size,
            "different" if len(self.got) == size else "short")
        return True


def wait(sel):
    left = deadline - time.monotonic()
    assert left > 0, "timeout"
    return sel.select(left)


resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
flows = [Flow(i) for i in range(count)]
sel = selectors.DefaultSelector()
for flow in flows:
    sel.register(flow.sock, selectors.EVENT_WRITE, flow)
waiting = count
while waiting:
    for key, _ in wait(sel):
        key.data.connected()
        sel.unregister(key.fileobj)
        waiting -= 1
print("%d connections established" % count)

for flow in flows:
    sel.register(flow.sock, selectors.EVENT_READ | selectors.EVENT_WRITE, flow)
waiting = count
while waiting:
    for key, events in wait(sel):
        flow = key.data
        if events & selectors.EVENT_WRITE and flow.write():
            sel.modify(key.fileobj, selectors.EVENT_READ, flow)
        if events & selectors.EVENT_READ and flow.read():
            sel.unregister(key.fileobj)
            flow.sock.close()
            waiting -= 1
print("%d bytes back on each" % size)
