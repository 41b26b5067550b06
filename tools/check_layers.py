#!/usr/bin/env python3
"""Check who includes whom, and which foreign header is used where.

Every private include names its file from the repository's root.  A room may include only what the
table below grants it; a library's header may be included only in the room that owns the library.
"""

import argparse
import pathlib
import re
import sys
import tempfile

# Room (the longest match counts) -> what its files may include with quotes.  An entry that ends in
# / grants a room, files in it but not its rooms; /** the whole subtree; {stem} the file's family.
ROOMS = {
    "include/dualcube/": ["dualcube/"],
    "host/": ["dualcube/", "host/core/", "kernels/shared/", "host/{stem}"],
    "host/core/": ["dualcube/", "host/core/", "kernels/shared/mirror.h"],
    "host/opencl/": ["dualcube/", "host/core/", "host/opencl/", "kernels/shared/"],
    "host/topology/": ["dualcube/", "host/core/", "host/topology/"],
    "kernels/": ["dualcube/kinds.h", "kernels/shared/"],
    "kernels/shared/": ["dualcube/kinds.h", "kernels/shared/"],
    "cpu_fallback/": ["dualcube/kinds.h", "kernels/shared/", "cpu_fallback/{stem}"],
    "cpu_fallback/runtime/": ["dualcube/", "host/core/", "kernels/shared/",
                              "cpu_fallback/**"],
    # Tests of the API, benches and the command see the public headers alone.
    "tests/": ["dualcube/", "tests/**"],
    "tests/oracle/": ["dualcube/", "tests/oracle/"],
    "tests/core/": ["dualcube/", "host/**", "kernels/shared/", "tests/**"],
    "tests/fuzz/": ["dualcube/", "tools/dualcube/", "tests/**"],
    "bench/": ["dualcube/", "bench/**"],
    "tools/": ["dualcube/"],
    "tools/dualcube/": ["dualcube/", "tools/dualcube/", "tests/harness/parity.h", "bench/**"],
    "examples/": [],  # as a stranger's program: <dualcube/dualcube.h>
}
# Rooms whose sub-rooms need no entry of their own.
OPEN = ("tests/", "tests/core/", "bench/", "cpu_fallback/runtime/")
# Header in <...> -> rooms that may include it.
FOREIGN = [
    (r"CL/.*|vkFFT\.h|clblast.*\.h", ["host/opencl/", "tests/", "examples/"]),
    (r"hwloc.*", ["host/topology/"]),
    (r"omp\.h", ["cpu_fallback/runtime/"]),
    (r"cblas\.h|lapacke?\.h|openblas.*", ["cpu_fallback/runtime/blas/"]),
    (r"cjson/.*|argp\.h", ["tools/"]),
    (r"getopt\.h", ["tools/", "tests/"]),
    (r"cmocka\.h", ["tests/"]),
    (r"dlfcn\.h", ["host/core/", "tools/", "tests/"]),
    (r"[a-z0-9]*intrin\.h",
     ["kernels/shared/", "cpu_fallback/runtime/", "bench/harness/", "bench/peers/", "tests/"]),
    (r"dualcube/.*", ["examples/"]),  # everybody else: "dualcube/..."
]
# Kernels are compiled by a driver: no system header, but for the branch that C takes in shared/.
KERNEL_HEADERS = {"kernels/": [], "kernels/shared/": ["stdint.h", "math.h", "string.h", "stddef.h"],
                  "cpu_fallback/": ["stdint.h", "math.h", "string.h", "stddef.h"]}
PRAGMA = (re.compile(r"^\s*#\s*pragma\s+omp\b", re.M), "cpu_fallback/runtime/")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.M)
SUFFIXES = (".c", ".h", ".cl", ".inc", ".def")


def strip_comments(text):
    blank = lambda match: "\n" * match.group().count("\n") or " "
    return re.sub(r"/\*.*?\*/|//[^\n]*", blank, text, flags=re.S)


def room_of(path):
    best = ""
    for room in ROOMS:
        if path.startswith(room) and len(room) > len(best):
            best = room
    inner = "/" in path[len(best):]
    return "" if inner and best not in OPEN else best


def granted(name, grants, stem):
    for grant in grants:
        grant = grant.replace("{stem}", stem)
        if grant.endswith("/**"):
            if name.startswith(grant[:-2]):
                return True
        elif grant.endswith("/"):
            if name.startswith(grant) and "/" not in name[len(grant):]:
                return True
        elif name == grant or (grant.endswith(stem) and re.match(re.escape(grant) + r"[._]", name)):
            return True
    return False


def check_quoted(root, path, room, name, families):
    base = root / "include" if name.startswith("dualcube/") else root
    if not (base / name).is_file():
        return f'"{name}" is not found from the repository\'s root'
    stem = pathlib.PurePath(path).stem
    family = max((f for f in families if stem == f or stem.startswith(f + "_")), key=len,
                 default=stem)
    if not granted(name, ROOMS[room], family):
        return f'{room} may not include "{name}"'
    return None


def check_system(path, room, name):
    for form, rooms in FOREIGN:
        if re.fullmatch(form, name) and not path.startswith(tuple(rooms)):
            return f"<{name}> belongs to {' and '.join(rooms)} only"
    allowed = KERNEL_HEADERS.get(room)
    if allowed is not None and name not in allowed and not re.fullmatch(r"\w*intrin\.h", name):
        return f"{room} may not include <{name}>"
    return None


