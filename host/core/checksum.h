/* CRC-32C (Castagnoli), as in iSCSI and ext4. */
#ifndef DC_CORE_CHECKSUM_H
#define DC_CORE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Of `bytes` bytes; `before` is the checksum of what comes before them, 0 at the beginning. */
uint32_t dc__crc32c(uint32_t before, const void *data, size_t bytes);

#endif
