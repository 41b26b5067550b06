/* Enumerators only: legal in C, C++ and OpenCL C, so an operation code is never typed twice.
 * Values are append-only. */
#ifndef DUALCUBE_KINDS_H
#define DUALCUBE_KINDS_H

/* dc_dtype: element types.  Arithmetic is in DC_F32 and DC_F64; the others are moved, counted in or
 * converted where an operation says so.  Booleans are DC_U8 with 0 and 1. */
enum {
    DC_F32 = 1,
    DC_F64 = 2,
    DC_U8 = 3,
    DC_U16 = 4,
    DC_U32 = 5,
    DC_U64 = 6,
    DC_I8 = 7,
    DC_I16 = 8,
    DC_I32 = 9,
    DC_I64 = 10,
    DC_F16 = 11, /* IEEE binary16 */
    DC_DTYPES = 12
};

/* dc_rolling_kind: statistics of a window. */
enum {
    DC_ROLLING_COUNT = 0,
    DC_ROLLING_SUM = 1,
    DC_ROLLING_MEAN = 2,
    DC_ROLLING_VAR = 3,
    DC_ROLLING_STD = 4,
    DC_ROLLING_MIN = 5,
    DC_ROLLING_MAX = 6,
    DC_ROLLING_MEDIAN = 7,
    DC_ROLLING_QUANTILE = 8
};

/* Quantile of n sorted values at position h = q (n - 1), as in pandas. */
enum {
    DC_QUANTILE_LINEAR = 0,  /* lo + (hi - lo) * frac                     */
    DC_QUANTILE_LOWER = 1,   /* value at floor(h)                         */
    DC_QUANTILE_HIGHER = 2,  /* value at ceil(h)                          */
    DC_QUANTILE_NEAREST = 3, /* value at the nearest rank, ties to even   */
    DC_QUANTILE_MIDPOINT = 4 /* (floor value + ceil value) / 2            */
};

/* What +Inf and -Inf are in rolling operations (NaN is always missing). */
enum { DC_INF_MISSING = 0, DC_INF_VALUE = 1 };

/* dc_random_kind: distributions. */
enum { DC_RANDOM_UNIFORM = 0, DC_RANDOM_NORMAL = 1 };

/* dc_reduce_kind: what many values become. */
enum {
    DC_REDUCE_COUNT = 0,
    DC_REDUCE_SUM = 1,
    DC_REDUCE_MEAN = 2,
    DC_REDUCE_VAR = 3,
    DC_REDUCE_STD = 4,
    DC_REDUCE_MIN = 5,
    DC_REDUCE_MAX = 6,
    DC_REDUCE_ARGMIN = 7,
    DC_REDUCE_ARGMAX = 8,
    DC_REDUCE_ANY_FINITE = 9,
    DC_REDUCE_ALL_FINITE = 10,
    DC_REDUCE_MEDIAN = 11,
    DC_REDUCE_QUANTILE = 12,
    DC_REDUCE_HISTOGRAM = 13,
    DC_REDUCE_TOP_K = 14,
    DC_REDUCE_MOMENTS = 15, /* count, mean, variance */
    DC_REDUCE_EXTENT = 16   /* min, max              */
};

/* What NaN is in reductions. */
enum { DC_NAN_OMIT = 0, DC_NAN_PROPAGATE = 1 };

/* dc_scale_kind: what is done to every value. */
enum {
    DC_SCALE_APPLY = 0,      /* (x - a) / b                                        */
    DC_SCALE_INVERSE = 1,    /* x b + a                                            */
    DC_SCALE_CLIP = 2,       /* values below a and above b                         */
    DC_SCALE_FILL = 3,       /* missing values become a                            */
    DC_SCALE_FORWARD = 4,    /* missing values become the last valid one           */
    DC_SCALE_BACKWARD = 5,   /* missing values become the next valid one           */
    DC_SCALE_LINEAR = 6,     /* missing values lie between their valid neighbours  */
    DC_SCALE_POWER = 7,      /* log1p, sqrt, Box-Cox, Yeo-Johnson and back         */
    DC_SCALE_QUANTIZE = 8,   /* to integers or float16                             */
    DC_SCALE_DEQUANTIZE = 9, /* and back                                           */
    DC_SCALE_COUNT = 10      /* values outside, missing, out of a format's range   */
};

