#include "tests/oracle/npy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dualcube/kinds.h"

#ifndef DCT_DATA_DIR
#error "DCT_DATA_DIR names the directory used when DUALCUBE_TEST_DATA is not set"
#endif

/* The part of the file after the header, its dtype found in the header's text. */
static int parse(FILE *file, dct_npy *npy)
{
    unsigned char head[10];
    if (fread(head, 1, sizeof head, file) != sizeof head || memcmp(head, "\x93NUMPY\x01", 7) != 0)
        return -1;
    const size_t length = (size_t)head[8] | (size_t)head[9] << 8;
    char text[4096];
    if (length >= sizeof text || fread(text, 1, length, file) != length)
        return -1;
    text[length] = 0;
    if (strstr(text, "'<f4'"))
        npy->dtype = DC_F32;
    else if (strstr(text, "'<f8'"))
        npy->dtype = DC_F64;
    else
        return -1;
    if (!strstr(text, "'fortran_order': False"))
        return -1;
    const long begin = ftell(file);
    if (begin < 0 || fseek(file, 0, SEEK_END) != 0)
        return -1;
    const long bytes = ftell(file) - begin;
    const long size = npy->dtype == DC_F32 ? 4 : 8;
    if (bytes <= 0 || bytes % size != 0 || fseek(file, begin, SEEK_SET) != 0)
        return -1;
    npy->elements = bytes / size;
    npy->data = malloc((size_t)bytes);
    return npy->data && fread(npy->data, 1, (size_t)bytes, file) == (size_t)bytes ? 0 : -1;
}

int dct_npy_open(const char *name, dct_npy *npy, char *reason, size_t bytes)
{
    char path[1024];
    const char *where = getenv("DUALCUBE_TEST_DATA");
    memset(npy, 0, sizeof *npy);
    snprintf(path, sizeof path, "%s/%s", where && *where ? where : DCT_DATA_DIR, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        snprintf(reason, bytes, "cannot open %.300s: %s (set DUALCUBE_TEST_DATA)", path,
                 strerror(errno));
        return -1;
    }
    const int status = parse(file, npy);
    fclose(file);
    if (status != 0) {
        dct_npy_close(npy);
        snprintf(reason, bytes, "%.300s is not a dense little-endian float .npy file", path);
    }
    return status;
}

double dct_npy_at(const dct_npy *npy, int64_t i)
{
    float narrow;
    double wide;
    if (npy->dtype == DC_F32) {
        memcpy(&narrow, (const char *)npy->data + (size_t)i * sizeof narrow, sizeof narrow);
        return (double)narrow;
    }
    memcpy(&wide, (const char *)npy->data + (size_t)i * sizeof wide, sizeof wide);
    return wide;
}

void dct_npy_close(dct_npy *npy)
{
    free(npy->data);
    npy->data = NULL;
}
