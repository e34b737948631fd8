"""Programs of tests, each in a fork of a process that has imported once what they need."""

import json
import os
import subprocess
import sys

from perplab.sim.compiler.cache import HOUSE

STARTER = """
import json, os, sys
exec(sys.argv[1])
for line in sys.stdin:
    program, arguments, *files = json.loads(line)
    process = os.fork()
    if process == 0:
        os.setsid()
        for number, file in enumerate(files, 1):
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.argv[1:] = arguments
        exec(program, {"__name__": "__main__"})
        sys.exit()
    print(process, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""


class Forks:
    """Programs, one after another, from the project's root and each in a session of its own."""

    def __init__(self, folder, imports, **variables):
        self.files, self.code = (folder / "said.txt", folder / "errors.txt"), None
        self.starter = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", STARTER, imports],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=HOUSE,
            env=os.environ | {"PYTHONPATH": str(HOUSE)} | variables,
            text=True,
        )

    def begin(self, program, *arguments):
        """Start a program and return the number of its process."""
        request = [program, [str(one) for one in arguments], *map(str, self.files)]
        self.starter.stdin.write(json.dumps(request) + "\n")
        self.starter.stdin.flush()
        self.code = None
        return int(self.starter.stdout.readline())

    def ended(self):
        """Wait until the program has ended and return its exit code."""
        if self.code is None:
            self.code = int(self.starter.stdout.readline())
        return self.code

    def errors(self):
        """Return what the last program printed on standard error."""
        return self.files[1].read_text()

    def said(self, program, *arguments):
        """Return what a program prints, which must end well."""
        self.begin(program, *arguments)
        code, said = self.ended(), self.files[0].read_text()
        assert code == 0, said[-3_000:] + self.errors()
        return said

    def end(self):
        """End the process that waits for programs."""
        self.starter.stdin.close()
        assert self.starter.wait(30) == 0
