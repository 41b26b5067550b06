/* Plans of long transforms: lengths and tables. */
#include <math.h>
#include <stdlib.h>

#include "cpu_fallback/runtime/fft_stages.h"
#include "host/core/elementary.h"
#include "kernels/shared/spectral_radices.h"

enum { ALIGN = 64 };

static int64_t div_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static size_t width_of(const dc_fft_plan *p)
{
    return p->dtype == DC_F64 ? sizeof(double) : sizeof(float);
}

int64_t dc__fft_work_bytes(const dc_fft_plan *p)
{
    return 2 * p->blocks * p->lanes * p->side[1].core * (int64_t)width_of(p);
}

int64_t dc__fft_column_bytes(const dc_fft_plan *p)
{
    return 2 * p->lanes * p->side[0].core * (int64_t)width_of(p);
}

int64_t dc__fft_unpacks(const dc_fft_plan *p)
{
    return div_up(p->points / 2 + 1, p->lanes);
}

/* ---- turns --------------------------------------------------------------------------------- */

/* exp(-2 pi i m / n) for all 0 <= m < n as products of two numbers, of m / coarse and m % coarse.
 */
typedef struct turns {
    int64_t n, coarse;
    double *high, *low;
} turns;

static void turns_close(turns *t)
{
    free(t->high);
    free(t->low);
}

static int turns_open(turns *t, int64_t n)
{
    t->n = n;
    t->coarse = (int64_t)sqrt((double)n) + 1;
    t->high = calloc((size_t)t->coarse + 1, 2 * sizeof *t->high);
    t->low = calloc((size_t)t->coarse, 2 * sizeof *t->low);
    if (!t->high || !t->low)
        return 0;
    for (int64_t i = 0; i < t->coarse; ++i) {
        if (i * t->coarse < n)
            dc__turn(i * t->coarse, n, &t->high[2 * i], &t->high[2 * i + 1]);
        if (i < n)
            dc__turn(i, n, &t->low[2 * i], &t->low[2 * i + 1]);
    }
    return 1;
}

static void turns_at(const turns *t, int64_t m, double part[2])
{
    const double *const a = t->high + 2 * (m % t->n / t->coarse);
    const double *const b = t->low + 2 * (m % t->n % t->coarse);

    part[0] = a[0] * b[0] - a[1] * b[1];
    part[1] = -(a[0] * b[1] + a[1] * b[0]);
}

/* ---- tables -------------------------------------------------------------------------------- */

static void *room(size_t bytes)
{
    return aligned_alloc(ALIGN, (bytes + ALIGN) / ALIGN * ALIGN);
}

/* Room for `count` numbers of T in a table. */
static int open_table(dc_fft_plan *p, dc_fft_table table, int64_t count)
{
    return (p->table[table] = room((size_t)count * width_of(p))) != NULL;
}

static void put(const dc_fft_plan *p, dc_fft_table table, int64_t i, double x)
{
    if (p->dtype == DC_F64)
        ((double *)p->table[table])[i] = x;
    else
        ((float *)p->table[table])[i] = (float)x;
}

/* Passes of one side and the places that they leave. */
static int put_side(dc_fft_plan *p, int s)
{
    const dc_spectral_args *const a = &p->side[s];
    const dc_fft_table table = s ? DC_FFT_TWIDDLE_2 : DC_FFT_TWIDDLE_1;
    const int64_t n = a->core, values = twiddle_values(a);
    double *const root = malloc((size_t)(2 * n) * sizeof *root);
    double *const wide = malloc((size_t)(values + 1) * sizeof *wide);
    int ready;

    p->place[s] = malloc((size_t)n * sizeof *p->place[s]);
    ready = root && wide && p->place[s] && open_table(p, table, values);
    if (ready) {
        for (int64_t k = 0; k < n; ++k) {
            dc__turn(k, n, &root[2 * k], &root[2 * k + 1]);
            root[2 * k + 1] = -root[2 * k + 1];
        }
        put_twiddles(a, root, wide);
        for (int64_t i = 0; i < values; ++i)
            put(p, table, i, wide[i]);
        put_places(a, p->place[s]);
    }
    free(root);
    free(wide);
    return ready;
}

