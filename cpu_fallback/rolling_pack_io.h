/* Loads and stores of panels.  Part of rolling_pack.h. */

/* Of `count` rows at panel row `at`, only lo ... hi - 1 lie inside the series: narrows the clean
 * range, which must stay one interval. */
static void FN(pack_outside)(FN(pack) * v, dc_i64 at, dc_i64 count, dc_i64 lo, dc_i64 hi)
{
    if (lo > 0)
        v->clean_from = pack_max(v->clean_from, at + lo);
    if (hi < count)
        v->clean_to = pack_min(v->clean_to, at + hi);
}

/* A row of `whole` registers, `plane` values apart in the panels, and one of `lanes` values unless
 * that is 0: loads first, see the README.  Returns NaN in the lanes that have met a NaN or an
 * infinity. */
DC_INLINE FN(bits)
    FN(pack_row)(const FN(loose) * from, T *to, dc_i64 plane, dc_i64 whole, int lanes)
{
    const FN(vec) zero = FN(vzero)();
    FN(bits) odd = {0};
    dc_i64 p = 0;
    for (; p + 4 <= whole; p += 4, from += 4 * VEC_LANES, to += 4 * plane) {
        const FN(vec) a = FN(vloadu)(from), b = FN(vloadu)(from + VEC_LANES);
        const FN(vec) c = FN(vloadu)(from + 2 * VEC_LANES), d = FN(vloadu)(from + 3 * VEC_LANES);
        FN(vstore)(to, a);
        FN(vstore)(to + plane, b);
        FN(vstore)(to + 2 * plane, c);
        FN(vstore)(to + 3 * plane, d);
        odd |= (FN(bits))(a * zero) | (FN(bits))(b * zero);
        odd |= (FN(bits))(c * zero) | (FN(bits))(d * zero);
    }
    for (; p < whole; p++, from += VEC_LANES, to += plane) {
        const FN(vec) x = FN(vloadu)(from);
        FN(vstore)(to, x);
        odd |= (FN(bits))(x * zero);
    }
    if (lanes) {
        const FN(vec) x = FN(vload_n)(from, lanes);
        FN(vstore)(to, x);
        odd |= (FN(bits))(x * zero);
    }
    return odd;
}

/* Panel rows at ... at + count - 1 of all panels of the tile, their lanes side by side: rows first,
 * first + 1, ... of the series; rows outside are NaN.  Returns whether one may be missing. */
static int FN(pack_load_rows)(FN(pack) * v, dc_i64 at, dc_i64 first, dc_i64 count)
{
    const dc_rolling_args *a = v->args;
    const dc_i64 lo = pack_min(pack_max(-first, 0), count);
    const dc_i64 hi = pack_max(pack_min(a->rows - first, count), lo);
    const dc_i64 pitch = a->src_row_stride, plane = v->rows * VEC_LANES;
    const dc_i64 whole = v->lanes == VEC_LANES ? v->panels : v->panels - 1;
    const int lanes = whole < v->panels ? v->lanes : 0;
    const FN(loose) *from = v->from[0] + (first + lo) * pitch;
    FN(bits) odd = {0};
    for (dc_i64 r = 0; r < count; r++) {
        if (r == lo && lo < hi)
            r = hi;
        for (dc_i64 p = 0; p < v->panels && r < count; p++)
            FN(vstore)(v->in + p * plane + (at + r) * VEC_LANES, FN(vquiet)());
    }
    for (dc_i64 r = lo; r < hi; r++, from += pitch)
        odd |= FN(pack_row)(from, v->in + (at + r) * VEC_LANES, plane, whole, lanes);
    FN(pack_outside)(v, at, count, lo, hi);
    return FN(many)(FN(visnan)((FN(vec))odd));
}

/* VEC_LANES streams of `count` values side by side: value i of stream l goes to lane l of row
 * i / planes of plane i % planes.  `planes` are `plane` elements apart.
 * The next tile will read `ahead` values further. */
