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

/* Rows first ... first + count - 1 of VEC_LANES neighbouring series; rows outside are NaN. */
static int FN(pack_load_lanes)(FN(pack) * v, T *to, dc_i64 at, dc_i64 first, dc_i64 count)
{
    const dc_rolling_args *a = v->args;
    dc_i64 lo = pack_min(pack_max(-first, 0), count);
    dc_i64 hi = pack_max(pack_min(a->rows - first, count), lo);
    const dc_i64 pitch = a->src_row_stride, ahead = v->outs * a->step * pitch;
    const int lanes = v->lanes, inf_is_value = a->inf_is_value;
    const FN(loose) *from = v->from[0] + (first + lo) * pitch;
    FN(mask) bad = FN(mnone)();
    for (dc_i64 r = 0; r < lo; r++)
        FN(vstore)(to + r * VEC_LANES, FN(vquiet)());
    for (dc_i64 r = lo; r < hi; r++, from += pitch) {
        FN(vec) x = lanes == VEC_LANES ? FN(vloadu)(from) : FN(vload_n)(from, lanes);
        __builtin_prefetch((const void *)((uintptr_t)from + (uintptr_t)ahead * sizeof(T)), 0, 2);
        bad = FN(mor)(bad, FN(vismissing)(x, inf_is_value));
        FN(vstore)(to + r * VEC_LANES, x);
    }
    for (dc_i64 r = hi; r < count; r++)
        FN(vstore)(to + r * VEC_LANES, FN(vquiet)());
    FN(pack_outside)(v, at, count, lo, hi);
    return FN(many)(bad);
}

/* VEC_LANES streams of `count` values side by side: value i of stream l goes to lane l of row
 * i / planes of plane i % planes.  `planes` are `plane` elements apart. */
