/* Where the centres of a run begin.  Part of host/kmeans.c. */

/* 64 random bits of (seed; run, step, trial). */
static uint64_t draw(const fit *f, int64_t run, int64_t step, int64_t trial)
{
    dc_u32 w[4] = {(dc_u32)step, (dc_u32)((uint64_t)step >> 32), (dc_u32)trial, (dc_u32)run};

    random_philox(w, (dc_u32)f->p->seed, (dc_u32)(f->p->seed >> 32));
    return (uint64_t)w[1] << 32 | w[0];
}

/* The share `r` / 2^64 of a whole number, rounded down. */
static uint64_t share(uint64_t r, uint64_t whole)
{
    __extension__ typedef unsigned __int128 wider;

    return (uint64_t)((wider)r * whole >> 64);
}

/* 2 + ln k, rounded down: the first k with one more. */
static int64_t usual_trials(int64_t k)
{
    static const int64_t first[] = {3,    8,    21,    55,    149,    404,    1097,
                                    2981, 8104, 22027, 59875, 162755, 442414, 1202605};
    int64_t trials = 2;

    for (size_t i = 0; i < sizeof first / sizeof *first && k >= first[i]; ++i)
        ++trials;
    return trials;
}

/* Values of a row, where the fit works. */
static dc_status read_row(fit *f, int64_t row, double *to)
{
    const int64_t block = f->d * DC_KMEANS_BLOCK * f->size;
    const area *const a = &f->area[AREA_PACKED];
    const char *from = a->host ? (const char *)a->host + row / DC_KMEANS_BLOCK * block : f->row;

    if (!a->host)
        DC_TRY(area_read(f, AREA_PACKED, row / DC_KMEANS_BLOCK * block, f->row, block));
    for (int64_t t = 0; t < f->d; ++t)
        to[t] = get(f, from, t * DC_KMEANS_BLOCK + row % DC_KMEANS_BLOCK);
    return DC_OK;
}

/* Room for T of a block's rows. */
typedef union block_values {
    float f32[DC_KMEANS_BLOCK];
    double f64[DC_KMEANS_BLOCK];
} block_values;

/* Distances that are left, and their sums over blocks. */
typedef struct closest {
    int which;     /* of AREA_NEAR */
    int64_t trial; /* whose row of it */
    int exponent;
    uint64_t *sum; /* (trials, blocks) */
    uint64_t total;
} closest;

/* Counts of the rows of a block as NEAR made them. */
static dc_status block_counts(fit *f, const closest *near, int64_t block, int64_t *count)
{
    const int64_t at = block * DC_KMEANS_BLOCK, left = f->n - at;
    const int64_t rows = left < DC_KMEANS_BLOCK ? left : DC_KMEANS_BLOCK;
    block_values y, w;
    double f1, f2;

    factors(near->exponent, f->dtype, &f1, &f2);
    DC_TRY(area_read(f, AREA_NEAR + near->which, (near->trial * f->n + at) * f->size, &y,
                     rows * f->size));
    if (f->p->weights.ndim)
        DC_TRY(area_read(f, AREA_WEIGHTS, at * f->size, &w, rows * f->size));
    for (int64_t r = 0; r < rows; ++r) {
        double v = get(f, &y, r);

        if (f->p->weights.ndim)
            v = round_to(f, v * get(f, &w, r));
        count[r] = f->dtype == DC_F32 ? kmeans_count_f32((float)v * (float)f1 * (float)f2)
                                      : kmeans_count_f64(v * f1 * f2);
    }
    for (int64_t r = rows; r < DC_KMEANS_BLOCK; ++r)
        count[r] = 0;
    return DC_OK;
}

/* The row at which the running sum of the distances passes `target`. */
static dc_status sample(fit *f, const closest *near, uint64_t target, int64_t *row)
{
    const uint64_t *const sum = near->sum + near->trial * f->blocks;
    int64_t count[DC_KMEANS_BLOCK], block = 0;

    for (; block < f->blocks - 1 && sum[block] <= target; ++block)
        target -= sum[block];
    DC_TRY(block_counts(f, near, block, count));
    *row = block * DC_KMEANS_BLOCK;
    for (int64_t r = 0; r < DC_KMEANS_BLOCK - 1 && (uint64_t)count[r] <= target; ++r) {
        target -= (uint64_t)count[r];
        if (*row < f->n - 1)
            ++*row;
    }
    return DC_OK;
}

/* Closest distances with each of `some` candidates; the best of them is kept. */
static dc_status approach(fit *f, closest *near, const double *candidates, int64_t some, int first)
{
    dc_kmeans_params q = pass(f, DC_KMEANS_NEAR);
    const int to = first ? near->which : !near->which;
    uint64_t least = UINT64_MAX;

    DC_TRY(write_centers(f, candidates, some));
    q.exponent = near->exponent;
    q.centers = view(f, AREA_CENTERS, f->dtype, 2, (int64_t[]){some, f->d});
    q.closest = view(f, first ? AREA_FAR : AREA_NEAR + near->which, f->dtype, 1, &f->n);
    q.closest.offset = first ? 0 : near->trial * f->n;
    q.dst = view(f, AREA_NEAR + to, f->dtype, 2, (int64_t[]){some, f->n});
    q.sums = view(f, AREA_SUMS, DC_I64, 2, (int64_t[]){some, f->blocks});
    DC_TRY(dc_kmeans(f->queue, &q, NULL));
    DC_TRY(area_read(f, AREA_SUMS, 0, near->sum, 8 * some * f->blocks));
    near->which = to;
    for (int64_t i = 0; i < some; ++i) {
        uint64_t total = 0;

        for (int64_t b = 0; b < f->blocks; ++b)
            total += near->sum[i * f->blocks + b];
        if (total < least) {
            least = total;
            near->trial = i;
        }
    }
    near->total = least;
    return DC_OK;
}

