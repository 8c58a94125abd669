"""The command under test, and the files that its tests give it.

The environment variable WHERRY_COMMAND names the program.
"""

import json
import os
import shutil
import struct
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["WHERRY_COMMAND"]

FORMATS = {"F32": "f", "F64": "d", "I8": "b", "I32": "i", "I64": "q", "U8": "B", "BOOL": "?"}


def save(path, tensors, metadata=None):
    """Writes a safetensors file; `tensors` maps names to (dtype, shape, values)."""
    header, body = {}, b""
    for name, (dtype, shape, values) in tensors.items():
        data = struct.pack(f"<{len(values)}{FORMATS[dtype]}", *values)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    if metadata:
        header["__metadata__"] = metadata
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + body)


def load(path):
    """Returns the tensors of a safetensors file as (dtype, shape, values), and its metadata."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    body = data[8 + length :]
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        kind = FORMATS[entry["dtype"]]
        count = (end - begin) // struct.calcsize(kind)
        tensors[name] = (entry["dtype"], entry["shape"], list(struct.unpack(f"<{count}{kind}", body[begin:end])))
    return tensors, metadata


class CommandTest(unittest.TestCase):
    """A folder for files, an empty cache in it, and the command."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="wherry-cli-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.environment = dict(os.environ, WHERRY_CACHE_DIR=self.path("cache"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path

    def wherry(self, *arguments, expect=0, **options):
        """Runs the command, requires its exit code and returns what it wrote to standard output and error."""
        done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=100, env=self.environment, **options)
        self.assertEqual(done.returncode, expect, f"wherry {arguments}:\n{done.stdout}\n{done.stderr}")
        return done.stdout, done.stderr
