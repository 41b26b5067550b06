/* Cases of the pca family. */
#include "tests/harness/parity_case.h"

#include <stddef.h>
#include <string.h>

/* Rows, columns, components around the edges of registers, groups and panels. */
static void draw_lengths(dct_case *c, int small, int64_t *n, int64_t *d, int64_t *k)
{
    static const int64_t edges[] = {1, 2, 3, 5, 6, 7, 8, 9, 12, 13, 15, 16, 17, 31, 32, 33};
    static const int64_t many[] = {63, 64, 65, 127, 128, 129, 511, 512, 513, 1000, 1025};
    dct_rng *rng = &c->rng;
    *d = edges[dct_below(rng, small > 1 ? 9 : 16)];
    *k = edges[dct_below(rng, small > 1 ? 9 : 14)];
    *n = small > 1 ? dct_range(rng, 0, 5) : dct_range(rng, 0, 40);
    if (small > 1)
        return;
    if (dct_chance(rng, 12))
        *n = many[dct_below(rng, small ? 6 : 11)];
    if (dct_chance(rng, 3))
        *d = dct_range(rng, 34, 150);
    if (dct_chance(rng, 3))
        *k = dct_range(rng, 34, 80);
    if (!small && dct_chance(rng, 1))
        *n = dct_range(rng, 3000, 9000);
}

static void lay(dct_case *c, dc_array *array, int64_t rows, int64_t columns, int small, int out)
{
    const int64_t shape[] = {rows, columns};
    const int32_t ndim = rows < 0 ? 1 : 2;
    if ((out && small > 1) || dct_chance(&c->rng, 40))
        *array = dc_array_host(NULL, c->dtype, ndim, shape + 2 - ndim);
    else
        dct_layout(&c->rng, array, c->dtype, ndim, shape + 2 - ndim, !out);
}

/* Every operand that may be left out is, now and then. */
static void input(dct_case *c, dc_array *array, size_t at, int64_t rows, int64_t columns, int most)
{
    if (dct_chance(&c->rng, most))
        return;
    lay(c, array, rows, columns, 0, 0);
    c->in_at[c->nin++] = (int32_t)at;
}

static void output(dct_case *c, dc_array *array, size_t at, int64_t rows, int64_t columns, int most,
                   int small)
{
    if (dct_chance(&c->rng, most))
        return;
    lay(c, array, rows, columns, small, 1);
    c->out_at[c->nout++] = (int32_t)at;
}

#define AT(field) &p.field, offsetof(dc_pca_params, field)
static void draw(dct_case *c, int small)
{
    dc_pca_params p = DC_PCA_PARAMS_INIT;
    int64_t n, d, k;
    char src[64], components[64];
    p.kind = c->op.kind;
    const int monitor = p.kind == DC_PCA_MONITOR;
    draw_lengths(c, small, &n, &d, &k);
    c->nin = c->nout = 0;
    input(c, AT(src), n, monitor ? d : k, 0);
    input(c, AT(mean), -1, d, 25);
    input(c, AT(scale), -1, d, 25);
    input(c, AT(components), k, d, 0);
    if (monitor)
        input(c, AT(weights), -1, k, 25);
    input(c, AT(component_scale), -1, k, 50);
    if (monitor) {
        output(c, AT(t2), -1, n, 30, small);
        output(c, AT(spe), -1, n, 30, small);
        output(c, AT(t2_contributions), n, d, 60, small);
        output(c, AT(spe_contributions), n, d, 60, small);
        p.missing = dct_chance(&c->rng, 30);
        p.signed_residuals = dct_chance(&c->rng, 50);
    }
    output(c, AT(dst), n, monitor ? k : d, c->nout && monitor ? 40 : 0, small);
    c->chunk_rows = n > 0 ? dct_range(&c->rng, (n + 7) / 8, n) : 1;
    dct_shape_text(&p.src, src, sizeof src);
    dct_shape_text(&p.components, components, sizeof components);
    snprintf(c->text, sizeof c->text,
             "%s %s, src %s, components %s, %d inputs, %d outputs (dst %d, t2 %d, spe %d, t2 parts "
             "%d, spe parts %d), missing %d, signed %d, fill %d, NaN %d %%, misaligned %d",
             c->op.name, dc_dtype_name(c->dtype), src, components, c->nin, c->nout, p.dst.ndim,
             p.t2.ndim, p.spe.ndim, p.t2_contributions.ndim, p.spe_contributions.ndim, p.missing,
             p.signed_residuals, c->fill, c->nan_percent, c->misaligned);
    memcpy(c->params.bytes, &p, sizeof p);
}

static int64_t chunk(const dct_case *c, const void *whole, int64_t at, void *part)
{
    dc_pca_params p;
    memcpy(&p, whole, sizeof p);
    const int64_t rows = p.src.shape[0];
    if (at >= rows)
        return 0;
    const int64_t next = at + c->chunk_rows < rows ? at + c->chunk_rows : rows;
    dc_array *const by[] = {
        &p.src, &p.dst, &p.t2, &p.spe, &p.t2_contributions, &p.spe_contributions};
    for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
        if (by[i]->ndim == 0)
            continue;
        by[i]->offset += at * by[i]->stride[0];
        by[i]->shape[0] = next - at;
    }
    memcpy(part, &p, sizeof p);
    return next;
}

const dct_family dct_family_pca = {"pca", draw, chunk};
