/* Filters of lines whose values lie end to end, from the source itself: the ends of a line in
 * registers.  Included by cpu_fallback/smooth.c once per dtype, hence no guard. */

/* Whether the lines can be filtered where they lie: the first and the last register apart, no tap
 * further than a register, room between the two where registers overlap. */
static int FN(smooth_is_line)(const dc_smooth_args *a)
{
    const dc_i64 least = (a->n % VEC_LANES ? 3 : 2) * VEC_LANES;

    return a->group_src[0] == 1 && a->group_dst[0] == 1 && a->left <= VEC_LANES && a->n >= least &&
           (a->kind == DC_SMOOTH_GAUSSIAN || a->window <= SMOOTH_DIRECT);
}

DC_INLINE void FN(smooth_line_run)(int taps, const FN(smooth_reach) * r, dc_i64 n, FN(loose) * out,
                                   int stream)
{
    const dc_i64 last = n - VEC_LANES;
    dc_i64 i = VEC_LANES;

    FN(smooth_put)
    (out,
     taps ? FN(smooth_window)(r, 0, taps, SMOOTH_FIRST, 0)
          : FN(smooth_gauss)(r, 0, SMOOTH_FIRST, 0),
     stream);
    for (; i + 4 * VEC_LANES <= last; i += 4 * VEC_LANES) {
        FN(vec) y[4];

        FN(smooth_four_of)(taps, r, i, SMOOTH_FLAT, y);
        FN(smooth_put_four)(out + i, y, stream);
    }
    for (; i < last; i += VEC_LANES) {
        const int over = i + VEC_LANES > last; /* then its taps may not reach the end either */
        const dc_i64 at = over ? smooth_least(i, last - r->left) : i;

        FN(smooth_put)
        (out + at,
         taps ? FN(smooth_window)(r, at, taps, SMOOTH_FLAT, 0)
              : FN(smooth_gauss)(r, at, SMOOTH_FLAT, 0),
         stream && !over);
    }
    FN(smooth_put)
    (out + last,
     taps ? FN(smooth_window)(r, last, taps, SMOOTH_LAST, 0)
          : FN(smooth_gauss)(r, last, SMOOTH_LAST, 0),
     stream && n % VEC_LANES == 0);
}

/* A line of four registers. */
DC_INLINE void FN(smooth_line_four)(int taps, const FN(smooth_reach) * r, FN(vec) * y)
{
    for (int v = 0; v < 4; v++) {
        const int where = v == 0 ? SMOOTH_FIRST : v == 3 ? SMOOTH_LAST : SMOOTH_FLAT;

        y[v] = taps ? FN(smooth_window)(r, v * VEC_LANES, taps, where, 0)
                    : FN(smooth_gauss)(r, v * VEC_LANES, where, 0);
    }
}

/* Lanes that taps beyond the ends of a line take their values from (smooth_reach). */
static void FN(smooth_places)(const dc_smooth_args *a, FN(bits) * low_place, FN(bits) * high_place)
{
    for (int d = 1; d <= a->left; d++)
        for (int i = 0; i < VEC_LANES; i++) {
            const int before = i - d, behind = i + d; /* behind: from the last register on */
            int low = before, high = behind;

            if (before < 0) {
                low = a->edges == DC_EDGES_REFLECT ? -1 - before : 0;
                low = a->edges == DC_EDGES_WRAP ? 2 * VEC_LANES + before : low;
                low = a->edges == DC_EDGES_CONSTANT ? VEC_LANES : low;
            }
            if (behind >= VEC_LANES) {
                high = a->edges == DC_EDGES_REFLECT ? 2 * VEC_LANES - 1 - behind : VEC_LANES - 1;
                high = a->edges == DC_EDGES_WRAP ? behind : high;
                high = a->edges == DC_EDGES_CONSTANT ? VEC_LANES : high;
            }
            low_place[d - 1][i] = low;
            high_place[d - 1][i] = high;
        }
}

/* The ends of the line at `from`. */
DC_INLINE void FN(smooth_line_at)(const dc_smooth_args *a, const FN(loose) * from,
                                  FN(smooth_reach) * r)
{
    r->base = from - a->left;
    r->first = FN(vloadu)(from);
    r->last = FN(vloadu)(from + a->n - VEC_LANES);
    if (a->edges == DC_EDGES_WRAP) {
        r->before = r->last;
        r->behind = r->first;
    }
}

/* Lines group ... last - 1.  One of four registers is stored once the next one is read. */
DC_INLINE void FN(smooth_lines_run)(int taps, const FN(smooth_filter) * f, FN(smooth_reach) * r,
                                    const T *src, T *dst, dc_i64 group, dc_i64 last)
{
    const dc_smooth_args *const a = f->args;
    FN(loose) *place = NULL;
    FN(vec) made[4], kept[4] = {{0}};
    int bypass = 0;

    for (; group < last; group++) {
        dc_i64 to;
        const FN(loose) *const from = src + smooth_group_at(a, group, &to);
        const int stream = f->stream && (uintptr_t)(dst + to) % DC_VECTOR_BYTES == 0;

        FN(smooth_line_at)(a, from, r);
        if (a->n != 4 * VEC_LANES) {
            FN(smooth_line_run)(taps, r, a->n, dst + to, stream);
            continue;
        }
        FN(smooth_line_four)(taps, r, made);
        if (place)
            FN(smooth_put_four)(place, kept, bypass);
        for (int v = 0; v < 4; v++)
            kept[v] = made[v];
        place = dst + to;
        bypass = stream;
    }
    if (place)
        FN(smooth_put_four)(place, kept, bypass);
}

/* Lines whose values lie end to end, from the source itself. */
static void FN(smooth_near_lines)(const FN(smooth_filter) * f, const T *src, T *dst, dc_i64 group,
                                  dc_i64 last)
{
    const dc_smooth_args *const a = f->args;
    FN(bits) *const low = (FN(bits) *)(void *)f->rows, *const high = low + VEC_LANES;
    FN(smooth_reach)
    r = {.weight = f->weight, .left = a->left, .shift = 1, .low = low, .high = high};

    FN(smooth_places)(a, low, high);
    r.before = r.behind = FN(vset)(SMOOTH_PICK(a->value32, a->value64));
    switch (FN(smooth_known)(a)) {
#define SMOOTH_RUN(taps)                                                                           \
    case taps:                                                                                     \
        FN(smooth_lines_run)(taps, f, &r, src, dst, group, last);                                  \
        break;
        SMOOTH_CASES(SMOOTH_RUN)
#undef SMOOTH_RUN
    default:
        break;
    }
}