/* Number i of lanes' tables: vector i / lanes, lane i % lanes. */
static void put_lane(const dc_fft_plan *p, dc_fft_table table, int64_t i, const double part[2])
{
    const int64_t at = 2 * (i / p->lanes) * p->lanes + i % p->lanes;

    put(p, table, at, part[0]);
    put(p, table, at + p->lanes, part[1]);
}

static void put_pair(const dc_fft_plan *p, dc_fft_table table, int64_t i, const double part[2])
{
    put(p, table, 2 * i, part[0]);
    put(p, table, 2 * i + 1, part[1]);
}

/* Turns between columns and rows. */
static int put_turns(dc_fft_plan *p)
{
    const int64_t rows = p->side[0].core;
    double part[2];
    turns t = {0};
    const int ready = turns_open(&t, p->core) &&
                      open_table(p, DC_FFT_TURN_LANE, 2 * rows * p->lanes) &&
                      open_table(p, DC_FFT_TURN, 2 * rows * p->groups);

    for (int64_t i = 0; ready && i < rows * p->lanes; ++i) {
        turns_at(&t, i / p->lanes * (i % p->lanes), part);
        put_lane(p, DC_FFT_TURN_LANE, i, part);
    }
    for (int64_t g = 0; ready && g < p->groups; ++g)
        for (int64_t k = 0; k < rows; ++k) {
            turns_at(&t, g * p->lanes * k, part);
            put_pair(p, DC_FFT_TURN, g * rows + k, part);
        }
    turns_close(&t);
    return ready;
}

/* Turns between an even length and its pairs. */
static int put_posts(dc_fft_plan *p)
{
    const int forth = p->direction == DC_FFT_R2C;
    const int64_t lanes = forth ? p->lanes : p->groups * p->lanes;
    const int64_t each = forth ? p->lanes : p->side[1].core;
    const int64_t count = forth ? dc__fft_unpacks(p) : p->side[0].core;
    double part[2];
    turns t = {0};
    const int ready = turns_open(&t, p->n) && open_table(p, DC_FFT_POST_LANE, 2 * lanes) &&
                      open_table(p, DC_FFT_POST, 2 * count);

    for (int64_t i = 0; ready && i < lanes; ++i) {
        turns_at(&t, i, part);
        put_lane(p, DC_FFT_POST_LANE, i, part);
    }
    for (int64_t i = 0; ready && i < count; ++i) {
        turns_at(&t, i * each, part);
        put_pair(p, DC_FFT_POST, i, part);
    }
    turns_close(&t);
    return ready;
}

/* The transform over core of the complex numbers at `from`, in natural order, by float64. */
static int transform(const dc_fft_lanes *const lanes[2], const double *from, int64_t core,
                     double *to)
{
    dc_fft_plan *const p = dc__fft_plan_new(2 * core, DC_F64, DC_FFT_R2C, lanes);
    void *const work = p ? room((size_t)dc__fft_work_bytes(p)) : NULL;
    void *const column = p ? room((size_t)dc__fft_column_bytes(p)) : NULL;
    const dc_fft_row row = {p, from, to, work};
    const int ready = work && column;

    if (ready) {
        lanes[1]->columns(&row, 0, p->groups, column);
        lanes[1]->rows(&row, 0, p->blocks);
    }
    free(work);
    free(column);
    dc__fft_plan_free(p);
    return ready;
}

/* The kernel in the order of work, from its transform in natural order. */
static void put_kernel(const dc_fft_plan *p, const double *wide)
{
    const int64_t rows = p->side[0].core, columns = p->side[1].core;

    for (int64_t b = 0; b < p->blocks; ++b)
        for (int64_t k2 = 0; k2 < columns; ++k2)
            for (int64_t l = 0; l < p->lanes; ++l) {
                static const double nothing[2];
                const int64_t k1 = b * p->lanes + l;
                const int64_t to = (b * columns + p->place[1][k2]) * p->lanes + l;

                put_lane(p, DC_FFT_KERNEL, to, k1 < rows ? wide + 2 * (k2 * rows + k1) : nothing);
            }
}

