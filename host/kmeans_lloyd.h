/* Lloyd's iterations.  Part of host/kmeans.c. */

/* Labels for f->centers; sums follow.  `changed`: labels that are others than before. */
static dc_status assign(fit *f, int64_t *changed)
{
    dc_kmeans_params q = pass(f, DC_KMEANS_ASSIGN);
    const int64_t state[] = {f->k + 1, f->entry};
    const int64_t before = f->sums[f->k * f->entry];
    const int to = !f->now;

    DC_TRY(write_centers(f, f->centers, f->k));
    q.exponents = (dc_int64s){f->exponents, f->d};
    q.weight_exponent = clamp_exponent(f, 62 - f->log_n - f->weight_log);
    q.centers = view(f, AREA_CENTERS, f->dtype, 2, (int64_t[]){f->k, f->d});
    q.labels = view(f, AREA_LABELS + f->now, DC_I32, 1, &f->n);
    q.state = view(f, AREA_STATE + f->now, DC_I64, 2, state);
    q.dst = view(f, AREA_LABELS + to, DC_I32, 1, &f->n);
    q.sums = view(f, AREA_STATE + to, DC_I64, 2, state);
    DC_TRY(dc_kmeans(f->queue, &q, NULL));
    DC_TRY(area_read(f, AREA_STATE + to, 0, f->sums, 8 * (f->k + 1) * f->entry));
    f->now = to;
    *changed = f->sums[f->k * f->entry] - before;
    return DC_OK;
}

/* Rows (1) of a cluster, or their weight where there are weights. */
static int64_t mass(const fit *f, const int64_t *sums)
{
    return f->p->weights.ndim ? sums[1] : sums[0];
}

/* Take a row from the sums of cluster `from` and make it cluster `to`. */
static dc_status take_row(fit *f, int64_t row, int64_t from, int64_t to)
{
    int64_t *const a = f->sums + from * f->entry, *const b = f->sums + to * f->entry;
    double *const x = f->next;
    double w = 1, f1, f2;

    DC_TRY(read_row(f, row, x));
    if (f->p->weights.ndim) {
        block_values one;
        DC_TRY(area_read(f, AREA_WEIGHTS, row * f->size, &one, f->size));
        w = get(f, &one, 0);
    }
    factors(clamp_exponent(f, 62 - f->log_n - f->weight_log), f->dtype, &f1, &f2);
    memset(b, 0, (size_t)f->entry * 8);
    b[0] = 1;
    b[1] = kmeans_count_f64(w * f1 * f2);
    for (int64_t t = 0; t < f->d; ++t) {
        const double v = round_to(f, x[t] * w);

        factors(f->exponents[t], f->dtype, &f1, &f2);
        if (f->dtype == DC_F32) {
            b[2 + t] = kmeans_count_f32((float)v * (float)f1 * (float)f2);
        } else {
            b[2 + t] = kmeans_count_f64(v * f1 * f2);
            b[2 + f->d + t] = kmeans_rest_f64(v * f1 * f2, b[2 + t]);
        }
    }
    for (int64_t i = 0; i < f->entry; ++i)
        a[i] -= b[i];
    return DC_OK;
}

/* Distances of the rows, and which of them have been used. */
typedef struct farthest {
    char *far; /* (n) of T */
    int32_t *label;
    unsigned char *used;
} farthest;

/* The farthest row that is not used and whose cluster has more rows; -1: none is away from its
 * centre. */
static int64_t find_farthest(const fit *f, const farthest *rows)
{
    int64_t at = -1;
    double most = 0;

    for (int64_t i = 0; i < f->n; ++i) {
        const double v = get(f, rows->far, i);

        if (v > most && !rows->used[i] && f->sums[rows->label[i] * f->entry] > 1 &&
            (!f->p->weights.ndim || f->sums[rows->label[i] * f->entry + 1] > 0)) {
            most = v;
            at = i;
        }
    }
    return at;
}

