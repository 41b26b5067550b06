/* Groups from windows to outputs, and from bins back.  OpenCL C alone, a template as
 * spectral_groups.h, read after spectral_outputs.h.
 *
 * part: lines of a group, elements of a line's memory, bits of SPECTRAL_*, items of all groups. */

static inline dc_u32 NEAR(numbers)(const dc_spectral_args *args)
{
    return 2 * (PLACE((dc_u32)args->core - 1) + 1);
}

/* A window of every line, loaded and transformed.  `look`: whether all samples of the line are
 * finite is behind its numbers (0: they are). */
static inline void NEAR(window)(const dc_spectral_args *args, const dc_launch *part,
                                __global const T *src, dc_i64 step, dc_i64 window, int there,
                                int look, __global const T *table, SPACE T *memory)
{
    const spectral_team by = spectral_team_of(part, SPECTRAL_LOAD_ACROSS),
                        it = spectral_team_of(part, 0);
    const dc_u32 numbers = NEAR(numbers)(args);
    SPACE T *const line = memory + it.line * part->p[1];
    int finite;

    if (look) { /* known when the kernel is compiled */
        if (it.lane == 0)
            line[numbers] = 0;
        barrier(FENCE);
    }
    finite = NEAR(load)(args, src, step, args->first + window * args->hop,
                        there ? (dc_u32)args->length : 0, memory + by.line * part->p[1], by.lane,
                        by.lanes);
    if (look && args->omit && !finite)
        memory[by.line * part->p[1] + numbers] = 1;
    NEAR(weigh)(args, table, line, line + numbers + 1, it.lane, it.lanes);
    NEAR(transform)(args, table, line, it.lane, it.lanes);
}

/* Windows to bins, powers, bands or features: `to` is known when the kernel is compiled, but that
 * TO_BINS stands for powers as well where args has them. */
static inline void NEAR(windows)(const dc_spectral_args *args, const dc_launch *part,
                                 __global const T *src, __global T *dst, __global const T *table,
                                 __global const dc_i32 *places, SPACE T *memory, int to)
{
    const spectral_team by = spectral_team_of(part, SPECTRAL_LOAD_ACROSS),
                        it = spectral_team_of(part, 0),
                        out = spectral_team_of(part, SPECTRAL_STORE_ACROSS);
    const spectral_team end = to <= DC_SPECTRAL_TO_POWER ? out : it;
    const dc_u32 numbers = NEAR(numbers)(args);
    __global const dc_i32 *const place = places + args->at_place, *const list =
                                                                      places + args->at_list;
    const SPACE T *const result = memory + end.line * part->p[1];
    SPACE T *const line = memory + it.line * part->p[1], *const room = line + numbers + 1;
    const dc_u32 bands = (dc_u32)(part->p[2] >> SPECTRAL_BANDS);

    for (dc_i64 base = (dc_i64)get_group_id(0) * by.lines; base < part->p[3];
         base += (dc_i64)get_num_groups(0) * by.lines) {
        const spectral_item from = spectral_item_of(args, part, base + by.line, args->frames),
                            at = spectral_item_of(args, part, base + end.line, args->frames);
        __global T *const row = dst + at.dst + at.window * args->dst_frame;
        const int there = at.there && at.window >= args->heads;

        NEAR(window)
        (args, part, src + from.src, args->src_step, from.window, from.window >= args->heads, 0,
         table, memory);
        if (to == DC_SPECTRAL_TO_BINS && args->to != DC_SPECTRAL_TO_POWER && at.there)
            NEAR(put_bins)(args, table, place, result, row, end.lane, end.lanes);
        if (to <= DC_SPECTRAL_TO_POWER && args->to == DC_SPECTRAL_TO_POWER && at.there)
            NEAR(put_power)(args, table, place, result, row, end.lane, end.lanes);
        if (to >= DC_SPECTRAL_TO_BANDS) {
            NEAR(weights)
            (args, table, place, line,
             to == DC_SPECTRAL_TO_FEATURES && args->weight == DC_WEIGHT_MAGNITUDE, it.lane,
             it.lanes);
            if (to == DC_SPECTRAL_TO_BANDS) {
                NEAR(put_bands)
                (args, list, place, line, room, bands, row, there, it.lane, it.lanes);
            } else {
                NEAR(put_features)
                (args, table, list, place, line, room, row, there, it.lane, it.lanes);
            }
            if (at.there && !there)
                NEAR(put_head)(args, row, it.lane, it.lanes);
        }
        barrier(FENCE);
    }
}

/* Chunks of windows to sums of `planes`, known when the kernel is compiled; more than one: a line
 * of src and a line of other. */