/* What becomes of a value outside its bounds. */
enum { DC_SCALE_OUTSIDE_CLIP = 0, DC_SCALE_OUTSIDE_MASK = 1 };

/* What +Inf and -Inf are to the filling operations. */
enum { DC_SCALE_INF_VALUE = 0, DC_SCALE_INF_MISSING = 1, DC_SCALE_INF_CLIP = 2 };

/* Functions of DC_SCALE_POWER. */
enum { DC_SCALE_LOG1P = 0, DC_SCALE_SQRT = 1, DC_SCALE_BOX_COX = 2, DC_SCALE_YEO_JOHNSON = 3 };

/* What DC_SCALE_COUNT counts. */
enum { DC_SCALE_COUNT_OUTSIDE = 0, DC_SCALE_COUNT_MISSING = 1, DC_SCALE_COUNT_SATURATED = 2 };

/* dc_transform_kind: how a cube is rearranged. */
enum {
    DC_TRANSFORM_COPY = 0,
    DC_TRANSFORM_STACK = 1,
    DC_TRANSFORM_CONCATENATE = 2,
    DC_TRANSFORM_ROLL = 3,
    DC_TRANSFORM_LAG = 4,
    DC_TRANSFORM_GATHER = 5,
    DC_TRANSFORM_DIFF = 6,
    DC_TRANSFORM_AFFINE = 7,
    DC_TRANSFORM_BATCH = 8
};

/* dc_smooth_kind. */
enum {
    DC_SMOOTH_MEAN = 0,
    DC_SMOOTH_MOVING = 1,
    DC_SMOOTH_GAUSSIAN = 2,
    DC_SMOOTH_STANDARDIZE = 3,
    DC_SMOOTH_MINMAX = 4
};

/* What lies beyond the ends of a line: (d c b a | a b c d | d c b a), the end, a given value, the
 * line again. */
enum { DC_EDGES_REFLECT = 0, DC_EDGES_NEAREST = 1, DC_EDGES_CONSTANT = 2, DC_EDGES_WRAP = 3 };

/* dc_augment_kind. */
enum { DC_AUGMENT_APPLY = 0 };

/* dc_regrid_kind: maps, and rows at other times. */
enum { DC_REGRID_BILINEAR = 0, DC_REGRID_RESAMPLE = 1 };

/* What places outside the input are. */
enum { DC_REGRID_OUTSIDE_NAN = 0, DC_REGRID_OUTSIDE_NEAREST = 1 };

/* dc_spectral_kind: what is made of the transforms of windows along an axis. */
enum {
    DC_SPECTRAL_RFFT = 0,           /* spectrum of the whole series                             */
    DC_SPECTRAL_IRFFT = 1,          /* and back                                                 */
    DC_SPECTRAL_STFT = 2,           /* spectra of windows                                       */
    DC_SPECTRAL_ISTFT = 3,          /* and back                                                 */
    DC_SPECTRAL_PERIODOGRAM = 4,    /* power of the whole series                                */
    DC_SPECTRAL_SPECTROGRAM = 5,    /* power of windows                                         */
    DC_SPECTRAL_WELCH = 6,          /* power, mean or median over windows                       */
    DC_SPECTRAL_CSD = 7,            /* cross power, mean or median over windows                 */
    DC_SPECTRAL_COHERENCE = 8,      /* |Pxy|^2 / (Pxx Pyy)                                      */
    DC_SPECTRAL_BANDS = 9,          /* power of bands of frequencies, a window every hop        */
    DC_SPECTRAL_ROLLING_BANDS = 10, /* the same for the window that ends at each row           */
    DC_SPECTRAL_FEATURES = 11,      /* shape of the spectrum of windows                         */
    DC_SPECTRAL_ACF = 12,           /* autocorrelation                                          */
    DC_SPECTRAL_LOMBSCARGLE = 13,   /* power at given frequencies of values at given times      */
    DC_SPECTRAL_FIND_PERIOD = 14    /* dominant period                                          */
};

