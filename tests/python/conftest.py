"""Where the package is, how long hypothesis may search, which devices there are."""

import os
import sys

# Waiting OpenMP threads must not spin next to an OpenCL driver's own.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

try:
    import dualcube as dc
except ImportError as error:
    if "libdualcube" in str(error):  # the package is there, its library is not: say so
        raise
    sys.path.insert(0, os.path.join(ROOT, "host", "python"))
    import dualcube as dc

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "dualcube", max_examples=int(os.environ.get("DUALCUBE_TEST_EXAMPLES", "60")), deadline=None,
    print_blob=True, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dualcube")


def opencl_devices():
    """Ids of the usable OpenCL devices."""
    return [device["id"] for device in dc.devices() if device["kind"] == "opencl"
            and device["usable"]]


@pytest.fixture(scope="session")
def opencl():
    """Id of a usable OpenCL device."""
    found = opencl_devices()
    if not found:
        reasons = [device["error"] for device in dc.devices() if not device["usable"]]
        pytest.skip("skipped: no usable OpenCL device (%s)" % ("; ".join(reasons) or "none found"))
    return found[0]


@pytest.fixture(scope="session")
def real_data():
    """The folder of real input."""
    folder = os.environ.get("DUALCUBE_TEST_DATA") or os.path.join(os.path.dirname(ROOT), "shared",
                                                                  "data")
    if not os.path.exists(os.path.join(folder, "metadata.json")):
        pytest.skip("skipped: no real input: %s/metadata.json does not exist" % folder)
    return folder


@pytest.fixture
def rng():
    return np.random.default_rng(7)
