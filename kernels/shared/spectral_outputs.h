/* What groups make of transformed windows.  OpenCL C alone, a template as spectral_groups.h, read
 * after it. */

/* ---- bins and powers ------------------------------------------------------------------------ */

static inline void NEAR(put_bins)(const dc_spectral_args *args, __global const T *table,
                                  __global const dc_i32 *place, const SPACE T *line,
                                  __global T *dst, dc_u32 lane, dc_u32 lanes)
{
    const dc_u32 tasks = spectral_pairs(args), points = (dc_u32)args->points;
    const T scale = table[args->at_scale];

    for (dc_u32 k = lane; k < tasks; k += lanes) {
        PAIR x, y;
        const int two = NEAR(bins)(args, table, place, line, k, &x, &y);

        FN(spectral_put)(args, dst, k, x, scale);
        if (two)
            FN(spectral_put)(args, dst, points - k, y, scale);
    }
}

static inline void NEAR(put_power)(const dc_spectral_args *args, __global const T *table,
                                   __global const dc_i32 *place, const SPACE T *line,
                                   __global T *dst, dc_u32 lane, dc_u32 lanes)
{
    const dc_u32 tasks = spectral_pairs(args), points = (dc_u32)args->points;
    __global const T *const scale = table + args->at_scale;

    for (dc_u32 k = lane; k < tasks; k += lanes) {
        PAIR x, y;
        const int two = NEAR(bins)(args, table, place, line, k, &x, &y);

        dst[k * args->dst_bin] = FN(spectral_quiet)(FN(spectral_power)(x.x, x.y) * scale[k]);
        if (two)
            dst[(points - k) * args->dst_bin] =
                FN(spectral_quiet)(FN(spectral_power)(y.x, y.y) * scale[points - k]);
    }
}

/* Rows of windows that are not looked at. */
static inline void NEAR(put_head)(const dc_spectral_args *args, __global T *dst, dc_u32 lane,
                                  dc_u32 lanes)
{
    const T x = args->heads_zero ? 0 : FN(spectral_quiet)(NAN);

    for (dc_u32 k = lane; k < (dc_u32)args->list; k += lanes)
        dst[k * args->dst_bin] = x;
}

/* Cross power; the line of the second series lies `next` elements behind that of the first. */
static inline void NEAR(put_cross)(const dc_spectral_args *args, __global const T *table,
                                   __global const dc_i32 *place, const SPACE T *line, dc_u32 next,
                                   __global T *dst, dc_u32 lane, dc_u32 lanes)
{
    const dc_u32 tasks = spectral_pairs(args), points = (dc_u32)args->points;
    __global const T *const scale = table + args->at_scale;

    for (dc_u32 k = lane; k < tasks; k += lanes) {
        PAIR x[2], y[2];
        const int two = NEAR(bins)(args, table, place, line, k, &x[0], &x[1]);

        NEAR(bins)(args, table, place, line + next, k, &y[0], &y[1]);
        FN(spectral_put)(args, dst, k, FN(spectral_cross)(x[0], y[0]), scale[k]);
        if (two)
            FN(spectral_put)
        (args, dst, points - k, FN(spectral_cross)(x[1], y[1]), scale[points - k]);
    }
}

/* ---- sums of bins ---------------------------------------------------------------------------- */

/* Where the weight of bin k lies after NEAR(weights): the last one of an even nfft beside the
 * first; without places side by side. */
static inline dc_u32 NEAR(bin)(const dc_spectral_args *args, __global const dc_i32 *place, dc_u32 k)
{
    const dc_u32 last = args->half ? (dc_u32)args->points : (dc_u32)args->bins;

    if (!place)
        return k;
    return 2 * PLACE((dc_u32)place[k < last ? k : 0]) + (k < last ? 0 : 1);
}

/* Bins become scaled powers (`root`: their roots) in their own places. */
static inline void NEAR(weights)(const dc_spectral_args *args, __global const T *table,
                                 __global const dc_i32 *place, SPACE T *line, int root, dc_u32 lane,
                                 dc_u32 lanes)
{
    const dc_u32 tasks = spectral_pairs(args), points = (dc_u32)args->points;
    __global const T *const scale = table + args->at_scale;

    for (dc_u32 k = lane; k < tasks; k += lanes) {
        PAIR x, y;
        const int two = NEAR(bins)(args, table, place, line, k, &x, &y);
        T g = FN(spectral_power)(x.x, x.y) * scale[k];

        line[NEAR(bin)(args, place, k)] = root ? DC_CAT(dc_sqrt, SFX)(g) : g;
        if (!two)
            continue;
        g = FN(spectral_power)(y.x, y.y) * scale[points - k];
        line[NEAR(bin)(args, place, points - k)] = root ? DC_CAT(dc_sqrt, SFX)(g) : g;
    }
    barrier(FENCE);
}

