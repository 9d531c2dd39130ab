#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""echo_file.py ADDRESS PORT FILE: a file there and back, both ways at once.

What comes back is compared with the file as it comes.
"""
import mmap
import socket
import sys
import threading

address, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
CHUNK = 1 << 18

with open(path, "rb") as f:
    want = memoryview(mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ))

sock = socket.create_connection((address, port), timeout=280)


def send():
    for at in range(0, len(want), CHUNK):
        sock.sendall(want[at:at + CHUNK])
    sock.shutdown(socket.SHUT_WR)


sender = threading.Thread(target=send)
sender.start()
got = 0
while True:
    data = sock.recv(CHUNK)
    if not data:
        break
    assert data == want[got:got + len(data)], "different after %d bytes" % got
    got += len(data)
sender.join()
assert got == len(want), "%d of %d bytes came back" % (got, len(want))
print("%d bytes each way" % got)