static FN(mask) FN(pack_load_streams)(const FN(loose) *const *from, T *to, dc_i64 count,
                                      dc_i64 planes, dc_i64 plane, int inf_is_value)
{
    FN(mask) bad = FN(mnone)();
    dc_i64 at = 0, which = 0, i = 0;
    FN(vec) x[PACK_MAX_LANES];
    for (; i < count; i += VEC_LANES) {
        int n = (int)pack_min(VEC_LANES, count - i);
        if (n == VEC_LANES)
            for (int l = 0; l < VEC_LANES; l++)
                x[l] = FN(vloadu)(from[l] + i);
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
                  ? FN(pack_load_streams)(from, to, count * planes, planes, plane, a->inf_is_value)
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

/* The statistics see one kind of missing value: NaN. */
static void FN(pack_unify)(T *in, dc_i64 rows, int inf_is_value)
{
    for (dc_i64 r = 0; r < rows; r++) {
        FN(vec) x = FN(vload)(in + r * VEC_LANES);
        FN(vstore)(in + r * VEC_LANES, FN(vsel)(FN(vismissing)(x, inf_is_value), FN(vquiet)(), x));
    }
}

/* Panel p; *missing tells whether it may hold a missing value (0: surely not). */
DC_UNUSED static T *FN(pack_in)(FN(pack) * v, dc_i64 p, int *missing)
{
    const dc_rolling_args *a = v->args;
    dc_i64 plane = v->rows * VEC_LANES;
    dc_i64 q = v->planes > 1 ? p % v->planes : 0, planes = v->src_flat ? v->planes : 1;
    T *in = v->in + q * plane;
    FN(pack_lanes)(v, p);
    if (v->src_flat && q > 0) {
        *missing = v->missing[q];
        v->clean_from = v->clean[q][0];
        v->clean_to = v->clean[q][1];
        return in;
    }
    int segments = v->step != a->step, found = 0;
    dc_i64 count = segments ? v->window : v->rows;
    v->clean_from = 0;
    v->clean_to = v->rows;
    int lanes_together = !v->time && (a->src_stride[a->ndim - 1] == 1 || v->lanes == 1) &&
                         (a->ndim == 1 || FN(pack_inner)(a) != a->series || v->lanes == 1);
    for (dc_i64 at = 0, row = 0; at < v->rows; at += count, row += a->step) {
        dc_i64 first = a->out_first + v->out_first * a->step + v->shift - v->lead + row;
        T *to = in + at * VEC_LANES;
        found |= lanes_together ? FN(pack_load_lanes)(v, to, at, first, count)
                                : FN(pack_load_any)(v, to, at, row, count, planes, plane);
    }
    if (found || v->clean_to < v->clean_from)
        v->clean_to = v->clean_from = 0;
    found |= v->clean_to - v->clean_from < v->rows;
    for (dc_i64 i = 0; i < planes; i++) {
        v->missing[q + i] = found;
        v->clean[q + i][0] = v->clean_from;
        v->clean[q + i][1] = v->clean_to;
        if (found && !v->raw)
            FN(pack_unify)(in + i * plane, v->rows, a->inf_is_value);
    }
    *missing = found;
    return in;
}

/* Whether the results of the current panel can go to rows of the output (or of the stage). */
static int FN(pack_direct)(const FN(pack) * v)
{
    const dc_rolling_args *a = v->args;
    return !v->time && a->dst_stride[a->ndim - 1] == 1 &&
           (a->ndim == 1 || FN(pack_inner)(a) != a->series);
}

/* Elements between rows of the stage: exactly the tile's series. */
static dc_i64 FN(pack_stage_pitch)(const FN(pack) * v)
{
    return pack_min(v->panels * VEC_LANES, v->args->series - v->panel_first * VEC_LANES);
}

/* Where the results of panel p (the one loaded last) go. */
DC_UNUSED static FN(loose) * FN(pack_out)(FN(pack) * v, dc_i64 p)
{
    const dc_rolling_args *a = v->args;
    if (FN(pack_direct)(v) && v->lanes == VEC_LANES) {
        if (v->stream) {
            v->out_pitch = FN(pack_stage_pitch)(v);
            return v->stage + p * VEC_LANES;
        }
        v->out_pitch = a->dst_row_stride;
        return v->to[0] + v->out_first * a->dst_row_stride;
    }
    v->out_pitch = VEC_LANES;
    return v->out + (v->planes > 1 ? p % v->planes : 0) * v->outs * VEC_LANES;
}

/* The inverse of pack_load_streams; stream l ends after its own outputs. */
static void FN(pack_store_streams)(const FN(pack) * v, const T *out, dc_i64 planes)
{
    dc_i64 count = v->outs * planes, plane = v->outs * VEC_LANES, at = 0, which = 0;
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
        for (int l = 0; l < VEC_LANES; l++) {
            dc_i64 left = v->lane_outs[l] * planes - i;
            FN(loose) *to = v->to[l] + v->lane_out[l] * planes + i;
            if (left >= VEC_LANES)
                FN(vstoreu)(to, x[l]);
            else if (left > 0)
                FN(vstore_n)(to, x[l], (int)left);
        }
    }
}

/* Call after the results of panel p have been written. */
DC_UNUSED static void FN(pack_put)(FN(pack) * v, dc_i64 p)
{
    const dc_rolling_args *a = v->args;
    dc_i64 pitch = a->dst_row_stride;
    const T *out = v->out + (v->planes > 1 ? p % v->planes : 0) * v->outs * VEC_LANES;
    if (FN(pack_direct)(v)) {
        if (v->lanes == VEC_LANES)
            return;
        FN(loose) *to = v->to[0] + v->out_first * pitch;
        if (v->stream) {
            pitch = FN(pack_stage_pitch)(v);
            to = v->stage + p * VEC_LANES;
        }
        for (dc_i64 j = 0; j < v->outs; j++)
            FN(vstore_n)(to + j * pitch, FN(vload)(out + j * VEC_LANES), v->lanes);
    } else if (v->dst_flat) {
        if (p % v->planes == v->planes - 1) {
            for (int l = 0; l < VEC_LANES; l++)
                v->to[l] -= v->planes - 1;
            FN(pack_store_streams)(v, v->out, v->planes);
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
    if (i < count)
        FN(vstore_n)(to + i, FN(vloadu)(from + i), (int)(count - i));
}

/* Call once at the end of a tile. */
DC_UNUSED static void FN(pack_close)(FN(pack) * v)
{
    if (!v->stream)
        return;
    dc_i64 width = FN(pack_stage_pitch)(v), pitch = v->args->dst_row_stride;
    FN(loose) *to = v->dst + v->panel_first * VEC_LANES + v->out_first * pitch;
    if (pitch == width)
        FN(pack_stream_run)(to, v->stage, width * v->outs);
    else
        for (dc_i64 j = 0; j < v->outs; j++)
            FN(pack_stream_run)(to + j * pitch, v->stage + j * width, width);
    dc_vec_fence();
}
