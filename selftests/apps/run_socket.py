#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What a program sees of its sockets under xtcp_run, case by case.

run_socket.py CASE 4|6; says nothing and exits 0 if the case holds.  Started
by xtcp_run.sh, on the module or on its mock.  An xtcp socket is recognised
from outside: SOL_XTCP exists on it.
"""
import array
import os
import select
import socket
import struct
import sys

SOL_XTCP, XTCP_REUSEPORT = 290, 1
HOST = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
FAMILY = {"4": socket.AF_INET, "6": socket.AF_INET6}[sys.argv[2]]


def is_xtcp(s):
    """Below the library: ask for an option that only xtcp has."""
    try:
        s.getsockopt(SOL_XTCP, XTCP_REUSEPORT)
        return True
    except OSError:
        return False


def kernel_listener():
    """On the kernel's TCP: xtcp_run leaves other protocol numbers alone, so
    a helper without the preload makes it and hands it over."""
    ours, theirs = socket.socketpair()
    code = (
        "import array, socket, sys\n"
        "fam = socket.AF_INET6 if sys.argv[2] == '6' else socket.AF_INET\n"
        "s = socket.socket(fam); s.bind((sys.argv[3], 0)); s.listen()\n"
        "u = socket.socket(fileno=int(sys.argv[1]))\n"
        "u.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,"
        " array.array('i', [s.fileno()]))])\n"
    )
    env = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
    argv = [sys.executable, "-S", "-c", code,
            str(theirs.fileno()), sys.argv[2], HOST[FAMILY]]
    pid = os.posix_spawn(sys.executable, argv, env, file_actions=[
        (os.POSIX_SPAWN_DUP2, theirs.fileno(), theirs.fileno())])
    theirs.close()
    fds = array.array("i")
    _, anc, _, _ = ours.recvmsg(1, socket.CMSG_LEN(fds.itemsize))
    os.waitpid(pid, 0)
    fds.frombytes(anc[0][2])
    return socket.socket(fileno=fds[0])


def stays_or_moved(s):
    """After connect(): with --ports, which it is not bound to, the kernel's."""
    assert is_xtcp(s) == ("XTCP_RUN_PORTS" not in os.environ)


def new(flags=0):
    return socket.socket(FAMILY, socket.SOCK_STREAM | flags)


def names():
    """The families and protocols that the program meets are the kernel's."""
    s = new()
    assert is_xtcp(s)
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN) == FAMILY
    assert (s.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL)
            == socket.IPPROTO_TCP)
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) \
        == socket.SOCK_STREAM
    short = s.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN, 1)
    assert short == struct.pack("i", FAMILY)[:1], short
    assert s.getsockname()[:2] == (("0.0.0.0", "::")[FAMILY ==
                                                     socket.AF_INET6], 0)
    t = socket.socket(fileno=os.dup(s.fileno()))
    assert (t.family, t.proto) == (FAMILY, socket.IPPROTO_TCP)


def others():
    """What is not a TCP stream socket is not touched."""
    for args in ((FAMILY, socket.SOCK_DGRAM), (socket.AF_UNIX,),
                 (FAMILY, socket.SOCK_STREAM, 262)):
        try:
            s = socket.socket(*args)
        except OSError:
            continue
        assert not is_xtcp(s), args
        if args[0] != socket.AF_UNIX:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def flags():
    """SOCK_NONBLOCK and SOCK_CLOEXEC arrive."""
    s = new(socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    assert is_xtcp(s)
    assert not os.get_blocking(s.fileno())
    assert not os.get_inheritable(s.fileno())


def reuseport():
    """SO_REUSEPORT is XTCP_REUSEPORT, and does what it says."""
    a, b = new(), new()
    assert a.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT) == 0
    for s in (a, b):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        assert s.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT) == 1
        assert s.getsockopt(SOL_XTCP, XTCP_REUSEPORT) == 1
    a.bind((HOST[FAMILY], 0))
    a.listen()
    b.bind(a.getsockname())
    b.listen()


def connect():
    """A socket that turns out to be a client connects."""
    srv = kernel_listener()
    s = new()
    fd = s.fileno()
    s.connect(srv.getsockname())
    assert s.fileno() == fd
    stays_or_moved(s)
    c, _ = srv.accept()
    s.sendall(b"to")
    assert c.recv(2) == b"to"
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN) == FAMILY
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def connect_refused():
    """The error of the real connect reaches the program."""
    srv = kernel_listener()
    addr = srv.getsockname()
    srv.close()
    try:
        new().connect(addr)
    except ConnectionRefusedError:
        return
    raise AssertionError("connected to a closed port")


