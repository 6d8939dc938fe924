/* The stories of the public HPACK vectors: header lists and what an encoder wrote for them. */
#ifndef VECTORS_STORIES_H
#define VECTORS_STORIES_H

#include "hpack/hpack.h"

/* One header block. Names and values are borrowed from the story's file. */
typedef struct story_case {
    hpack_field *fields;
    size_t count;
    uint8_t *wire;
    size_t wire_size;
    bool has_table_size; /* SETTINGS_HEADER_TABLE_SIZE changed before this block */
    size_t table_size;
} story_case;

typedef struct vector_story {
    const char *path;
    story_case *cases;
    size_t count;
} vector_story;

typedef void story_visit(const vector_story *story, void *context);

/* The folder of vectors, from the environment; NULL, with the reason printed, if there is none. */
const char *stories_folder(void);
/* Visits each story of each encoder under `folder`; returns how many there were. A file that is not
 * as expected fails the test. */
size_t stories_visit(const char *folder, story_visit *visit, void *context);

#endif
