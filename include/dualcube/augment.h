/* Physics augmentation of climate cubes. */
#ifndef DUALCUBE_AUGMENT_H
#define DUALCUBE_AUGMENT_H

#include "dualcube/array.h"
#include "dualcube/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What chance decides once for a cube; everything else is arithmetic. */
typedef struct dc_augment_draws {
    int32_t given; /* in dc_augment_params: 1: these are used; 0 (default): drawn from the seed */
    int32_t apply; /* 0: the cube is copied as it is                                         */
    int32_t flip;  /* 1: the latitudes in reverse order                                      */
    int32_t reserved;  /* 0 */
    int64_t lon_shift; /* element i of an axis goes to i + shift, what leaves the end comes in at */
    int64_t time_shift; /*   the beginning; 0 ... elements of the axis - 1                        */
    double smoothing; /* x (1 - s) + s m, m the mean along the geological axis; 0: none          */
    double scale;     /* factor of every value                                                  */
} dc_augment_draws;

/** Parameters of dc_augment().  Begin with DC_AUGMENT_PARAMS_INIT. */
typedef struct dc_augment_params {
    uint32_t struct_size;
    int32_t kind;  /* DC_AUGMENT_APPLY; default */
    dc_array src;  /* input, 7 axes: batch, variable, climate time, geological time, level,
                      latitude, longitude; float32 or float64                                     */
    dc_array dst;  /* output, dtype and shape of src                                              */
    uint64_t seed; /* of the draws and of the noise; default 0                                    */
    int64_t offset; /* place of src's first element in the sequence of the noise, >= 0; default 0: a
                       part of a batch gets what the whole would                                  */
    /* Variables with noise, bit v for variable v, the first 63; see dc_augment_variables(). */
    int64_t temperature, pressure, humidity;
    double temperature_std, pressure_std, humidity_std; /* >= 0; defaults 0.1, 0.05, 0.02         */
    double apply_chance, spatial_chance, temporal_chance; /* 0 ... 1; defaults 0.5, 0.3, 0.2      */
    double smoothing_most; /* s is uniform from 0 to this, 0 ... 1; default 0.1             */
    double scale_low, scale_high; /* the factor is uniform between; defaults 0.95, 1.05 */
    dc_augment_draws draws;       /* default: drawn from the seed                                 */
} dc_augment_params;

#define DC_AUGMENT_PARAMS_INIT                                                                     \
    {                                                                                              \
        sizeof(dc_augment_params), 0, {NULL, NULL, 0, {0}, {0}, 0, 0},                             \
            {NULL, NULL, 0, {0}, {0}, 0, 0}, 0, 0, 0, 0, 0, 0.1, 0.05, 0.02, 0.5, 0.3, 0.2, 0.1,   \
            0.95, 1.05,                                                                            \
        {                                                                                          \
            0, 0, 0, 0, 0, 0, 0.0, 1.0                                                             \
        }                                                                                          \
    }

/**
 * Augment src into dst, in one pass over memory.
 *
 * Each step works on what the one before has left:
 *   noise     x + sigma z in temperatures, pressures and humidities, z being the normal number of
 *             dc_random() (the same seed, mean 0, std sigma) at the element's place; sigma 0: none
 *   clamp     humidities to 0 ... 1
 *   flip      latitudes in reverse order
 *   roll      along longitude, then along climate time
 *   smooth    along geological time, as DC_SMOOTH_MEAN with blend s (at most 256 periods)
 *   scale     every value times the factor
 * Where `apply` was not drawn the cube is copied bit by bit.  NaN stays missing.
 *
 * @param done  receives an event, or NULL.  With host outputs the call returns when they are
 * complete.
 * @return  DC_OK; DC_E_ARGUMENT with one sentence naming argument, value and limit (dst untouched).
 * @class   EXACT (float32 on a device that flushes denormals: EXACT_IF).  Empty src: nothing
 * happens.
 * @threads one thread per queue.
 * @since   0.1
 */
DC_API dc_status dc_augment(dc_queue *queue, const dc_augment_params *params, dc_event **done);

/**
 * What dc_augment() draws for these parameters (of src the shape counts alone); `given` is 1 in the
 * result, so that it can be put into params to do the same again.
 *
 * u[k] is number k of dc_random()'s uniform float64 numbers of the seed on [0, 1):
 *   u[0] < apply_chance: apply       u[1] < spatial_chance: u[2] < 1/2: flip; u[3] < 1/2:
 *   lon_shift = floor(u[4] n)        u[5] < temporal_chance: time_shift = floor(u[6] n), smoothing
 * = u[7] smoothing_most where there are several geological periods scale = scale_low + u[8]
 * (scale_high - scale_low) and without apply all others are as if nothing was drawn (scale 1).
 *
 * @return  DC_OK; DC_E_ARGUMENT as dc_augment().  @threads any  @since 0.1
 */
DC_API dc_status dc_augment_draw(const dc_augment_params *params, dc_augment_draws *draws);

/**
 * Set temperature, pressure and humidity of params by the names of the variables: those that hold
 * the word in letters of any case; a name with several words counts as the first of them.
 *
 * @param names  count of them, 0 ... 63; none may be NULL.
 * @return  DC_OK; DC_E_ARGUMENT (params untouched).  @threads any  @since 0.1
 */
DC_API dc_status dc_augment_variables(const char *const *names, int32_t count,
                                      dc_augment_params *params);

#ifdef __cplusplus
}
#endif
#endif
