"""python -m dualcube: the dualcube command, found beside the library or on PATH."""

import os
import shutil
import sys


def find():
    """Path of the command, or None."""
    from . import _library

    explicit = os.environ.get("DUALCUBE_COMMAND")
    if explicit:
        return explicit
    package = os.path.dirname(os.path.abspath(__file__))
    places = [os.path.join(package, "bin")]
    library = os.path.dirname(os.path.realpath(_library.lib._name))
    if os.path.isabs(_library.lib._name):
        places += [library, os.path.join(library, "bin"), os.path.join(library, "..", "bin"),
                   os.path.join(library, "..", "..", "bin")]
    for place in places:
        path = os.path.join(place, "dualcube")
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return shutil.which("dualcube")


def main():
    path = find()
    if path is None:
        print("dualcube: the command was not found beside the library or on PATH; "
              "set DUALCUBE_COMMAND to its path", file=sys.stderr)
        return 4
    sys.stdout.flush()
    try:
        os.execv(path, [path] + sys.argv[1:])
    except OSError as error:
        print("dualcube: %s: %s" % (path, error.strerror), file=sys.stderr)
        return 4


if __name__ == "__main__":
    sys.exit(main())
