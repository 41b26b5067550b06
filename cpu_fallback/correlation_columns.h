/* Columns by themselves, and the results of several blocks.  Part of cpu_fallback/correlation.c. */

/* Sum, least and largest of nv registers of columns in a leaf. */
DC_INLINE void FN(corr_leaf_column)(const char *from, dc_i64 step, dc_i64 rows, T *sum, T *least,
                                    T *largest, dc_i64 *n, dc_i64 *infinite, const int nv,
                                    const int lanes)
{
    const FN(vec) zero = FN(vzero)(), one = FN(vset)(1);
    FN(vec) s[4] = {{0}}, lo[4] = {{0}}, hi[4] = {{0}}, valid[4] = {{0}}, inf[4] = {{0}};

#pragma GCC unroll 4
    for (int v = 0; v < nv; v++) {
        s[v] = valid[v] = inf[v] = zero;
        lo[v] = FN(vinf)();
        hi[v] = -FN(vinf)();
    }
    for (dc_i64 r = 0; r < rows; r++) {
        const FN(loose) *const at = (const FN(loose) *)(const void *)(from + r * step);

#pragma GCC unroll 4
        for (int v = 0; v < nv; v++) {
            const FN(vec) x =
                lanes == VEC_LANES ? FN(vloadu)(at + v * VEC_LANES) : FN(vload_n)(at, lanes);
            const FN(mask) missing = FN(visnonfinite)(x);

            s[v] = s[v] + FN(vsel)(missing, zero, x);
            lo[v] = FN(vmin)(FN(vsel)(missing, lo[v], x), lo[v]);
            hi[v] = FN(vmax)(FN(vsel)(missing, hi[v], x), hi[v]);
            valid[v] = valid[v] + FN(vsel)(missing, zero, one);
            inf[v] = inf[v] + FN(vsel)(FN(mand)(missing, FN(veq)(x, x)), one, zero);
        }
    }
    for (int v = 0; v < nv; v++) {
        T part[5][DC_VECTOR_BYTES / sizeof(T)];

        FN(vstoreu)(part[0], s[v]);
        FN(vstoreu)(part[1], lo[v]);
        FN(vstoreu)(part[2], hi[v]);
        FN(vstoreu)(part[3], valid[v]);
        FN(vstoreu)(part[4], inf[v]);
        for (int lane = 0; lane < lanes; lane++) {
            const int at = v * VEC_LANES + lane;

            sum[at] = part[0][lane];
            least[at] = part[1][lane] < least[at] ? part[1][lane] : least[at];
            largest[at] = part[2][lane] > largest[at] ? part[2][lane] : largest[at];
            n[at] += (dc_i64)part[3][lane];
            infinite[at] += (dc_i64)part[4][lane];
        }
    }
}

typedef struct FN(corr_extent) {
    T least[FN(CORR_MOST)], largest[FN(CORR_MOST)];
    dc_i64 n[FN(CORR_MOST)], infinite[FN(CORR_MOST)];
} FN(corr_extent);

static dc_i64 FN(corr_parts_bytes)(const dc_correlation_args *a)
{
    return (dc_i64)sizeof(FN(corr_extent)) +
           (DC_CORRELATION_LEAF * FN(CORR_LD) + FN(corr_levels)(a) * FN(CORR_MOST)) *
               (dc_i64)sizeof(T);
}

static void FN(corr_leaf_columns)(const FN(corr_source) * src, dc_i64 row, dc_i64 rows,
                                  dc_i64 first, dc_i64 width, T *room, T *sum, FN(corr_extent) * it)
{
    const dc_i64 size = (dc_i64)sizeof(T);
    const char *from = src->at + row * src->row + first * src->col;
    dc_i64 step = src->row, at = 0;

    if (src->col != size) {
        FN(corr_gather)(src, row, rows, first, width, room, FN(CORR_LD));
        from = (const char *)room;
        step = FN(CORR_LD) * size;
    }
    for (; width - at >= 4 * VEC_LANES; at += 4 * VEC_LANES)
        FN(corr_leaf_column)
    (from + at * size, step, rows, sum + at, it->least + at, it->largest + at, it->n + at,
     it->infinite + at, 4, VEC_LANES);
    for (; width - at >= VEC_LANES; at += VEC_LANES)
        FN(corr_leaf_column)
    (from + at * size, step, rows, sum + at, it->least + at, it->largest + at, it->n + at,
     it->infinite + at, 1, VEC_LANES);
    if (at < width)
        FN(corr_leaf_column)
    (from + at * size, step, rows, sum + at, it->least + at, it->largest + at, it->n + at,
     it->infinite + at, 1, (int)(width - at));
}

/* Columns first ... of a block. */
static void FN(corr_parts)(void *const *operand, const dc_correlation_args *a, dc_i64 block,
                           dc_i64 first, dc_i64 width, void *scratch)
{
    const dc_i64 size = (dc_i64)sizeof(T), leaves = correlation_leaves(a, block);
    const FN(corr_source) src = {operand[0], a->src_row * size, a->src_col * size};
    FN(correlation_part) *const part = (FN(correlation_part) *)operand[1] + block * a->cols;
    FN(corr_extent) *const it = scratch;
    T *const room = (T *)(void *)(it + 1), *const sum = room + DC_CORRELATION_LEAF * FN(CORR_LD);
    dc_i64 top = 0;

    width = a->cols - first < width ? a->cols - first : width;
    memset(it, 0, sizeof *it);
    for (dc_i64 j = 0; j < width; j++) {
        it->least[j] = FN(vinf)()[0];
        it->largest[j] = -it->least[j];
        sum[j] = 0;
    }
    for (dc_i64 l = 0; l < leaves || top > 1;) {
        dc_i64 full = 1;

        if (l < leaves) {
            const dc_i64 leaf = block * a->block_leaves + l;

            FN(corr_leaf_columns)
            (&src, leaf * DC_CORRELATION_LEAF, correlation_rows(a, leaf), first, width, room,
             sum + top++ * FN(CORR_MOST), it);
            full = __builtin_ctzll((dc_u64)++l);
        }
        for (; full > 0 && top > 1; full--, top--)
            for (dc_i64 j = 0; j < width; j++)
                sum[(top - 2) * FN(CORR_MOST) + j] += sum[(top - 1) * FN(CORR_MOST) + j];
    }
    for (dc_i64 j = 0; j < width; j++)
        part[first + j] = (FN(correlation_part)){it->n[j],     it->infinite[j], sum[j],
                                                 it->least[j], it->largest[j],  0};
}

static void FN(corr_columns)(void *const *operand, const dc_correlation_args *a)
{
    const T *const anchor = operand[0];
    const FN(correlation_part) *const part = operand[1];
    FN(correlation_column) *const column = operand[2];

    for (dc_i64 j = 0; j < a->cols; j++)
        column[j] = FN(correlation_column_of)(a, FN(correlation_whole)(a, part, j),
                                              anchor[a->given ? j : 0]);
}

/* Row i of the results, from the nodes of the blocks. */
static void FN(corr_finish)(void *const *operand, const dc_correlation_args *a, dc_i64 i)
{
    const FN(corr_pairs_to) to = FN(corr_operands)(operand, a);

    for (dc_i64 j = i; j < a->cols; j++) {
        const FN(correlation_node) node = FN(correlation_root)(a, to.node, to.count, i, j);

        FN(corr_put)(&to, i, j, &node);
    }
}
