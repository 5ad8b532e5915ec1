"""`python interrupt_at.py loading|running N ARG...`: the command line, interrupted at the N-th call in its main thread.

`loading` counts from the first import on, `running` from the end of the imports. As Ctrl-C does, the signal reaches
the whole process group. With N = 0 nothing is interrupted, and the last line on stderr is the number of calls.
"""

import os
import signal
import sys
from types import FrameType

if sys.argv.pop(1) == "running":
    import datawal_conformance.cli  # noqa: F401
target = int(sys.argv.pop(1))
pid = os.getpid()
calls = 0


def count(_frame: FrameType, event: str, _argument: object) -> None:
    global calls  # noqa: PLW0603  (a profile function has no other place to count in)
    if event == "call" and os.getpid() == pid:
        calls += 1
        if calls == target:
            sys.setprofile(None)
            os.killpg(0, signal.SIGINT)


sys.setprofile(count)
try:
    from datawal_conformance.__main__ import entry_point

    entry_point()
finally:
    sys.setprofile(None)
    if target == 0:
        sys.stderr.write(f"{calls}\n")
