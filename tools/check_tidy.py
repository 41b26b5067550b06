#!/usr/bin/env python3
"""Run the pinned clang-tidy with .clang-tidy over the project's own C files of a build directory.

A file that was clean, and whose preprocessed text has not changed since, is not looked at again:
the build directory remembers.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

TIDY, COMPILER = "clang-tidy-14", "clang-14"
FINDING = re.compile(r"^(\S+?:\d+:\d+): (?:warning|error): (.*)$", re.M)


def front_end(command):
    """The options of a compile command that decide what the text is."""
    options = [word for word in command if word.startswith(("-I", "-D", "-std="))]
    return options + [word for before, word in zip(command, command[1:]) if before == "-isystem"
                      for word in ("-isystem", word)]


def commands_of(root, build):
    """[(file, options)] of the files of the repository that the build compiles; a file that is
    compiled for several instruction sets is taken once, for several mirrors once each."""
    path = build / "compile_commands.json"
    if not path.is_file():
        return []
    found = {}
    for entry in json.loads(path.read_text(encoding="utf-8")):
        file = pathlib.Path(entry["file"])
        if not file.is_relative_to(root) or file.is_relative_to(build):
            continue
        options = front_end(shlex.split(entry["command"]))
        mirror = tuple(o for o in options if o.startswith(("-DDC_STEM=", "-DSFX=")))
        found.setdefault((entry["file"], mirror), options)
    return sorted((file, options) for (file, _), options in found.items())


def text_hash(file, options, salt):
    """SHA-256 of the preprocessed text, None when it cannot be had."""
    done = subprocess.run([COMPILER, "-E", "-P", *options, file], capture_output=True, check=False)
    if done.returncode:
        return None
    return hashlib.sha256(salt + done.stdout).hexdigest()


def tidy(config, file, options):
    done = subprocess.run([TIDY, "--quiet", f"--config-file={config}", file, "--", *options],
                          capture_output=True, text=True, check=False)
    found = sorted(set(FINDING.findall(done.stdout)))
    if done.returncode and not found:
        lines = (done.stderr or done.stdout).strip().splitlines()
        found = [(file, lines[-1] if lines else f"{TIDY} failed")]
    return found


def check(root, build, jobs, remember=True):
    if not shutil.which(TIDY):
        return [f"{TIDY} is not installed: nothing was checked"], "0 files"
    commands = commands_of(root, build)
    if not commands:
        return [f"{build}: no compile_commands.json with files of {root}"], "0 files"
    config = root / ".clang-tidy"
    memory = build / "tidy_clean.json"
    clean = set(json.loads(memory.read_text())) if remember and memory.is_file() else set()
    salt, known, looked = config.read_bytes() + TIDY.encode(), set(), 0

    def one(item):
        file, options = item
        key = text_hash(file, options, salt) if remember else None
        if key and key in clean:
            return key, [], 0
        return key, tidy(config, file, options), 1
    found = []
    with ThreadPoolExecutor(jobs) as pool:
        for key, what, ran in pool.map(one, commands):
            looked += ran
            found += what
            if key and not what:
                known.add(key)
    if remember:
        temporary = memory.with_suffix(".tmp")
        temporary.write_text(json.dumps(sorted(known)))
        temporary.replace(memory)
    lines = [f"{place.replace(str(root) + '/', '')}: {text}" for place, text in sorted(set(found))]
    return lines, f"{len(commands)} files and mirrors, {looked} looked at"


SOUND = ("#include <stdlib.h>\n#include <string.h>\nint f(char *p, int n);\n"
         "int f(char *p, int n)\n{\n%s    return n;\n}\n")
PLANTS = [
    ("nothing", "", False),
    ("a semicolon after if", "    if (n > 1);\n        n = 2;\n", True),
    ("memset with its arguments swapped", "    memset(p, n, 0);\n", True),
    ("a loop that never ends", "    for (int i = 0; i < 3;)\n        n += 1;\n", True),
    ("an allocation one byte off", "    p = malloc(strlen(p + 1));\n    n += p == 0;\n", True),
    ("a string literal that lost its comma", "    static const char *const t[] = "
     "{\"a\", \"b\" \"c\", \"d\", \"e\", \"f\", \"g\", \"h\"};\n    n += t[0][0];\n", True),
]


def self_test(jobs):
    failed = []
    config = pathlib.Path(__file__).resolve().parent.parent / ".clang-tidy"
    for what, text, wanted in PLANTS:
        with tempfile.TemporaryDirectory() as temp:
            root = pathlib.Path(temp).resolve()
            build = root / "build"
            build.mkdir()
            source = root / "a.c"
            source.write_text(SOUND % text)
            (root / ".clang-tidy").write_text(config.read_text(encoding="utf-8"))
            (build / "compile_commands.json").write_text(json.dumps([
                {"directory": str(root), "file": str(source),
                 "command": f"cc -std=c11 -w -c {source}"}]))
            found = check(root, build, jobs, remember=False)[0]
        if bool(found) != wanted:
            failed.append(f"{what}: {found or 'not found'}")
    for line in failed:
        print(f"check_tidy --self-test: {line}")
    print(f"check_tidy --self-test: {len(PLANTS) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, default=root)
    parser.add_argument("--build", type=pathlib.Path, default=root / "build",
                        help="build directory with compile_commands.json (default: build)")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test(options.jobs)
    found, counts = check(options.root.resolve(), options.build.resolve(), options.jobs)
    for line in found:
        print(line)
    print(f"check_tidy: {counts}, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