static FN(mask) FN(pack_load_streams)(const FN(loose) *const *from, T *to, dc_i64 count,
                                      dc_i64 planes, dc_i64 plane, dc_i64 ahead, int inf_is_value)
{
    FN(mask) bad = FN(mnone)();
    dc_i64 at = 0, which = 0, i = 0;
    FN(vec) x[PACK_MAX_LANES];
    for (; i < count; i += VEC_LANES) {
        int n = (int)pack_min(VEC_LANES, count - i);
        if (n == VEC_LANES)
            for (int l = 0; l < VEC_LANES; l++) {
                const uintptr_t next = (uintptr_t)(from[l] + i) + (uintptr_t)ahead * sizeof(T);
                __builtin_prefetch((const void *)next, 0, 2);
                x[l] = FN(vloadu)(from[l] + i);
            }
        else
            for (int l = 0; l < VEC_LANES; l++)
                x[l] = FN(vload_n)(from[l] + i, n);
        FN(vtranspose)(x);
        for (int l = 0; l < VEC_LANES; l++) {
            if (l >= n)
                break;
            bad = FN(mor)(bad, FN(vismissing)(x[l], inf_is_value));
            FN(vstore)(to + which * plane + at * VEC_LANES, x[l]);
            if (++which == planes) {
                which = 0;
                at++;
            }
        }
    }
    return bad;
}

static FN(mask) FN(pack_load_strided)(const FN(loose) *const *from, dc_i64 stride, T *to,
                                      dc_i64 count, int inf_is_value)
{
    FN(mask) bad = FN(mnone)();
    for (dc_i64 r = 0; r < count; r++) {
        T *row = to + r * VEC_LANES;
        for (int l = 0; l < VEC_LANES; l++)
            row[l] = from[l][r * stride];
        bad = FN(mor)(bad, FN(vismissing)(FN(vload)(row), inf_is_value));
    }
    return bad;
}

/* One lane value by value: rows outside the series are NaN, rows nobody needs 0. */
static int FN(pack_patch)(FN(pack) * v, T *to, int lane, dc_i64 at, dc_i64 first, dc_i64 count,
                          dc_i64 need, dc_i64 planes, dc_i64 plane)
{
    const dc_rolling_args *a = v->args;
    int found = 0;
    need = pack_max(need, 0);
    for (dc_i64 r = 0; r < count; r++)
        for (dc_i64 q = 0; q < planes; q++) {
            T *cell = to + q * plane + r * VEC_LANES + lane;
            dc_i64 row = first + r;
            if (r >= need) {
                *cell = 0;
            } else if (row < 0 || row >= a->rows) {
                *cell = FN(vquiet)()[0];
            } else {
                T x = v->from[lane][row * a->src_row_stride + q];
                *cell = x;
                found |= a->inf_is_value ? x != x : !(x - x == 0);
            }
        }
    dc_i64 lo = pack_min(pack_max(-first, 0), need);
    FN(pack_outside)(v, at, need, lo, pack_max(pack_min(a->rows - first, need), lo));
    return found;
}

/* Rows of lanes that lie anywhere.  A lane that leaves its series reads another's rows first and is
 * then patched, so that the bulk stays free of tests. */
static int FN(pack_load_any)(FN(pack) * v, T *to, dc_i64 at, dc_i64 skip, dc_i64 count,
                             dc_i64 planes, dc_i64 plane)
{
    const dc_rolling_args *a = v->args;
    const FN(loose) * from[PACK_MAX_LANES];
    dc_i64 first[PACK_MAX_LANES];
    int safe = -1, fine[PACK_MAX_LANES], missing = 0;
    for (int l = 0; l < VEC_LANES; l++) {
        first[l] = a->out_first + v->lane_out[l] * a->step + v->shift - v->lead + skip;
        fine[l] = v->lane_outs[l] > 0 && first[l] >= 0 && first[l] + count <= a->rows;
        if (fine[l])
            safe = l;
    }
    if (safe < 0) {
        for (dc_i64 q = 0; q < planes; q++)
            memset(to + q * plane, 0, (size_t)(count * DC_VECTOR_BYTES));
    } else {
        for (int l = 0; l < VEC_LANES; l++)
            from[l] = v->from[fine[l] ? l : safe] + first[fine[l] ? l : safe] * a->src_row_stride;
        int side_by_side = v->src_flat || a->src_row_stride == 1;
        FN(mask)
        bad = side_by_side
                  ? FN(pack_load_streams)(from, to, count * planes, planes, plane,
                                          v->outs * a->step * a->src_row_stride, a->inf_is_value)
                  : FN(pack_load_strided)(from, a->src_row_stride, to, count, a->inf_is_value);
        missing = FN(many)(bad);
    }
    for (int l = 0; l < VEC_LANES; l++) {
        dc_i64 need = v->lead + (v->lane_outs[l] - 1) * v->step + 1 - at;
        if (!fine[l] && v->lane_outs[l] > 0)
            missing |=
                FN(pack_patch)(v, to, l, at, first[l], count, pack_min(need, count), planes, plane);
    }
    return missing;
}

