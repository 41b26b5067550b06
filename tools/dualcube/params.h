/* Parameters of an operation as options: names, limits and help come from the registry. */
#ifndef DC_TOOLS_PARAMS_H
#define DC_TOOLS_PARAMS_H

#include "tools/dualcube/cli.h"

enum { PARAMS_FIRST_ID = 2000, PARAMS_ROOM = 32 };

/* Options made from an operation's scalar parameters, with the texts they point to. */
typedef struct params_options {
    cli_option option[PARAMS_ROOM];
    int count;
    char name[PARAMS_ROOM][32];
    char help[PARAMS_ROOM][320];
} params_options;

/* `skip`: names left out, ends with NULL (NULL: none).  Ids are PARAMS_FIRST_ID + place in the
 * table. */
void params_describe(const dc_op_info *op, const char *const *skip, params_options *out);

/* Append the options of `more` to `fixed` (ends with a NULL name) in `all`, CLI_OPTION_ROOM + 1
 * entries. */
void params_append(const cli_option *fixed, const params_options *more, cli_option *all);

/* A params struct with every default, NULL when out of memory; free() it. */
void *params_new(const dc_op_info *op);

/* Set the parameter behind option `id` from the parser's value; 0, or CLI_USAGE after a message. */
int params_set(const dc_op_info *op, void *params, int id, const cli_parser *parser);

/* Description of a parameter, NULL when the operation has none of that name. */
const dc_param_info *params_find(const dc_op_info *op, const char *name);

/* Value of a scalar parameter as JSON text, "null" for a default that depends on the data. */
void params_text(const dc_param_info *info, const void *params, char *text, size_t room);

#endif