/* Sums of nothing below 0: empty leaves take nothing from the others' tree. */
static inline void NEAR(put_bands)(const dc_spectral_args *args, __global const dc_i32 *list,
                                   __global const dc_i32 *place, const SPACE T *line, SPACE T *room,
                                   dc_u32 bands, __global T *dst, int there, dc_u32 lane,
                                   dc_u32 lanes)
{
    const dc_u32 tasks = spectral_tasks(args->bins), all = (dc_u32)args->list;

    for (dc_u32 begin = 0; begin < all; begin += bands) {
        for (dc_u32 t = lane; t < bands * tasks; t += lanes) {
            const dc_u32 band = begin + t / tasks, first = spectral_task(t % tasks);
            T sum = 0;

            if (band < all) {
                const dc_u32 low = (dc_u32)list[2 * band], end = (dc_u32)list[2 * band + 1],
                             n = end > low ? end - low : 0;

                for (dc_u32 k = 0; k < DC_SPECTRAL_LEAF && first + k < n; k += DC_SPECTRAL_COLUMNS)
                    sum += line[NEAR(bin)(args, place, low + first + k)];
            }
            room[t] = sum;
        }
        NEAR(tree)(room, tasks, bands, lane, lanes);
        for (dc_u32 b = lane; there && b < bands && begin + b < all; b += lanes)
            dst[(begin + b) * args->dst_bin] = FN(spectral_quiet)(room[b * tasks]);
        barrier(FENCE);
    }
}

/* ---- shape ----------------------------------------------------------------------------------- */

/* G, M, the leaves of G and the largest of all, into room: columns of G, of M, leaves, then value
 * and bin of the largest of each column. */
static inline void NEAR(first_pass)(const dc_spectral_args *args, __global const dc_i32 *place,
                                    const SPACE T *line, SPACE T *room, dc_u32 lane, dc_u32 lanes)
{
    const dc_u32 bins = (dc_u32)args->bins, tasks = spectral_tasks(args->bins);
    SPACE T *const leaf = room + 2 * tasks, *const peak = leaf + tasks, *const at = peak + tasks;

    for (dc_u32 t = lane; t < tasks; t += lanes) {
        const dc_u32 first = spectral_task(t);
        T sum = 0, moment = 0, most = -1, best = 0;

        for (dc_u32 k = first; k < first + DC_SPECTRAL_LEAF && k < bins; k += DC_SPECTRAL_COLUMNS) {
            const T g = line[NEAR(bin)(args, place, k)];

            sum += g;
            moment += (T)k * g;
            if (g > most) {
                most = g;
                best = (T)k;
            }
        }
        room[t] = sum;
        room[tasks + t] = moment;
        peak[t] = most;
        at[t] = best;
    }
    barrier(FENCE);
    for (dc_u32 t = lane; 4 * t < tasks; t += lanes) {
        SPACE const T *const c = room + 4 * t;

        leaf[t] = (c[0] + c[1]) + (c[2] + c[3]);
        for (dc_u32 k = 4 * t + 1; k < 4 * t + 4; k++)
            if (peak[k] > peak[4 * t] || (peak[k] == peak[4 * t] && at[k] < at[4 * t])) {
                peak[4 * t] = peak[k];
                at[4 * t] = at[k];
            }
    }
    NEAR(tree)(room, tasks, 2, lane, lanes);
}

static inline T NEAR(rolloff)(const dc_spectral_args *args, __global const dc_i32 *place,
                              const SPACE T *line, const SPACE T *leaf, T target)
{
    const dc_u32 bins = (dc_u32)args->bins, leaves = spectral_tasks(args->bins) / 4;
    dc_u32 i = 0, k, end;
    T before = 0;

    while (i < leaves && !(before + leaf[i] >= target))
        before += leaf[i++];
    k = i * DC_SPECTRAL_LEAF; /* no leaf: beyond the last bin */
    end = min(k + DC_SPECTRAL_LEAF, bins);
    for (; k < end; k++) {
        before += line[NEAR(bin)(args, place, k)];
        if (before >= target)
            break;
    }
    return (T)(k < end ? k : end - 1);
}

