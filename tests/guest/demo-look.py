"""Say what machine this is: CPUs, nodes, memory. Run in a subOS by the demo."""
import glob
import hashlib
import os
import platform
import sys


def first_line(path):
    with open(path) as f:
        return f.readline().strip()


print(f"I am {platform.node()}: Linux {platform.release()}, Python {platform.python_version()}")
print(f"CPUs:    {os.cpu_count()} ({first_line('/sys/devices/system/cpu/online')})")
for node in sorted(glob.glob("/sys/devices/system/node/node*")):
    total = first_line(node + "/meminfo").split()[3]
    print(f"node {node[-1]}:  CPUs {first_line(node + '/cpulist')}, {int(total) // 1024} MiB")
print("sha256:  ", hashlib.sha256(open("/usr/bin/python3.11", "rb").read()).hexdigest()[:32], "of python3.11")
sys.stdout.flush()
print("told:   ", sys.stdin.read().strip())
