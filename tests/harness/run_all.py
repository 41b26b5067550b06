"""Runs every stage of the tests, as many side by side as there are processors, and counts.

Called by tests/run_all.  A stage is a few lines of shell; its counts come from ctest's or pytest's
XML or from its last line "N passed, N failed".  A stage that says nothing counts as one test, a
stage whose script is missing fails.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import counts as counting  # noqa: E402
import stages as table  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@dataclass
class Running:
    stage: table.Stage
    process: subprocess.Popen
    log: str
    begin: float


@dataclass
class Run:
    options: argparse.Namespace
    build: str
    environment: dict
    begin: float
    done: dict = field(default_factory=dict)  # name -> Counts
    times: list = field(default_factory=list)  # (name, seconds)
    running: list = field(default_factory=list)

    def path(self, *parts):
        return os.path.join(self.build, *parts)


def environment_of(build):
    """The tests' own: no wish of the user's shell may change what they find."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("DUALCUBE_")
           or key in ("DUALCUBE_TEST_DATA", "DUALCUBE_TEST_HEAVY")}
    env.update(ROOT=ROOT, BUILD=build, RELEASE=os.path.join(build, "release"),
               ASAN=os.path.join(build, "asan"), TSAN=os.path.join(build, "tsan"),
               PYTHON=sys.executable, OMP_WAIT_POLICY="passive", OCL_ICD_PLATFORM_SORT="none",
               POCL_CACHE_DIR=os.path.join(build, "pocl"), CTEST_OUTPUT_ON_FAILURE="1",
               # PoCL takes a minute and a half to optimise the one, ten seconds the other.
               DUALCUBE_OPENCL_PLAIN="spectral,smooth",
               DUALCUBE_CACHE_DIR=os.path.join(build, "cache"), LC_ALL="C.UTF-8",
               PYTHONDONTWRITEBYTECODE="1", JOBS=str(processors()))
    return env


def processors():
    return max(1, len(os.sched_getaffinity(0)))


def start(run, stage):
    log = run.path("logs", stage.name + ".log")
    xml = run.path("logs", stage.name + ".xml")
    if os.path.exists(xml):
        os.remove(xml)
    env = dict(run.environment, XML=xml, STAGE=stage.name)
    env.update(SEED=str(run.options.seed), WERROR="ON" if run.options.werror else "OFF")
    with open(log, "w") as file:
        process = subprocess.Popen(["bash", "-euo", "pipefail", "-c", stage.script], cwd=ROOT,
                                   env=env, stdout=file, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, start_new_session=True)
    return Running(stage, process, log, time.monotonic())


