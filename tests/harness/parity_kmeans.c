/* Cases of the k-means family. */
#include "tests/harness/parity_case.h"

#include <stddef.h>
#include <string.h>

enum { COLUMNS = 80 };

/* What the params point to; one case at a time is drawn. */
static int64_t exponents[COLUMNS];

typedef struct sizes {
    int64_t n, d, k, blocks, limbs;
} sizes;

static sizes draw_sizes(dct_case *c, int small)
{
    static const int64_t rows[] = {1, 2, 63, 64, 65, 100, 127, 128, 129, 200, 257, 400};
    static const int64_t few[] = {1, 2, 5, 63, 64, 65, 70};
    static const int64_t columns[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 20, 33, 50, 64};
    static const int64_t clusters[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 17, 23};
    dct_rng *rng = &c->rng;
    sizes s;
    s.n = small > 1 ? few[dct_below(rng, 7)] : rows[dct_below(rng, 12)];
    s.d = columns[dct_below(rng, small > 1 ? 6 : 15)];
    s.k = clusters[dct_below(rng, small > 1 ? 9 : 15)];
    if (!small && dct_chance(rng, 2)) /* enough for several threads */
        s.n = c->op.kind == DC_KMEANS_SILHOUETTE ? 900 : 6000;
    if (!small && dct_chance(rng, 2))
        s.k = 70;
    if (dct_chance(rng, 2))
        s.n = 0;
    s.blocks = (s.n + DC_KMEANS_BLOCK - 1) / DC_KMEANS_BLOCK;
    s.limbs = c->dtype == DC_F32 ? 1 : 2;
    return s;
}

static dc_array dense(int32_t dtype, int32_t ndim, int64_t a, int64_t b, int64_t e)
{
    const int64_t shape[] = {a, b, e};
    return dc_array_host(NULL, dtype, ndim, shape);
}

static void take(dct_case *c, dc_kmeans_params *p, dc_array *field, dc_array array, int output)
{
    const int32_t at = (int32_t)((unsigned char *)field - (unsigned char *)p);
    *field = array;
    if (output)
        c->out_at[c->nout++] = at;
    else
        c->in_at[c->nin++] = at;
}

static void draw_weights(dct_case *c, dc_kmeans_params *p, int64_t n)
{
    if (dct_chance(&c->rng, 50))
        take(c, p, &p->weights, dense(c->dtype, 1, n, 0, 0), 0);
}

static void draw_arrays(dct_case *c, dc_kmeans_params *p, const sizes *s)
{
    const int64_t entry = 2 + s->limbs * s->d;
    switch (p->kind) {
    case DC_KMEANS_SUMS:
        take(c, p, &p->dst, dense(DC_I64, 2, s->limbs, s->d, 0), 1);
        break;
    case DC_KMEANS_ASSIGN:
        take(c, p, &p->labels, dense(DC_I32, 1, s->n, 0, 0), 0);
        take(c, p, &p->state, dense(DC_I64, 2, s->k + 1, entry, 0), 0);
        draw_weights(c, p, s->n);
        take(c, p, &p->dst, dense(DC_I32, 1, s->n, 0, 0), 1);
        take(c, p, &p->sums, dense(DC_I64, 2, s->k + 1, entry, 0), 1);
        break;
    case DC_KMEANS_PREDICT:
        take(c, p, &p->dst, dense(DC_I32, 1, s->n, 0, 0), 1);
        break;
    case DC_KMEANS_NEAR:
        take(c, p, &p->closest, dense(c->dtype, 1, s->n, 0, 0), 0);
        draw_weights(c, p, s->n);
        take(c, p, &p->dst, dense(c->dtype, 2, s->k, s->n, 0), 1);
        take(c, p, &p->sums, dense(DC_I64, 2, s->k, s->blocks, 0), 1);
        break;
    case DC_KMEANS_SPREAD:
        take(c, p, &p->labels, dense(DC_I32, 1, s->n, 0, 0), 0);
        draw_weights(c, p, s->n);
        take(c, p, &p->dst, dense(c->dtype, 1, s->n, 0, 0), 1);
        take(c, p, &p->sums, dense(DC_I64, 2, s->k, 2, 0), 1);
        break;
    case DC_KMEANS_TRANSFORM:
        take(c, p, &p->dst, dense(c->dtype, 2, s->n, s->k, 0), 1);
        break;
    default: /* SILHOUETTE */
        take(c, p, &p->state, dense(DC_I64, 1, s->k + 1, 0, 0), 0);
        take(c, p, &p->dst, dense(c->dtype, 1, s->n, 0, 0), 1);
        break;
    }
}