/* The statistics see one kind of missing value: NaN.  Narrows the clean range of a plane. */
static void FN(pack_unify)(FN(pack) * v, dc_i64 q)
{
    T *in = v->in + q * v->rows * VEC_LANES;
    dc_i64 *clean = v->clean[q], first = clean[1], last = clean[0] - 1;
    for (dc_i64 r = 0; r < v->rows; r++) {
        const FN(vec) x = FN(vload)(in + r * VEC_LANES);
        const FN(mask) gone = FN(vismissing)(x, v->args->inf_is_value);
        if (!FN(many)(gone))
            continue;
        FN(vstore)(in + r * VEC_LANES, FN(vsel)(gone, FN(vquiet)(), x));
        if (r < clean[0] || r >= clean[1])
            continue;
        first = pack_min(first, r);
        last = r;
    }
    /* what lies before the first or behind the last missing value, whichever is longer */
    if (last >= clean[0] && first - clean[0] >= clean[1] - 1 - last)
        clean[1] = first;
    else if (last >= clean[0])
        clean[0] = last + 1;
    v->missing[q] = clean[1] - clean[0] < v->rows;
}

/* Loads the planes that begin with plane q, of panel p. */
static void FN(pack_load)(FN(pack) * v, dc_i64 q)
{
    const dc_rolling_args *a = v->args;
    const int segments = v->step != a->step;
    const dc_i64 count = segments ? v->window : v->rows, plane = v->rows * VEC_LANES;
    const dc_i64 planes = v->src_flat ? v->planes : v->src_together ? v->panels : 1;
    int found = 0;
    v->clean_from = 0;
    v->clean_to = v->rows;
    for (dc_i64 at = 0, row = 0; at < v->rows; at += count, row += a->step) {
        const dc_i64 first = a->out_first + v->out_first * a->step + v->shift - v->lead + row;
        found |= v->src_together ? FN(pack_load_rows)(v, at, first, count)
                                 : FN(pack_load_any)(v, v->in + q * plane + at * VEC_LANES, at, row,
                                                     count, planes, plane);
    }
    v->clean_to = pack_max(v->clean_to, v->clean_from);
    v->holes = found;
    for (dc_i64 i = q; i < q + planes; i++) {
        v->missing[i] = v->clean_to - v->clean_from < v->rows;
        v->clean[i][0] = v->clean_from;
        v->clean[i][1] = v->clean_to;
        if (found && v->raw) { /* nobody looks where */
            v->missing[i] = 1;
            v->clean[i][0] = v->clean[i][1] = 0;
        } else if (found) {
            FN(pack_unify)(v, i);
        }
    }
}

/* Whole rows of the input are one run of memory: each panel's rows stand for a part of the next.
 * One panel alone looks for its own. */
static void FN(pack_next)(FN(pack) * v, dc_i64 p)
{
    const dc_rolling_args *a = v->args;
    const dc_i64 pitch = a->src_row_stride;
    v->next = (const char *)v->in;
    v->next_pitch = 0;
    if (!v->src_together || pitch <= (v->panels - 1) * VEC_LANES ||
        (v->panels > 1 && pitch > v->panels * VEC_LANES))
        return;
    const dc_i64 row = a->out_first + v->out_first * a->step + v->shift - v->lead + v->rows;
    const dc_i64 share = v->outs * v->step * DC_VECTOR_BYTES; /* bytes */
    v->next = (const char *)((uintptr_t)(v->from[0] - p * VEC_LANES) +
                             (uintptr_t)(row * pitch) * sizeof(T) + (uintptr_t)(p * share));
    if (row + v->outs < a->rows)
        v->next_pitch = v->panels > 1 ? DC_VECTOR_BYTES : pitch * (dc_i64)sizeof(T);
}