def end_process(process):
    """End a stage and what it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            pass


def finish(run, job, timed_out):
    seconds = time.monotonic() - job.begin
    status = 124 if timed_out else job.process.returncode
    with open(job.log, errors="replace") as file:
        text = file.read()
    xml = run.path("logs", job.stage.name + ".xml") if job.stage.xml else None
    counts = counting.of_stage(text, status, xml, job.stage.xml)
    run.done[job.stage.name] = counts
    run.times.append((job.stage.name, seconds))
    print("%-12s %6.1f s  %s%s" % (job.stage.name, seconds, counts.text(),
                                   "  (stopped after its time limit)" if timed_out else ""))
    for line in re.findall(r"^(?:parity: seed .*|oracle: .*|fault: .*|skipped: .*)$", text,
                           re.MULTILINE)[:8]:
        print("             " + line)
    if counts.failed:
        tail = text.rstrip().split("\n")[-run.options.lines:]
        print("\n".join("    | " + line for line in tail))
        print("    | (all of it: %s)" % job.log)
    sys.stdout.flush()


def skip_for(run, stage, why):
    run.done[stage.name] = counting.Counts(failed=1)
    print("%-12s %6.1f s  0 passed, 1 failed  (not run: %s failed)" % (stage.name, 0.0, why))


def ready(run, stages):
    """Stages whose needs are met, in the order of the table; those that cannot run are failed."""
    names = {stage.name for stage in stages}
    busy = {job.stage.name for job in run.running}
    for stage in stages:
        if stage.name in run.done or stage.name in busy:
            continue
        needs = [need for need in stage.needs if need in names]
        broken = [need for need in needs if need in run.done and run.done[need].failed]
        if broken:
            skip_for(run, stage, broken[0])
            continue
        if all(need in run.done for need in needs):
            yield stage


def schedule(run, stages):
    slots = max(2, processors())
    while len(run.done) < len(stages):
        used = sum(min(job.stage.weight, slots) for job in run.running)
        for stage in list(ready(run, stages)):
            weight = min(stage.weight, slots)
            if used + weight > slots:
                continue
            run.running.append(start(run, stage))
            used += weight
        for job in list(run.running):
            timed_out = time.monotonic() - job.begin > job.stage.limit * run.options.patience
            if timed_out:
                end_process(job.process)
            if timed_out or job.process.poll() is not None:
                run.running.remove(job)
                finish(run, job, timed_out)
        time.sleep(0.05)


def wanted(only):
    """The stages asked for and what they need, in the order of the table."""
    if not only:
        return table.STAGES
    by_name = {stage.name: stage for stage in table.STAGES}
    names, todo = set(), only.split(",")
    while todo:
        name = todo.pop()
        if name not in by_name:
            sys.exit("run_all: there is no stage %s; the stages are %s" % (name, ", ".join(by_name)))
        names.add(name)
        todo.extend(need for need in by_name[name].needs if need not in names)
    return [stage for stage in table.STAGES if stage.name in names]


def arguments():
    parser = argparse.ArgumentParser(prog="tests/run_all", description="build and run every test")
    parser.add_argument("--only", help="stages, separated by commas (with what they need)")
    parser.add_argument("--list", action="store_true", help="list the stages and end")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random cases")
    parser.add_argument("--build", default=os.path.join(ROOT, "build-tests"), help="build folder")
    parser.add_argument("--fresh", action="store_true", help="remove the build folder first")
    parser.add_argument("--record", action="store_true",
                        help="keep the parity table of this run as tests/PARITY.csv and .md")
    parser.add_argument("--werror", action="store_true", help="warnings are errors")
    parser.add_argument("--limit", type=float, default=0, help="most seconds for the whole")
    parser.add_argument("--patience", type=float, default=1,
                        help="multiply the stages' time limits (a busy machine)")
    parser.add_argument("--lines", type=int, default=40, help="lines shown of a failed stage")
    parser.add_argument("--no-setup", action="store_true", help="look for no missing packages")
    return parser.parse_args()


def report(run, setup_seconds):
    total = counting.Counts()
    for counts in run.done.values():
        total += counts
    seconds = time.monotonic() - run.begin + setup_seconds
    print("\nstages by time: " + ", ".join(
        "%s %.0f s" % pair for pair in sorted([("setup", setup_seconds)] + run.times,
                                              key=lambda pair: -pair[1])))
    print("all: %.0f s on %d processors" % (seconds, processors()))
    if run.options.limit and seconds > run.options.limit:
        print("FAILED: %.0f s, at most %.0f are allowed" % (seconds, run.options.limit))
        total.failed += 1
    print(total.text())
    return 1 if total.failed else 0


def record(run):
    """The table of a parity run without failures becomes the committed one."""
    counts = run.done.get("parity")
    if not counts or counts.failed:
        print("FAILED: no parity table to keep: the stage did not pass")
        return 1
    for name in ("PARITY.csv", "PARITY.md"):
        shutil.copyfile(run.path(name), os.path.join(ROOT, "tests", name))
    print("kept: tests/PARITY.csv, tests/PARITY.md")
    return 0


def main():
    options = arguments()
    # A shell that runs us in the background ignores interrupts; what we start must not inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if options.list:
        for stage in table.STAGES:
            print("%-12s %s" % (stage.name, stage.about))
        return 0
    if options.fresh:
        shutil.rmtree(options.build, ignore_errors=True)
    build = os.path.abspath(options.build)
    for name in ("logs", "pocl", "cache"):
        os.makedirs(os.path.join(build, name), mode=0o700, exist_ok=True)
    run = Run(options, build, environment_of(build), time.monotonic())
    try:
        schedule(run, wanted(options.only))
    except KeyboardInterrupt:
        for job in run.running:
            end_process(job.process)
        print("interrupted")
        return 130
    kept = record(run) if options.record else 0
    return kept | report(run, float(os.environ.get("DCT_SETUP_SECONDS", "0")))


if __name__ == "__main__":
    sys.exit(main())
