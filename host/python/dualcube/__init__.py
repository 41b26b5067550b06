"""dualcube: rolling statistics with the same bits on every device.

>>> import numpy as np, dualcube as dc
>>> x = np.array([[1.0, 10.0], [3.0, 30.0], [2.0, np.nan], [4.0, 20.0]])
>>> dc.rolling_median(x, window=3, min_periods=2)
array([[nan, nan],
       [ 2., 20.],
       [ 2., 20.],
       [ 3., 25.]])

Rows are time (``axis=0``), NaN is missing, defaults are pandas'.  A result does not depend on the
device, the instruction set, the number of threads or the layout of the data.

Importing starts no driver: OpenCL is probed when a device is first asked for or first considered
for work that is large enough.
"""

from ._context import options
from ._device_array import Array, to_device
from ._library import DeviceError, UnsupportedError, __version__
from ._system import (
    counters, devices, explain, last_run, pool_stats, set_pool_cap, topology, trace, trim, version,
)
from . import rolling as _rolling_functions
from .rolling import *  # noqa: F401,F403  (the names are made from the registry)
from . import pca as _pca_functions
from .pca import *  # noqa: F401,F403
from . import correlation as _correlation_functions
from .correlation import *  # noqa: F401,F403
from . import kmeans as _kmeans_functions
from .kmeans import *  # noqa: F401,F403
from ._minibatch import MiniBatchKMeans
from . import regrid as _regrid_functions
from .regrid import *  # noqa: F401,F403
from . import augment as _augment_functions
from .augment import *  # noqa: F401,F403
from . import smooth as _smooth_functions
from .smooth import *  # noqa: F401,F403
from . import scale as _scale_functions
from .scale import *  # noqa: F401,F403
from . import estimators as _estimators
from .estimators import *  # noqa: F401,F403
from . import random
from . import reduce as _reduce_functions
from .reduce import *  # noqa: F401,F403
from .reduce import max, min, sum  # noqa: F401  (not in __all__: they are builtins elsewhere)
from . import spectral as _spectral_functions
from .spectral import *  # noqa: F401,F403
from . import transform as _transform_functions
from .transform import *  # noqa: F401,F403

__all__ = [
    "Array", "DeviceError", "UnsupportedError", "__version__", "counters", "devices", "explain",
    "last_run", "options", "pool_stats", "random", "set_pool_cap", "to_device", "topology", "trace",
    "trim", "version",
] + _rolling_functions.__all__
__all__ += _transform_functions.__all__
__all__ += _smooth_functions.__all__
__all__ += _scale_functions.__all__ + _estimators.__all__
__all__ += _reduce_functions.__all__
__all__ += _augment_functions.__all__
__all__ += _regrid_functions.__all__
__all__ += _spectral_functions.__all__
__all__ += [*_kmeans_functions.__all__, "MiniBatchKMeans"]
__all__ += _correlation_functions.__all__
__all__ += _pca_functions.__all__
