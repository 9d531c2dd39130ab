#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""who_server.py ADDRESS PORT: says "port PORT" to whoever asks, by HTTP.

Closes first, as HTTP/1.0 servers do.  Imports little: it is started often.
"""
import socket
import sys

address, port = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
body = b"port %d\n" % port
answer = b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

server = socket.socket(family, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind((address, port))
server.listen(16)
while True:
    client, _ = server.accept()
    with client:
        request = b""
        while b"\r\n\r\n" not in request:
            data = client.recv(4096)
            if not data:
                break
            request += data
        else:
            client.sendall(answer)
