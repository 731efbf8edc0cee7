# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's RPC by hand, for what no decent client would send."""

import array
import contextlib
import os
import re
import socket
import struct
import subprocess

import skeptest

REMOTE, LXC, KEEPALIVE = 0x20008086, 0x00068000, 0x6b656570
CALL, REPLY, MESSAGE, STREAM, CALL_WITH_FDS = 0, 1, 2, 3, 4
OK, ERROR, CONTINUE = 0, 1, 2


@contextlib.contextmanager
def memory_dir():
    """A directory of the test's, in memory: a disk that other tests keep busy is no matter of these. For tests that have
    entered their namespaces."""
    with skeptest.work_dir() as path:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", path], check=True)
        yield path


def procedures():
    """{name: number} of the REMOTE program, from its description."""
    text = open(os.path.join(skeptest.SOURCE, "src/rpc/remote.x"), encoding="utf-8").read()
    return {name: int(number) for name, number in re.findall(r"\bREMOTE_PROC_(\w+) = (\d+)", text)}


def string(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack(">I", len(data)) + data + b"\0" * (-len(data) % 4)


def optional(text):
    return struct.pack(">I", 0) if text is None else struct.pack(">I", 1) + string(text)


def domain(name, uuid, number=-1):
    return string(name) + bytes.fromhex(uuid.replace("-", "")) + struct.pack(">i", number)


class Failure(Exception):
    """An error reply."""

    def __init__(self, payload):
        self.code, self.origin = struct.unpack_from(">ii", payload)
        self.message = ""
        if struct.unpack_from(">I", payload, 8)[0]:
            length = struct.unpack_from(">I", payload, 12)[0]
            self.message = payload[16:16 + length].decode(errors="replace")
        super().__init__(f"{self.code}/{self.origin}: {self.message}")


class Closed(Exception):
    """The daemon closed the connection."""


PATIENCE = 300      # seconds for whatever must come; only a daemon that hangs takes them


class Wire:
    """One connection. Nothing is sent that was not asked for."""

    def __init__(self, path, timeout=PATIENCE):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.serial = 0

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def raw(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed from error

    @staticmethod
    def packet(procedure, payload=b"", *, program=REMOTE, version=1, kind=CALL, serial=0, status=OK, length=None):
        body = struct.pack(">IIiiIi", program, version, procedure, kind, serial, status) + payload
        return struct.pack(">I", len(body) + 4 if length is None else length) + body

    def send(self, procedure, payload=b"", **fields):
        self.serial += 1
        self.raw(self.packet(procedure, payload, serial=self.serial, **fields))
        return self.serial

    def send_fds(self, procedure, payload, fds):
        """A call with descriptors: one byte with one descriptor each after the packet."""
        self.send(procedure, struct.pack(">I", len(fds)) + payload, kind=CALL_WITH_FDS)
        for fd in fds:
            self.socket.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            try:
                part = self.socket.recv(size - len(data))
            except ConnectionResetError as error:
                raise Closed from error
            if not part:
                raise Closed
            data += part
        return data

    def receive(self):
        """(program, procedure, kind, serial, status, payload) of the next packet."""
        size = struct.unpack(">I", self._exactly(4))[0]
        body = self._exactly(size - 4)
        program, _, procedure, kind, serial, status = struct.unpack_from(">IIiiIi", body)
        return program, procedure, kind, serial, status, body[24:]

    def reply(self, serial):
        """The payload of the answer to a call; events and pings before it are passed over."""
        while True:
            _, _, kind, got, status, payload = self.receive()
            if kind == REPLY and got == serial:
                if status == ERROR:
                    raise Failure(payload)
                return payload

    def call(self, procedure, payload=b"", **fields):
        return self.reply(self.send(procedure, payload, **fields))

    def open(self, *, readonly=False):
        self.call(66)
        self.call(1, optional("lxc:///system") + struct.pack(">I", 1 if readonly else 0))
        return self

    def is_closed(self, seconds=PATIENCE):
        """Whether the daemon closes the connection, whatever it says before."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
            return True
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False
