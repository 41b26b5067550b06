/* The probe's model file: magic, sizes, numbers, FNV-1a of all before; little-endian. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/core/probe/family.h"

enum { MOST = 1 << 20 };
static const char magic[8] = "DCPROBE1";

static uint64_t checksum(const unsigned char *data, size_t n)
{
    uint64_t hash = 1469598103934665603u;

    for (size_t i = 0; i < n; ++i)
        hash = (hash ^ data[i]) * 1099511628211u;
    return hash;
}

static size_t image_bytes(int64_t bins, int64_t outputs)
{
    return sizeof magic + 2 * sizeof(int64_t) +
           (PROBE_INPUTS + (size_t)(bins * outputs)) * sizeof(double);
}

dc_status probe_model_save(const probe_model *model, const char *path)
{
    const size_t n = image_bytes(model->bins, model->outputs);
    unsigned char *image = malloc(n + sizeof(uint64_t)), *at = image;
    char temporary[4096];
    uint64_t hash;
    FILE *file;
    int good;

    DC_REQUIRE(image && (size_t)snprintf(temporary, sizeof temporary, "%s.part", path) <
                            sizeof temporary,
               DC_E_MEMORY, "model %s: no memory", path);
    memcpy(at, magic, sizeof magic);
    memcpy(at += sizeof magic, &model->bins, sizeof model->bins);
    memcpy(at += sizeof model->bins, &model->outputs, sizeof model->outputs);
    memcpy(at += sizeof model->outputs, model->weight, sizeof model->weight);
    memcpy(at + sizeof model->weight, model->projection,
           (size_t)(model->bins * model->outputs) * sizeof(double));
    hash = checksum(image, n);
    memcpy(image + n, &hash, sizeof hash);
    file = fopen(temporary, "wb");
    good = file && fwrite(image, 1, n + sizeof hash, file) == n + sizeof hash;
    good = file && fclose(file) == 0 && good && rename(temporary, path) == 0;
    free(image);
    if (!good)
        remove(temporary);
    DC_REQUIRE(good, DC_E_IO, "model %s: it cannot be written", path);
    return DC_OK;
}

static dc_status take(probe_model *model, const unsigned char *image, size_t n, const char *path)
{
    const unsigned char *at = image + sizeof magic;
    uint64_t hash;

    DC_REQUIRE(n >= image_bytes(0, 0) + sizeof hash && memcmp(image, magic, sizeof magic) == 0,
               DC_E_IO, "model %s: it is not a probe model", path);
    memcpy(&model->bins, at, sizeof model->bins);
    memcpy(&model->outputs, at + sizeof model->bins, sizeof model->outputs);
    DC_REQUIRE(model->bins >= 1 && model->outputs >= 1 && model->bins < MOST &&
                   model->outputs < MOST && model->bins * model->outputs < MOST &&
                   n == image_bytes(model->bins, model->outputs) + sizeof hash,
               DC_E_IO, "model %s: its sizes and its length disagree", path);
    memcpy(&hash, image + n - sizeof hash, sizeof hash);
    DC_REQUIRE(hash == checksum(image, n - sizeof hash), DC_E_IO, "model %s: it is damaged", path);
    model->projection = malloc((size_t)(model->bins * model->outputs) * sizeof(double));
    DC_REQUIRE(model->projection, DC_E_MEMORY, "model %s: no memory", path);
    at += 2 * sizeof(int64_t);
    memcpy(model->weight, at, sizeof model->weight);
    memcpy(model->projection, at + sizeof model->weight,
           (size_t)(model->bins * model->outputs) * sizeof(double));
    return DC_OK;
}

dc_status probe_model_load(probe_model *model, const char *path)
{
    FILE *file = fopen(path, "rb");
    unsigned char *image;
    size_t n;
    dc_status status;

    memset(model, 0, sizeof *model);
    DC_REQUIRE(file, DC_E_IO, "model %s: it cannot be read", path);
    image = malloc(8 * (size_t)MOST + 4096);
    n = image ? fread(image, 1, 8 * (size_t)MOST + 4096, file) : 0;
    fclose(file);
    status = take(model, image, n, path);
    free(image);
    return status;
}

void probe_model_free(probe_model *model)
{
    free(model->projection);
    model->projection = NULL;
}