static inline void NEAR(sums)(const dc_spectral_args *args, const dc_launch *part,
                              __global const T *src, __global const T *other,
                              __global const T *table, __global const dc_i32 *places,
                              __global T *sums, SPACE T *memory, int planes)
{
    const spectral_team by = spectral_team_of(part, SPECTRAL_LOAD_ACROSS),
                        it = spectral_team_of(part, 0);
    const int views = planes == 1 ? 1 : 2;
    const dc_u32 items = it.lines / views, lanes = it.lanes * views, me = (dc_u32)get_local_id(0),
                 item = me / lanes, lane = me - item * lanes;
    const dc_u32 numbers = NEAR(numbers)(args), stride = (dc_u32)part->p[1];
    const dc_u32 own = (dc_u32)args->bins * planes / views;
    const dc_i32 rounds = (dc_i32)min(args->frames, (dc_i64)DC_SPECTRAL_CHUNK);
    __global const dc_i32 *const place = places + args->at_place;
    SPACE T *const line = memory + item * views * stride, *const sum = line + stride - own;
    const dc_u32 next = views == 2 ? stride : 0;
    const int second = views == 2 && by.line % 2 == 1;

    for (dc_i64 base = (dc_i64)get_group_id(0) * items; base < part->p[3];
         base += (dc_i64)get_num_groups(0) * items) {
        const spectral_item from =
                                spectral_item_of(args, part, base + by.line / views, args->chunks),
                            at = spectral_item_of(args, part, base + item, args->chunks);
        __global T *const row =
            sums + (at.series * args->chunks + at.window) * args->planes * args->bins;
        __global T *const count = sums + args->series * args->chunks * args->planes * args->bins;
        dc_i32 taken = 0;

        for (dc_u32 k = lane; k < own; k += lanes)
            for (int v = 0; v < views; v++)
                sum[v * stride + k] = 0;
        for (dc_i32 w = 0; w < rounds; w++) {
            const dc_i64 window = from.window * DC_SPECTRAL_CHUNK + w;

            barrier(FENCE);
            NEAR(window)
            (args, part, second ? other + from.other : src + from.src,
             second ? args->other_step : args->src_step, window, window < args->frames, 1, table,
             memory);
            if (at.window * DC_SPECTRAL_CHUNK + w < args->frames &&
                !(args->omit &&
                  (line[numbers] != 0 || (views == 2 && line[stride + numbers] != 0)))) {
                NEAR(add_window)(args, table, place, line, planes, next, sum, lane, lanes);
                taken++;
            }
        }
        barrier(FENCE);
        for (dc_u32 k = lane; at.there && k < own; k += lanes)
            for (int v = 0; v < views; v++)
                row[v * own + k] = sum[v * stride + k];
        if (at.there && lane == 0)
            count[at.series * args->chunks + at.window] = (T)taken;
        barrier(FENCE);
    }
}

/* Windows of two series to their cross power. */
static inline void NEAR(crosses)(const dc_spectral_args *args, const dc_launch *part,
                                 __global const T *src, __global const T *other, __global T *dst,
                                 __global const T *table, __global const dc_i32 *places,
                                 SPACE T *memory)
{
    const spectral_team by = spectral_team_of(part, SPECTRAL_LOAD_ACROSS),
                        out = spectral_team_of(part, SPECTRAL_STORE_ACROSS);
    const dc_i64 items = by.lines / 2;
    const int second = by.line % 2 == 1;
    const dc_u32 stride = (dc_u32)part->p[1];
    const SPACE T *const line = memory + out.line / 2 * 2 * stride;

    for (dc_i64 base = (dc_i64)get_group_id(0) * items; base < part->p[3];
         base += (dc_i64)get_num_groups(0) * items) {
        const spectral_item from = spectral_item_of(args, part, base + by.line / 2, args->frames),
                            at = spectral_item_of(args, part, base + out.line / 2, args->frames);

        NEAR(window)
        (args, part, second ? other + from.other : src + from.src,
         second ? args->other_step : args->src_step, from.window, 1, 0, table, memory);
        if (at.there)
            NEAR(put_cross)
        (args, table, args->at_place + places, line, stride,
         dst + at.dst + at.window * args->dst_frame, 2 * out.lane + out.line % 2, 2 * out.lanes);
        barrier(FENCE);
    }
}

/* Bins to samples. */
static inline void NEAR(series)(const dc_spectral_args *args, const dc_launch *part,
                                __global const T *src, __global T *dst, __global const T *table,
                                __global const dc_i32 *places, SPACE T *memory)
{
    const spectral_team by = spectral_team_of(part, SPECTRAL_LOAD_ACROSS),
                        it = spectral_team_of(part, 0),
                        out = spectral_team_of(part, SPECTRAL_STORE_ACROSS);
    __global const dc_i32 *const place = places + args->at_place;
    const T scale = table[args->at_scale];
    const dc_u32 points = (dc_u32)args->points, core = (dc_u32)args->core;
    SPACE PAIR *const z = (SPACE PAIR *)(memory + by.line * part->p[1]);
    SPACE const PAIR *const y = (SPACE const PAIR *)(memory + out.line * part->p[1]);

    for (dc_i64 base = (dc_i64)get_group_id(0) * by.lines; base < part->p[3];
         base += (dc_i64)get_num_groups(0) * by.lines) {
        const spectral_item from = spectral_item_of(args, part, base + by.line, args->frames),
                            at = spectral_item_of(args, part, base + out.line, args->frames);
        __global const T *const x = src + from.src + from.window * args->src_frame;
        __global T *const row = dst + at.dst + at.window * args->dst_frame;

        for (dc_u32 k = by.lane; k < core; k += by.lanes) {
            PAIR v = (PAIR)(0, 0);

            if (k < points)
                v = FN(spectral_packed)(args, x, table + args->at_post, k).yx;
            if (args->bluestein && k < points)
                v = FN(spectral_times)(v, vload2(k, table + args->at_chirp));
            z[PLACE(k)] = v;
        }
        NEAR(transform)(args, table, memory + it.line * part->p[1], it.lane, it.lanes);
        for (dc_u32 k = out.lane; at.there && k < points; k += out.lanes) {
            const PAIR v = y[PLACE((dc_u32)place[k])] * scale;

            if (args->half) {
                row[2 * k * args->dst_bin] = FN(spectral_quiet)(v.y);
                row[(2 * k + 1) * args->dst_bin] = FN(spectral_quiet)(v.x);
            } else {
                row[k * args->dst_bin] = FN(spectral_quiet)(v.y);
            }
        }
        barrier(FENCE);
    }
}
