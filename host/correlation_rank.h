/* Spearman's correlation: ranks on the host, the products of complete columns by the steps of
 * PEARSON, pairs with missing values on the host from ranks of their common rows.  Part of
 * host/correlation.c.
 *
 * A rank is a whole number: twice the mean rank of equal values, less n + 1.  Sums of their
 * products are exact on the host (|sum| < n^3 / 3 < 2^63 for 2^21 rows). */

enum { RANK_ROWS = 1 << 21, RANK_BITS = 11, RANK_BINS = 1 << RANK_BITS };

static const uint32_t rank_new = 1u << 31; /* greater than the value before */

/* State of a column. */
enum { RANK_COMPLETE = 0, RANK_MISSING = 1, RANK_INFINITE = 2 };

typedef struct rank_args {
    int64_t rows, cols, src_row, src_col, dst_i, dst_j, min_periods;
    int32_t narrow, inf_is_value; /* float32 */
} rank_args;

typedef struct rank_column {
    int64_t n;
    int64_t state;
} rank_column;

/* Keys that ascend as values do; -0 as +0. */
static uint64_t rank_key(double x)
{
    uint64_t bits;

    x += 0.0;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

typedef struct rank_item {
    uint64_t key;
    uint64_t row;
} rank_item;

/* By key, equal ones in the order they came; the sorted ones are the result. */
static rank_item *rank_sort(rank_item *from, rank_item *to, int64_t n)
{
    for (int shift = 0; shift < 64; shift += RANK_BITS) {
        uint32_t start[RANK_BINS + 1] = {0};
        rank_item *const other = from;

        for (int64_t i = 0; i < n; ++i)
            start[(from[i].key >> shift & (RANK_BINS - 1)) + 1]++;
        if (n > 0 && start[(from[0].key >> shift & (RANK_BINS - 1)) + 1] == (uint64_t)n)
            continue; /* all alike here */
        for (int bin = 0; bin < RANK_BINS; ++bin)
            start[bin + 1] += start[bin];
        for (int64_t i = 0; i < n; ++i)
            to[start[from[i].key >> shift & (RANK_BINS - 1)]++] = from[i];
        from = to;
        to = other;
    }
    return from;
}

/* Values of a column with their rows; those that are missing are left out. */
static rank_column rank_values(const rank_args *a, const char *src, int64_t col, rank_item *item,
                               uint8_t *valid)
{
    const int64_t size = a->narrow ? (int64_t)sizeof(float) : (int64_t)sizeof(double);
    rank_column column = {0, RANK_COMPLETE};

    for (int64_t r = 0; r < a->rows; ++r) {
        const char *const at = src + (r * a->src_row + col * a->src_col) * size;
        double x;
        float x32;

        if (a->narrow) {
            memcpy(&x32, at, sizeof x32);
            x = x32;
        } else {
            memcpy(&x, at, sizeof x);
        }
        valid[r] = isfinite(x) != 0;
        if (valid[r])
            item[column.n++] = (rank_item){rank_key(x), (uint64_t)r};
        else if (!isnan(x) && a->inf_is_value)
            column.state = RANK_INFINITE;
    }
    if (column.n < a->rows && column.state == RANK_COMPLETE)
        column.state = RANK_MISSING;
    return column;
}

/* Twice the mean ranks of the rows that are valid elsewhere, too; returns how many these are.  Rows
 * that are not get some number. */
static int64_t rank_common(const uint32_t *order, int64_t n, const uint8_t *valid, int32_t *rank)
{
    int64_t before = 0;

    for (int64_t i = 0, end; i < n; i = end) {
        int64_t common = 0;

        for (end = i + 1; end < n && !(order[end] & rank_new);)
            end++;
        for (int64_t k = i; k < end; ++k)
            common += valid[order[k] & ~rank_new];
        for (int64_t k = i; k < end; ++k)
            rank[order[k] & ~rank_new] = (int32_t)(2 * before + common + 1);
        before += common;
    }
    return before;
}

/* operand: src; ranks, order, valid, columns, work. */
static dc_status rank_columns(void *const *operand, const void *args)
{
    const rank_args *const a = args;
    rank_column *const column = operand[4];
    rank_item *const work = operand[5];
    int32_t *const rank = (int32_t *)(work + 2 * a->rows);

    for (int64_t j = 0; j < a->cols; ++j) {
        uint32_t *const order = (uint32_t *)operand[2] + j * a->rows;
        uint8_t *const valid = (uint8_t *)operand[3] + j * a->rows;
        const rank_item *sorted;

        column[j] = rank_values(a, operand[0], j, work, valid);
        sorted = rank_sort(work, work + a->rows, column[j].n);
        for (int64_t i = 0; i < column[j].n; ++i)
            order[i] = (uint32_t)sorted[i].row |
                       (i == 0 || sorted[i].key != sorted[i - 1].key ? rank_new : 0);
        if (column[j].state == RANK_COMPLETE)
            (void)rank_common(order, a->rows, valid, rank);
        /* Others are zeros here: constant, without a result until rank_pairs makes one. */
        for (int64_t r = 0; r < a->rows; ++r) {
            const int64_t whole = column[j].state == RANK_COMPLETE ? rank[r] - (a->rows + 1) : 0;

            if (a->narrow)
                ((float *)operand[1])[r * a->cols + j] = (float)whole;
            else
                ((double *)operand[1])[r * a->cols + j] = (double)whole;
        }
    }
    return DC_OK;
}

/* The result of columns i and j from their ranks among the common rows. */
static double rank_pair(const rank_args *a, void *const *operand, int64_t i, int64_t j)
{
    const uint32_t *const order = operand[0];
    const uint8_t *const x = (const uint8_t *)operand[1] + i * a->rows;
    const uint8_t *const y = (const uint8_t *)operand[1] + j * a->rows;
    const rank_column *const column = operand[2];
    int32_t *const u = operand[4], *const v = u + a->rows;
    const int64_t n = rank_common(order + i * a->rows, column[i].n, y, u);
    int64_t p = 0, q_i = 0, q_j = 0;
    double r;

    if (n < 1 || n < a->min_periods)
        return correlation_nan_f64();
    (void)rank_common(order + j * a->rows, column[j].n, x, v);
    for (int64_t row = 0; row < a->rows; ++row) {
        const int64_t both = x[row] & y[row], d = both ? u[row] - (n + 1) : 0;
        const int64_t e = both ? v[row] - (n + 1) : 0;

        p += d * e;
        q_i += d * d;
        q_j += e * e;
    }
    if (q_i == 0 || q_j == 0)
        return correlation_nan_f64();
    if (i == j)
        return 1.0;
    r = (double)p / (sqrt((double)q_i) * sqrt((double)q_j));
    return r < -1.0 ? -1.0 : r > 1.0 ? 1.0 : r;
}

/* operand: order, valid, columns; dst; work. */
static dc_status rank_pairs(void *const *operand, const void *args)
{
    const rank_args *const a = args;
    const rank_column *const column = operand[2];
    void *const dst = operand[3];

    for (int64_t i = 0; i < a->cols; ++i)
        for (int64_t j = i; j < a->cols; ++j) {
            const int64_t at = i * a->dst_i + j * a->dst_j, mirrored = j * a->dst_i + i * a->dst_j;
            const int infinite =
                column[i].state == RANK_INFINITE || column[j].state == RANK_INFINITE;
            double r;

            if (column[i].state == RANK_COMPLETE && column[j].state == RANK_COMPLETE)
                continue;
            r = infinite ? correlation_nan_f64() : rank_pair(a, operand, i, j);
            if (a->narrow)
                ((float *)dst)[at] = ((float *)dst)[mirrored] =
                    isnan(r) ? correlation_nan_f32() : (float)r;
            else
                ((double *)dst)[at] = ((double *)dst)[mirrored] = r;
        }
    return DC_OK;
}

static dc_status add_host(builder *b, dc_host_fn run, const int32_t *slots, int32_t nin,
                          int32_t nout, int32_t naux, const rank_args *args)
{
    dc_step *const step = dc__plan_step(b->plan, DC_STEP_HOST, b->op, b->dtype, slots, nin, nout,
                                        naux, args, sizeof *args);

    if (!step)
        return DC_E_MEMORY;
    step->u.host = run;
    return DC_OK;
}

static dc_status plan_spearman(builder *b, const dc_correlation_params *p)
{
    dc_correlation_args *const a = b->args;
    dc_plan *const plan = b->plan;
    const rank_args args = {a->rows,  a->cols,        a->src_row,         a->src_col,     a->dst_i,
                            a->dst_j, a->min_periods, b->dtype == DC_F32, a->inf_is_value};
    int64_t values;

    DC_REQUIRE(a->rows <= RANK_ROWS, DC_E_ARGUMENT, "%s: src.shape[0] is %lld, must be at most %d",
               b->op->name, (long long)a->rows, RANK_ROWS);
    DC_REQUIRE(!__builtin_mul_overflow(a->rows, a->cols, &values) && values < INT64_MAX / 16,
               DC_E_MEMORY, "%s: ranks of %lld columns are more than 2^63 bytes", b->op->name,
               (long long)a->cols);
    values = values > 0 ? values : 1;
    const int32_t src = dc__plan_input(plan, &p->src), dst = dc__plan_output(plan, &p->dst);
    const int32_t ranks = dc__plan_scratch(plan, values * (int64_t)dc_dtype_bytes(b->dtype));
    const int32_t order = dc__plan_scratch(plan, values * 4),
                  valid = dc__plan_scratch(plan, values);
    const int32_t columns = dc__plan_scratch(plan, a->cols * (int64_t)sizeof(rank_column));
    const int32_t work =
        dc__plan_scratch(plan, (a->rows + 1) * (2 * (int64_t)sizeof(rank_item) + 8));

    DC_TRY(add_host(b, rank_columns, (int32_t[]){src, ranks, order, valid, columns, work}, 1, 0, 5,
                    &args));
    a->src_row = a->cols;
    a->src_col = 1;
    DC_TRY(plan_pairs(b, p, ranks, dst, dst));
    return add_host(b, rank_pairs, (int32_t[]){order, valid, columns, dst, work}, 3, 1, 1, &args);
}
