/* The space of a fit: its memory, its passes, its bounds.  Part of host/kmeans.c.
 *
 * The fit works on packed rows (x - shift) 2^scale, shift being the columns' means; centres are
 * kept there, as doubles that hold values of T. */

__extension__ typedef __int128 wide;

typedef struct area {
    dc_buffer *buffer; /* on a device, else NULL */
    void *host;
} area;

enum {
    AREA_PACKED,
    AREA_CENTERS,
    AREA_WEIGHTS,
    AREA_FAR,
    AREA_SUMS,
    AREA_LABELS,
    AREA_STATE = AREA_LABELS + 2,
    AREA_NEAR = AREA_STATE + 2,
    AREA_COUNT = AREA_NEAR + 2
};

typedef struct fit {
    dc_queue *queue;
    dc_context *context;
    dc_kmeans_fit_params *p;
    dc_arena arena; /* of everything small */
    int on_device;
    int64_t n, d, k, blocks, limbs, entry, trials;
    int32_t dtype;
    int64_t size; /* bytes of T */
    int scale;
    int log_n;               /* 2^log_n > n */
    int weight_log;          /* weights <= 2^weight_log */
    double *shift, *largest; /* of the columns: shift, and a bound of |x| after it and the scale */
    int64_t *exponents;
    area area[AREA_COUNT];
    double *centers, *next, *best; /* (k, d) */
    int64_t *sums, *kept;          /* (k + 1, entry) */
    void *row;                     /* (d) or more of T */
    int32_t *best_labels;
    int64_t *picked, *best_picked; /* (k) rows that centres began as */
    double inertia;                /* of the best run, as are these */
    int32_t iterations, distinct;
    int now; /* labels and state of the last ASSIGN: 0 or 1 */
} fit;

static double get(const fit *f, const void *at, int64_t i)
{
    return f->dtype == DC_F32 ? (double)((const float *)at)[i] : ((const double *)at)[i];
}

static void set(const fit *f, void *at, int64_t i, double value)
{
    if (f->dtype == DC_F32)
        ((float *)at)[i] = (float)value;
    else
        ((double *)at)[i] = value;
}

static double round_to(const fit *f, double value)
{
    return f->dtype == DC_F32 ? (double)(float)value : value;
}

static dc_status area_new(fit *f, int which, int64_t bytes)
{
    area *const a = &f->area[which];

    if (f->on_device)
        return dc_buffer_new(f->queue, (size_t)bytes, &a->buffer);
    return dc_host_alloc(f->context, (size_t)bytes, &a->host);
}

static dc_status area_read(fit *f, int which, int64_t at, void *to, int64_t bytes)
{
    const area *const a = &f->area[which];

    if (a->buffer)
        return dc_buffer_read(f->queue, a->buffer, (size_t)at, to, (size_t)bytes);
    memcpy(to, (const char *)a->host + at, (size_t)bytes);
    return DC_OK;
}

static dc_status area_write(fit *f, int which, int64_t at, const void *from, int64_t bytes)
{
    const area *const a = &f->area[which];

    if (a->buffer)
        return dc_buffer_write(f->queue, a->buffer, (size_t)at, from, (size_t)bytes);
    memcpy((char *)a->host + at, from, (size_t)bytes);
    return DC_OK;
}

static dc_array view(const fit *f, int which, int32_t dtype, int32_t ndim, const int64_t *shape)
{
    const area *const a = &f->area[which];

    return a->buffer ? dc_array_device(a->buffer, dtype, ndim, shape)
                     : dc_array_host(a->host, dtype, ndim, shape);
}

/* 2^result >= x > 0, and one more where x is a power of two and `above`. */
static int log_of(double x, int above)
{
    int e;
    const double m = frexp(x, &e);

    return x == 0 ? -1100 : m == 0.5 && !above ? e - 1 : e;
}

/* The sum of `hi` quanta of 2^-e and `lo` of 2^-(e + 30), rounded once. */
static double value_of(wide hi, wide lo, int64_t e)
{
    return ldexp((double)(hi * ((wide)1 << 30) + lo), (int)-e - 30);
}

