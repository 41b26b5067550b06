/* Cases of the random family. */
#include "tests/harness/parity_case.h"

#include <string.h>

/* A statement for each draw: within one, C leaves their order open. */
static uint64_t draw_bits(dct_rng *rng, int64_t zeros_least, int64_t zeros_most)
{
    const int64_t zeros = dct_range(rng, zeros_least, zeros_most);
    return dct_next(rng) >> zeros;
}

static int64_t draw_offset(dct_rng *rng)
{
    int64_t shift;
    switch (dct_below(rng, 4)) {
    case 0:
        return 0;
    case 1:
        return dct_range(rng, 1, 70);
    case 2: /* where the lower word of the block number overflows */
        shift = dct_range(rng, 32, 34);
        return (INT64_C(1) << shift) - dct_range(rng, 0, 300);
    default:
        return (int64_t)draw_bits(rng, 2, 60);
    }
}

static double draw_scale(dct_rng *rng)
{
    static const double usual[] = {1.0, 0.005, 3.0, 1e-3, 0x1p-130, 1e30, 0.0};
    return dct_chance(rng, 70) ? usual[dct_below(rng, (int64_t)(sizeof usual / sizeof *usual))]
                               : dct_unit(rng) * 100.0;
}

static void describe(dct_case *c, const dc_random_params *p)
{
    char shape[160];
    dct_shape_text(&p->dst, shape, sizeof shape);
    size_t at = (size_t)snprintf(
        c->text, sizeof c->text,
        "%s %s, shape %s, seed %llu, offset %lld, low %.17g, high %.17g, mean %.17g, std %.17g, "
        "out",
        c->op.name, dc_dtype_name(c->dtype), shape, (unsigned long long)p->seed,
        (long long)p->offset, p->low, p->high, p->mean, p->std);
    for (int32_t d = 0; d < p->dst.ndim && at < sizeof c->text; d++)
        at += (size_t)snprintf(c->text + at, sizeof c->text - at, " %lld",
                               (long long)p->dst.stride[d]);
}

static void draw(dct_case *c, int small)
{
    dct_rng *rng = &c->rng;
    dc_random_params p = DC_RANDOM_PARAMS_INIT;
    int64_t shape[DC_MAX_NDIM], most = dct_chance(rng, 70) ? 600 : 6000;
    int32_t row_axis;
    if (!small && dct_chance(rng, 3))
        most = 120000;
    if (small > 1)
        most = 100;
    const int32_t ndim = dct_shape(rng, shape, &row_axis, most);
    p.kind = c->op.kind;
    p.seed = dct_chance(rng, 10) ? UINT64_MAX : draw_bits(rng, 0, 63);
    p.offset = draw_offset(rng);
    if (dct_chance(rng, 60)) {
        p.std = draw_scale(rng);
        p.mean = dct_chance(rng, 50) ? 0.0 : dct_bell(rng);
        p.mean *= draw_scale(rng);
        p.low = p.mean;
        p.high = p.low + draw_scale(rng);
    }
    dct_layout(rng, &p.dst, c->dtype, ndim, shape, 0);
    /* No gaps for the emulator: see parity_rolling.c. */
    if (small > 1)
        p.dst = dc_array_host(NULL, c->dtype, ndim, shape);
    c->chunk_rows = shape[0] > 0 ? dct_range(rng, (shape[0] + 7) / 8, shape[0]) : 1;
    describe(c, &p);
    memcpy(c->params.bytes, &p, sizeof p);
}

/* Rows of axis 0 are parts of the sequence. */
static int64_t chunk(const dct_case *c, const void *whole, int64_t at, void *part)
{
    dc_random_params p;
    memcpy(&p, whole, sizeof p);
    const int64_t rows = p.dst.shape[0];
    if (at >= rows)
        return 0;
    const int64_t next = at + c->chunk_rows < rows ? at + c->chunk_rows : rows;
    p.offset += dc_array_elements(&p.dst) / rows * at;
    p.dst.offset += at * p.dst.stride[0];
    p.dst.shape[0] = next - at;
    memcpy(part, &p, sizeof p);
    return next;
}

const dct_family dct_family_random = {"random", draw, chunk};