/* A row by its weight. */
static dc_status first_row(fit *f, int64_t run, int64_t *row)
{
    const uint64_t r = draw(f, run, 0, 0);
    const int e = clamp_exponent(f, 62 - f->log_n - f->weight_log);
    uint64_t total = 0, sum = 0;
    char *w;

    *row = (int64_t)share(r, (uint64_t)f->n);
    if (f->p->weights.ndim == 0)
        return DC_OK;
    w = dc__arena_alloc(&f->arena, (size_t)(f->n * f->size));
    DC_REQUIRE(w, DC_E_MEMORY, "dc_kmeans_fit: out of host memory");
    DC_TRY(area_read(f, AREA_WEIGHTS, 0, w, f->n * f->size));
    for (int64_t i = 0; i < f->n; ++i)
        total += (uint64_t)kmeans_count_f64(ldexp(get(f, w, i), e));
    for (int64_t i = 0; i < f->n && total > 0; ++i) {
        sum += (uint64_t)kmeans_count_f64(ldexp(get(f, w, i), e));
        *row = i;
        if (sum > share(r, total))
            break;
    }
    return DC_OK;
}

/* Greedy k-means++: of some rows drawn by their distance, that which leaves the least. */
static dc_status start_plusplus(fit *f, int64_t run)
{
    closest near = {0, 0, 0, NULL, 0};
    int64_t *const row = dc__arena_alloc(&f->arena, (size_t)f->trials * 8);
    double *const some = dc__arena_alloc(&f->arena, (size_t)(f->trials * f->d) * 8);

    near.sum = dc__arena_alloc(&f->arena, (size_t)(f->trials * f->blocks) * 8);
    DC_REQUIRE(row && some && near.sum, DC_E_MEMORY, "dc_kmeans_fit: out of host memory");
    for (int64_t b = 0; b < f->blocks * DC_KMEANS_BLOCK; b += DC_KMEANS_BLOCK) {
        const int64_t rows = f->n - b < DC_KMEANS_BLOCK ? f->n - b : DC_KMEANS_BLOCK;
        block_values far;

        for (int64_t r = 0; r < rows; ++r)
            set(f, &far, r, (double)INFINITY);
        DC_TRY(area_write(f, AREA_FAR, b * f->size, &far, rows * f->size));
    }
    DC_TRY(first_row(f, run, &f->picked[0]));
    DC_TRY(read_row(f, f->picked[0], f->centers));
    near.exponent = clamp_exponent(f, 61 - f->log_n - f->weight_log - distance_log(f, NULL));
    DC_TRY(approach(f, &near, f->centers, 1, 1));
    for (int64_t step = 1; step < f->k; ++step) {
        const closest was = near;
        int bits = 0;

        for (uint64_t v = was.total + (uint64_t)f->n; v > 0; v >>= 1)
            ++bits;
        for (int64_t i = 0; i < f->trials; ++i) {
            const uint64_t r = draw(f, run, step, i);

            if (was.total > 0)
                DC_TRY(sample(f, &was, share(r, was.total), &row[i]));
            else
                row[i] = (int64_t)share(r, (uint64_t)f->n);
            DC_TRY(read_row(f, row[i], some + i * f->d));
        }
        /* Distances only fall: what all of them were bounds the next sums. */
        if (was.total > 0)
            near.exponent = clamp_exponent(f, was.exponent + 61 - bits);
        DC_TRY(approach(f, &near, some, f->trials, 0));
        f->picked[step] = row[near.trial];
        memcpy(f->centers + step * f->d, some + near.trial * f->d, (size_t)f->d * 8);
    }
    return DC_OK;
}

/* Different rows, each as likely as any. */
static dc_status start_random(fit *f, int64_t run)
{
    unsigned char *const taken = dc__arena_alloc(&f->arena, (size_t)f->n / 8 + 1);
    int64_t step = 0;

    DC_REQUIRE(taken, DC_E_MEMORY, "dc_kmeans_fit: out of host memory");
    memset(taken, 0, (size_t)f->n / 8 + 1);
    /* Floyd's: the j-th of n - k + j rows, or that row itself where it is taken. */
    for (int64_t j = 0; j < f->k; ++j, ++step) {
        const int64_t last = f->n - f->k + j;
        int64_t row = (int64_t)share(draw(f, run, step, 0), (uint64_t)last + 1);

        if (taken[row / 8] >> row % 8 & 1)
            row = last;
        taken[row / 8] |= (unsigned char)(1 << row % 8);
        f->picked[j] = row;
        DC_TRY(read_row(f, row, f->centers + j * f->d));
    }
    return DC_OK;
}

static dc_status start_given(fit *f)
{
    const dc_array *const a = &f->p->start;

    for (int64_t j = 0; j < f->k; ++j)
        for (int64_t t = 0; t < f->d; ++t) {
            const int64_t at = a->offset + j * a->stride[0] + t * a->stride[1];
            char raw[8];

            memcpy(raw, (const char *)a->data + at * f->size, (size_t)f->size);
            double value;
            if (f->dtype == DC_F32) {
                float single;
                memcpy(&single, raw, sizeof single);
                value = (double)single;
            } else {
                memcpy(&value, raw, sizeof value);
            }
            DC_REQUIRE(isfinite(value), DC_E_ARGUMENT,
                       "dc_kmeans_fit: start contains NaN or infinity, must be finite: row %lld, "
                       "column %lld is %g",
                       (long long)j, (long long)t, value);
            f->centers[j * f->d + t] =
                round_to(f, ldexp(round_to(f, value - f->shift[t]), f->scale));
            f->picked[j] = -1;
        }
    return DC_OK;
}
