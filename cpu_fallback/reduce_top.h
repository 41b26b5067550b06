/* Lists of the best: a heap for each result, its worst at the root, and most rows are refused a
 * register at a time.  Read once per dtype (T, SFX). */

typedef struct FN(top_item) {
    T key; /* the larger the better */
    dc_i64 row;
} FN(top_item);

typedef struct FN(top_heap) {
    FN(top_item) * item;
    dc_i64 count;
} FN(top_heap);

DC_INLINE int FN(top_worse)(const FN(top_item) * x, const FN(top_item) * y)
{
    return x->key < y->key || (x->key == y->key && x->row > y->row);
}

/* Put `x` at place `at` or below, `count` items in all. */
static void FN(top_sink)(FN(top_item) * item, dc_i64 count, dc_i64 at, FN(top_item) x)
{
    for (dc_i64 child; (child = 2 * at + 1) < count; at = child) {
        child += child + 1 < count && FN(top_worse)(&item[child + 1], &item[child]);
        if (!FN(top_worse)(&item[child], &x))
            break;
        item[at] = item[child];
    }
    item[at] = x;
}

static void FN(top_take)(FN(top_heap) * h, dc_i64 room, FN(top_item) x)
{
    dc_i64 at = h->count;

    if (h->count == room) {
        if (FN(top_worse)(&h->item[0], &x))
            FN(top_sink)(h->item, room, 0, x);
        return;
    }
    for (h->count++; at > 0 && FN(top_worse)(&x, &h->item[(at - 1) / 2]); at = (at - 1) / 2)
        h->item[at] = h->item[(at - 1) / 2];
    h->item[at] = x;
}

/* The best first. */
static void FN(top_sort)(FN(top_heap) * h)
{
    for (dc_i64 n = h->count - 1; n > 0; n--) {
        const FN(top_item) worst = h->item[0], last = h->item[n];

        FN(top_sink)(h->item, n, 0, last);
        h->item[n] = worst;
    }
}

/* Rows of the panel into the heaps; registers in which no value beats its heap's worst pass. */
static unsigned FN(top_scan)(FN(rows_panel) * p, FN(top_heap) * heap, dc_i64 room)
{
    const dc_reduce_args *a = p->args;
    const T sign = a->largest ? 1 : -1;
    const unsigned real = p->jobs < 32 ? (1u << p->jobs) - 1u : ~0u;
    FN(vec) worst = -FN(vinf)();
    unsigned open = real, bad = 0; /* heaps with room; results with NaN */

    for (dc_i64 at = 0; at < a->rows;) {
        const FN(loose) * row;
        dc_i64 stride;
        const int n = FN(rows_chunk)(p, at, a->rows - at, &row, &stride);

        for (int i = 0; i < n; i++) {
            const FN(vec) x = FN(vloadu)(row + i * stride) * FN(vset)(sign) + FN(vzero)();
            const unsigned nan = FN(mbits)(FN(visnan)(x)) & real;
            unsigned look = (FN(mbits)(FN(vlt)(worst, x)) | open) & real & ~nan;

            bad |= nan;
            for (; look; look &= look - 1) {
                const int j = __builtin_ctz(look);

                FN(top_take)(&heap[j], room, (FN(top_item)){x[j], at + i});
                if (heap[j].count == room) {
                    open &= ~(1u << j);
                    worst[j] = heap[j].item[0].key;
                }
            }
        }
        at += n;
    }
    return bad;
}

static void FN(reduce_top_k_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_reduce_args *a = args;
    const dc_i64 room = a->k < a->rows ? a->k : a->rows;

    (void)machine;
    FN(rows_cut)
    (a, (dc_i64)(ROWS_CHUNK * DC_VECTOR_BYTES) + room * VEC_LANES * (dc_i64)sizeof(FN(top_item)),
     a->rows * a->outs, tiling);
}

static void FN(reduce_top_k)(void *const *operand, const void *args, const dc_tiling *tiling,
                             dc_i64 tile, void *scratch)
{
    const dc_reduce_args *a = args;
    const dc_i64 room = a->k < a->rows ? a->k : a->rows;
    FN(top_item) *const items =
        (FN(top_item) *)(void *)((char *)scratch + ROWS_CHUNK * DC_VECTOR_BYTES);
    T *const dst = operand[1];
    FN(top_heap) heap[VEC_LANES];
    FN(rows_panel) p;
    unsigned bad;

    (void)tiling;
    FN(rows_begin)(&p, a, operand[0], tile * VEC_LANES, scratch);
    for (int j = 0; j < VEC_LANES; j++)
        heap[j] = (FN(top_heap)){items + j * room, 0};
    bad = FN(top_scan)(&p, heap, room);
    for (int j = 0; j < p.jobs; j++) {
        if (a->propagate && (bad >> j & 1))
            heap[j].count = 0;
        FN(top_sort)(&heap[j]);
        for (dc_i64 i = 0; i < a->k; i++) {
            const int there = i < heap[j].count;

            dst[p.dst[j] + i * a->list_dst] = !there       ? FN(reduce_nan)()
                                              : a->largest ? heap[j].item[i].key
                                                           : -heap[j].item[i].key + 0;
            if (a->has_dst2)
                ((dc_i64 *)operand[2])[p.dst2[j] + i * a->list_dst2] =
                    there ? heap[j].item[i].row : -1;
        }
    }
}
