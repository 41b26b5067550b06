/* dc_kmeans_fit().  Part of host/kmeans.c. */

static dc_status check_start(const dc_kmeans_fit_params *p, int64_t d)
{
    const dc_op *const op = dc__op_of_kind(&dc__kmeans_family, DC_KMEANS_ASSIGN);

    if (p->init != DC_KMEANS_GIVEN)
        return DC_OK;
    DC_TRY(dc__array_check_dtype(op, &p->start, "start", 1 << p->src.dtype));
    DC_REQUIRE(p->start.ndim == 2 && p->start.shape[0] == p->clusters && p->start.shape[1] == d,
               DC_E_ARGUMENT,
               "dc_kmeans_fit: start has %d axes and shape (%lld, %lld), must be (%d, %lld)",
               (int)p->start.ndim, (long long)p->start.shape[0],
               (long long)(p->start.ndim > 1 ? p->start.shape[1] : 1), (int)p->clusters,
               (long long)d);
    return DC_OK;
}

static dc_status check_scalars(const dc_kmeans_fit_params *p)
{
    DC_REQUIRE(p->init >= DC_KMEANS_PLUSPLUS && p->init <= DC_KMEANS_GIVEN, DC_E_ARGUMENT,
               "dc_kmeans_fit: init is %d, must be %d to %d", (int)p->init, DC_KMEANS_PLUSPLUS,
               DC_KMEANS_GIVEN);
    DC_REQUIRE(p->runs >= 1, DC_E_ARGUMENT, "dc_kmeans_fit: runs is %d, must be at least 1",
               (int)p->runs);
    DC_REQUIRE(p->max_iter >= 1, DC_E_ARGUMENT, "dc_kmeans_fit: max_iter is %d, must be at least 1",
               (int)p->max_iter);
    DC_REQUIRE(p->trials >= 0, DC_E_ARGUMENT, "dc_kmeans_fit: trials is %d, must be at least 0",
               (int)p->trials);
    DC_REQUIRE(p->tol >= 0 && isfinite(p->tol), DC_E_ARGUMENT,
               "dc_kmeans_fit: tol is %g, must be finite and at least 0", p->tol);
    return DC_OK;
}

static dc_status check_fit(const dc_kmeans_fit_params *p)
{
    wanted w;
    const dc_array *const inputs[] = {&p->src, &p->weights, &p->start};
    static const char *const name[] = {"src", "weights", "start"};

    memset(&w, 0, sizeof w);
    w.op = dc__op_of_kind(&dc__kmeans_family, DC_KMEANS_ASSIGN);
    DC_TRY(dc__array_check(w.op, &p->src, "src"));
    DC_REQUIRE(p->src.ndim == 2 && p->src.shape[0] >= 1 && p->src.shape[1] >= 1, DC_E_ARGUMENT,
               "dc_kmeans_fit: src has %d axes and %lld rows, must have 2, and at least a row and "
               "a column",
               (int)p->src.ndim, (long long)p->src.shape[0]);
    const int64_t n = p->src.shape[0], d = p->src.shape[1], k = p->clusters;
    DC_REQUIRE(n <= (int64_t)1 << 40, DC_E_ARGUMENT,
               "dc_kmeans_fit: src has %lld rows, 2^40 are possible", (long long)n);
    DC_REQUIRE(k >= 1 && k <= n, DC_E_ARGUMENT,
               "dc_kmeans_fit: clusters is %lld, must be 1 to the %lld rows of src", (long long)k,
               (long long)n);
    DC_TRY(check_scalars(p));
    if (p->weights.ndim != 0) {
        DC_TRY(dc__array_check_dtype(w.op, &p->weights, "weights", 1 << p->src.dtype));
        DC_REQUIRE(p->weights.ndim == 1 && p->weights.shape[0] == n, DC_E_ARGUMENT,
                   "dc_kmeans_fit: weights has %d axes and %lld elements, must have 1 and %lld",
                   (int)p->weights.ndim, (long long)p->weights.shape[0], (long long)n);
    }
    DC_TRY(check_start(p, d));
    DC_TRY(shaped(&w, &p->centers, "centers", 1, p->src.dtype, 2, (int64_t[]){k, d}));
    DC_TRY(shaped(&w, &p->labels, "labels", 1, DC_I32, 1, &n));
    DC_REQUIRE(!p->centers.buffer && !p->labels.buffer, DC_E_ARGUMENT,
               "dc_kmeans_fit: centers and labels must lie on the host");
    for (int i = 0; i < 3; ++i) {
        if (inputs[i]->ndim == 0)
            continue;
        DC_REQUIRE(!inputs[i]->buffer, DC_E_ARGUMENT, "dc_kmeans_fit: %s must lie on the host",
                   name[i]);
        DC_TRY(dc__array_no_overlap(w.op, &p->centers, "centers", inputs[i], name[i]));
        DC_TRY(dc__array_no_overlap(w.op, &p->labels, "labels", inputs[i], name[i]));
    }
    return DC_OK;
}

