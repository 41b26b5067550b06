/* Cases of the rolling family. */
#include "tests/harness/parity_case.h"

#include <string.h>

static int64_t draw_window(dct_rng *rng, int64_t rows)
{
    static const int64_t usual[] = {1,  2,  3,  4,  5,   7,   8,   9,   15,  16,  17,  31,  32,
                                    33, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257, 1000};
    switch (dct_below(rng, 8)) {
    case 0:
        return rows > 1 ? rows - 1 : 1;
    case 1:
        return rows > 0 ? rows : 1;
    case 2:
        return rows + dct_range(rng, 1, 70);
    case 3:
        return dct_range(rng, 1, rows > 0 ? rows : 1);
    case 4:
        /* Far beyond the series, up to what no memory holds. */
        return dct_chance(rng, 20) ? INT64_C(1) << dct_range(rng, 12, 40)
                                   : dct_range(rng, 1, 2 * rows + 3);
    default:
        return usual[dct_below(rng, (int64_t)(sizeof usual / sizeof *usual))];
    }
}

static int64_t draw_min_periods(dct_rng *rng, int64_t window)
{
    const int64_t small = window < 12 ? window : 12;
    switch (dct_below(rng, 6)) {
    case 0:
        return DC_DEFAULT;
    case 1:
        return 0;
    case 2:
        return dct_range(rng, 0, small);
    case 3:
        return window < INT32_MAX ? dct_range(rng, 0, window) : 1;
    default:
        return 1;
    }
}

static double draw_q(dct_rng *rng)
{
    static const double usual[] = {0.0, 1.0, 0.5, 0.25, 0.75, 0.9, 0.1, 1.0 / 3.0, 0.99, 0x1p-60};
    return dct_chance(rng, 70) ? usual[dct_below(rng, (int64_t)(sizeof usual / sizeof *usual))]
                               : dct_unit(rng);
}

static void describe(dct_case *c, const dc_rolling_params *p)
{
    char shape[160], periods[32] = "default";
    dct_shape_text(&p->src, shape, sizeof shape);
    if (p->min_periods != DC_DEFAULT)
        snprintf(periods, sizeof periods, "%lld", (long long)p->min_periods);
    size_t at = (size_t)snprintf(
        c->text, sizeof c->text,
        "%s %s, shape %s, axis %d, window %lld, min_periods %s, center %d, expanding %d, inf %d, "
        "step %lld, rows %lld..%lld, ddof %lld, q %.17g, interpolation %d, fill %d, NaN %d %%, "
        "Inf %d %%, misaligned %d, read-only %d, strides in",
        c->op.name, dc_dtype_name(c->dtype), shape, p->axis, (long long)p->window, periods,
        p->center, p->expanding, p->inf, (long long)p->step, (long long)p->row_first,
        (long long)p->row_last, (long long)p->ddof, p->q, p->interpolation, c->fill, c->nan_percent,
        c->inf_percent, c->misaligned, c->read_only);
    for (int32_t d = 0; d < p->src.ndim && at < sizeof c->text; d++)
        at += (size_t)snprintf(c->text + at, sizeof c->text - at, " %lld",
                               (long long)p->src.stride[d]);
    if (at < sizeof c->text)
        at += (size_t)snprintf(c->text + at, sizeof c->text - at, ", out");
    for (int32_t d = 0; d < p->dst.ndim && at < sizeof c->text; d++)
        at += (size_t)snprintf(c->text + at, sizeof c->text - at, " %lld",
                               (long long)p->dst.stride[d]);
}

