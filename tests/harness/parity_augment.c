/* Cases of the augment family. */
#include "tests/harness/parity_case.h"

#include <string.h>

enum { AXES = 7 };

static void describe(dct_case *c, const dc_augment_params *p)
{
    char shape[160];
    dct_shape_text(&p->src, shape, sizeof shape);
    snprintf(
        c->text, sizeof c->text,
        "%s %s, shape %s, seed %llu, offset %lld, members %lld %lld %lld, std %.17g %.17g %.17g, "
        "given %d, apply %d, flip %d, lon_shift %lld, time_shift %lld, smoothing %.17g, scale "
        "%.17g, fill %d, NaN %d %%, misaligned %d",
        c->op.name, c->dtype == DC_F32 ? "float32" : "float64", shape, (unsigned long long)p->seed,
        (long long)p->offset, (long long)p->temperature, (long long)p->pressure,
        (long long)p->humidity, p->temperature_std, p->pressure_std, p->humidity_std,
        (int)p->draws.given, (int)p->draws.apply, (int)p->draws.flip, (long long)p->draws.lon_shift,
        (long long)p->draws.time_shift, p->draws.smoothing, p->draws.scale, c->fill, c->nan_percent,
        c->misaligned);
}

/* Small axes but for one: maps around the widths of vectors, long geological axes now and then. */
static void draw_shape(dct_rng *rng, int64_t *shape, int small)
{
    const int64_t most = small > 1 ? 3 : 4;
    for (int d = 0; d < AXES; d++)
        shape[d] = dct_range(rng, 1, d < 5 ? 2 : most);
    switch (dct_below(rng, 5)) {
    case 0:
        shape[3] = dct_range(rng, 1, small > 1 ? 6 : 40);
        break;
    case 1:
        shape[2] = dct_range(rng, 1, 9);
        break;
    case 2:
        shape[5] = dct_range(rng, 1, 20);
        break;
    default:
        shape[6] = dct_range(rng, 1, small > 1 ? 20 : 70);
    }
    if (dct_chance(rng, 3))
        shape[dct_below(rng, AXES)] = 0;
}

static void draw_given(dct_rng *rng, dc_augment_params *p)
{
    static const double smoothing[] = {0.0, 0.05, 0.2, 1.0};
    p->draws.given = 1;
    p->draws.apply = dct_chance(rng, 85);
    p->draws.flip = (int32_t)dct_below(rng, 2);
    p->draws.lon_shift = p->src.shape[6] > 0 ? dct_below(rng, p->src.shape[6]) : 0;
    p->draws.time_shift = p->src.shape[2] > 0 ? dct_below(rng, p->src.shape[2]) : 0;
    p->draws.smoothing = smoothing[dct_below(rng, 4)];
    p->draws.scale = dct_chance(rng, 50) ? 1.0 : dct_bell(rng);
}

static void draw(dct_case *c, int small)
{
    dct_rng *rng = &c->rng;
    dc_augment_params p = DC_AUGMENT_PARAMS_INIT;
    int64_t shape[DC_MAX_NDIM];
    draw_shape(rng, shape, small);
    dct_layout(rng, &p.src, c->dtype, AXES, shape, 1);
    dct_layout(rng, &p.dst, c->dtype, AXES, shape, 0);
    if (dct_chance(rng, 40))
        p.src = dc_array_host(NULL, c->dtype, AXES, shape);
    /* No gaps for the emulator: see parity_rolling.c. */
    if (small > 1 || dct_chance(rng, 40))
        p.dst = dc_array_host(NULL, c->dtype, AXES, shape);
    p.seed = dct_next(rng);
    p.offset = dct_chance(rng, 50) ? 0 : dct_range(rng, 0, INT64_C(1) << dct_range(rng, 1, 40));
    const int64_t members = (INT64_C(1) << shape[1]) - 1;
    p.temperature = dct_below(rng, members + 1);
    p.pressure = dct_below(rng, members + 1);
    p.humidity = dct_below(rng, members + 1);
    if (dct_chance(rng, 20))
        p.temperature_std = p.humidity_std = 0;
    p.apply_chance = 0.8;
    p.spatial_chance = p.temporal_chance = 0.7;
    if (dct_chance(rng, 60))
        draw_given(rng, &p);
    c->keeps_nans = 1; /* where nothing is applied */
    c->chunk_rows = shape[0] > 0 ? dct_range(rng, 1, shape[0]) : 1;
    describe(c, &p);
    memcpy(c->params.bytes, &p, sizeof p);
}

/* Parts of a batch know their place. */
static int64_t chunk(const dct_case *c, const void *whole, int64_t at, void *part)
{
    dc_augment_params p;
    memcpy(&p, whole, sizeof p);
    const int64_t rows = p.src.shape[0];
    if (at >= rows)
        return 0;
    const int64_t next = at + c->chunk_rows < rows ? at + c->chunk_rows : rows;
    p.offset += dc_array_elements(&p.src) / rows * at;
    p.src.offset += at * p.src.stride[0];
    p.dst.offset += at * p.dst.stride[0];
    p.src.shape[0] = p.dst.shape[0] = next - at;
    memcpy(part, &p, sizeof p);
    return next;
}

const dct_family dct_family_augment = {"augment", draw, chunk};