static inline void NEAR(put_features)(const dc_spectral_args *args, __global const T *table,
                                      __global const dc_i32 *list, __global const dc_i32 *place,
                                      const SPACE T *line, SPACE T *room, __global T *dst,
                                      int there, dc_u32 lane, dc_u32 lanes)
{
    const dc_u32 bins = (dc_u32)args->bins, tasks = spectral_tasks(args->bins);
    __global const T *const number = table + args->at_number;
    const SPACE T *const leaf = room + 2 * tasks, *const peak = leaf + tasks,
                         *const at = peak + tasks;
    T sum[DC_SPECTRAL_SUMS], rolloff = 0;
    FN(spectral_first) it;
    int rolls = 0;

    for (int i = 0; i < args->list; i++)
        rolls |= list[i] == 5;
    NEAR(first_pass)(args, place, line, room, lane, lanes);
    FN(spectral_begin)(&it, room[0], room[tasks]);
    it.peak = peak[0];
    it.peak_bin = at[0];
    for (dc_u32 k = 4; k < tasks; k += 4)
        if (peak[k] > it.peak) {
            it.peak = peak[k];
            it.peak_bin = at[k];
        }
    if (rolls)
        rolloff = NEAR(rolloff)(args, place, line, leaf, number[DC_SPECTRAL_ROLLOFF] * it.total);
    barrier(FENCE);
    for (dc_u32 t = lane; t < tasks; t += lanes) {
        const dc_u32 first = spectral_task(t);
        T term[DC_SPECTRAL_SUMS];

        for (int i = 0; i < DC_SPECTRAL_SUMS; i++)
            sum[i] = term[i] = 0;
        for (dc_u32 k = first; k < first + DC_SPECTRAL_LEAF && k < bins; k += DC_SPECTRAL_COLUMNS) {
            FN(spectral_terms)
            (&it, (T)k, number[DC_SPECTRAL_MIDDLE], line[NEAR(bin)(args, place, k)], 1, term);
            for (int i = 0; i < DC_SPECTRAL_SUMS; i++)
                sum[i] += term[i];
        }
        for (int i = 0; i < DC_SPECTRAL_SUMS; i++)
            room[i * tasks + t] = sum[i];
    }
    NEAR(tree)(room, tasks, DC_SPECTRAL_SUMS, lane, lanes);
    for (int i = 0; i < DC_SPECTRAL_SUMS; i++)
        sum[i] = room[i * tasks];
    for (dc_u32 i = lane; there && i < (dc_u32)args->list; i += lanes)
        dst[i * args->dst_bin] = FN(spectral_quiet)(FN(spectral_shape)(
            list[i], &it, sum, rolloff, number[DC_SPECTRAL_STEP], number[DC_SPECTRAL_COUNT],
            number[DC_SPECTRAL_LN_COUNT], number[DC_SPECTRAL_SPREAD]));
    barrier(FENCE);
}

/* ---- sums over windows ----------------------------------------------------------------------- */

/* A window's powers (planes: 1), cross powers (2) or both (4) onto the sums of its chunk, plane
 * after plane of `bins` from sum and, planes 2 and 3, from sum + more. */
static inline void NEAR(add_bin)(const dc_spectral_args *args, int planes, SPACE T *sum,
                                 dc_u32 more, dc_u32 k, PAIR x, PAIR y)
{
    const dc_u32 bins = (dc_u32)args->bins;
    const PAIR cross = FN(spectral_cross)(x, y);

    if (planes == 1) {
        sum[k] += FN(spectral_power)(x.x, x.y);
        return;
    }
    if (planes == 2) {
        sum[k] += cross.x;
        sum[more + k] += cross.y;
        return;
    }
    sum[k] += FN(spectral_power)(x.x, x.y);
    sum[bins + k] += FN(spectral_power)(y.x, y.y);
    sum[more + k] += cross.x;
    sum[more + bins + k] += cross.y;
}

/* The line of y (views: 2) lies `next` elements behind that of x. */
static inline void NEAR(add_window)(const dc_spectral_args *args, __global const T *table,
                                    __global const dc_i32 *place, const SPACE T *line, int planes,
                                    dc_u32 next, SPACE T *sum, dc_u32 lane, dc_u32 lanes)
{
    const dc_u32 tasks = spectral_pairs(args), points = (dc_u32)args->points;

    for (dc_u32 k = lane; k < tasks; k += lanes) {
        PAIR x[2], y[2] = {(PAIR)(0, 0), (PAIR)(0, 0)};
        const int two = NEAR(bins)(args, table, place, line, k, &x[0], &x[1]);

        if (planes > 1)
            NEAR(bins)(args, table, place, line + next, k, &y[0], &y[1]);
        NEAR(add_bin)(args, planes, sum, next, k, x[0], y[0]);
        if (two)
            NEAR(add_bin)(args, planes, sum, next, points - k, x[1], y[1]);
    }
}