def connect_options():
    """The options that were set before connect() are still there."""
    srv = kernel_listener()
    s = new(socket.SOCK_NONBLOCK)
    s.set_inheritable(True)
    want = [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1),
        (socket.SOL_SOCKET, socket.SO_REUSEPORT, 1),
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 77),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 12345),
        (socket.IPPROTO_IP, socket.IP_TOS, 0x10),
    ]
    if FAMILY == socket.AF_INET6:
        want += [(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1),
                 (socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 0x20)]
    for level, name, value in want:
        s.setsockopt(level, name, value)
    linger = struct.pack("ii", 1, 3)
    timeval = struct.pack("ll", 5, 0)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 30000)
    sndbuf = s.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    assert s.connect_ex(srv.getsockname()) in (0, 115)
    select.select([], [s], [], 300)
    srv.accept()
    stays_or_moved(s)
    for level, name, value in want:
        got = s.getsockopt(level, name)
        assert got == value, (level, name, value, got)
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == linger
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16) == timeval
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == sndbuf
    assert not os.get_blocking(s.fileno())
    assert os.get_inheritable(s.fileno())


def connect_bound():
    """bind() before connect(): the peer sees the address that was bound."""
    srv = kernel_listener()
    s = new()
    s.bind((HOST[FAMILY], 0))
    port = s.getsockname()[1]
    assert port
    s.connect(srv.getsockname())
    _, peer = srv.accept()
    stays_or_moved(s)
    assert s.getsockname()[1] == port and peer[1] == port


def connect_dup():
    """The number keeps its meaning; connect works on a dup as well, and the
    socket that stays behind does not report under its number."""
    srv = kernel_listener()
    s = new()
    t = socket.socket(fileno=os.dup(s.fileno()))
    ep = select.epoll()
    ep.register(t, select.EPOLLOUT)
    t.connect(srv.getsockname())
    stays_or_moved(t)
    events = ep.poll(300)
    assert events == [(t.fileno(), select.EPOLLOUT)], events
    c, _ = srv.accept()
    t.sendall(b"x")
    assert c.recv(1) == b"x"


def connect_epoll():
    """Registered in epoll before connect(), as nginx does it."""
    srv = kernel_listener()
    spare = [select.epoll() for _ in range(3)]
    ep = select.epoll()
    s = new(socket.SOCK_NONBLOCK)
    mine = [new() for _ in range(40)]
    for m in mine:
        spare[0].register(m, select.EPOLLIN)
    ep.register(s, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
    spare[2].register(s, select.EPOLLIN)
    assert s.connect_ex(srv.getsockname()) in (0, 115)
    c, _ = srv.accept()
    stays_or_moved(s)
    events = ep.poll(300)
    assert events == [(s.fileno(), select.EPOLLOUT)], events
    c.sendall(b"x")
    events = ep.poll(300)
    assert [e for e in events if e[0] == s.fileno()
            and e[1] & select.EPOLLIN], events
    assert spare[2].poll(300) == [(s.fileno(), select.EPOLLIN)]
    assert spare[1].poll(0) == []
    ep.unregister(s)


def connect_unix():
    """Errors of foreign sockets pass through."""
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect("/nonexistent/socket")
    except FileNotFoundError:
        return
    raise AssertionError


def listener_stays():
    """connect() on a listening socket leaves the listener what it is."""
    srv = kernel_listener()
    s = new()
    s.bind((HOST[FAMILY], 0))
    s.listen()
    try:
        s.connect(srv.getsockname())
    except OSError:
        pass
    assert is_xtcp(s)
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)


def inherited():
    """Over exec, and over a fresh process image, an fd stays what it is."""
    s = new()
    s.set_inheritable(True)
    code = ("import socket, sys; s = socket.socket(fileno=int(sys.argv[1]));"
            "assert int(s.family) == int(sys.argv[2]), s;"
            "assert s.proto == 6, s")
    argv = [sys.executable, "-S", "-c", code, str(s.fileno()),
            str(int(FAMILY))]
    pid = os.posix_spawn(sys.executable, argv, os.environ)
    assert os.waitpid(pid, 0)[1] == 0


def ports():
    """--ports 8080-8081: that port on xtcp, every other on the kernel."""
    s = new()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((HOST[FAMILY], 8081))
    assert is_xtcp(s)
    s = new()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((HOST[FAMILY], 8082))
    assert not is_xtcp(s)
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) == 1
    s.listen()


def family_only():
    """-4 or -6 of the other version: left alone."""
    assert not is_xtcp(new())


def missing():
    """No module: EAFNOSUPPORT."""
    try:
        new()
    except OSError as e:
        assert e.errno == 97, e
        return
    raise AssertionError("socket() worked")


def fallback():
    """No module and --fallback: kernel TCP."""
    s = new()
    s.bind((HOST[FAMILY], 0))
    s.listen()
    assert not is_xtcp(s)


globals()[sys.argv[1]]()