def check(root):
    found, files, includes = [], 0, 0
    definitions = root / "host/core/families.def"
    families = re.findall(r"^DC_FAMILY\((\w+)\)", definitions.read_text(encoding="utf-8"), re.M) \
        if definitions.is_file() else []
    tops = sorted({room.split("/")[0] for room in ROOMS})
    for file in sorted(f for top in tops for f in (root / top).rglob("*") if f.suffix in SUFFIXES):
        path = file.relative_to(root).as_posix()
        room = room_of(path)
        text = strip_comments(file.read_text(encoding="utf-8"))
        files += 1
        if not room:
            found.append(f"{path}: this room is not in the table of tools/check_layers.py")
            continue
        for match in INCLUDE.finditer(text):
            includes += 1
            quoted, system = match.groups()
            what = check_quoted(root, path, room, quoted, families) if quoted \
                else check_system(path, room, system)
            if what:
                found.append(f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {what}")
        if PRAGMA[0].search(text) and not path.startswith(PRAGMA[1]):
            found.append(f"{path}: OpenMP belongs to {PRAGMA[1]} only")
    if not includes:
        found.append("no file with an include was found")
    return found, f"{files} files, {includes} includes"


SOUND = {
    "include/dualcube/kinds.h": "", "include/dualcube/model.h": '#include "dualcube/kinds.h"\n',
    "host/model.c": '#include "dualcube/model.h"\n#include "host/core/run.h"\n'
                    '#include "kernels/shared/model.h"\n#include <math.h>\n',
    "host/core/families.def": "DC_FAMILY(model)\nDC_FAMILY(other)\n", "host/core/run.h": "",
    "host/opencl/queue.c": '#include <CL/cl.h>\n#include "host/core/run.h"\n',
    "host/topology/tree.c": "#include <hwloc.h>\n", "host/topology/tree.h": "",
    "host/opencl/queue.h": "", "kernels/model.cl": '#include "kernels/shared/model.h"\n',
    "kernels/shared/model.h": '#include "dualcube/kinds.h"\n#include <stdint.h>\n',
    "cpu_fallback/model.c": '#include "cpu_fallback/model_part.h"\n',
    "cpu_fallback/model_part.h": "", "cpu_fallback/other.h": "",
    "cpu_fallback/runtime/loop.c": "#include <omp.h>\n#pragma omp parallel\n",
    "tests/model.c": '#include "dualcube/model.h"\n', "tests/oracle/model.c": "",
    "bench/model.c": "", "tools/dualcube/main.c": '#include "dualcube/model.h"\n',
    "examples/host.c": "#include <dualcube/model.h>\n",
}
PLANTS = [
    ("include/dualcube/model.h", '#include "host/core/run.h"'),
    ("host/model.c", '#include "host/opencl/queue.h"'),
    ("host/model.c", "#include <CL/cl.h>"),
    ("host/core/run.h", '#include "host/opencl/queue.h"'),
    ("host/core/run.h", '#include "kernels/shared/model.h"'),
    ("host/opencl/queue.c", '#include "host/topology/tree.h"'),
    ("host/topology/tree.c", '#include "host/opencl/queue.h"'),
    ("host/topology/tree.c", "#include <omp.h>"),
    ("kernels/model.cl", '#include "host/core/run.h"'),
    ("kernels/model.cl", '#include "dualcube/model.h"'),
    ("kernels/model.cl", "#include <math.h>"),
    ("kernels/shared/model.h", '#include "cpu_fallback/model_part.h"'),
    ("cpu_fallback/model.c", '#include "host/core/run.h"'),
    ("cpu_fallback/model.c", '#include "cpu_fallback/other.h"'),
    ("cpu_fallback/model.c", "#include <stdio.h>"),
    ("cpu_fallback/model.c", "#pragma omp simd"),
    ("cpu_fallback/runtime/loop.c", '#include "host/opencl/queue.h"'),
    ("cpu_fallback/runtime/loop.c", "#include <cblas.h>"),
    ("tests/model.c", '#include "host/core/run.h"'),
    ("tests/oracle/model.c", '#include "kernels/shared/model.h"'),
    ("bench/model.c", '#include "host/core/run.h"'),
    ("tools/dualcube/main.c", '#include "host/core/run.h"'),
    ("tools/dualcube/main.c", '#include "main.h"'),
    ("tools/dualcube/main.c", "#include <dualcube/model.h>"),
    ("examples/host.c", '#include "dualcube/model.h"'),
    ("host/new_room/file.c", '#include "dualcube/model.h"'),
]


def self_test():
    """A sound small tree passes; each planted include, and nothing else, is found in it."""
    failed = []

    def tried(plant):
        with tempfile.TemporaryDirectory() as temp:
            root = pathlib.Path(temp)
            for name, text in SOUND.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            if plant:
                (root / plant[0]).parent.mkdir(parents=True, exist_ok=True)
                with open(root / plant[0], "a", encoding="utf-8") as file:
                    file.write(plant[1] + "\n")
            return check(root)[0]
    if tried(None):
        failed.append(f"the sound model is refused: {tried(None)}")
    failed += [f"not found: {text} in {name}" for name, text in PLANTS
               if len(tried((name, text))) != 1]
    if tried(("host/model.c", '/* #include "host/opencl/queue.h" */')):
        failed.append("an include in a comment counts")
    for line in failed:
        print(f"check_layers --self-test: {line}")
    count = len(PLANTS) + 2
    print(f"check_layers --self-test: {count - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    found, counts = check(options.root)
    for line in found:
        print(line)
    print(f"check_layers: {counts}, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
