#!/usr/bin/env python3
"""Check that every family and every row of host/core/ops.def exists in every room.

A family has its public header, plan, kernels, shared header, CPU mirror, case table and size table,
and is listed where families are listed; a row has, for both dtypes, a kernel <row>_<dtype> and a
mirror <row>_<dtype> with <row>_plan_<dtype>, as the preprocessor sees them.  Conversely no room
holds a stem that the registry does not know.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOMS = ["include/dualcube/{}.h", "host/{}.c", "kernels/{}.cl", "kernels/shared/{}.h",
         "cpu_fallback/{}.c", "tests/{}.c", "bench/{}.c"]
# Where a family is listed, and the text that lists it.
LISTS = [("host/core/families.def", "DC_FAMILY({})"),
         ("cpu_fallback/runtime/families.inc", "DC_MIRROR({}, "),
         ("include/dualcube/dualcube.h", '#include "dualcube/{}.h"')]
# Rooms whose every file of this form is a family.
CLOSED = [("host", "*.c"), ("kernels", "*.cl"), ("cpu_fallback", "*.c")]
READMES = ["host", "host/core", "host/opencl", "host/topology", "kernels",
           "cpu_fallback", "tests", "bench", "tools"]
ROW = re.compile(r"^DC_(OP|MOVE)\(\s*(\d+)\s*,\s*(\w+)\s*,\s*(\w+)\s*,\s*(\w+)\s*,", re.M)
# What the rows of either form are compiled for.
TYPES = {"OP": {"f32": "float", "f64": "double"},
         "MOVE": {"u8": "dc_u8", "u16": "dc_u16", "u32": "dc_u32", "u64": "dc_u64"}}


def read(path):
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def strip_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


def expanded(root, path, *options):
    """Text of a file as the preprocessor leaves it."""
    done = subprocess.run(["cc", "-E", "-P", "-x", "c", f"-I{root}", f"-I{root / 'include'}",
                           *options, str(root / path)], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def rows_of(root):
    text = strip_comments(read(root / "host/core/ops.def"))
    return [(int(i), name, family, kind, form) for form, i, name, family, kind in ROW.findall(text)]


def check_registry(rows):
    """Ids rise (they are append-only), names and kinds are unique and belong to their family."""
    found, last = [], 0
    seen_names, seen_kinds = set(), set()
    for number, name, family, kind, _ in rows:
        if number <= last:
            found.append(f"host/core/ops.def: id {number} of {name} does not rise above {last}")
        last = max(last, number)
        if name in seen_names:
            found.append(f"host/core/ops.def: {name} is listed twice")
        if kind in seen_kinds:
            found.append(f"host/core/ops.def: {kind} belongs to two rows")
        if not name.startswith(family + "_"):
            found.append(f"host/core/ops.def: {name} does not begin with its family, {family}_")
        seen_names.add(name)
        seen_kinds.add(kind)
    return found


def check_family(root, family):
    found = [f"{room.format(family)}: missing, family {family} is in host/core/ops.def"
             for room in ROOMS if not (root / room.format(family)).is_file()]
    for path, text in LISTS:
        if text.format(family) not in read(root / path):
            found.append(f"{path}: does not list {family}: {text.format(family)}")
    return found


def check_rows(root, rows):
    found = []
    kinds = strip_comments(read(root / "include/dualcube/kinds.h"))
    mirrors = read(root / "cpu_fallback/runtime/families.inc")
    found += [f"include/dualcube/kinds.h: no {kind}, the kind of {name}"
              for _, name, _, kind, _ in rows if not re.search(rf"\b{kind}\b", kinds)]
    for family, form in sorted({(row[2], row[4]) for row in rows}):
        own = [row[1] for row in rows if (row[2], row[4]) == (family, form)]
        for suffix, dtype in TYPES[form].items():
            options = [f"-DT={dtype}", f"-DSFX={suffix}"] + ["-DDC_MOVE"] * (form == "MOVE")
            kernels = expanded(root, f"kernels/{family}.cl", *options, "-DDC_FP64",
                               "-D__OPENCL_VERSION__=120")
            mirror = expanded(root, f"cpu_fallback/{family}.c", *options)
            if f"DC_MIRROR({family}, {suffix})" not in mirrors:
                found.append("cpu_fallback/runtime/families.inc: no "
                             f"DC_MIRROR({family}, {suffix})")
            entries = set(re.findall(r"\b__kernel\b[^;{(]*\b(\w+)\s*\(", kernels))
            functions = set(re.findall(r"\bvoid (\w+)\s*\([^;{]*\{", mirror))
            for name in own:
                if f"{name}_{suffix}" not in entries:
                    found.append(f"kernels/{family}.cl: no kernel {name}_{suffix}")
                found += [f"cpu_fallback/{family}.c: no function {entry}_{suffix}"
                          for entry in (name, name + "_plan")
                          if f"{entry}_{suffix}" not in functions]
    return found


def check_strays(root, families):
    found = []
    for room, form in CLOSED:
        for path in sorted((root / room).glob(form)):
            if path.stem not in families:
                found.append(f"{room}/{path.name}: no family {path.stem} in host/core/ops.def")
    return found


def check(root):
    rows = rows_of(root)
    families = sorted({row[2] for row in rows})
    found = [] if rows else ["host/core/ops.def: no rows"]
    found += check_registry(rows)
    for family in families:
        found += check_family(root, family)
    found += check_rows(root, rows)
    found += check_strays(root, families)
    found += [f"{room}/README.md: missing" for room in READMES
              if not (root / room / "README.md").is_file()]
    return found, f"{len(families)} families, {len(rows)} rows"


def model_tree(root):
    """A small sound project: one family `model` with two rows."""
    ops = ('DC_OP( 1, model_a, model, DC_MODEL_A, 1, 1, X, X,\n  "a")\n'
           'DC_OP( 2, model_b, model, DC_MODEL_B, 1, 1, X, X,\n  "b")\n'
           'DC_MOVE( 3, model_c, model, DC_MODEL_C, 1, 1,\n  "c")\n')
    glue = "#define CAT_(a, b) a##_##b\n#define CAT(a, b) CAT_(a, b)\n#define FN(n) CAT(n, SFX)\n"
    def parted(text):  # a and b compute, c moves
        return f"#ifndef DC_MOVE\n{text('model_a')}{text('model_b')}#else\n{text('model_c')}#endif\n"
    kernels = glue + parted(lambda n: f"__kernel void FN({n})(void)\n{{\n}}\n")
    mirror = glue + parted(lambda n: f"static void FN({n})(void)\n{{\n}}\n"
                           f"static void FN({n}_plan)(void)\n{{\n}}\n")
    mirrors = "".join(f"DC_MIRROR(model, {s})\n" for form in TYPES.values() for s in form)
    files = {room.format("model"): "" for room in ROOMS}
    files |= {path: text.format("model") + "\n" for path, text in LISTS}
    files |= {f"{room}/README.md": "room\n" for room in READMES}
    files |= {"host/core/ops.def": ops, "kernels/model.cl": kernels,
              "cpu_fallback/model.c": mirror, "cpu_fallback/runtime/families.inc": mirrors,
              "include/dualcube/kinds.h":
              "enum { DC_MODEL_A = 0, DC_MODEL_B = 1, DC_MODEL_C = 2 };\n"}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return list(files)


def plants(files):
    """(description, file, edit): every one must be found.  An edit of None removes the file."""
    def swap(old, new):
        return lambda text: text.replace(old, new)
    lone = [name for name in files if not name.endswith(("kinds.h", "ops.def"))]
    return [(f"without {name}", name, None) for name in lone] + [
        ("a kernel missing", "kernels/model.cl", swap("FN(model_b)", "FN(other)")),
        ("a kernel only in a comment", "kernels/model.cl", lambda t: f"/* {t} */"),
        ("a kernel that is none", "kernels/model.cl",
         swap("__kernel void FN(model_b)", "void FN(model_b)")),
        ("a kernel of one dtype", "kernels/model.cl",
         lambda t: t.replace("__kernel void FN(model_b)", "__kernel void model_b_f32")),
        ("a mirror only declared", "cpu_fallback/model.c",
         swap("void FN(model_a)(void)\n{\n}", "void FN(model_a)(void);")),
        ("a mirror missing", "cpu_fallback/model.c", swap("FN(model_a)", "FN(other)")),
        ("a mirror's plan missing", "cpu_fallback/model.c", swap("model_b_plan", "model_b_p")),
        ("an id twice", "host/core/ops.def", swap("DC_OP( 2", "DC_OP( 1")),
        ("a name twice", "host/core/ops.def", swap("model_b", "model_a")),
        ("a kind twice", "host/core/ops.def", swap("DC_MODEL_B", "DC_MODEL_A")),
        ("a foreign name", "host/core/ops.def", swap("model_b", "other_b")),
        ("an unknown kind", "include/dualcube/kinds.h", swap("DC_MODEL_B", "DC_MODEL_D")),
        ("a moving kernel missing", "kernels/model.cl", swap("FN(model_c)", "FN(other)")),
        ("a moving mirror missing", "cpu_fallback/model.c", swap("FN(model_c_plan)", "FN(other)")),
        ("a width missing", "cpu_fallback/runtime/families.inc",
         swap("DC_MIRROR(model, u16)\n", "")),
        ("a stray kernel", "kernels/stray.cl", lambda t: "x"),
        ("a stray mirror", "cpu_fallback/stray.c", lambda t: "x"),
        ("no rows at all", "host/core/ops.def", lambda t: ""),
    ]


def self_test():
    """Plant one defect at a time in a sound model project; each must be found, and only then."""
    failed = []
    with tempfile.TemporaryDirectory() as temp:
        root = pathlib.Path(temp) / "sound"
        files = model_tree(root)
        if check(root)[0]:
            failed.append(f"the sound model is refused: {check(root)[0]}")
        for what, name, edit in plants(files):
            copy = pathlib.Path(temp) / "planted"
            shutil.copytree(root, copy)
            if edit is None:
                (copy / name).unlink()
            else:
                (copy / name).write_text(edit(read(copy / name)), encoding="utf-8")
            if not check(copy)[0]:
                failed.append(f"not found: {what}")
            shutil.rmtree(copy)
        count = len(plants(files)) + 1
    for line in failed:
        print(f"check_rooms --self-test: {line}")
    print(f"check_rooms --self-test: {count - len(failed)} passed, {len(failed)} failed")
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
    print(f"check_rooms: {counts}, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
