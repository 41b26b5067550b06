/* How things look on a terminal: numbers, colour, the progress bar. */
#ifndef DC_TOOLS_UI_H
#define DC_TOOLS_UI_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { UI_TEXT = 32 };

typedef enum ui_style { UI_PLAIN, UI_BOLD, UI_DIM, UI_GOOD, UI_WARN, UI_BAD } ui_style;

/* Escape sequence of a style on `file`, "" when it is no terminal or NO_COLOR is set. */
const char *ui_on(FILE *file, ui_style style);
const char *ui_off(FILE *file);

/* Short forms into `text` (UI_TEXT bytes), returned. */
const char *ui_bytes(char *text, double bytes);     /* "38.1 MiB"                      */
const char *ui_seconds(char *text, double seconds); /* "1.24 ms", "3.1 s", "2 min 5 s" */
const char *ui_count(char *text, double count);     /* "1.25 G"                        */
const char *ui_grouped(char *text, int64_t number); /* "1,234,567"                     */

/* A bar on stderr: drawn at most ten times a second, only on a terminal, and cleared at the end. */
typedef struct ui_progress {
    int live;
    double started, drawn;
} ui_progress;
void ui_progress_begin(ui_progress *p);
/* `fraction` 0 ... 1; `label` says what is being done. */
void ui_progress_show(ui_progress *p, double fraction, const char *label);
/* Make room for a line of text; the bar comes back. */
void ui_progress_clear(ui_progress *p);
void ui_progress_end(ui_progress *p);

#endif