static void describe(dct_case *c, const dc_kmeans_params *p, const sizes *s)
{
    snprintf(
        c->text, sizeof c->text,
        "%s %s, n %lld, d %lld, k %lld, src strides %lld %lld, shift %d, weights %d, exponents "
        "%lld..., exponent %d, weight_exponent %d, root %d, scale_exponent %d, fill %d, NaN %d "
        "%%, misaligned %d",
        c->op.name, dc_dtype_name(c->dtype), (long long)s->n, (long long)s->d, (long long)s->k,
        (long long)p->src.stride[0], (long long)p->src.stride[1], p->centers.ndim == 1,
        p->weights.ndim, (long long)exponents[0], p->exponent, p->weight_exponent, p->root,
        p->scale_exponent, c->fill, c->nan_percent, c->misaligned);
}

static void draw(dct_case *c, int small)
{
    dct_rng *rng = &c->rng;
    dc_kmeans_params p = DC_KMEANS_PARAMS_INIT;
    const sizes s = draw_sizes(c, small);
    c->nin = c->nout = 0;
    p.kind = c->op.kind;
    p.exponent = (int32_t)dct_range(rng, -20, 40);
    p.weight_exponent = (int32_t)dct_range(rng, -20, 40);
    p.root = dct_chance(rng, 40);
    for (int i = 0; i < COLUMNS; i++)
        exponents[i] = dct_chance(rng, 5) ? dct_range(rng, -300, 300) : dct_range(rng, -20, 45);
    if (p.kind == DC_KMEANS_PACK) {
        dc_array src;
        const int64_t shape[] = {s.n, s.d};
        p.scale_exponent = dct_chance(rng, 70) ? 0 : (int32_t)dct_range(rng, -200, 200);
        dct_layout(rng, &src, c->dtype, 2, shape, 1);
        take(c, &p, &p.src, src, 0);
        if (dct_chance(rng, 60))
            take(c, &p, &p.centers, dense(c->dtype, 1, s.d, 0, 0), 0);
        take(c, &p, &p.dst, dense(c->dtype, 3, s.blocks, s.d, DC_KMEANS_BLOCK), 1);
    } else {
        take(c, &p, &p.src, dense(c->dtype, 3, s.blocks, s.d, DC_KMEANS_BLOCK), 0);
        if (s.n % DC_KMEANS_BLOCK != 0 || dct_chance(rng, 50))
            p.rows = s.n;
        if (p.kind == DC_KMEANS_SUMS || p.kind == DC_KMEANS_ASSIGN)
            p.exponents = (dc_int64s){exponents, s.d};
        if (p.kind != DC_KMEANS_SUMS && p.kind != DC_KMEANS_SILHOUETTE)
            take(c, &p, &p.centers, dense(c->dtype, 2, s.k, s.d, 0), 0);
        draw_arrays(c, &p, &s);
    }
    /* Labels with some that are none; first rows in any order. */
    c->places = p.kind == DC_KMEANS_SILHOUETTE ? s.n + 2 : s.k + 2;
    c->chunk_rows = DC_KMEANS_BLOCK * dct_range(rng, (s.blocks + 7) / 8, s.blocks + 1);
    describe(c, &p, &s);
    memcpy(c->params.bytes, &p, sizeof p);
}

/* Rows know nothing of each other where no sums are made: whole blocks are cut. */
static int64_t chunk(const dct_case *c, const void *whole, int64_t at, void *part)
{
    dc_kmeans_params p;
    memcpy(&p, whole, sizeof p);
    if (p.kind != DC_KMEANS_PACK && p.kind != DC_KMEANS_PREDICT && p.kind != DC_KMEANS_TRANSFORM)
        return -1;
    const int packs = p.kind == DC_KMEANS_PACK;
    const int64_t n = packs ? p.src.shape[0] : p.dst.shape[0];
    if (at >= n)
        return 0;
    const int64_t next = at + c->chunk_rows < n ? at + c->chunk_rows : n;
    const int64_t blocks = (next - at + DC_KMEANS_BLOCK - 1) / DC_KMEANS_BLOCK;
    dc_array *const rows = packs ? &p.src : &p.dst, *const packed = packs ? &p.dst : &p.src;
    rows->offset += at * rows->stride[0];
    rows->shape[0] = next - at;
    packed->offset += at / DC_KMEANS_BLOCK * packed->stride[0];
    packed->shape[0] = blocks;
    if (!packs)
        p.rows = next - at;
    memcpy(part, &p, sizeof p);
    return next;
}

const dct_family dct_family_kmeans = {"kmeans", draw, chunk};
