/* Guarded memory: sentinels on both sides, an untouchable page at one end, read-only on demand. */
#ifndef DCT_PARITY_MEMORY_H
#define DCT_PARITY_MEMORY_H

#include <stddef.h>

#include "dualcube/array.h"

typedef struct dct_region {
    unsigned char *map;  /* pages; the first and the last cannot be touched         */
    size_t map_bytes;    /* all of them                                             */
    unsigned char *room; /* what may be touched                                     */
    size_t room_bytes;
    unsigned char *used; /* part of the room filled with sentinels for this case    */
    size_t used_bytes;
    unsigned char *element0;
    unsigned char *copy; /* the used part as it should be                           */
    size_t copy_room;
} dct_region;

/* 0, or -1 when there is no memory. */
int dct_region_new(dct_region *region, size_t bytes);
void dct_region_free(dct_region *region);

/* Place an array's memory: sentinels everywhere, element 0 found, data and offset of the array set
 * so that they name element 0.  `misaligned` bytes off.  -1 when it does not fit. */
int dct_region_place(dct_region *region, dc_array *array, int at_end, int misaligned);
/* Remember the used part as it is now. */
int dct_region_keep(dct_region *region);
/* Put the remembered bytes back. */
void dct_region_restore(dct_region *region);
/* Offset in the used part of the first byte that differs from what was remembered, -1: none. */
long long dct_region_changed(const dct_region *region);
int dct_region_protect(dct_region *region, int read_only);

/* Copy the elements of a view to dense memory; with `erase`, put the remembered bytes back in
 * their place, so that dct_region_changed() then speaks of the gaps alone. */
void dct_region_gather(dct_region *region, const dc_array *array, unsigned char *dense, int erase);

#endif
