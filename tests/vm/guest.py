"""A guest machine and the archive that it starts from, for tests/vm/run and bench/run.

Sources: qemu-system-x86_64(1); cpio(5), the newc format; xen/include/public/elfnote.h; GDB's remote protocol.
"""
import os
import pathlib
import re
import select
import signal
import socket
import stat
import struct
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
QEMU = os.environ.get("QEMU", "qemu-system-x86_64")
MACHINES = {
    "pc": "pc,usb=off,vmport=off",
    "q35": "q35,usb=off,vmport=off,sata=off,smbus=off",
    "microvm": "microvm,rtc=on,isa-serial=on",
}
# Auk writes 0x2f to isa-debug-exit when it panics.
STATUS_PANIC = 0x2F << 1 | 1


class Archive:
    """An initramfs in the making."""

    def __init__(self):
        self.members = []

    def add(self, name, mode, data=b"", rdev=(0, 0)):
        fields = (len(self.members) + 1, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
        self.members.append(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))
        return self

    def directory(self, *names):
        for name in names:
            self.add(name, stat.S_IFDIR | 0o755)
        return self

    def file(self, name, data, mode=0o755):
        return self.add(name, stat.S_IFREG | mode, data)

    def link(self, name, target):
        return self.add(name, stat.S_IFLNK | 0o777, target.encode())

    def device(self, name, major, minor):
        return self.add(name, stat.S_IFCHR | 0o666, rdev=(major, minor))

    def standard(self):
        """What every program expects: mount points and three devices."""
        self.directory("dev", "proc", "sys", "tmp", "bin")
        return self.device("dev/console", 5, 1).device("dev/null", 1, 3).device("dev/zero", 1, 5)

    def data(self):
        trailer = Archive().add("TRAILER!!!", 0).members
        data = b"".join(self.members + trailer)
        return data + b"\0" * (-len(data) % 512)


def elf_entry(path):
    """Where the processor enters: the note for PVH in a kernel, else the entry point."""
    with open(path, "rb") as file:
        head = file.read(64)
        if head[:4] != b"\x7fELF":
            raise ValueError(f"{path} is no ELF file")
        entry, table = struct.unpack_from("<QQ", head, 24)
        size, count = struct.unpack_from("<HH", head, 54)
        for index in range(count):
            file.seek(table + index * size)
            kind, _, offset, _, _, length = struct.unpack("<IIQQQQ", file.read(40))
            if kind == 4:
                file.seek(offset)
                entry = pvh_note(file.read(length)) or entry
    return entry


def pvh_note(notes):
    while len(notes) >= 12:
        name_len, value_len, kind = struct.unpack_from("<III", notes)
        value = 12 + (name_len + 3) // 4 * 4
        if kind == 18 and notes[12:15] == b"Xen":
            return int.from_bytes(notes[value : value + value_len], "little")
        notes = notes[value + (value_len + 3) // 4 * 4 :]
    return None


class Guest:
    """QEMU with its serial console on our pipes; what it said is in `text`, and in a log at the end."""

    def __init__(self, kernel, initrd, append, *, machine="pc", cpus=1, memory_mib=256, cpu="max",
                 accel=None, extra=(), breakpoints=False, console="stdio",
                 log=None):
        self.scratch = tempfile.TemporaryDirectory(prefix="auk-vm.")
        self.seen = b""
        self.status = None
        self.gdb = None
        self.log = log
        where = pathlib.Path(self.scratch.name)
        command = [QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                   "-machine", MACHINES[machine], "-cpu", cpu, "-smp", str(cpus), "-m", f"{memory_mib}M",
                   "-accel", accel or f"tcg,thread={'multi' if cpus > 1 else 'single'}",
                   "-kernel", str(kernel), "-append", append,
                   "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        if machine == "microvm":
            command += ["-global", "virtio-mmio.force-legacy=false"]
        if initrd is not None:
            (where / "initrd").write_bytes(initrd)
            command += ["-initrd", str(where / "initrd")]
        command += ["-serial", console] if console else []
        if breakpoints:
            command += ["-S", "-gdb", f"unix:{where}/gdb,server=on,wait=off"]
        self.command = command + [str(word) for word in extra]
        self.start = time.monotonic()
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, bufsize=0)
        if breakpoints:
            self.gdb = Debugger(where / "gdb", self.process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        if self.gdb:
            self.gdb.close()
        if self.log:
            self.log.write_text(self.text)
        self.scratch.cleanup()

    @property
    def text(self):
        return self.seen.decode("utf-8", "replace").replace("\r", "")

    def elapsed(self):
        return time.monotonic() - self.start

    def read(self, limit_s):
        """Take what comes within the limit; False at the end of the stream."""
        ready, _, _ = select.select([self.process.stdout], [], [], max(0, limit_s))
        if not ready:
            return True
        data = os.read(self.process.stdout.fileno(), 65536)
        self.seen += data
        return bool(data)

    def expect(self, pattern, limit_s):
        """Wait for a regular expression on the console: the match, or None at the end or the limit."""
        until = time.monotonic() + limit_s
        while True:
            match = re.search(pattern, self.text, re.M)
            if match:
                return match
            if time.monotonic() >= until or not self.read(until - time.monotonic()):
                return re.search(pattern, self.text, re.M)

    def send(self, text):
        self.process.stdin.write(text.encode())

    def wait(self, limit_s):
        """QEMU's exit status, or None if it still runs at the limit."""
        until = time.monotonic() + limit_s
        while time.monotonic() < until and self.read(until - time.monotonic()):
            pass
        try:
            self.status = self.process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.status = None
        return self.status

    def kill(self):
        self.process.send_signal(signal.SIGKILL)


class Debugger:
    """As much of GDB's remote protocol as breakpoints need."""

    def __init__(self, path, process):
        self.socket = socket.socket(socket.AF_UNIX)
        self.rest = b""
        while True:
            try:
                self.socket.connect(str(path))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if process.poll() is not None:
                    raise RuntimeError("QEMU ended: " + process.stdout.read().decode()) from None
                time.sleep(0.001)

    def close(self):
        self.socket.close()

    def put(self, text):
        data = text.encode()
        self.socket.sendall(b"$%s#%02x" % (data, sum(data) & 0xFF))

    def answer(self, limit_s):
        """The next packet, without its frame."""
        until = time.monotonic() + limit_s
        while True:
            match = re.search(rb"\$([^#]*)#..", self.rest)
            if match:
                self.rest = self.rest[match.end() :]
                self.socket.sendall(b"+")
                return match.group(1).decode()
            self.socket.settimeout(max(0.01, until - time.monotonic()))
            data = self.socket.recv(4096)
            if not data:
                raise RuntimeError("QEMU ended before the breakpoint")
            self.rest += data

    def ask(self, text):
        self.put(text)
        return self.answer(10)

    def run_to(self, address, limit_s):
        """Run until an instruction is reached."""
        if self.ask(f"Z1,{address:x},1") != "OK":
            raise RuntimeError("QEMU takes no breakpoint")
        self.put("c")
        self.answer(limit_s)
        self.ask(f"z1,{address:x},1")

    def leave(self):
        """Go on, without the debugger."""
        self.ask("D")
