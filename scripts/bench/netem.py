#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""netem.py [-l] [-v] [-d] [-r MIN] [-R MAX] [-s SEED] [PATTERN...]: goodput on bad paths

Runs in the test machine, in virtual time, for scripts/bench-netem.sh.

    n0  v0 10.0.0.1  ----  v1 10.0.0.2  n1  v2 10.0.1.1  ----  v3 10.0.1.2  n2

n0 is the kernel's TCP or xtcp, n2 the kernel's TCP, n1 the path. xtcp connects
and sends, or listens and receives; or (.both) n2 is the same as n0. What n1 drops
and what it lets overtake is chosen by the number of the data packet, from a
seed: both stacks meet the same path (netem of 6.1 has no seed). Delay and rate
are netem's.

A line per row, tab-separated: name, kernel and xtcp in Mbit/s, ratio, its
standard error, runs, retransmissions per 1000 segments of each, those of them that
were for nothing (the receiver's D-SACKs say so), verdict.
"""
import fnmatch
import getopt
import math
import os
import random
import subprocess
import sys
import time

FLOW = os.environ.get("FLOW", "build/selftests/flow")
TARGET, FAIR = 0.95, 0.95
MSS = 1448
PERIOD = 16384          # data packets, after which drops repeat
verbose = dump = False


def run(*words, stdin=None, ns=None):
    if ns:
        words = ("ip", "netns", "exec", ns) + words
    p = subprocess.run(words, input=stdin, text=True, stdout=subprocess.PIPE)
    if p.returncode:
        sys.exit("netem.py: %s: status %d" % (" ".join(words), p.returncode))
    return p.stdout


def start(*words, ns):
    return subprocess.Popen(("ip", "netns", "exec", ns) + words,
                            stderr=subprocess.DEVNULL)


def topology():
    for n in ("n0", "n1", "n2"):
        run("ip", "netns", "add", n)
        run("ip", "-n", n, "link", "set", "lo", "up")
    for a, da, aa, b, db, ab in (
            ("n0", "v0", "10.0.0.1", "n1", "v1", "10.0.0.2"),
            ("n1", "v2", "10.0.1.1", "n2", "v3", "10.0.1.2")):
        run("ip", "link", "add", da, "netns", a, "type", "veth",
            "peer", "name", db, "netns", b)
        for n, d, addr in ((a, da, aa), (b, db, ab)):
            run("ip", "-n", n, "addr", "add", addr + "/24", "dev", d)
            run("ip", "-n", n, "link", "set", d, "up")
    run("ip", "-n", "n0", "route", "add", "default", "via", "10.0.0.2")
    run("ip", "-n", "n2", "route", "add", "default", "via", "10.0.1.1")
    run("sysctl", "-qw", "net.ipv4.ip_forward=1", ns="n1")
    for n, d in (("n0", "v0"), ("n2", "v3")):
        # a packet on the path is a segment
        run("ethtool", "-K", d, "tso", "off", ns=n)
        run("sysctl", "-qw", "net.ipv4.tcp_no_metrics_save=1", ns=n)
    for n in ("n0", "n2"):
        for stack in ("ipv4.tcp_", "xtcp."):
            run("sysctl", "-qw", "net.%scongestion_control=cubic" % stack, ns=n)
    run("ping", "-c", "1", "10.0.1.2", ns="n0")


# rows that are also measured with the same stack on both sides
BOTH = ("loss0_rtt20", "loss1_rtt20", "loss3_rtt100", "reorder5_rtt20",
        "rate100_buffer40")


class Row:
    """rtt in ms, loss and reorder in %, rate in Mbit/s, buffer in packets"""

    def __init__(self, name, mb=2, rtt=20, loss=0, reorder=0, ackloss=0,
                 rate=0, buffer=10000, share=0):
        self.__dict__.update(locals())
        self.both = name in BOTH

    def chosen(self, percent, seed):
        n = round(PERIOD * percent / 100)
        rng = random.Random("%s %s %s" % (self.name, percent, seed))
        return rng.sample(range(PERIOD), n)

    def rule(self, percent, seed, match, verdict):
        chosen = self.chosen(percent, seed)
        if not chosen:
            return ""
        return "%s numgen inc mod %d { %s } %s\n" % (
            match, PERIOD, ", ".join(map(str, chosen)), verdict)

    def seed(self, seed, inward):
        """which packets; inward: data comes to n0"""
        dev, back = ("v2", "v1") if inward else ("v1", "v2")
        data = 'iifname "%s" meta length > 200' % dev
        acks = 'iifname "%s" meta length < 200' % back
        rules = (self.rule(self.loss, seed, data, "drop") +
                 self.rule(self.reorder, seed, data, "meta priority set 1:2") +
                 self.rule(self.ackloss, seed, acks, "drop"))
        run("nft", "-f", "-", ns="n1", stdin="""
            table ip path
            delete table ip path
            table ip path {
            chain forward {
            type filter hook forward priority 0
            %s
            }
            }""" % rules)

    def path(self, inward):
        there, back = ("v1", "v2") if inward else ("v2", "v1")
        half = self.rtt * 500
        tc = []

        def qdisc(dev, parent, *words):
            tc.append("qdisc add dev %s %s %s" % (
                dev, parent, " ".join(map(str, words))))

        for dev in ("v1", "v2"):
            # what stood there before goes, with its children
            tc.append("qdisc replace dev %s root handle 2: pfifo" % dev)
            tc.append("qdisc replace dev %s root handle 1: prio bands 2 priomap %s"
                      % (dev, " ".join("0" * 16)))
        if self.rate:
            # all of the delay on the way back: here stands the queue alone
            qdisc(there, "parent 1:1", "netem limit", self.buffer,
                  "rate %dkbit" % (self.rate * 1000))
            qdisc(back, "parent 1:1", "netem limit 10000 delay",
                  "%dus" % (2 * half))
        else:
            qdisc(there, "parent 1:1", "netem limit 10000 delay", "%dus" % half)
            qdisc(there, "parent 1:2", "netem limit 10000 delay",
                  "%dus" % (half / 2))
            qdisc(back, "parent 1:1", "netem limit 10000 delay", "%dus" % half)
        run("tc", "-b", "-", ns="n1", stdin="\n".join(tc) + "\n")


ROWS = [Row("loss%s_rtt%d" % (loss, rtt), loss=loss, rtt=rtt, mb=mb)
        for loss, sizes in ((0, (8, 8, 16)), (0.1, (6, 6, 6)),
                            (1, (4, 2, 2)), (3, (2, 1, 1)))
        for rtt, mb in zip((1, 20, 100), sizes)]
ROWS += [Row("reorder5_rtt%d" % rtt, reorder=5, rtt=rtt, mb=4)
         for rtt in (1, 20, 100)]
ROWS += [
    Row("ackloss10_rtt20", ackloss=10, mb=4),
    Row("loss1_reorder5_rtt20", loss=1, reorder=5, mb=2),
    # 10 Mbit/s * 20 ms is 17 packets, 100 Mbit/s * 20 ms is 165
    Row("rate10_buffer8", rate=10, buffer=8, mb=4),
    Row("rate10_buffer170", rate=10, buffer=170, mb=4),
    Row("rate100_buffer40", rate=100, buffer=40, mb=8),
    Row("rate100_buffer1000", rate=100, buffer=1000, mb=8),
    Row("rate20_loss1", rate=20, loss=1, buffer=60, mb=4),
]
SHARED = [
    Row("share10_buffer20", rate=10, buffer=20, share=40),
    Row("share10_buffer70", rate=10, buffer=70, share=40),
]


def transfer(row, x, way):
    """kernel or xtcp in n0"""
    if dump:
        tcpdump = start("tcpdump", "-n", "-tt", "-U", "-l", "-i", "v1", ns="n1")
        time.sleep(1)
    ns, at, port = ("n2", "10.0.0.1", x) if way == "recv" else \
                   ("n0", "10.0.1.2", x if way == "both" else 0)
    us = ["-x"] if x and ns == "n0" else []
    out = run(FLOW, *us, "put", at, str(7000 + port), str(row.mb << 20), ns=ns)
    ns, retrans, dsacks = map(int, out.split())
    if verbose:
        print("#   %s %.3f s, %d retransmissions, %d for nothing" % (
            "xtcp  " if x else "kernel", ns / 1e9, retrans, dsacks), flush=True)
    if dump:
        time.sleep(1)
        tcpdump.terminate()
        tcpdump.wait()
    return ns / 1e9, retrans, dsacks


def estimate(kernel, xtcp):
    """the ratio of goodputs and the standard error of its logarithm (jackknife)"""
    n, k, x = len(kernel), sum(kernel), sum(xtcp)
    if n < 2:
        return k / x, math.inf
    part = [math.log((k - a) / (x - b)) for a, b in zip(kernel, xtcp)]
    m = sum(part) / n
    return k / x, math.sqrt((n - 1) / n * sum((p - m) ** 2 for p in part))


def undecided(ratio, error):
    return abs(math.log(ratio / TARGET)) < 2 * error


def verdict(ratio, error):
    if ratio >= TARGET:
        return "ok"
    return "?" if undecided(ratio, error) else "MISS"


def measure(row, name, way, least, most, seed):
    inward = way == "recv"
    time_of, retrans, spurious = ([], []), [0, 0], [0, 0]
    row.path(inward)
    ratio, error, n = 1, math.inf, 0
    while n < least or n < most and undecided(ratio, error):
        if verbose:
            print("# %s, seed %d" % (name, seed + n), flush=True)
        for x in (0, 1):
            # a path of its own, whatever was lost on the way before
            row.seed(seed + n, inward)
            t, r, d = transfer(row, x, way)
            time_of[x].append(t)
            retrans[x] += r
            spurious[x] += d
        n += 1
        ratio, error = estimate(*time_of)
    bits = 8 * n * (row.mb << 20)
    segments = n * (row.mb << 20) / MSS
    per = [1000 * n / segments for n in retrans + spurious]
    print("%s\t%.2f\t%.2f\t%.3f\t%.3f\t%d\t%.1f\t%.1f\t%.2f\t%.2f\t%s" % (
        name, bits / sum(time_of[0]) / 1e6, bits / sum(time_of[1]) / 1e6,
        ratio, error, n, *per, verdict(ratio, error)), flush=True)


def measure_share(row, name, least, most, seed):
    """one of each stack, turns in who begins; Jain of the sums of all runs"""
    got = [0, 0]
    row.path(False)
    row.seed(seed, False)
    n = max(2, least // 2 * 2)
    for i in range(n):
        port = ["7000", "7001"][::1 if i % 2 else -1]
        out = run(FLOW, "share", "10.0.0.1", *port, str(row.share), "5", ns="n2")
        out = list(map(int, out.split()))[::1 if i % 2 else -1]
        if verbose:
            print("#   kernel %d xtcp %d" % tuple(out), flush=True)
        got = [a + b for a, b in zip(got, out)]
    jain = sum(got) ** 2 / (2 * sum(a * a for a in got))
    rates = [8 * a / row.share / n / 1e6 for a in got]
    print("%s\t%.2f\t%.2f\t%.3f\t%.3f\t%d\t-\t-\t-\t-\t%s" % (
        name, *rates, jain, 0, n, "ok" if jain >= FAIR else "MISS"), flush=True)


def main():
    global verbose, dump
    least, most, seed, listing = 5, 20, 1, False
    try:
        options, patterns = getopt.getopt(sys.argv[1:], "dlvr:R:s:")
    except getopt.GetoptError as e:
        sys.exit("netem.py: %s" % e)
    for o, v in options:
        if o == "-d":
            dump = True
        elif o == "-l":
            listing = True
        elif o == "-v":
            verbose = True
        elif o == "-r":
            least = int(v)
        elif o == "-R":
            most = int(v)
        elif o == "-s":
            seed = int(v)
    jobs = []
    for row in ROWS:
        for way in ("send", "recv", "both"):
            name = row.name + "." + way
            if way != "both" or row.both:
                jobs.append((name, measure, (row, name, way)))
    for row in SHARED:
        jobs.append((row.name, measure_share, (row, row.name)))
    jobs = [j for j in jobs
            if not patterns or any(fnmatch.fnmatch(j[0], p) for p in patterns)]
    if listing:
        for j in jobs:
            print(j[0])
        return
    topology()
    servers = []
    for ns, at in (("n0", "10.0.0.1"), ("n2", "10.0.1.2")):
        servers.append(start(FLOW, "serve", at, "7000", ns=ns))
        servers.append(start(FLOW, "-x", "serve", at, "7001", ns=ns))
    time.sleep(0.2)
    # routes, neighbours, slabs: not under the clock
    warm = Row("warm", mb=1, rtt=1)
    warm.path(False)
    for way in ("send", "recv", "both"):
        transfer(warm, 0, way)
        transfer(warm, 1, way)
    for _, f, args in jobs:
        f(*args, least, max(least, most), seed)
    for s in servers:
        s.kill()


main()
