"""A chain of no-op stages in other orchestrators: milliseconds a stage, in process, from the call to its end."""

import json
import os
import statistics
import sys
import tempfile
import time

STAGES, ROUNDS = 100, 4
folder = tempfile.mkdtemp()


def dagster():
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    home = os.environ["DAGSTER_HOME"] = os.path.join(folder, "dagster")
    os.mkdir(home)
    open(os.path.join(home, "dagster.yaml"), "w").write("telemetry: {enabled: false}\n")
    import dagster as library

    def stage(number):
        @library.op(name=f"s{number}")
        def op(value: int) -> int:
            return value

        return op

    @library.op
    def first() -> int:
        return 1

    ops = [stage(number) for number in range(1, STAGES)]

    @library.job(executor_def=library.in_process_executor)
    def chain():
        value = first()
        for op in ops:
            value = op(value)

    def run():
        with library.DagsterInstance.get() as instance:
            assert chain.execute_in_process(instance=instance).success

    return library.__version__, run


def prefect():
    os.environ["PREFECT_HOME"] = os.path.join(folder, "prefect")
    os.environ["PREFECT_LOGGING_LEVEL"] = "ERROR"
    # Its server writes behind the flow's back, and gives up on a locked database otherwise.
    os.environ["PREFECT_SERVER_DATABASE_TIMEOUT"] = "60"
    os.environ["PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT"] = "60"
    os.environ["DO_NOT_TRACK"] = "1"
    import prefect as library

    @library.task
    def stage(value):
        return value

    @library.flow
    def chain():
        value = 1
        for _ in range(STAGES):
            value = stage(value)
        return value

    return library.__version__, chain


def luigi():
    import logging

    import luigi as library

    logging.disable(logging.CRITICAL)

    class Stage(library.Task):
        run_id = library.IntParameter()
        number = library.IntParameter()

        def requires(self):
            return [Stage(self.run_id, self.number - 1)] if self.number else []

        def output(self):
            return library.LocalTarget(os.path.join(folder, f"{self.run_id}-{self.number}"))

        def run(self):
            with self.output().open("w") as file:
                file.write("1")

    rounds = iter(range(ROUNDS))

    def run():
        assert library.build([Stage(next(rounds), STAGES - 1)], local_scheduler=True)

    from importlib.metadata import version

    return version("luigi"), run


version, run = {"dagster": dagster, "prefect": prefect, "luigi": luigi}[sys.argv[1]]()
times = []
for _ in range(ROUNDS):
    began = time.perf_counter()
    run()
    times.append((time.perf_counter() - began) * 1000 / STAGES)
# The first round imports and sets up.
print(json.dumps({"version": version, "ms": statistics.median(times[1:])}))
