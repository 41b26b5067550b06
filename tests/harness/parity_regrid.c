/* Cases of the regrid family. */
#include "tests/harness/parity_case.h"

#include <string.h>

enum { MOST = 80 };

/* The coordinates of the case at hand: params hold their addresses. */
static double src_lat[MOST], src_lon[MOST], dst_lat[MOST], dst_lon[MOST];

static void describe(dct_case *c, const dc_regrid_params *p)
{
    char src[160], dst[160];
    dct_shape_text(&p->src, src, sizeof src);
    dct_shape_text(&p->dst, dst, sizeof dst);
    snprintf(
        c->text, sizeof c->text,
        "%s %s, shape %s to %s, max_gap %.17g, period %.17g, outside %d, omit_nan %d, fill %d, "
        "NaN %d %%, misaligned %d",
        c->op.name, c->dtype == DC_F32 ? "float32" : "float64", src, dst, p->max_gap, p->period,
        (int)p->outside, (int)p->omit_nan, c->fill, c->nan_percent, c->misaligned);
}

/* Strictly rising or falling. */
static void draw_axis(dct_rng *rng, double *x, int64_t n, int falls)
{
    double at = dct_bell(rng) * 10.0;
    for (int64_t i = 0; i < n; i++) {
        x[i] = falls ? -at : at;
        at += 0.125 + dct_unit(rng) * (dct_chance(rng, 10) ? 20.0 : 2.0);
    }
}

/* Places in and around it, some of them its own. */
static void draw_places(dct_rng *rng, double *x, int64_t n, const double *from, int64_t count)
{
    for (int64_t i = 0; i < n; i++) {
        const double a = count > 0 ? from[dct_below(rng, count)] : 0.0;
        x[i] = dct_chance(rng, 25) ? a : a + dct_bell(rng) * (dct_chance(rng, 10) ? 500.0 : 1.0);
    }
}

static int64_t draw_length(dct_rng *rng, int small)
{
    return dct_chance(rng, 4) ? 0
                              : dct_range(rng, 1,
                                          small > 1             ? 9
                                          : dct_chance(rng, 20) ? MOST
                                                                : 20);
}

static void draw(dct_case *c, int small)
{
    dct_rng *rng = &c->rng;
    dc_regrid_params p = DC_REGRID_PARAMS_INIT;
    const int bilinear = c->op.kind == DC_REGRID_BILINEAR;
    const int32_t ndim = (int32_t)dct_range(rng, bilinear ? 2 : 1, 4);
    int64_t from[DC_MAX_NDIM], to[DC_MAX_NDIM];
    for (int32_t d = 0; d < ndim; d++)
        from[d] = to[d] = dct_range(rng, 1, bilinear ? 3 : d == ndim - 1 && small < 2 ? 40 : 5);
    for (int32_t d = bilinear ? ndim - 2 : 0; d < (bilinear ? ndim : 1); d++) {
        from[d] = draw_length(rng, small);
        to[d] = draw_length(rng, small);
    }
    p.kind = c->op.kind;
    dct_layout(rng, &p.src, c->dtype, ndim, from, 1);
    dct_layout(rng, &p.dst, c->dtype, ndim, to, 0);
    /* No gaps for the emulator: see parity_rolling.c. */
    if (small > 1 || dct_chance(rng, 40))
        p.dst = dc_array_host(NULL, c->dtype, ndim, to);
    if (dct_chance(rng, 40))
        p.src = dc_array_host(NULL, c->dtype, ndim, from);
    const int32_t one = bilinear ? ndim - 2 : 0, two = ndim - 1;
    draw_axis(rng, src_lat, from[one], bilinear && dct_chance(rng, 50));
    draw_axis(rng, src_lon, from[two] < MOST ? from[two] : MOST, dct_chance(rng, 50));
    draw_places(rng, dst_lat, to[one], src_lat, from[one]);
    draw_places(rng, dst_lon, to[two] < MOST ? to[two] : MOST, src_lon, from[two]);
    p.src_lat = p.times = src_lat;
    p.src_lon = src_lon;
    p.dst_lat = p.at = dst_lat;
    p.dst_lon = dst_lon;
    if (dct_chance(rng, 30)) {
        p.at = NULL;
        p.start = src_lat[0] - 1.0;
        p.step = 0.75;
    }
    p.max_gap = dct_chance(rng, 50) ? DC_REGRID_NO_GAP : 2.0;
    p.period = dct_chance(rng, 50) ? 0.0 : 4000.0;
    p.outside = (int32_t)dct_below(rng, 2);
    p.omit_nan = (int32_t)dct_below(rng, 2);
    c->chunk_rows = 1;
    describe(c, &p);
    memcpy(c->params.bytes, &p, sizeof p);
}

/* Output rows along axis 0, where it is not latitude. */
static int64_t chunk(const dct_case *c, const void *whole, int64_t at, void *part)
{
    dc_regrid_params p;
    memcpy(&p, whole, sizeof p);
    const int64_t rows = p.dst.shape[0];
    const int bilinear = p.kind == DC_REGRID_BILINEAR;
    if (bilinear && p.src.ndim == 2)
        return -1;
    if (!bilinear && !p.at)
        return -1;
    if (at >= rows)
        return 0;
    const int64_t next = at + c->chunk_rows < rows ? at + c->chunk_rows : rows;
    p.dst.offset += at * p.dst.stride[0];
    p.dst.shape[0] = next - at;
    if (bilinear) {
        p.src.offset += at * p.src.stride[0];
        p.src.shape[0] = next - at;
    } else {
        p.at += at;
    }
    memcpy(part, &p, sizeof p);
    return next;
}

const dct_family dct_family_regrid = {"regrid", draw, chunk};
