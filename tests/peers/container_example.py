"""Runs the example for Testcontainers: container_example.py SMPP_SIM EXAMPLE.

In the container's place is the program itself. What the example mounts has to be open to others: the image runs as a user that owns
nothing of the machine's, and reads nothing of a folder that is its owner's alone.
"""
import json
import shlex
import socket
import struct
import subprocess
import sys
import types
from pathlib import Path

PROGRAM, EXAMPLE = sys.argv[1:]
PORTS = {"smpp": 2775, "http": 2780}


class DockerContainer:
    def __init__(self, image):
        assert image == "smpp-sim", image
        self.exposed, self.arguments, self.mounted = [], [], {}

    def with_exposed_ports(self, *ports):
        self.exposed += ports
        return self

    def with_volume_mapping(self, host, guest, mode="ro"):
        for path in [Path(host), *Path(host).rglob("*")]:
            needed = 0o005 if path.is_dir() else 0o004
            assert path.stat().st_mode & needed == needed, f"the image's user cannot read {path}"
        self.mounted[guest] = host
        return self

    def with_command(self, command):
        self.arguments = shlex.split(command) if isinstance(command, str) else command
        return self

    def __enter__(self):
        arguments = []
        for argument in self.arguments:
            for guest, host in self.mounted.items():
                argument = argument.replace(guest, host)
            # The port of the container is one of the machine's, which Docker chooses.
            arguments.append(argument if not argument.startswith("0.0.0.0:") else "127.0.0.1:0")
        self.process = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, text=True)
        self.said = self.process.stdout.readline()
        ready = json.loads(self.said)
        self.ports = {PORTS[name]: int(ready[name].rsplit(":")[-1]) for name in PORTS}
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def get_container_host_ip(self):
        return "127.0.0.1"

    def get_exposed_port(self, port):
        assert port in self.exposed, f"{port} is not exposed"
        return self.ports[port]


def wait_for_logs(container, words):
    assert words in container.said, container.said


def pdu(command, sequence, body=b""):
    return struct.pack(">IIII", 16 + len(body), command, 0, sequence) + body


def send_one_message(host, port):
    """Binds, submits one message that wants a receipt, and acknowledges that."""
    with socket.create_connection((host, port), timeout=10) as connection:
        connection.sendall(pdu(0x00000009, 1, b"example\0secret\0\0\x34\0\0\0"))
        submit = b"\0\0\0Clinic\0\x01\x0133612345678\0\0\0\0\0\0\x01\0\0\0\x07Bonjour"
        connection.sendall(pdu(0x00000004, 2, submit))
        stream = connection.makefile("rb")
        while True:
            length, command, _, sequence = struct.unpack(">IIII", stream.read(16))
            stream.read(length - 16)
            if command == 0x00000005:
                connection.sendall(pdu(0x80000005, sequence, b"\0"))
                return


for name in ["testcontainers", "testcontainers.core", "testcontainers.core.container", "testcontainers.core.waiting_utils"]:
    sys.modules[name] = types.ModuleType(name)
sys.modules["testcontainers.core.container"].DockerContainer = DockerContainer
sys.modules["testcontainers.core.waiting_utils"].wait_for_logs = wait_for_logs
example = {"send_one_message": send_one_message}
exec(compile(Path(EXAMPLE).read_text(), EXAMPLE, "exec"), example)
tests = [test for name, test in example.items() if name.startswith("test_")]
for test in tests:
    test()
print(f"{len(tests)} passed")
