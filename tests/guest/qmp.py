"""QEMU's monitor, from outside of a VM.

  qmp.py SOCKET hold | go | quit
  qmp.py SOCKET monitor COMMAND...         of the human monitor; prints what it says
  qmp.py SOCKET save FILE START BYTES...   stopped meanwhile: physical memory into a
                                           sparse FILE, where the offset is the address
  qmp.py SOCKET snap FILE RF-LEDGER        the same, of all that RF-LEDGER --where names
"""
import json, os, socket, subprocess, sys, time


class Monitor:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(120)
        end = time.monotonic() + 60
        while True:
            try:
                self.sock.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        self.lines = self.sock.makefile("r")
        json.loads(self.lines.readline())
        self.do("qmp_capabilities")

    def do(self, execute, **arguments):
        self.sock.sendall(json.dumps({"execute": execute, "arguments": arguments}).encode() + b"\n")
        while True:
            line = self.lines.readline()
            if not line:
                sys.exit("qmp: the VM has gone")
            answer = json.loads(line)
            if "error" in answer:
                sys.exit(f"qmp: {execute}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def running(self):
        return self.do("query-status")["running"]

    def save(self, out, start, size):
        part = out.name + ".part"
        self.do("pmemsave", val=start, size=size, filename=part)
        with open(part, "rb") as f:
            data = f.read()
        os.unlink(part)
        if len(data) != size:
            sys.exit(f"qmp: {len(data)} of {size} bytes at {start:#x}")
        out.seek(start)
        out.write(data)
        out.flush()


def snap(m, path, reader):
    """ask the reader what it needs until it has it"""
    have = set()
    with open(path, "wb") as out:
        while True:
            want = subprocess.run([reader, "--where", path], capture_output=True, text=True, check=True)
            new = [tuple(map(int, line.split())) for line in want.stdout.splitlines()]
            new = [w for w in new if w not in have]
            if not new:
                return
            for start, size in new:
                m.save(out, start, size)
                have.add((start, size))


def main(path, verb, *args):
    m = Monitor(path)
    if verb == "hold":
        m.do("stop")
    elif verb == "go":
        m.do("cont")
    elif verb == "quit":
        m.do("quit")
    elif verb == "monitor":
        print(m.do("human-monitor-command", **{"command-line": " ".join(args)}), end="")
    elif verb in ("save", "snap"):
        held = not m.running()
        m.do("stop")
        if verb == "snap":
            snap(m, *args)
        else:
            with open(args[0], "wb") as out:
                for start, size in zip(args[1::2], args[2::2]):
                    m.save(out, int(start, 0), int(size, 0))
        if not held:
            m.do("cont")
    else:
        sys.exit(__doc__)


main(*sys.argv[1:])
