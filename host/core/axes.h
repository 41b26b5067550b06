/* The axes that the views of one step share, made as few as possible.
 *
 * Places are in elements of each view, from the element 0 of its slot. */
#ifndef DC_CORE_AXES_H
#define DC_CORE_AXES_H

#include "dualcube/array.h"

enum { DC_AXES_VIEWS = 6 };

typedef struct dc_axes {
    int32_t ndim, views;
    int64_t shape[DC_MAX_NDIM];
    int64_t stride[DC_AXES_VIEWS][DC_MAX_NDIM];
    int64_t first[DC_AXES_VIEWS]; /* place of the first element in the order of the axes        */
    /* Axis k is turned: view 1 sees place (i - turn[k]) mod n for index i, 0 <= turn < n. */
    int64_t turn[DC_MAX_NDIM];
} dc_axes;

/* `array` as the next view of the axes; the first gives the shape.  Returns its number. */
int32_t dc__axes_view(dc_axes *axes, const dc_array *array);
/* Leave out axes of one element. */
void dc__axes_squeeze(dc_axes *axes);
/* Walk every axis in the direction in which `view` ascends. */
void dc__axes_ascend(dc_axes *axes, int32_t view);
/* Largest stride of `view` first; equal ones keep their order. */
void dc__axes_sort(dc_axes *axes, int32_t view);
/* Merge axes that lie end to end in every view; at least one axis is left. */
void dc__axes_merge(dc_axes *axes);

#endif