/* Panel p; *missing tells whether it may hold a missing value (0: surely not). */
DC_UNUSED static T *FN(pack_in)(FN(pack) * v, dc_i64 p, int *missing)
{
    const dc_i64 q = v->planes > 1 ? p : 0;
    if (v->src_together) {
        if (p == 0) {
            FN(pack_lanes)(v, v->panels - 1);
            const int lanes = v->lanes; /* of the last panel */
            FN(pack_lanes)(v, 0);
            v->lanes = lanes;
            FN(pack_load)(v, 0);
        }
        FN(pack_lanes)(v, p);
    } else {
        FN(pack_lanes)(v, p);
        if (!v->src_flat || q == 0)
            FN(pack_load)(v, q);
    }
    FN(pack_next)(v, p);
    *missing = v->missing[q];
    v->clean_from = v->clean[q][0];
    v->clean_to = v->clean[q][1];
    return v->in + q * v->rows * VEC_LANES;
}

/* Whether whole panels write their results where they belong.  A pitch of many small powers of two
 * would make the rows that are written together collide in the caches. */
static int FN(pack_direct)(const FN(pack) * v)
{
    return v->dst_together && !v->stream && (dc_u64)v->args->dst_row_stride * sizeof(T) % 256 != 0;
}

/* Where the results of panel p (the one loaded last) go. */
DC_UNUSED static FN(loose) * FN(pack_out)(FN(pack) * v, dc_i64 p)
{
    if (FN(pack_direct)(v) && v->lanes == VEC_LANES) {
        v->out_pitch = v->args->dst_row_stride;
        return v->to[0] + v->out_first * v->out_pitch;
    }
    v->out_pitch = VEC_LANES;
    return v->out + (v->out_planes > 1 ? p : 0) * v->outs * VEC_LANES;
}

/* A run of results past the caches: whole aligned registers, the ends by ordinary stores. */
static void FN(pack_stream_run)(FN(loose) * to, const FN(loose) * from, dc_i64 count)
{
    dc_i64 i = 0;
    if ((uintptr_t)to % sizeof(T) == 0)
        while (i < count && (uintptr_t)(to + i) % DC_VECTOR_BYTES != 0) {
            to[i] = from[i];
            i++;
        }
    if ((uintptr_t)(to + i) % DC_VECTOR_BYTES == 0)
        for (; i + VEC_LANES <= count; i += VEC_LANES)
            FN(vstream)((T *)(void *)(to + i), FN(vloadu)(from + i));
    else
        for (; i + VEC_LANES <= count; i += VEC_LANES)
            FN(vstoreu)(to + i, FN(vloadu)(from + i));
    for (; i < count; i++)
        to[i] = from[i];
}

/* Puts value i, i + 1, ... of each stream, VEC_LANES of them, where it belongs. */
DC_INLINE void FN(pack_store_heads)(const FN(pack) * v, const FN(vec) * x, dc_i64 planes, dc_i64 i)
{
    for (int l = 0; l < VEC_LANES; l++) {
        const dc_i64 left = v->lane_outs[l] * planes - i;
        FN(loose) *to = v->to[l] + v->lane_out[l] * planes + i;
        if (left >= VEC_LANES)
            FN(vstoreu)(to, x[l]);
        else if (left > 0)
            FN(vstore_n)(to, x[l], (int)left);
    }
}

/* The values that the stage gathered for each stream, `each` at most, past the caches. */
static void FN(pack_stream_heads)(const FN(pack) * v, dc_i64 planes, dc_i64 i, dc_i64 each)
{
    for (int l = 0; l < VEC_LANES; l++) {
        const dc_i64 left = pack_min(v->lane_outs[l] * planes - i, each);
        if (left > 0)
            FN(pack_stream_run)(v->to[l] + v->lane_out[l] * planes + i, v->stage + l * each, left);
    }
}

