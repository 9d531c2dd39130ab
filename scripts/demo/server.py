#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The server of the demo: an ordinary program that knows of nothing special."""
import socket

# 1. Socket creation and binding
server_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server_fd = server_socket.fileno()
server_socket.bind(("0.0.0.0", 8080))

# 2. Listen state setup
server_socket.listen(5)  # Backlog of 5

# 3. Accept connection process
while True:
    client_socket, addr = server_socket.accept()
    client_fd = client_socket.fileno()

    request = b""
    while b"\r\n\r\n" not in request:
        data = client_socket.recv(4096)
        if not data:
            break
        request += data
    body = "Hello %s:%d, you are fd %d of listener fd %d.\n" % (
        *addr, client_fd, server_fd)
    client_socket.sendall(
        ("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n"
         "Content-Length: %d\r\n\r\n%s" % (len(body), body)).encode())
    client_socket.close()
