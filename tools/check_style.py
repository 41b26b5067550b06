#!/usr/bin/env python3
"""Check the form of the project's own files: clang-format, sizes, and what no file may hold.

Sizes: a file has at most 500 lines, a public header 400, a function 60.  A file that is generated
says so in its first lines; any other exception is one line in its room's README.md that names the
file and the reason.
"""

import argparse
import ast
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

FILE_LINES, HEADER_LINES, FUNCTION_LINES, COLUMNS = 500, 400, 60, 110
FORMATTER = "clang-format-14"  # pinned: every version formats differently
FORMATTED = (".c", ".h", ".cl", ".inc")
SIZED = FORMATTED + (".py", ".cmake", ".sh")
ROOMS = ["include", "host", "kernels", "cpu_fallback", "tests", "bench", "tools", "examples"]
GENERATED = re.compile(r"\b[Gg]enerated\b")


def files_of(root):
    return sorted(file for room in ROOMS for file in (root / room).rglob("*")
                  if file.suffix in SIZED and file.is_file() and "__pycache__" not in file.parts)


def c_functions(lines):
    """(first line, length) of every function: '{' and '}' alone in column 0, as formatted."""
    begin = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            begin = number
        elif line.startswith("}") and begin is not None:
            yield begin, number - begin + 1
            begin = None


def py_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def excepted(root, file):
    """Does a README.md of the file's room, or of a room above, name it with a reason?"""
    for room in file.parents:
        readme = room / "README.md"
        if readme.is_file() and re.search(rf"^.*`{re.escape(file.name)}`.*\b(lines|long)\b.*$",
                                          readme.read_text(encoding="utf-8"), re.M):
            return True
        if room == root:
            break
    return False


def check_sizes(root, file, text):
    lines = text.splitlines()
    if GENERATED.search("\n".join(lines[:6])):
        return []
    path = file.relative_to(root).as_posix()
    limit = HEADER_LINES if path.startswith("include/") else FILE_LINES
    found = [] if len(lines) <= limit else [f"{path}: {len(lines)} lines, the limit is {limit}"]
    try:
        functions = py_functions(text) if file.suffix == ".py" else c_functions(lines)
        found += [f"{path}:{line}: a function of {length} lines, the limit is {FUNCTION_LINES}"
                  for line, length in functions if length > FUNCTION_LINES]
    except SyntaxError as error:
        return [f"{path}:{error.lineno}: {error.msg}"]
    return [] if found and excepted(root, file) else found


def check_text(root, file, text):
    path = file.relative_to(root).as_posix()
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.rstrip() != line:
            found.append(f"{path}:{number}: blanks at the end of the line")
        if len(line) > COLUMNS and file.suffix in (".py", ".cmake"):
            found.append(f"{path}:{number}: {len(line)} characters, the limit is {COLUMNS}")
        if "\t" in line:
            found.append(f"{path}:{number}: a tab")
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line) and "check_style" not in path:
            found.append(f"{path}:{number}: unfinished: {line.strip()}")
    if text and not text.endswith("\n"):
        found.append(f"{path}: no newline at its end")
    return found


def check_format(root, files, formatter):
    if not shutil.which(formatter):
        return [f"{formatter} is not installed: the format was not checked"]
    files = [file for file in files if file.suffix in FORMATTED]
    found = []
    for at in range(0, len(files), 50):
        names = [str(file) for file in files[at:at + 50]]
        output = subprocess.run([formatter, "--dry-run", "--Werror", *names], cwd=root,
                                capture_output=True, text=True).stderr
        hits = re.findall(r"^(\S+):(\d+):\d+: error: code should be clang-formatted", output, re.M)
        for name in sorted({name for name, _ in hits}):
            lines = [int(line) for other, line in hits if other == name]
            path = pathlib.Path(name).relative_to(root).as_posix()
            found.append(f"{path}:{lines[0]}: not formatted ({len(lines)} places): "
                         f"{formatter} -i {path}")
    return found


def check(root, formatter):
    found, files = [], files_of(root)
    for file in files:
        text = file.read_text(encoding="utf-8")
        found += check_sizes(root, file, text) + check_text(root, file, text)
    found += check_format(root, files, formatter)
    if not files:
        found.append(f"{root}: no files were found")
    return found, f"{len(files)} files"


LONG = "\n{\n" + "    x();\n" * 61 + "}\n"
PLANTS = [
    ("a long file", "host/a.c", "int x;\n" * 501),
    ("a long public header", "include/dualcube/a.h", "int x;\n" * 401),
    ("a long function", "host/a.c", "void f(void)" + LONG),
    ("a long Python function", "tools/a.py", "def f():\n" + "    pass\n" * 61),
    ("Python that is none", "tools/a.py", "def f(:\n"),
    ("blanks at an end", "tools/a.py", "x = 1  \n"),
    ("a long line", "tools/a.py", "x = 1  # " + "long " * 20 + "\n"),
    ("a tab", "tools/a.sh", "\techo\n"),
    ("something unfinished", "host/a.c", "/* TO" "DO: the rest */\n"),
    ("no newline at the end", "tools/a.py", "x = 1"),
    ("code out of form", "host/a.c", "int  f( void );\n"),
    ("a kernel out of form", "kernels/a.cl", "int  f( void );\n"),
    ("an exception for another file", "host/b.c", "int x;\n" * 501),
]
SOUND = [
    ("a sound file", "host/a.c", "int f(void);\n"),
    ("a generated table", "host/a.c", "/* Generated by tools/x. */\n" + "int x;\n" * 501),
    ("an exception with its reason", "host/excepted.c", "int x;\n" * 501),
]


def self_test(formatter):
    failed = []
    source = pathlib.Path(__file__).resolve().parent.parent / ".clang-format"
    for what, name, text in PLANTS + SOUND:
        with tempfile.TemporaryDirectory() as temp:
            root = pathlib.Path(temp).resolve()
            (root / name).parent.mkdir(parents=True)
            (root / name).write_text(text, encoding="utf-8")
            (root / ".clang-format").write_text(source.read_text(encoding="utf-8"))
            (root / "host").mkdir(exist_ok=True)
            (root / "host/README.md").write_text("- `excepted.c` has 501 lines: one table.\n")
            found = check(root, formatter)[0]
        if bool(found) != ((what, name, text) in PLANTS):
            failed.append(f"{what}: {found or 'not found'}")
    for line in failed:
        print(f"check_style --self-test: {line}")
    count = len(PLANTS) + len(SOUND)
    print(f"check_style --self-test: {count - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--clang-format", default=FORMATTER)
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test(options.clang_format)
    found, counts = check(options.root.resolve(), options.clang_format)
    for line in found:
        print(line)
    print(f"check_style: {counts}, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