/* Clusters without rows take the rows farthest from their centres. */
static dc_status relocate(fit *f)
{
    farthest rows = {NULL, NULL, NULL};
    double unused;
    int64_t empty = 0;

    for (int64_t j = 0; j < f->k; ++j)
        empty += mass(f, f->sums + j * f->entry) == 0;
    if (empty == 0)
        return DC_OK;
    DC_TRY(spread(f, f->centers, f->k, 0, &unused));
    rows.far = malloc((size_t)(f->n * f->size));
    rows.label = malloc((size_t)f->n * 4);
    rows.used = calloc((size_t)f->n, 1);
    dc_status status = rows.far && rows.label && rows.used
                           ? DC_OK
                           : dc__fail(DC_E_MEMORY, "dc_kmeans_fit: out of host memory");
    if (status == DC_OK)
        status = area_read(f, AREA_FAR, 0, rows.far, f->n * f->size);
    if (status == DC_OK)
        status = area_read(f, AREA_LABELS + f->now, 0, rows.label, f->n * 4);
    for (int64_t j = 0; j < f->k && status == DC_OK; ++j) {
        if (mass(f, f->sums + j * f->entry) != 0)
            continue;
        const int64_t row = find_farthest(f, &rows);

        if (row < 0)
            break;
        rows.used[row] = 1;
        status = take_row(f, row, rows.label[row], j);
    }
    free(rows.far);
    free(rows.label);
    free(rows.used);
    return status;
}

/* A value as the caller gets it. */
static double public_value(const fit *f, double c, int64_t t)
{
    return round_to(f, round_to(f, ldexp(c, -f->scale)) + f->shift[t]);
}

/* The same here: labels and inertia are those of the centres that the caller gets. */
static double publish(const fit *f, double c, int64_t t)
{
    return round_to(f, ldexp(round_to(f, public_value(f, c, t) - f->shift[t]), f->scale));
}

/* f->next from the sums; the squared shifts of all centres in turn. */
static double move_centers(fit *f)
{
    const double weight = ldexp(1.0, -clamp_exponent(f, 62 - f->log_n - f->weight_log));
    double moved = 0;

    for (int64_t j = 0; j < f->k; ++j) {
        const int64_t *const s = f->sums + j * f->entry;
        const int64_t m = mass(f, s);
        const double all = f->p->weights.ndim ? (double)m * weight : (double)m;

        for (int64_t t = 0; t < f->d; ++t) {
            const int64_t at = j * f->d + t;
            const int64_t lo = f->limbs == 2 ? s[2 + f->d + t] : 0;

            f->next[at] =
                m > 0 ? publish(f, round_to(f, value_of(s[2 + t], lo, f->exponents[t]) / all), t)
                      : f->centers[at];
            const double e = f->next[at] - f->centers[at];

            moved += e * e;
        }
    }
    return moved;
}

/* One run from f->centers on; iterations and inertia (scaled). */
static dc_status lloyd(fit *f, double tol, int32_t *iterations, double *inertia)
{
    const size_t room = (size_t)((f->k + 1) * f->entry) * 8;
    int64_t changed = 1;
    int32_t i = 0;

    f->now = 0;
    for (int64_t at = 0; at < f->k * f->d; ++at)
        f->centers[at] = publish(f, f->centers[at], at % f->d);
    memset(f->sums, 0, room);
    DC_TRY(area_write(f, AREA_STATE, 0, f->sums, (int64_t)room));
    for (int64_t b = 0; b < f->n; b += DC_KMEANS_BLOCK) {
        int32_t none[DC_KMEANS_BLOCK];
        const int64_t rows = f->n - b < DC_KMEANS_BLOCK ? f->n - b : DC_KMEANS_BLOCK;

        memset(none, 0xff, sizeof none);
        DC_TRY(area_write(f, AREA_LABELS, 4 * b, none, 4 * rows));
    }
    while (!f->p->start_only && i < f->p->max_iter && changed > 0) {
        double moved;
        double *const old = f->centers;

        DC_TRY(assign(f, &changed));
        ++i;
        DC_TRY(relocate(f)); /* row k of f->sums stays: the next `changed` counts from it */
        moved = move_centers(f);
        f->centers = f->next;
        f->next = old;
        if (changed > 0 && moved <= tol)
            break;
    }
    if (changed > 0)
        DC_TRY(assign(f, &changed));
    *iterations = i;
    return spread(f, f->centers, f->k, 1, inertia);
}