/* The weights, dense where the fit works. */
static dc_status take_weights(fit *f)
{
    const dc_array *const w = &f->p->weights;
    double low, high;

    if (w->ndim == 0)
        return DC_OK;
    DC_TRY(extent(f, w, 1, &low, &high));
    if (!isfinite(low) || !isfinite(high))
        return refuse(f, w, "weights", 0);
    DC_REQUIRE(low >= 0, DC_E_ARGUMENT, "dc_kmeans_fit: weights has %g, must be at least 0", low);
    DC_REQUIRE(high > 0, DC_E_ARGUMENT, "dc_kmeans_fit: every weight is zero, one must be above 0");
    f->weight_log = log_of(high, 0);
    DC_TRY(area_new(f, AREA_WEIGHTS, f->n * f->size));
    for (int64_t b = 0; b < f->n; b += DC_KMEANS_BLOCK) {
        const int64_t rows = f->n - b < DC_KMEANS_BLOCK ? f->n - b : DC_KMEANS_BLOCK;
        block_values some;

        for (int64_t r = 0; r < rows; ++r)
            memcpy((char *)&some + r * f->size,
                   (const char *)w->data + (w->offset + (b + r) * w->stride[0]) * f->size,
                   (size_t)f->size);
        DC_TRY(area_write(f, AREA_WEIGHTS, b * f->size, &some, rows * f->size));
    }
    return DC_OK;
}

static dc_status make_room(fit *f)
{
    const int64_t most = f->k > f->trials ? f->k : f->trials, kd = f->k * f->d;
    const int64_t row = most > DC_KMEANS_BLOCK ? most : DC_KMEANS_BLOCK;
    int64_t sums = 16 * (f->k > f->d ? f->k : f->d);

    if (f->p->init == DC_KMEANS_PLUSPLUS && sums < 8 * f->trials * f->blocks)
        sums = 8 * f->trials * f->blocks;
    f->shift = dc__arena_alloc(&f->arena, (size_t)f->d * 8);
    f->largest = dc__arena_alloc(&f->arena, (size_t)f->d * 8);
    f->exponents = dc__arena_alloc(&f->arena, (size_t)f->d * 8);
    f->centers = dc__arena_alloc(&f->arena, (size_t)(kd > f->d ? kd : f->d) * 8);
    f->next = dc__arena_alloc(&f->arena, (size_t)kd * 8);
    f->best = dc__arena_alloc(&f->arena, (size_t)kd * 8);
    f->sums = dc__arena_alloc(&f->arena, (size_t)((f->k + 1) * f->entry) * 8);
    f->kept = dc__arena_alloc(&f->arena, (size_t)((f->k + 1) * f->entry) * 8);
    f->row = dc__arena_alloc(&f->arena, (size_t)(row * f->d * f->size));
    f->picked = dc__arena_alloc(&f->arena, (size_t)f->k * 8);
    f->best_picked = dc__arena_alloc(&f->arena, (size_t)f->k * 8);
    DC_REQUIRE(f->shift && f->largest && f->exponents && f->centers && f->next && f->best &&
                   f->sums && f->kept && f->row && f->picked && f->best_picked,
               DC_E_MEMORY, "dc_kmeans_fit: out of host memory");
    DC_TRY(area_new(f, AREA_PACKED, f->blocks * f->d * DC_KMEANS_BLOCK * f->size));
    DC_TRY(area_new(f, AREA_CENTERS, most * f->d * f->size));
    DC_TRY(area_new(f, AREA_FAR, f->n * f->size));
    DC_TRY(area_new(f, AREA_SUMS, sums));
    for (int i = 0; i < 2; ++i) {
        DC_TRY(area_new(f, AREA_LABELS + i, f->n * 4));
        DC_TRY(area_new(f, AREA_STATE + i, (f->k + 1) * f->entry * 8));
        if (f->p->init == DC_KMEANS_PLUSPLUS)
            DC_TRY(area_new(f, AREA_NEAR + i, f->trials * f->n * f->size));
    }
    return DC_OK;
}

/* tol times the mean variance of the columns, scaled. */
static dc_status tolerance(fit *f, double *tol)
{
    const int64_t k = f->k;

    *tol = 0;
    if (f->p->tol == 0)
        return DC_OK;
    for (int64_t b = 0; b < f->n; b += DC_KMEANS_BLOCK) {
        static const int32_t zero[DC_KMEANS_BLOCK];
        const int64_t rows = f->n - b < DC_KMEANS_BLOCK ? f->n - b : DC_KMEANS_BLOCK;

        DC_TRY(area_write(f, AREA_LABELS, 4 * b, zero, 4 * rows));
    }
    memset(f->centers, 0, (size_t)f->d * 8);
    f->now = 0;
    f->k = 1;
    const dc_status status = spread(f, f->centers, 1, 0, tol);
    f->k = k;
    *tol *= f->p->tol / ((double)f->n * (double)f->d);
    return status;
}

