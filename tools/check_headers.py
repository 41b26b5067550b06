#!/usr/bin/env python3
"""Compile every public header alone, as C99, C11 and C++17, with every warning an error.

Each header must stand by itself, and its DC_*_PARAMS_INIT macros must initialise a variable in each
language.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

C = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-Wshadow", "-Wundef", "-fsyntax-only"]
LANGUAGES = {
    "C99": ["-x", "c", "-std=c99", "-Wstrict-prototypes", "-Wmissing-prototypes"],
    "C11": ["-x", "c", "-std=c11", "-Wstrict-prototypes", "-Wmissing-prototypes"],
    "C++17": ["-x", "c++", "-std=c++17"],
}


def program(header, text):
    """A source file that includes the header twice and uses its initialisers."""
    lines = [f'#include "dualcube/{header.name}"', f'#include "dualcube/{header.name}"',
             "int use(void);", "int use(void)", "{"]
    names = re.findall(r"^#define\s+(DC_(\w+)_PARAMS)_INIT\b", text, re.M)
    for _, stem in names:
        kind = f"dc_{stem.lower()}_params"
        lines += [f"    {kind} {stem.lower()} = DC_{stem}_PARAMS_INIT;",
                  f"    if ({stem.lower()}.struct_size != sizeof({kind}))", "        return 1;"]
    return "\n".join([*lines, "    return 0;", "}", ""])


def compilers(names):
    return [name for name in names if shutil.which(name)]


def check(include, names):
    found, jobs = [], []
    headers = sorted((include / "dualcube").glob("*.h"))
    with tempfile.TemporaryDirectory() as temp:
        for header in headers:
            source = pathlib.Path(temp) / (header.stem + ".source")
            source.write_text(program(header, header.read_text(encoding="utf-8")),
                              encoding="utf-8")
            for compiler in names:
                for language, options in LANGUAGES.items():
                    command = [compiler, *options, *C, f"-I{include}", str(source)]
                    jobs.append((header, compiler, language, command))
        running = []
        while jobs or running:
            while jobs and len(running) < min(2, os.cpu_count() or 1):
                header, compiler, language, command = jobs.pop(0)
                process = subprocess.Popen(command, stdout=subprocess.PIPE,
                                           stderr=subprocess.STDOUT, text=True,
                                           env=dict(os.environ, LC_ALL="C"))
                running.append((process, f"{header.name} as {language} by {compiler}"))
            process, what = running.pop(0)
            output = process.communicate()[0]
            if process.returncode:
                line = next((l for l in output.splitlines() if "error" in l), output.strip())
                found.append(f"{what}: {line}")
    if not headers or not names:
        found.append(f"{include}: no header, or no compiler")
    return found, f"{len(headers)} headers, {len(LANGUAGES)} languages, {' '.join(names) or 'none'}"


SOUND = ("#ifndef MODEL_H\n#define MODEL_H\n#include <stdint.h>\n"
         "typedef struct dc_model_params { uint32_t struct_size; int32_t x; } dc_model_params;\n"
         "#define DC_MODEL_PARAMS_INIT { sizeof(dc_model_params), 0 }\n"
         "#ifdef __cplusplus\nextern \"C\" {\n#endif\nint dc_model(void);\n"
         "#ifdef __cplusplus\n}\n#endif\n#endif\n")
PLANTS = [
    ("an include missing", "<stdint.h>", "<limits.h>"),
    ("a word of C++", "int dc_model(void);", "int dc_model(int new);"),
    ("a feature of C11", "int dc_model(void);", "_Static_assert(1, \"x\");"),
    ("no include guard", "#define MODEL_H\n", ""),
    ("a prototype without void", "int dc_model(void);", "int dc_model();"),
    ("an initialiser too long", "sizeof(dc_model_params), 0 }", "sizeof(dc_model_params), 0, 1 }"),
    ("an initialiser that leaves struct_size", "{ sizeof(dc_model_params), 0 }", "{ 1.5, 0 }"),
]


def self_test(names):
    failed = []
    for what, old, new in [("", "", ""), *PLANTS]:
        with tempfile.TemporaryDirectory() as temp:
            (pathlib.Path(temp) / "dualcube").mkdir()
            text = SOUND.replace(old, new) if old else SOUND
            (pathlib.Path(temp) / "dualcube/model.h").write_text(text, encoding="utf-8")
            found = check(pathlib.Path(temp), names[:1])[0]
        if what and not found:
            failed.append(f"not found: {what}")
        if not what and found:
            failed.append(f"the sound model is refused: {found}")
    for line in failed:
        print(f"check_headers --self-test: {line}")
    print(f"check_headers --self-test: {len(PLANTS) + 1 - len(failed)} passed, "
          f"{len(failed)} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--compilers", nargs="+", default=["gcc", "clang"],
                        help="those that are installed are used (default: gcc clang)")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    names = compilers(options.compilers) or compilers(["cc", "clang-14"])
    if options.self_test:
        return self_test(names)
    found, counts = check(options.root / "include", names)
    for line in found:
        print(line)
    print(f"check_headers: {counts}, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