/* Windows, as scipy.signal.windows defines them. */
enum {
    DC_WINDOW_BOXCAR = 0,
    DC_WINDOW_HANN = 1,
    DC_WINDOW_HAMMING = 2,
    DC_WINDOW_BLACKMAN = 3,
    DC_WINDOW_BLACKMANHARRIS = 4,
    DC_WINDOW_FLATTOP = 5,
    DC_WINDOW_KAISER = 6,  /* window_param: beta                               */
    DC_WINDOW_TUKEY = 7,   /* window_param: alpha, the tapered share           */
    DC_WINDOW_GAUSSIAN = 8 /* window_param: standard deviation in samples      */
};

/* What is subtracted from a window before it is weighted. */
enum { DC_DETREND_NONE = 0, DC_DETREND_CONSTANT = 1, DC_DETREND_LINEAR = 2 };

/* Power per unit of frequency, power, or |X|^2 alone. */
enum { DC_SCALING_DENSITY = 0, DC_SCALING_SPECTRUM = 1, DC_SCALING_NONE = 2 };

/* How Welch's method combines windows. */
enum { DC_AVERAGE_MEAN = 0, DC_AVERAGE_MEDIAN = 1 };

/* What half a window beyond the ends of a series holds. */
enum {
    DC_BOUNDARY_NONE = 0, /* windows lie within the series            */
    DC_BOUNDARY_ZEROS = 1,
    DC_BOUNDARY_EVEN = 2,    /* reflected at the end: x[1], x[2], ...    */
    DC_BOUNDARY_ODD = 3,     /* 2 x[0] - x[1], 2 x[0] - x[2], ...        */
    DC_BOUNDARY_CONSTANT = 4 /* the end                                */
};

/* Rows before the first whole window of DC_SPECTRAL_ROLLING_BANDS: NaN, or windows of their own
 * length (0 below half a window). */
enum { DC_HEADS_NAN = 0, DC_HEADS_SHORT = 1 };

/* Bits of `features`: outputs in this order.  g: power (or magnitude) of bin k, p = g / sum g. */
enum {
    DC_FEATURE_TOTAL = 1 << 0,
    DC_FEATURE_CENTROID = 1 << 1,
    DC_FEATURE_BANDWIDTH = 1 << 2,
    DC_FEATURE_SKEWNESS = 1 << 3,
    DC_FEATURE_KURTOSIS = 1 << 4,
    DC_FEATURE_ROLLOFF = 1 << 5,
    DC_FEATURE_FLATNESS = 1 << 6,
    DC_FEATURE_ENTROPY = 1 << 7,
    DC_FEATURE_CREST = 1 << 8,
    DC_FEATURE_SLOPE = 1 << 9,
    DC_FEATURE_PEAK_FREQUENCY = 1 << 10,
    DC_FEATURE_PEAK_POWER = 1 << 11,
    DC_FEATURE_ALL = (1 << 12) - 1
};

/* What features weigh bins with: |X|^2 or |X|. */
enum { DC_WEIGHT_POWER = 0, DC_WEIGHT_MAGNITUDE = 1 };

/* dc_kmeans_kind */
enum {
    DC_KMEANS_PACK = 0,
    DC_KMEANS_SUMS = 1,
    DC_KMEANS_ASSIGN = 2,
    DC_KMEANS_PREDICT = 3,
    DC_KMEANS_NEAR = 4,
    DC_KMEANS_SPREAD = 5,
    DC_KMEANS_TRANSFORM = 6,
    DC_KMEANS_SILHOUETTE = 7
};

/* Rows of a packed block; values of one column lie beside each other. */
enum { DC_KMEANS_BLOCK = 64 };

/* dc_correlation_kind */
enum {
    DC_CORRELATION_COVARIANCE = 0,
    DC_CORRELATION_PEARSON = 1,
    DC_CORRELATION_SPEARMAN = 2,
    DC_CORRELATION_GRAM = 3
};

/* dc_pca_kind */
enum { DC_PCA_MONITOR = 0, DC_PCA_INVERSE = 1 };

/* What a NaN is to DC_PCA_MONITOR: it makes its row's outputs NaN, or stands for the mean. */
enum { DC_PCA_MISSING_NAN = 0, DC_PCA_MISSING_MEAN = 1 };

#endif
