#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""echo_server.py ADDRESS PORT: the textbook server, one client at a time.

Sends back what comes until the peer has finished, then finishes too.
"""
import socket
import sys

address, port = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6 if ":" in address else socket.AF_INET

server = socket.socket(family, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind((address, port))
server.listen(5)
while True:
    client, peer = server.accept()
    with client:
        assert client.family == family and peer[0] != address
        while True:
            data = client.recv(65536)
            if not data:
                break
            client.sendall(data)
