"""Runs a command with a home of its own and tells what it took: HOME COMMAND [ARGUMENT...].

Prints its exit status, seconds and the peak of its resident memory, which the kernel counts.
"""

import json
import os
import resource
import subprocess
import sys
import time

home, *command = sys.argv[1:]
start = time.perf_counter()
done = subprocess.run(
    command,
    env={**os.environ, "TRUELINE_HOME": home},
    stdout=subprocess.DEVNULL,
    stderr=subprocess.PIPE,
    text=True,
)
seconds = time.perf_counter() - start
# Linux counts in KiB. The command is the only child, so it is the largest.
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
print(json.dumps({"status": done.returncode, "seconds": seconds, "peak_bytes": peak, "stderr": done.stderr}))