/* The inverse of pack_load_streams; stream l ends after its own outputs. */
static void FN(pack_store_streams)(const FN(pack) * v, const T *out, dc_i64 planes)
{
    const dc_i64 count = v->outs * planes, plane = v->outs * VEC_LANES;
    const dc_i64 each = PACK_STAGE / DC_VECTOR_BYTES; /* values */
    dc_i64 at = 0, which = 0, staged = 0;
    FN(vec) x[PACK_MAX_LANES] = {{0}};
    for (dc_i64 i = 0; i < count; i += VEC_LANES) {
        for (int l = 0; l < VEC_LANES; l++) {
            if (i + l >= count)
                break;
            x[l] = FN(vload)(out + which * plane + at * VEC_LANES);
            if (++which == planes) {
                which = 0;
                at++;
            }
        }
        FN(vtranspose)(x);
        if (!v->stream) {
            FN(pack_store_heads)(v, x, planes, i);
            continue;
        }
        for (int l = 0; l < VEC_LANES; l++)
            FN(vstore)(v->stage + l * each + staged, x[l]);
        staged += VEC_LANES;
        if (staged == each || i + VEC_LANES >= count) {
            FN(pack_stream_heads)(v, planes, i + VEC_LANES - staged, each);
            staged = 0;
        }
    }
}

/* Results first ... first + count - 1 of the panels from p on, row by row; v->lanes: of the last.
 */
static void FN(pack_store_rows)(const FN(pack) * v, FN(loose) * to, dc_i64 pitch, dc_i64 p0,
                                dc_i64 first, dc_i64 count)
{
    const dc_i64 whole = v->lanes == VEC_LANES ? v->panels : v->panels - 1;
    const dc_i64 plane = v->outs * VEC_LANES;
    for (dc_i64 j = first; j < first + count; j++, to += pitch) {
        const T *from = v->out + p0 * plane + j * VEC_LANES;
        for (dc_i64 p = p0; p < whole; p++, from += plane)
            FN(vstoreu)(to + p * VEC_LANES, FN(vload)(from));
        if (whole < v->panels)
            FN(vstore_n)(to + whole * VEC_LANES, FN(vload)(from), v->lanes);
    }
}

/* The same past the caches, by way of the stage. */
static void FN(pack_stream_rows)(const FN(pack) * v, FN(loose) * to, dc_i64 pitch)
{
    const dc_i64 width = (v->panels - 1) * VEC_LANES + v->lanes;
    const dc_i64 some = PACK_STAGE / (v->out_planes * DC_VECTOR_BYTES);
    if (v->panels == 1 && width == VEC_LANES && pitch == width) {
        FN(pack_stream_run)(to, v->out, width * v->outs);
        return;
    }
    for (dc_i64 j = 0; j < v->outs; j += some, to += some * pitch) {
        const dc_i64 count = pack_min(some, v->outs - j);
        FN(pack_store_rows)(v, v->stage, width, 0, j, count);
        if (pitch == width)
            FN(pack_stream_run)(to, v->stage, width * count);
        else
            for (dc_i64 i = 0; i < count; i++)
                FN(pack_stream_run)(to + i * pitch, v->stage + i * width, width);
    }
}

/* Call after the results of panel p have been written. */
DC_UNUSED static void FN(pack_put)(FN(pack) * v, dc_i64 p)
{
    const dc_i64 pitch = v->args->dst_row_stride;
    const T *out = v->out + (v->out_planes > 1 ? p : 0) * v->outs * VEC_LANES;
    if (v->dst_together) {
        const int direct = FN(pack_direct)(v);
        if (p < v->panels - 1 || (direct && v->lanes == VEC_LANES))
            return;
        FN(loose) *to = v->to[0] - p * VEC_LANES + v->out_first * pitch;
        if (v->stream)
            FN(pack_stream_rows)(v, to, pitch);
        else
            FN(pack_store_rows)(v, to, pitch, direct ? p : 0, 0, v->outs);
    } else if (v->dst_flat) {
        if (p == v->panels - 1) {
            for (int l = 0; l < VEC_LANES; l++)
                v->to[l] -= v->panels - 1;
            FN(pack_store_streams)(v, v->out, v->panels);
        }
    } else if (pitch == 1) {
        FN(pack_store_streams)(v, out, 1);
    } else {
        for (dc_i64 j = 0; j < v->outs; j++)
            for (int l = 0; l < v->lanes; l++)
                if (j < v->lane_outs[l])
                    v->to[l][(v->lane_out[l] + j) * pitch] = out[j * VEC_LANES + l];
    }
}

/* Call once at the end of a tile. */
DC_UNUSED static void FN(pack_close)(FN(pack) * v)
{
    if (v->stream)
        dc_vec_fence();
}
