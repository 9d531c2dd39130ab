#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""walk.py: what the kernel does, as it does it, from trace_pipe on stdin.

Reads the events of system xtcp and the server's system calls, and draws them
as the tree of steps that they are.  "demo: TEXT" written to trace_marker
becomes a heading, "demo: say: TEXT" a line below one, "demo: end" ends.
"""
import os
import re
import socket
import sys

LINE = re.compile(r"\s*(?P<comm>.*)-(?P<pid>\d+)\s+\[\d+\]\s+\S+\s+"
                  r"(?P<time>[\d.]+): (?P<rest>.*)$")
CALL = re.compile(r"sys_(\w+)\((.*)\)$")
RETURN = re.compile(r"sys_(\w+) -> (0x[0-9a-f]+)$")
EVENT = re.compile(r"(xtcp_\w+): (.*)$")
MARK = re.compile(r"tracing_mark_write: demo: (.*)$")
MAPPED = re.compile(r"\[::ffff:([\d.]+)\]")

FAMILY = int(os.environ.get("XTCP_FAMILY", 18))

start = None        # time of the first step under the present heading
accept_max = "?"
crowd = False       # many at once: one line each
pending = {}        # pid -> events inside a system call that prints at its end
current = 0         # time of the line at hand
closed = []         # by depth: was the branch printed there the last one?


def out(text=""):
    print(text, flush=True)


def step(depth, text, last=False, when=False):
    """A branch of the tree; below a last branch no line goes on down."""
    lines = "".join("    " if done else "│   " for done in closed[:depth])
    closed[depth:] = [last]
    text = "    " + lines + ("└── " if last else "├── ") + text
    if when:
        text = "%-84s%10.2f ms" % (text, (current - start) * 1e3)
    out(text)


def call(text):
    out("    " + text)
    step(0, "Kernel Entry", True)


def fields(text):
    text = MAPPED.sub(r"\1", text)
    return dict(re.findall(r"(\w+)=(\S+)", text))


def number(name, table):
    return next((k for k in dir(table) if k.startswith(name)), "?")


def fd_link(pid, fd):
    try:
        return os.readlink("/proc/%s/fd/%d" % (pid, fd))
    except OSError:
        return "gone already"


def yes(flag):
    return "yes" if flag == "1" else "no"


# --- system calls: printed whole when they return --------------------------

def call_socket(pid, args, ret, events):
    ours.add(ret)
    made = fields(events.get("xtcp_socket", ""))
    link = fd_link(pid, ret)
    call("socket() System Call")
    step(1, "Allocate socket structure (struct socket)")
    step(2, "Initialize protocol family: %d, AF_XTCP" % args["family"])
    step(2, "Setup TCP protocol operations: IPv%s, state %s" % (
        made.get("version", "?"), made.get("state", "?")), True)
    step(1, "Create inode for socket: %s" % link.strip("socket:[]"))
    step(2, "Associate with VFS: %s" % link, True)
    step(1, "Allocate file descriptor")
    step(2, "Find lowest available FD number: %d" % ret)
    step(2, "Create file structure", True)
    step(1, "Return FD to user space: %d" % ret, True)


def call_bind(pid, args, ret, events):
    made = fields(events.get("xtcp_bind", ""))
    local = made.get("local", "?:?")
    call("bind() System Call")
    step(1, "Lookup FD in process table: %d is %s" % (
        args["fd"], fd_link(pid, args["fd"])))
    step(1, "Validate address structure")
    step(2, "Check address family")
    step(2, "Verify port availability: %s is free" % local.rsplit(":", 1)[1],
         True)
    step(1, "Create sock address structure")
    step(2, "Convert IP address: %s" % local.rsplit(":", 1)[0])
    port = local.rsplit(":", 1)[1]
    if port.isdigit():
        port = "0x%04x" % socket.htons(int(port))
    step(2, "Network byte ordering: port in memory reads %s" % port, True)
    step(1, "Update socket state")
    step(2, "Set bound flag; err=%s" % made.get("err", "?"))
    step(2, "Associate address with socket: %s" % local, True)
    step(1, "Return to user space: %d" % ret, True)


def call_listen(pid, args, ret, events):
    global accept_max
    made = fields(events.get("xtcp_listen", ""))
    accept_max = made.get("accept_max", "?")
    moved = fields(events.get("xtcp_state", ""))
    call("listen() System Call, backlog %d" % args["backlog"])
    step(1, "Lookup socket from FD: %d is %s" % (
        args["fd"], fd_link(pid, args["fd"])))
    step(1, "Verify socket state: %s, bound to %s" % (
        moved.get("from", "CLOSE"), made.get("local", "?")))
    step(1, "Initialize listening state")
    step(2, "Allocate accept queue")
    step(3, "SYN queue (incomplete connections)")
    step(4, "Max size = backlog * 1.5 = %s" % made.get("syn_max", "?"), True)
    step(3, "Accept queue (completed connections)", True)
    step(4, "Max size = backlog = %s" % made.get("accept_max", "?"), True)
    step(2, "Setup TCP listening state: %s" % moved.get("to", "LISTEN"), True)
    step(1, "Update socket operations: passive mode, listening callbacks")
    step(1, "Return to user space: %d" % ret, True)


def enter_accept(pid, args):
    call("accept() System Call")
    step(1, "Lookup listening socket: FD %d" % args["fd"])
    step(2, "Verify LISTEN state; queue empty: wait", True)


def call_accept(pid, args, ret, events):
    if crowd or ret < 0:
        return
    step(1, "Return to user space", True)
    step(2, "New client FD: %d" % ret)
    made = fields(events.get("xtcp_accept", ""))
    step(2, "Client address info: %s" % made.get("remote", "?"), True)


# --- events: printed as they come ------------------------------------------

# The module reports a step when it is done, so the SYN-ACK stands before the
# SYN that it answers was worked off, and the child before its ACK.  Here they
# wait for what they follow from.
held = {}           # remote -> steps waiting
syns = set()        # remotes whose SYN has been shown
parked = set()      # remotes whose ACK found the accept queue full


def release(remote):
    for show, e in held.pop(remote, ()):
        show(e)


def on_syn(e):
    if crowd:
        what = "SYN queue %s/%s" % (e["syn_len"], e["syn_max"])
        if e["drop"] != "None":
            what += ", dropped: " + e["drop"]
        out("    SYN  from %-20s %s" % (e["remote"], what))
    else:
        step(1, "Connection Establishment Process")
        step(2, "SYN received from client %s" % e["remote"], when=True)
        step(3, "Add to SYN queue: now %s of %s" % (
            e["syn_len"], e["syn_max"]), True)
    syns.add(e["remote"])
    release(e["remote"])


def on_synack(e):
    if e["remote"] in syns:
        show_synack(e)
    else:
        held.setdefault(e["remote"], []).append((show_synack, e))


def show_synack(e):
    again = "" if e["retries"] == "0" else " again (%s)" % e["retries"]
    if not crowd:
        step(2, "Send SYN-ACK%s: ISN %s, MSS %s, options %s" % (
            again, e["iss"], e["mss"], e["options"].replace("|", ", ")),
            when=True)
    elif again:
        out("    SYN-ACK to %-19s%s" % (e["remote"], again))


def on_ack(e):
    full = e["drop"] != "None"
    now = "%s of %s" % (e["accept_len"], e["accept_max"])
    if crowd:
        what = "accept queue " + now.replace(" of ", "/")
        if full:
            what += ", full: waits in the SYN queue"
        said = "moves up  " if e["remote"] in parked else "ACK  from "
        out("    %s%-20s %s" % (said, e["remote"], what))
    else:
        step(2, "Receive ACK", when=True)
        if full:
            step(3, "Accept queue full (%s): %s" % (now, e["drop"]), True)
        else:
            step(3, "Remove from SYN queue")
            step(3, "Move to accept queue: now " + now, True)
    if full:
        parked.add(e["remote"])
    else:
        parked.discard(e["remote"])
        release(e["remote"])


def on_child(e):
    held.setdefault(e["remote"], []).append((show_child, e))


def show_child(e):
    if crowd:
        return
    step(2, "Connection now ESTABLISHED", True, when=True)
    step(1, "New Socket Creation")
    step(2, "Allocate new socket structure: copy of the listener")
    step(3, "Receive buffer %s bytes" % e["rcvbuf"])
    step(3, "Send buffer %s bytes" % e["sndbuf"], True)
    step(2, "Setup socket operations", True)
    step(1, "TCP State Setup")
    step(2, "Sequence numbers and windows: MSS %s" % e["mss"])
    step(2, "Configure TCP options")
    step(3, "Window scaling: %s to send, %s to receive" % (
        e["snd_wscale"], e["rcv_wscale"]))
    step(3, "SACK: %s" % yes(e["sack"]))
    step(3, "Timestamps: %s" % yes(e["ts"]), True)
    step(2, "Update routing info: the route of the SYN-ACK is kept", True)
    step(1, "Memory Management: %d bytes at most, sk_buffs come with the data"
         % (int(e["rcvbuf"]) + int(e["sndbuf"])))


def on_accept(e):
    release(e["remote"])
    syns.discard(e["remote"])
    if crowd:
        out("    accept()  %-20s accept queue %s/%s" % (
            e["remote"], e["accept_len"], accept_max))
        return
    step(1, "Taken from the accept queue: %s left" % e["accept_len"],
         when=True)


def who(e):
    return e["remote"] if e["remote"] != "[::]:0" else "listener"


def on_close(e):
    if not crowd:
        out("    close() of %s, state %s" % (who(e), e["state"]))


def on_state(e):
    if not crowd and e["to"] not in ("LISTEN", "ESTABLISHED"):
        small = e["from"] in ("FIN_WAIT2", "CLOSING")
        out("    %s: %s -> %s%s" % (who(e), e["from"], e["to"], small *
            ", a small TIME-WAIT entry stays for a minute"))


def on_rst(e):
    out("    RST %s, %s" % (e["dir"], who(e)))


EVENTS = {
    "xtcp_syn": on_syn, "xtcp_synack": on_synack, "xtcp_ack": on_ack,
    "xtcp_child": on_child, "xtcp_accept": on_accept, "xtcp_close": on_close,
    "xtcp_state": on_state, "xtcp_rst": on_rst,
}
CALLS = {"socket": call_socket, "bind": call_bind, "listen": call_listen,
         "accept4": call_accept, "accept": call_accept}
QUIET = ("socket", "bind", "listen")    # their events print with the call
arguments = {}
ours = set()        # descriptors of xtcp sockets


def call_enter(pid, name, text):
    if name not in CALLS:
        return
    args = {k: int(v, 16)
            for k, v in re.findall(r"(\w+): ([0-9a-f]+)", text)}
    # what `ip netns exec` does before the server is none of ours
    if args.get("family", FAMILY) != FAMILY or \
            args.get("fd", -1) not in ours | {-1}:
        return
    arguments[pid] = args
    pending[pid] = (name, {})
    if name.startswith("accept") and not crowd:
        enter_accept(pid, args)


def call_leave(pid, name, value):
    if pid not in pending or pending[pid][0] != name:
        return
    ret = value - (1 << 64) if value >> 63 else value
    CALLS[name](pid, arguments[pid], ret, pending.pop(pid)[1])
    if not crowd and ret >= 0:
        out()


def event(pid, name, text):
    inside = pending.get(pid)
    if inside:
        inside[1][name] = text
        if inside[0] in QUIET:
            return
    if name in EVENTS:
        EVENTS[name](fields(text))


def line(text):
    global start, crowd, current
    m = LINE.match(text)
    if not m:
        return True
    current = float(m["time"])
    if start is None:
        start = current
    pid, rest = m["pid"], m["rest"]
    if found := MARK.match(rest):
        if found[1] == "end":
            return False
        if found[1].startswith("say: "):
            out("\n    " + found[1].removeprefix("say: "))
            return True
        crowd = found[1].startswith("crowd: ")
        out("\n%s\n" % found[1].removeprefix("crowd: "))
        start = None
    elif found := CALL.match(rest):
        call_enter(pid, found[1], found[2])
    elif found := RETURN.match(rest):
        call_leave(pid, found[1], int(found[2], 16))
    elif found := EVENT.match(rest):
        event(pid, found[1], found[2])
    return True


sys.stdout.reconfigure(encoding="utf-8")
for text in sys.stdin:
    if not line(text.rstrip("\n")):
        break