static dc_kmeans_params pass(const fit *f, int32_t kind)
{
    dc_kmeans_params q = DC_KMEANS_PARAMS_INIT;

    q.kind = kind;
    q.src = view(f, AREA_PACKED, f->dtype, 3, (int64_t[]){f->blocks, f->d, DC_KMEANS_BLOCK});
    q.rows = f->n;
    if (f->p->weights.ndim &&
        (kind == DC_KMEANS_ASSIGN || kind == DC_KMEANS_NEAR || kind == DC_KMEANS_SPREAD))
        q.weights = view(f, AREA_WEIGHTS, f->dtype, 1, &f->n);
    return q;
}

/* ---- bounds and packing -------------------------------------------------------------------- */

/* Smallest and largest value of every column (or of all of an array of one axis), T to doubles. */
static dc_status extent(fit *f, const dc_array *x, int64_t columns, double *low, double *high)
{
    dc_reduce_params r = DC_REDUCE_PARAMS_INIT;
    const int64_t shape[] = {2, columns};
    void *const both = dc__arena_alloc(&f->arena, (size_t)(2 * columns * f->size));

    DC_REQUIRE(both, DC_E_MEMORY, "dc_kmeans_fit: out of host memory");
    r.kind = DC_REDUCE_EXTENT;
    r.src = *x;
    r.dst = dc_array_host(both, f->dtype, x->ndim, shape);
    r.nan = DC_NAN_PROPAGATE;
    DC_TRY(dc_reduce(f->queue, &r, NULL));
    for (int64_t t = 0; t < columns; ++t) {
        low[t] = get(f, both, t);
        high[t] = get(f, both, columns + t);
    }
    return DC_OK;
}

/* Name the first value that is not finite. */
static dc_status refuse(const fit *f, const dc_array *x, const char *name, int64_t column)
{
    for (int64_t i = 0; i < x->shape[0]; ++i) {
        const int64_t at = x->offset + i * x->stride[0] + (x->ndim > 1 ? column * x->stride[1] : 0);
        double v;

        if (f->dtype == DC_F32) {
            float single;
            memcpy(&single, (const char *)x->data + at * 4, sizeof single);
            v = (double)single;
        } else {
            memcpy(&v, (const char *)x->data + at * 8, sizeof v);
        }
        if (!isfinite(v))
            return dc__fail(DC_E_ARGUMENT,
                            "dc_kmeans_fit: %s contains NaN or infinity, must be finite: row %lld, "
                            "column %lld is %g",
                            name, (long long)i, (long long)column, v);
    }
    return dc__fail(DC_E_ARGUMENT, "dc_kmeans_fit: %s contains NaN or infinity", name);
}

static dc_status pack(fit *f, const void *shift)
{
    dc_kmeans_params q = pass(f, DC_KMEANS_PACK);

    q.dst = q.src;
    q.src = f->p->src;
    q.rows = DC_DEFAULT;
    q.scale_exponent = f->scale;
    if (shift)
        q.centers = dc_array_host(shift, f->dtype, 1, &f->d);
    return dc_kmeans(f->queue, &q, NULL);
}

/* Exponents for `rows` values of column bounds `largest`. */
static void set_exponents(fit *f, int weight_log)
{
    for (int64_t t = 0; t < f->d; ++t) {
        const int e = log_of(f->largest[t], 1);

        f->exponents[t] = f->largest[t] == 0 ? 0 : 62 - f->log_n - weight_log - e;
    }
}

/* Means of the columns, unscaled values of T. */
static dc_status find_shift(fit *f)
{
    dc_kmeans_params q = pass(f, DC_KMEANS_SUMS);
    const int64_t shape[] = {f->limbs, f->d};
    int64_t *const sums = dc__arena_alloc(&f->arena, (size_t)(16 * f->d));

    DC_REQUIRE(sums, DC_E_MEMORY, "dc_kmeans_fit: out of host memory");
    set_exponents(f, 0);
    q.exponents = (dc_int64s){f->exponents, f->d};
    q.dst = dc_array_host(sums, DC_I64, 2, shape);
    if (f->on_device)
        q.dst = view(f, AREA_SUMS, DC_I64, 2, shape);
    DC_TRY(dc_kmeans(f->queue, &q, NULL));
    if (f->on_device)
        DC_TRY(area_read(f, AREA_SUMS, 0, sums, 8 * f->limbs * f->d));
    for (int64_t t = 0; t < f->d; ++t)
        f->shift[t] = round_to(
            f, ldexp(value_of(sums[t], f->limbs == 2 ? sums[f->d + t] : 0, f->exponents[t]) /
                         (double)f->n,
                     -f->scale));
    return DC_OK;
}

