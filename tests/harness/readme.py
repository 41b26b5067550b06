#!/usr/bin/env python3
"""The README's own lines: every block of C that has a main() is compiled against the build and run,
every block of Python is run, every relative link leads somewhere."""

import os
import re
import subprocess
import sys
import tempfile

ROOT = os.environ.get("ROOT") or os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
RELEASE = os.environ.get("RELEASE", os.path.join(ROOT, "build-tests", "release"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)#?]+)[^)]*\)")


def run(command, cwd, env):
    done = subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        print(done.stdout[-2000:])
    return done.returncode == 0


def c_block(text, folder, env):
    source, program = os.path.join(folder, "block.c"), os.path.join(folder, "block")
    with open(source, "w") as file:
        file.write(text)
    library = os.path.join(RELEASE, "lib")
    compiled = run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-I",
                    os.path.join(ROOT, "include"), source, "-o", program, "-L", library,
                    "-ldualcube", "-lm", "-Wl,-rpath," + library], folder, env)
    return compiled and run([program], folder, env)


def main():
    passed = failed = 0
    with open(os.path.join(ROOT, "README.md")) as file:
        text = file.read()
    env = dict(os.environ, DUALCUBE_LIBRARY=os.path.join(RELEASE, "lib", "libdualcube.so"),
               PYTHONPATH=os.path.join(ROOT, "host", "python"))
    kinds = set()
    with tempfile.TemporaryDirectory() as folder:
        for language, block in BLOCK.findall(text):
            if language == "c" and "main(" in block:
                fine = c_block(block, folder, env)
            elif language == "python":
                fine = run([sys.executable, "-c", block], folder, env)
            else:
                continue
            kinds.add(language)
            passed += fine
            failed += not fine
            if not fine:
                print("FAILED: this block of %s:\n%s" % (language, block))
    for language in sorted({"c", "python"} - kinds):
        failed += 1
        print("FAILED: README.md has no block of %s that runs" % language)
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        fine = os.path.exists(os.path.join(ROOT, link))
        passed += fine
        failed += not fine
        if not fine:
            print("FAILED: README.md leads to %s, which is not there" % link)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
