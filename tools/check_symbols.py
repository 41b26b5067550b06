#!/usr/bin/env python3
"""Check what the built libraries export, call and need.

  exports  libdualcube.so exports exactly the DC_API functions of include/dualcube, which are those
           of tools/symbols.txt, and apart the DC_MODULE functions of the private headers; each
           module exports its doors only.
  calls    the library never prints, asserts, exits or starts a shell; mirrors and plans call no
           libm function whose bits change from machine to machine.
  needs    libdualcube.so names its ABI and needs no OpenCL and no BLAS library.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

DOORS = {"libdualcube-opencl.so": {"dc_module_backend", "dc_module_probe"},
         "libdualcube-blas.so": {"dc_blas_module_get"}}
PUBLIC, PRIVATE = "DUALCUBE_0.1", "DUALCUBE_PRIVATE"
PRINTS = re.compile(r"(v?printf|puts|putchar|perror|v?warnx?|v?errx?|v?syslog|abort|_?exit|"
                    r"quick_exit|system|popen|__assert_fail|stdout|stderr|__v?printf_chk)$")
# IEEE 754 gives these one result (and fe...env only set modes); every other function of libm has
# bits of its own per machine.
LIBM_EXACT = re.compile(r"fe[gs]etenv$|(sqrt|fma|floor|ceil|rint|nearbyint|trunc|fabs|copysign|fmod|ldexp|"
                        r"scalbn|frexp|modf)[fl]?$")
NEEDED_NOT = re.compile(r"lib(OpenCL|clblast|openblas|cblas|blas|lapack)\b")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def strip_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


def declared(files, mark):
    """Names of the functions that carry `mark` in these headers."""
    names = set()
    for file in files:
        text = strip_comments(file.read_text(encoding="utf-8"))
        text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", " ", text, flags=re.M)
        for match in re.finditer(rf"\b{mark}\b([^;{{]*)", text):
            head = re.sub(r"__attribute__\s*\(\(.*?\)\)", " ", match.group(1))
            name = re.search(r"(\w+)\s*(?:\(|$)", head.strip())
            if name:
                names.add(name.group(1))
    return names


def exported(library):
    """{name: version node} of what a library defines."""
    names = {}
    for line in run("nm", "-D", "--defined-only", str(library)).splitlines():
        kind, name = line.split()[-2:]
        name, _, node = name.partition("@")
        if kind != "A":
            names[name] = node.lstrip("@")
    return names


def undefined(file):
    names = [line.split()[-1] for line in run("nm", "-u", str(file)).splitlines()
             if line.strip() and not line.endswith(":")]
    return {name.partition("@")[0] for name in names}


def libm_functions(compiler):
    path = run(compiler, "-print-file-name=libm.so.6").strip()
    return {name for name in exported(path) if re.fullmatch(r"[a-z][a-z0-9_]*", name)}


def compare(what, have, want, have_name, want_name):
    return [f"{what}: {name} is in {have_name} but not in {want_name}"
            for name in sorted(have - want)] + \
           [f"{what}: {name} is in {want_name} but not in {have_name}"
            for name in sorted(want - have)]


def check_exports(root, build):
    library = build / "lib/libdualcube.so"
    names = exported(library)
    public = {name for name, node in names.items() if node == PUBLIC}
    private = {name for name, node in names.items() if node == PRIVATE}
    header = declared(sorted((root / "include/dualcube").glob("*.h")), "DC_API")
    module = declared(sorted(f for room in ("host", "cpu_fallback", "kernels")
                             for f in (root / room).rglob("*.h")), "DC_MODULE")
    recorded = set((root / "tools/symbols.txt").read_text(encoding="utf-8").split())
    found = compare("public", public, header, library.name, "include/dualcube (DC_API)")
    found += compare("public", header, recorded, "include/dualcube", "tools/symbols.txt")
    found += compare("private", private, module, library.name, "the private headers (DC_MODULE)")
    found += [f"{library.name}: {name} is exported without a version"
              for name in sorted(set(names) - public - private)]
    for file, doors in DOORS.items():
        if (build / "lib" / file).is_file():
            found += compare("module", set(exported(build / "lib" / file)), doors, file,
                             "its doors")
    return found, len(names)


def check_calls(build, compiler):
    found = []
    for file in ["libdualcube.so", *DOORS]:
        if (build / "lib" / file).is_file():
            found += [f"{file}: calls {name}: the library never prints, exits or starts a shell"
                      for name in sorted(undefined(build / "lib" / file)) if PRINTS.match(name)]
    libm = libm_functions(compiler)
    objects = sorted(build.glob("CMakeFiles/dualcube_isa_*.dir/**/*.o")) + \
        sorted(build.glob("CMakeFiles/dualcube_host.dir/host/*.o"))
    if not objects:
        found.append(f"{build}: no object of a mirror or a plan was found")
    for file in objects:
        found += [f"{file.relative_to(build)}: calls {name}, whose bits change with the machine"
                  for name in sorted(undefined(file) & libm) if not LIBM_EXACT.match(name)]
    return found, len(objects)


def check_needs(root, build):
    text = run("readelf", "-dW", str(build / "lib/libdualcube.so"))
    segments = run("readelf", "-lW", str(build / "lib/libdualcube.so"))
    abi = re.search(r"set\(DC_SOVERSION (\d+)\)",
                    (root / "CMakeLists.txt").read_text(encoding="utf-8")).group(1)
    found = [f"libdualcube.so: needs {name}" for name in re.findall(r"NEEDED.*\[(.*?)\]", text)
             if NEEDED_NOT.match(name)]
    if f"[libdualcube.so.{abi}]" not in text:
        found.append(f"libdualcube.so: its SONAME is not libdualcube.so.{abi}")
    if "TEXTREL" in text:
        found.append("libdualcube.so: has text relocations")
    if re.search(r"GNU_STACK.*RWE", segments):
        found.append("libdualcube.so: asks for an executable stack")
    return found


def check(root, build, compiler):
    exports, names = check_exports(root, build)
    calls, objects = check_calls(build, compiler)
    return exports + calls + check_needs(root, build), f"{names} symbols, {objects} objects"


# ---- self-test: a library of three files, built with one defect at a time -----------------------

HEADER = ("DC_API int dc_model(int x,\n             int y);\n"
          "/* DC_API int dc_gone(void); */\n"
          "#define DC_API __attribute__((visibility(\"default\")))\n")
MODEL = {
    "CMakeLists.txt": "set(DC_SOVERSION 7)\n", "include/dualcube/model.h": HEADER,
    "tools/symbols.txt": "dc_model\n",
    "host/core/part.h": "DC_MODULE void dc__part(const char *f, ...)\n"
                        "    __attribute__((format(printf, 1, 2)));\n",
    "map": f"{PUBLIC} {{ global: dc_[a-z]*; local: *; }};\n{PRIVATE} {{ global: dc__*; }};\n",
    "module.map": "{ global: dc_*; local: *; };\n",
    "lib.c": "int dc_model(int x, int y) { return x + y; }\nvoid dc__part(const char *f, ...) "
             "{ (void)f; }\n",
    "mirror.c": "double sqrt(double), log(double), exp(double);\n"
                "double f(double x) { return sqrt(x); }\n",
    "module.c": "int dc_blas_module_get(void) { return 0; }\n",
}
PLANTS = [
    ("a function without a header", "lib.c", "int dc_extra(void) { return 0; }\n"),
    ("a header without a function", "include/dualcube/model.h", "DC_API int dc_missing(void);\n"),
    ("a function off the record", "tools/symbols.txt", "dc_other\n"),
    ("a private function without a header", "lib.c", "void dc__x(void) {}\n"),
    ("a private header without a function", "host/core/part.h", "DC_MODULE int dc__y(int);\n"),
    ("printf", "lib.c", "int printf(const char *, ...);\nvoid g(int x) { printf(\"%d\", x); }\n"),
    ("abort", "lib.c", "void abort(void);\nvoid g(void) { abort(); }\n"),
    ("system", "lib.c", "int system(const char *);\nint g(void) { return system(\"\"); }\n"),
    ("stderr", "lib.c", "extern void *stderr;\nvoid *g(void) { return stderr; }\n"),
    ("log in a mirror", "mirror.c", "double g(double x) { return log(x); }\n"),
    ("exp in a mirror", "mirror.c", "double g(double x) { return exp(x); }\n"),
    ("a second door", "module.c", "int dc_side(void) { return 0; }\n"),
    ("a module that prints", "module.c",
     "int puts(const char *);\nint g(void) { return puts(\"\"); }\n"),
    ("another ABI", "CMakeLists.txt", None),
    ("a BLAS library", "lib.c", "needs blas"),
    ("an executable stack", "lib.c", "execstack"),
]


def build_model(root, compiler, plant):
    for name, text in MODEL.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    flags = []
    if plant:
        what, name, text = plant
        if text is None:
            (root / name).write_text("set(DC_SOVERSION 8)\n", encoding="utf-8")
        elif text == "needs blas":
            (root / "empty.c").write_text("int z;\n", encoding="utf-8")
            run(compiler, "-shared", "-fPIC", "-Wl,-soname,libopenblas.so.0", "-o",
                str(root / "libopenblas.so.0"), str(root / "empty.c"))
            flags = ["-Wl,--no-as-needed", str(root / "libopenblas.so.0")]
        elif text == "execstack":
            flags = ["-Wl,-z,execstack"]
        else:
            with open(root / name, "a", encoding="utf-8") as file:
                file.write(text)
    build = root / "build"
    objects = build / "CMakeFiles/dualcube_isa_baseline.dir"
    objects.mkdir(parents=True)
    (build / "lib").mkdir()
    options = [compiler, "-w", "-fno-builtin", "-O1", "-fPIC"]
    run(*options, "-c", "-o", str(objects / "isa.c.o"), str(root / "mirror.c"))
    run(*options, "-shared", f"-Wl,--version-script={root / 'map'}",
        "-Wl,-soname,libdualcube.so.7", *flags, "-o", str(build / "lib/libdualcube.so"),
        str(root / "lib.c"))
    run(*options, "-shared", f"-Wl,--version-script={root / 'module.map'}", "-o",
        str(build / "lib/libdualcube-blas.so"), str(root / "module.c"))
    return build


def self_test(compiler):
    failed = []
    for plant in [None, *PLANTS]:
        with tempfile.TemporaryDirectory() as temp:
            root = pathlib.Path(temp)
            found = check(root, build_model(root, compiler, plant), compiler)[0]
        if plant and not found:
            failed.append(f"not found: {plant[0]}")
        if not plant and found:
            failed.append(f"the sound model is refused: {found}")
    for line in failed:
        print(f"check_symbols --self-test: {line}")
    count = len(PLANTS) + 1
    print(f"check_symbols --self-test: {count - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, default=root)
    parser.add_argument("--build", type=pathlib.Path, default=root / "build",
                        help="build directory (default: build)")
    parser.add_argument("--compiler", default="cc")
    parser.add_argument("--write", action="store_true",
                        help="write tools/symbols.txt from the headers and stop")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test(options.compiler)
    if options.write:
        names = declared(sorted((options.root / "include/dualcube").glob("*.h")), "DC_API")
        (options.root / "tools/symbols.txt").write_text("\n".join(sorted(names)) + "\n",
                                                        encoding="utf-8")
        return 0
    if not (options.build / "lib/libdualcube.so").is_file():
        print(f"check_symbols: {options.build} has no lib/libdualcube.so: build it first")
        return 1
    found, counts = check(options.root, options.build, options.compiler)
    for line in found:
        print(line)
    print(f"check_symbols: {counts}, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
