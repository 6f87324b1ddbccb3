"""Read QEMU's trace of device accesses: what did the CPUs of a subOS touch?

usage: apic-only.py TRACE CPU...

Counts between the marks 0xb1 and 0xb2 that the supervisor writes to port 0x80.
Allowed: the local APIC; in it, IPIs to the CPUs named and one vector, the
doorbell, to APIC ID 0.
"""
import collections
import re
import sys

ours = {int(c) for c in sys.argv[2:]}
line_re = re.compile(r"memory_region_\w+_(read|write) cpu (-?\d+) mr \S+ addr (0x[0-9a-f]+) "
                     r"value (0x[0-9a-f]+) size \d+(?: name '(.*)')?")
watching = False
dest = {}
bells = set()
seen = collections.Counter()
bad = collections.Counter()

for line in open(sys.argv[1], errors="replace"):
    m = line_re.search(line)
    if not m:
        continue
    op, cpu, addr, value, name = m[1], int(m[2]), int(m[3], 16), int(m[4], 16), m[5]
    if name == "ioport80" and op == "write" and value in (0xb1, 0xb2):
        watching = value == 0xb1
        seen["marks"] += 1
        continue
    if not watching or cpu not in ours:
        continue
    if name != "apic-msi":
        bad[f"{op} {name} {addr:#x}"] += 1
        continue
    seen["apic"] += 1
    if op == "read":
        continue
    if addr & 0xfff == 0x310:
        dest[cpu] = value >> 24
    elif addr & 0xfff == 0x300:
        shorthand, to = value >> 18 & 3, dest.get(cpu, 0)
        seen["ipi"] += 1
        if shorthand == 1 or (shorthand == 0 and to in ours):
            continue
        if shorthand == 0 and to == 0 and value & 0x700 == 0:
            bells.add(value & 0xff)
            seen["bell"] += 1
            continue
        bad[f"IPI {value:#x} to {to}"] += 1

print(dict(seen), "doorbell vectors:", [hex(b) for b in bells])
for what, n in bad.most_common(20):
    print(f"not allowed: {what} ({n} times)")
sys.exit(bool(bad) or len(bells) != 1 or not seen["apic"] or seen["marks"] < 2)
