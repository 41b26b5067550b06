/* Maps onto other grids; irregular rows at other times. */
#ifndef DUALCUBE_REGRID_H
#define DUALCUBE_REGRID_H

#include "dualcube/array.h"
#include "dualcube/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Parameters of dc_regrid().  Begin with DC_REGRID_PARAMS_INIT.
 *
 * Coordinates are host memory that is read before the call returns; they must be finite. */
typedef struct dc_regrid_params {
    uint32_t struct_size;
    int32_t kind; /* DC_REGRID_BILINEAR, DC_REGRID_RESAMPLE; no default                           */
    dc_array src; /* input, float32 or float64.  BILINEAR: 2 ... 8 axes, the last two latitude and
                     longitude.  RESAMPLE: 1 ... 8 axes, the first is time                        */
    dc_array dst; /* output, dtype of src and its shape but for the axes named                    */
    const double *src_lat, *src_lon; /* BILINEAR: of src's axes, strictly rising or falling       */
    const double *dst_lat, *dst_lon; /* BILINEAR: of dst's axes, in any order                     */
    const double *times;             /* RESAMPLE: of src's rows, strictly rising                  */
    const double *at;   /* RESAMPLE: of dst's rows, in any order; NULL: start + i step          */
    double start, step; /* RESAMPLE: defaults 0, 1                                              */
    double max_gap;     /* RESAMPLE: nothing lies between rows further apart; default: infinite */
    double period;      /* BILINEAR: of the longitude, 360; 0 (default): it does not repeat     */
    int32_t outside;    /* BILINEAR: DC_REGRID_OUTSIDE_NAN (default) or _NEAREST                */
    int32_t omit_nan;   /* BILINEAR: 1: corners that are NaN are left out, the weights of the others
                           are made 1; 0 (default): the result is NaN                           */
} dc_regrid_params;

#define DC_REGRID_PARAMS_INIT                                                                      \
    {                                                                                              \
        sizeof(dc_regrid_params), -1, {NULL, NULL, 0, {0}, {0}, 0, 0},                             \
            {NULL, NULL, 0, {0}, {0}, 0, 0}, NULL, NULL, NULL, NULL, NULL, NULL, 0.0, 1.0,         \
            DC_REGRID_NO_GAP, 0.0, 0, 0                                                            \
    }
/** A gap that no two rows have. */
#define DC_REGRID_NO_GAP 1.7976931348623157e308

/**
 * Interpolate linearly.
 *
 * BILINEAR: between the four corners around each place of dst; a place of src gives its value
 * itself.  Places outside src are NaN, or the nearest place of src.
 * RESAMPLE: between the rows before and behind; a time of src gives its row itself.  Times before
 * the first and behind the last row are NaN, so is what lies between rows more than max_gap apart.
 *
 * A NaN that has a share in a result makes it NaN.  Weights are made in float64 and rounded to the
 * dtype.
 *
 * @param done  receives an event, or NULL.  With host outputs the call returns when they are
 * complete.
 * @return  DC_OK; DC_E_ARGUMENT with one sentence naming argument, value and limit (dst untouched).
 * @class   EXACT (float32 on a device that flushes denormals: EXACT_IF).  Empty dst: nothing
 * happens; of an empty src everything is NaN.
 * @threads one thread per queue.
 * @since   0.1
 */
DC_API dc_status dc_regrid(dc_queue *queue, const dc_regrid_params *params, dc_event **done);

#ifdef __cplusplus
}
#endif
#endif