/* Packed rows less their means, in a range where squares neither overflow nor vanish. */
static dc_status make_space(fit *f)
{
    const int most = f->dtype == DC_F32 ? 40 : 480, top = f->dtype == DC_F32 ? 126 : 1022;
    double *const low = dc__arena_alloc(&f->arena, (size_t)(16 * f->d)), *const high = low + f->d;
    void *const shift = dc__arena_alloc(&f->arena, (size_t)(f->d * f->size));
    double all = 0;

    DC_REQUIRE(low && shift, DC_E_MEMORY, "dc_kmeans_fit: out of host memory");
    DC_TRY(extent(f, &f->p->src, f->d, low, high));
    for (int64_t t = 0; t < f->d; ++t) {
        if (!isfinite(low[t]) || !isfinite(high[t]))
            return refuse(f, &f->p->src, "src", t);
        f->largest[t] = fabs(low[t]) > fabs(high[t]) ? fabs(low[t]) : fabs(high[t]);
        all = f->largest[t] > all ? f->largest[t] : all;
    }
    const int log = log_of(all, 1);

    f->scale = all > 0 && (log > most || log < -most) ? -log : 0;
    for (int64_t t = 0; t < f->d; ++t)
        f->largest[t] = ldexp(f->largest[t], f->scale);
    DC_TRY(pack(f, NULL));
    DC_TRY(find_shift(f));
    for (int64_t t = 0; t < f->d; ++t) {
        if (log >= top) /* differences could overflow */
            f->shift[t] = 0;
        set(f, shift, t, f->shift[t]);
        const double a = fabs(round_to(f, low[t] - f->shift[t]));
        const double b = fabs(round_to(f, high[t] - f->shift[t]));

        f->largest[t] = ldexp(a > b ? a : b, f->scale);
    }
    set_exponents(f, f->weight_log);
    return pack(f, shift);
}

/* A power of two above every squared distance between rows and these centres (NULL: rows). */
static int distance_log(const fit *f, const double *centers)
{
    double sum = 0;

    for (int64_t t = 0; t < f->d; ++t) {
        double most = f->largest[t];

        for (int64_t j = 0; centers && j < f->k; ++j)
            most = fabs(centers[j * f->d + t]) > most ? fabs(centers[j * f->d + t]) : most;
        sum += (f->largest[t] + most) * (f->largest[t] + most);
    }
    return sum > 0 ? log_of(sum, 1) + 1 : 0;
}

static int clamp_exponent(const fit *f, int e)
{
    const int most = f->dtype == DC_F32 ? 240 : 2000;

    return e > most ? most : e < -most ? -most : e;
}

static dc_status write_centers(fit *f, const double *centers, int64_t k)
{
    for (int64_t i = 0; i < k * f->d; ++i)
        set(f, f->row, i, centers[i]);
    return area_write(f, AREA_CENTERS, 0, f->row, k * f->d * f->size);
}

/* Sum over the rows of their (weighted) squared distances to `centers`, scaled; the distances
 * remain in AREA_FAR. */
static dc_status spread(fit *f, const double *centers, int64_t k, int weighted, double *total)
{
    dc_kmeans_params q = pass(f, DC_KMEANS_SPREAD);
    const int64_t shape[] = {k, 2};
    int64_t *const sums = f->kept;
    wide hi = 0, lo = 0;

    DC_TRY(write_centers(f, centers, k));
    q.exponent = clamp_exponent(f, 62 - f->log_n - (weighted ? f->weight_log : 0) -
                                       distance_log(f, k == f->k ? centers : NULL));
    if (!weighted)
        q.weights.ndim = 0;
    q.centers = view(f, AREA_CENTERS, f->dtype, 2, (int64_t[]){k, f->d});
    q.labels = view(f, AREA_LABELS + f->now, DC_I32, 1, &f->n);
    q.dst = view(f, AREA_FAR, f->dtype, 1, &f->n);
    q.sums = view(f, AREA_SUMS, DC_I64, 2, shape);
    DC_TRY(dc_kmeans(f->queue, &q, NULL));
    DC_TRY(area_read(f, AREA_SUMS, 0, sums, 16 * k));
    for (int64_t j = 0; j < k; ++j) {
        hi += sums[2 * j];
        lo += sums[2 * j + 1];
    }
    *total = value_of(hi, lo, q.exponent);
    return DC_OK;
}
