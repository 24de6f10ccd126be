#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs inside the host that is a guest: does what the tests ask for over a virtio serial port.

One JSON object a line each way. A request names a program and its arguments; the answer is its exit status and
what it printed. On starting, the agent says which boot this is.
"""

import io
import json
import pathlib
import subprocess
import sys

PORT = "/dev/virtio-ports/vmroot.agent"
BOOT_ID = pathlib.Path("/proc/sys/kernel/random/boot_id")


def run(argv, text, seconds):
    try:
        done = subprocess.run(argv, input=text, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as expired:
        return None, expired.stdout or b"", (expired.stderr or b"") + b"\n(out of time)"
    except OSError as error:
        return 127, b"", str(error).encode()
    return done.returncode, done.stdout, done.stderr


def main():
    with open(PORT, "r+b", buffering=0) as port:
        # The port takes 32 KiB at a time.
        answers = io.BufferedWriter(port)

        def say(**answer):
            answers.write(json.dumps(answer).encode() + b"\n")
            answers.flush()

        say(boot=BOOT_ID.read_text().strip())
        pending = b""
        while data := port.read(65536):
            pending += data
            while b"\n" in pending:
                line, _, pending = pending.partition(b"\n")
                request = json.loads(line)
                status, output, messages = run(
                    request["argv"], request["input"].encode(), request["seconds"]
                )
                say(
                    status=status,
                    output=output.decode(errors="replace"),
                    messages=messages.decode(errors="replace"),
                )


if __name__ == "__main__":
    sys.exit(main())
