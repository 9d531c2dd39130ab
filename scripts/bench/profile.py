#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""profile.py LINES OUT COUNTS: the tables of profile.sh.

OUT has the guest's kallsyms and a line for each run, COUNTS what insns.c
wrote, a stretch for each run.
"""
import bisect
import collections
import sys


class Function:
    """Per operation: own instructions, with those called, calls."""

    def __init__(self):
        self.own = self.total = self.hits = 0.0


class Symbols:
    def __init__(self):
        self.addrs, self.names, self.modules = [], [], {}

    def read(self, lines):
        rows = []
        for line in lines:
            addr, _, name, *module = line.split()
            rows.append((int(addr, 16), name))
            if module:
                self.modules[name] = module[0].strip('[]')
        # of two names for one address the plainer one
        rows.sort(key=lambda r: (r[0], r[1].count('_'), r[1]))
        for addr, name in rows:
            if not self.addrs or self.addrs[-1] != addr:
                self.addrs.append(addr)
                self.names.append(name)

    def name(self, addr):
        i = bisect.bisect_right(self.addrs, addr) - 1
        return self.names[i] if i >= 0 else hex(addr)

    def ours(self, name):
        return self.modules.get(name) == 'xtcp'


def read_out(path):
    symbols, runs, lines = Symbols(), [], []
    with open(path, encoding='ascii') as file:
        for line in file:
            if line.startswith('run '):
                who, rest = line[4:].split(None, 1)
                name, unit, value, n = rest.split('\t')
                runs.append((who, name, unit, float(value), int(n)))
            else:
                lines.append(line)
    symbols.read(lines)
    return symbols, runs


def read_counts(path, symbols, runs):
    profiles = []
    with open(path, encoding='ascii') as file:
        for line in file:
            word, *args = line.split()
            if word == 'stretch':
                _, _, unit, _, n = runs[len(profiles)]
                n = n / 1000 if unit == 'insn/B' else n
                profiles.append(collections.defaultdict(Function))
            elif word == 'user':
                profiles[-1]['(user)'].own = int(args[0]) / n
            else:
                f = profiles[-1][symbols.name(int(args[0], 16))]
                if word == 'block':
                    f.own += int(args[1]) / n
                else:
                    f.hits += int(args[1]) / n
                    f.total += int(args[2]) / n
    return profiles


def table(title, head, rows):
    print(f'\n### {title}\n')
    print('| ' + ' | '.join(head) + ' |')
    print('|---' * len(head) + '|')
    for row in rows:
        print('| ' + ' | '.join(x if isinstance(x, str) else
                                f'{x:.2f}' if abs(x) < 10 else f'{x:.0f}'
                                for x in row) + ' |')


def ours_table(x, symbols, lines):
    names = sorted((n for n in x if symbols.ours(n)),
                   key=lambda n: -max(x[n].total, x[n].own))[:lines]
    table('xtcp, by what each function and those it calls take',
          ('function', 'calls', 'own', 'total', 'own/call', 'total/call'),
          [(n, x[n].hits, x[n].own, x[n].total,
            x[n].own / x[n].hits if x[n].hits else 0.0,
            x[n].total / x[n].hits if x[n].hits else 0.0) for n in names])


def side_table(title, k, x, names):
    table(title,
          ('function', 'xtcp own', 'kernel own', 'difference',
           'xtcp calls', 'kernel calls', 'xtcp total', 'kernel total'),
          [(n, x[n].own, k[n].own, x[n].own - k[n].own, x[n].hits, k[n].hits,
            x[n].total, k[n].total) for n in names])


def report(run, k, x, symbols, lines):
    _, name, unit, _, _ = run[1]
    per = '1000 bytes' if unit == 'insn/B' else 'operation'
    print(f'\n## {name}: instructions per {per}\n')
    for (who, _, _, value, _), p in zip(run, (k, x)):
        mine = sum(f.own for n, f in p.items() if symbols.ours(n))
        print(f'* {who}: {value:.6g} {unit} by the clock, '
              f'{sum(f.own for f in p.values()):.0f} counted, '
              f'{p["(user)"].own:.0f} of them in user mode, '
              f'{mine:.0f} in the module')
    ours_table(x, symbols, lines)
    names = sorted(set(k) | set(x), key=lambda n: -x[n].own)[:lines]
    side_table('All functions, by their own instructions', k, x, names)
    names = sorted(set(k) | set(x),
                   key=lambda n: -abs(x[n].own - k[n].own))[:lines]
    side_table('Where the two differ most', k, x, names)


def main():
    lines = int(sys.argv[1])
    symbols, runs = read_out(sys.argv[2])
    profiles = read_counts(sys.argv[3], symbols, runs)
    if len(profiles) != len(runs):
        sys.exit(f'{len(runs)} runs, {len(profiles)} profiles')
    for i in range(0, len(runs) - 1, 2):
        report(runs[i:i + 2], profiles[i], profiles[i + 1], symbols, lines)


main()