/* chirp[n] = exp(-pi i n^2 / points), its conjugate wrapped around and transformed. */
static int put_chirp(dc_fft_plan *p, const dc_fft_lanes *const lanes[2])
{
    const int64_t n = p->points, core = p->core;
    double *const a = calloc((size_t)core, 2 * sizeof *a);
    double *const wide = malloc((size_t)core * 2 * sizeof *wide);
    turns t = {0};
    int ready = turns_open(&t, 2 * n) && a && wide && open_table(p, DC_FFT_CHIRP, 2 * n) &&
                open_table(p, DC_FFT_KERNEL, 2 * p->blocks * p->lanes * p->side[1].core);

    for (int64_t k = 0, square = 0; ready && k < n; ++k) { /* square = k^2 mod 2 n */
        double part[2];

        turns_at(&t, square, part);
        put_pair(p, DC_FFT_CHIRP, k, part);
        for (int i = 0; i < 2; ++i) {
            a[2 * k + i] = (i ? -part[i] : part[i]) / (double)core;
            if (k)
                a[2 * (core - k) + i] = a[2 * k + i];
        }
        square = (square + 2 * k + 1) % (2 * n);
    }
    ready = ready && transform(lanes, a, core, wide);
    if (ready)
        put_kernel(p, wide);
    turns_close(&t);
    free(a);
    free(wide);
    return ready;
}

/* ---- lengths ------------------------------------------------------------------------------- */

/* Best rows of a matrix of n numbers and what its passes cost; rows and columns are alike long, so
 * that either fits a cache near the core. */
static double best_rows(int64_t n, int64_t lanes, int64_t *rows)
{
    const double root = sqrt((double)n);
    double best = INFINITY;

    for (int64_t d = (int64_t)(root / 8) + 1; (double)d <= 8 * root && d <= n; ++d) {
        double cost;

        if (n % d)
            continue;
        cost = (double)div_up(n / d, lanes) * cost_of_passes(d) +
               (double)div_up(d, lanes) * cost_of_passes(n / d);
        cost *= 1 + 0.05 * fabs(log2((double)d / root));
        if (cost < best) {
            best = cost;
            *rows = d;
        }
    }
    return best;
}

/* The cheapest smooth length from `least` on. */
static int64_t best_core(int64_t least, int64_t lanes)
{
    double best = INFINITY;
    int64_t core = 0, rows;

    for (int64_t a = 1; a < 2 * least; a *= 7)
        for (int64_t b = a; b < 2 * least; b *= 5)
            for (int64_t c = b; c < 2 * least; c *= 3)
                for (int64_t n = c; n < 2 * least; n *= 2)
                    if (n >= least && n <= least + least / 2 + 16) {
                        const double cost = best_rows(n, lanes, &rows);

                        if (cost < best || (cost == best && n < core)) {
                            best = cost;
                            core = n;
                        }
                    }
    return core;
}

dc_fft_plan *dc__fft_plan_new(int64_t n, int32_t dtype, int32_t direction,
                              const dc_fft_lanes *const lanes[2])
{
    dc_fft_plan *const p = calloc(1, sizeof *p);
    int64_t rows = 1;

    if (!p)
        return NULL;
    p->n = n;
    p->dtype = dtype;
    p->direction = direction;
    p->lanes = lanes[dtype == DC_F64]->lanes;
    p->even = n % 2 == 0;
    p->points = p->even ? n / 2 : n;
    p->chirped = !is_smooth(p->points);
    p->core = p->chirped ? best_core(2 * p->points - 1, p->lanes) : p->points;
    best_rows(p->core, p->lanes, &rows);
    p->side[0].core = rows;
    p->side[1].core = p->core / rows;
    set_radices(&p->side[0]);
    set_radices(&p->side[1]);
    p->groups = div_up(p->side[1].core, p->lanes);
    p->blocks = div_up(p->side[0].core, p->lanes);
    if (put_side(p, 0) && put_side(p, 1) && put_turns(p) && (!p->even || put_posts(p)) &&
        (!p->chirped || put_chirp(p, lanes)))
        return p;
    dc__fft_plan_free(p);
    return NULL;
}

void dc__fft_plan_free(dc_fft_plan *p)
{
    for (int i = 0; p && i < DC_FFT_TABLES; ++i)
        free(p->table[i]);
    for (int i = 0; p && i < 2; ++i)
        free(p->place[i]);
    free(p);
}
