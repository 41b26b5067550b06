/* Cases of the correlation family. */
#include "tests/harness/parity_case.h"

#include <string.h>

enum { MOST = 700 };

static double anchors[MOST];

/* Tables around the edges of leaves, blocks, panels and groups. */
static void draw_shape(dct_rng *rng, int small, int64_t *rows, int64_t *cols)
{
    static const int64_t around[] = {0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 1024, 2047, 2049};
    static const int64_t wide[] = {15, 16, 17, 31, 32, 33, 63, 64, 65, 129};

    *cols = dct_chance(rng, 3) ? dct_below(rng, 2) : dct_range(rng, 1, 9);
    *rows = dct_chance(rng, 60) ? around[dct_below(rng, 13)] : dct_range(rng, 1, 1200);
    if (small > 1) {
        *cols = dct_range(rng, 1, 3);
        *rows = dct_range(rng, 0, 20);
        if (dct_chance(rng, 40)) { /* two blocks */
            *cols = 1;
            *rows = 257;
        }
    } else if (dct_chance(rng, 25)) {
        *cols = wide[dct_below(rng, 10)];
        *rows = dct_range(rng, 0, dct_chance(rng, 70) ? 40 : 300);
    } else if (!small && dct_chance(rng, 4)) {
        *cols = dct_range(rng, 1, 4);
        *rows = dct_range(rng, 4000, 20000); /* many blocks */
    } else if (!small && dct_chance(rng, 3)) {
        *cols = dct_range(rng, 200, MOST); /* one block */
        *rows = dct_range(rng, 1, 10);
    }
}

static void describe(dct_case *c, const dc_correlation_params *p)
{
    snprintf(c->text, sizeof c->text,
             "%s %s, %lld x %lld, strides %lld %lld, inf %d, ddof %lld, min_periods %lld, anchors "
             "%lld, fill %d, nan %d%%, inf %d%%",
             c->op.name, dc_dtype_name(c->dtype), (long long)p->src.shape[0],
             (long long)p->src.shape[1], (long long)p->src.stride[0], (long long)p->src.stride[1],
             (int)p->inf, (long long)p->ddof, (long long)p->min_periods, (long long)p->anchor.count,
             (int)c->fill, (int)c->nan_percent, (int)c->inf_percent);
}

static void draw(dct_case *c, int small)
{
    dct_rng *rng = &c->rng;
    dc_correlation_params p = DC_CORRELATION_PARAMS_INIT;
    const int gram = c->op.kind == DC_CORRELATION_GRAM;
    int64_t shape[2], result[3];
    const int64_t *square = gram ? result + 1 : result;

    draw_shape(rng, small, &shape[0], &shape[1]);
    result[0] = gram ? 3 : shape[1];
    result[1] = shape[1];
    result[2] = shape[1];
    p.kind = c->op.kind;
    p.inf = dct_chance(rng, 25);
    p.ddof = dct_chance(rng, 70) ? 1 : dct_range(rng, 0, 3);
    p.min_periods = dct_chance(rng, 70) ? 1 : dct_range(rng, 0, 12);
    if (c->op.kind != DC_CORRELATION_SPEARMAN && dct_chance(rng, 30)) {
        for (int64_t i = 0; i < shape[1]; i++)
            anchors[i] = dct_chance(rng, 50) ? 0.0 : dct_bell(rng);
        p.anchor = (dc_doubles){anchors, shape[1]};
    }
    dct_layout(rng, &p.src, c->dtype, 2, shape, 1);
    dct_layout(rng, &p.dst, c->dtype, gram ? 3 : 2, result, 0);
    c->nout = 1;
    if ((gram || c->op.kind == DC_CORRELATION_COVARIANCE) && dct_chance(rng, 70)) {
        dct_layout(rng, &p.dst2, gram ? DC_I64 : c->dtype, gram ? 2 : 1, square, 0);
        c->nout = 2;
    }
    /* No gaps for the emulator: see parity_rolling.c. */
    if (small > 1) {
        p.src = dc_array_host(NULL, c->dtype, 2, shape);
        p.dst = dc_array_host(NULL, c->dtype, gram ? 3 : 2, result);
        if (c->nout == 2)
            p.dst2 = dc_array_host(NULL, p.dst2.dtype, p.dst2.ndim, square);
    }
    describe(c, &p);
    memcpy(c->params.bytes, &p, sizeof p);
}

/* Every result needs every row. */
static int64_t chunk(const dct_case *c, const void *whole, int64_t at, void *part)
{
    (void)c;
    (void)whole;
    (void)at;
    (void)part;
    return -1;
}

const dct_family dct_family_correlation = {"correlation", draw, chunk};