static void draw_options(dct_case *c, dc_rolling_params *p, int64_t rows)
{
    dct_rng *rng = &c->rng;
    p->expanding = dct_chance(rng, 12);
    p->center = !p->expanding && dct_chance(rng, 25);
    p->window = draw_window(rng, rows);
    p->min_periods = draw_min_periods(rng, p->expanding ? (rows > 0 ? rows : 1) : p->window);
    p->inf = dct_chance(rng, 40) ? DC_INF_VALUE : DC_INF_MISSING;
    p->interpolation = (int32_t)dct_below(rng, 5);
    p->q = draw_q(rng);
    p->ddof = dct_chance(rng, 60) ? 1 : dct_range(rng, 0, 4);
    p->step = dct_chance(rng, 65) ? 1 : dct_range(rng, 1, rows + 2);
    p->row_first = 0;
    p->row_last = rows;
    if (dct_chance(rng, 25)) {
        p->row_first = dct_range(rng, 0, rows);
        p->row_last = dct_range(rng, p->row_first, rows);
    }
}

static void draw(dct_case *c, int small)
{
    dct_rng *rng = &c->rng;
    const dc_rolling_params init = DC_ROLLING_PARAMS_INIT;
    dc_rolling_params p = init;
    int64_t shape[DC_MAX_NDIM], most = 1;
    most = dct_chance(rng, 85) ? dct_range(rng, 1, 600) : dct_range(rng, 600, 4000);
    if (!small && dct_chance(rng, 2))
        most = dct_range(rng, 20000, 120000);
    if (small > 1)
        most = dct_chance(rng, 25) ? 150 : dct_range(rng, 1, 80);
    int32_t row_axis;
    const int32_t ndim = dct_shape(rng, shape, &row_axis, most);
    const int64_t rows = shape[row_axis];
    p.kind = c->op.kind;
    p.axis = dct_chance(rng, 30) ? row_axis - ndim : row_axis;
    draw_options(c, &p, rows);
    dct_layout(rng, &p.src, c->dtype, ndim, shape, 1);
    const int64_t span = p.row_last - p.row_first;
    shape[row_axis] = span > 0 ? (span + p.step - 1) / p.step : 0;
    dct_layout(rng, &p.dst, c->dtype, ndim, shape, 0);
    /* No gaps for the emulator: they come back through mapped memory as they were, undefined, and
     * it does not see that the host writes there again. */
    if (small > 1)
        p.dst = dc_array_host(NULL, c->dtype, ndim, shape);
    /* "All rows" may also be said by the default. */
    if (p.row_last == rows && dct_chance(rng, 50))
        p.row_last = DC_DEFAULT;
    const int64_t out_rows = shape[row_axis];
    c->chunk_rows = out_rows > 0 ? dct_range(rng, (out_rows + 7) / 8, out_rows) : 1;
    describe(c, &p);
    memcpy(c->params.bytes, &p, sizeof p);
}

/* Output rows at ... at + chunk_rows - 1 need the source rows of their windows: up to window - 1
 * before the first (the halo) and, centred, `shift` after the last. */
static int64_t chunk(const dct_case *c, const void *whole, int64_t at, void *part)
{
    dc_rolling_params p;
    memcpy(&p, whole, sizeof p);
    const int32_t axis = p.axis < 0 ? p.axis + p.src.ndim : p.axis;
    const int64_t rows = p.src.shape[axis], out_rows = p.dst.shape[axis];
    if (p.expanding)
        return -1;
    if (at >= out_rows)
        return 0;
    const int64_t next = at + c->chunk_rows < out_rows ? at + c->chunk_rows : out_rows;
    const int64_t shift = p.center ? (p.window - 1) / 2 : 0, back = p.window - 1 - shift;
    const int64_t first = p.row_first + at * p.step;        /* first row put out            */
    const int64_t last = p.row_first + (next - 1) * p.step; /* last row put out             */
    const int64_t low = first > back ? first - back : 0;    /* first source row needed      */
    const int64_t high = rows - last > shift ? last + shift + 1 : rows;
    p.src.offset += low * p.src.stride[axis];
    p.src.shape[axis] = high - low;
    p.dst.offset += at * p.dst.stride[axis];
    p.dst.shape[axis] = next - at;
    p.row_first = first - low;
    p.row_last = last - low + 1;
    memcpy(part, &p, sizeof p);
    return next;
}

const dct_family dct_family_rolling = {"rolling", draw, chunk};
