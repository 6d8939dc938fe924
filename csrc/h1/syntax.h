/* One face for llhttp and for its predecessor http_parser: a request parser that can be stopped after
 * each thing it finds. */
#ifndef H1_SYNTAX_H
#define H1_SYNTAX_H

#include "base/bytes.h"

#ifdef H1_HTTP_PARSER
#include <http_parser.h>
typedef http_parser h1_library;
typedef http_parser_settings h1_library_settings;
#else
#include <llhttp.h>
typedef llhttp_t h1_library;
typedef llhttp_settings_t h1_library_settings;
#endif

typedef struct h1_syntax {
    h1_library library;
    h1_library_settings settings;
} h1_syntax;

/* What the parser finds; each is given `context` and may call h1_syntax_stop by its return value. */
typedef struct h1_syntax_events {
    void (*on_target)(void *context, const uint8_t *data,
                      size_t size); /* in pieces, as the next two */
    void (*on_name)(void *context, const uint8_t *data, size_t size);
    void (*on_value)(void *context, const uint8_t *data, size_t size);
    void (*on_head)(void *context);
    void (*on_data)(void *context, const uint8_t *data, size_t size);
    void (*on_complete)(void *context);
} h1_syntax_events;

/* What holds the syntax, as the callbacks see it: the events stop the parser after on_head, on_data
 * and on_complete. */
typedef struct h1_syntax_user {
    const h1_syntax_events *events;
    void *context;
} h1_syntax_user;

/* `user` stays with the caller, at its place. */
void h1_syntax_init(h1_syntax *syntax, h1_syntax_user *user);
/* Reads until something is found or all is read. Returns how many octets are done with; *is_broken
 * tells that what follows is no HTTP/1. */
size_t h1_syntax_read(h1_syntax *syntax, const uint8_t *data, size_t size, bool *is_broken);

/* Whether the parser may find something more without reading on: it was stopped before it looked. */
bool h1_syntax_is_stopped(const h1_syntax *syntax);

/* Facts, in on_head and afterwards. */
const char *h1_syntax_method(const h1_syntax *syntax);
uint8_t h1_syntax_major(const h1_syntax *syntax);
uint8_t h1_syntax_minor(const h1_syntax *syntax);
bool h1_syntax_is_keep_alive(const h1_syntax *syntax);
/* Whether the client asks for another protocol; from here on the parser pays no heed to it. */
bool h1_syntax_take_upgrade(h1_syntax *syntax);

#endif