static dc_status begin(fit *f, int64_t run)
{
    if (f->p->init == DC_KMEANS_PLUSPLUS)
        return start_plusplus(f, run);
    return f->p->init == DC_KMEANS_RANDOM ? start_random(f, run) : start_given(f);
}

/* Keep this run where it is the best. */
static dc_status keep(fit *f, int64_t run, double inertia, int32_t iterations)
{
    inertia = ldexp(inertia, -2 * f->scale);
    if (run > 0 && !(inertia < f->inertia))
        return DC_OK;
    f->inertia = inertia;
    f->iterations = iterations;
    f->distinct = 0;
    for (int64_t j = 0; j < f->k; ++j)
        f->distinct += f->sums[j * f->entry] > 0;
    memcpy(f->best, f->centers, (size_t)(f->k * f->d) * 8);
    memcpy(f->best_picked, f->picked, (size_t)f->k * 8);
    return area_read(f, AREA_LABELS + f->now, 0, f->best_labels, f->n * 4);
}

static dc_status run_fit(fit *f)
{
    const int64_t runs = f->p->init == DC_KMEANS_GIVEN ? 1 : f->p->runs;
    double tol;

    DC_TRY(make_room(f));
    DC_TRY(take_weights(f));
    DC_TRY(make_space(f));
    DC_TRY(tolerance(f, &tol));
    f->best_labels = malloc((size_t)f->n * 4);
    DC_REQUIRE(f->best_labels, DC_E_MEMORY, "dc_kmeans_fit: out of host memory");
    for (int64_t run = 0; run < runs; ++run) {
        double inertia = 0;
        int32_t iterations = 0;

        DC_TRY(begin(f, run));
        DC_TRY(lloyd(f, tol, &iterations, &inertia));
        DC_TRY(keep(f, run, inertia, iterations));
    }
    return DC_OK;
}

static void give_results(const fit *f)
{
    dc_kmeans_fit_params *const p = f->p;
    const int64_t first = p->centers.offset;

    for (int64_t j = 0; j < f->k; ++j)
        for (int64_t t = 0; t < f->d; ++t)
            set(f, p->centers.data, first + j * f->d + t,
                public_value(f, f->best[j * f->d + t], t));
    memcpy((int32_t *)p->labels.data + p->labels.offset, f->best_labels, (size_t)f->n * 4);
    p->scale_exponent = f->scale;
    p->inertia = f->inertia;
    p->iterations = f->iterations;
    p->distinct = f->distinct;
    if (p->shift)
        memcpy(p->shift, f->shift, (size_t)f->d * 8);
    if (p->indices)
        memcpy(p->indices, f->best_picked, (size_t)f->k * 8);
}

dc_status dc_kmeans_fit(dc_queue *queue, dc_kmeans_fit_params *params)
{
    fit f;
    dc_status status;

    DC_REQUIRE(queue && params, DC_E_ARGUMENT, "dc_kmeans_fit: %s is NULL",
               queue ? "params" : "queue");
    DC_REQUIRE(params->struct_size == sizeof *params, DC_E_ARGUMENT,
               "dc_kmeans_fit: struct_size is %u, must be %zu (DC_KMEANS_FIT_PARAMS_INIT)",
               (unsigned)params->struct_size, sizeof *params);
    DC_TRY(check_fit(params));
    memset(&f, 0, sizeof f);
    f.queue = queue;
    f.context = dc__queue_context(queue, &f.on_device);
    f.p = params;
    f.dtype = params->src.dtype;
    f.size = (int64_t)dc_dtype_bytes(f.dtype);
    f.n = params->src.shape[0];
    f.d = params->src.shape[1];
    f.k = params->clusters;
    f.blocks = blocks_of(f.n);
    f.limbs = f.dtype == DC_F32 ? 1 : 2;
    f.entry = DC_KMEANS_HEAD + f.limbs * f.d;
    f.trials = params->trials ? params->trials : usual_trials(f.k);
    for (f.log_n = 1; f.n >> f.log_n > 0; ++f.log_n)
        ;
    status = run_fit(&f);
    if (status == DC_OK)
        give_results(&f);
    for (int i = 0; i < AREA_COUNT; ++i) {
        dc_buffer_free(f.area[i].buffer);
        dc_host_free(f.context, f.area[i].host);
    }
    free(f.best_labels);
    dc__arena_free(&f.arena);
    return status;
}
