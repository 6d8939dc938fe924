#include "h1/syntax.h"

/* Both libraries call back with the same shapes; they differ in how they are stopped. llhttp wants
 * HPE_PAUSED from the callback, http_parser a call. */
#ifdef H1_HTTP_PARSER
#define STOP(library) (http_parser_pause((library), 1), 0)
#else
#define STOP(library) ((void)(library), HPE_PAUSED)
#endif

static const h1_syntax_events *events_of(const h1_library *library, void **context) {
    const h1_syntax_user *user = library->data;
    *context = user->context;
    return user->events;
}

static int on_url(h1_library *library, const char *at, size_t size) {
    void *context;
    events_of(library, &context)->on_target(context, (const uint8_t *)at, size);
    return 0;
}

static int on_header_field(h1_library *library, const char *at, size_t size) {
    void *context;
    events_of(library, &context)->on_name(context, (const uint8_t *)at, size);
    return 0;
}

static int on_header_value(h1_library *library, const char *at, size_t size) {
    void *context;
    events_of(library, &context)->on_value(context, (const uint8_t *)at, size);
    return 0;
}

static int on_headers_complete(h1_library *library) {
    void *context;
    events_of(library, &context)->on_head(context);
    return STOP(library);
}

static int on_body(h1_library *library, const char *at, size_t size) {
    void *context;
    if (size == 0) /* llhttp, given nothing to read in the middle of a body */
        return 0;
    events_of(library, &context)->on_data(context, (const uint8_t *)at, size);
    return STOP(library);
}

static int on_message_complete(h1_library *library) {
    void *context;
    events_of(library, &context)->on_complete(context);
    return STOP(library);
}

static void set_callbacks(h1_library_settings *settings) {
    settings->on_url = on_url;
    settings->on_header_field = on_header_field;
    settings->on_header_value = on_header_value;
    settings->on_headers_complete = on_headers_complete;
    settings->on_body = on_body;
    settings->on_message_complete = on_message_complete;
}

uint8_t h1_syntax_major(const h1_syntax *syntax) {
    return (uint8_t)syntax->library.http_major;
}

uint8_t h1_syntax_minor(const h1_syntax *syntax) {
    return (uint8_t)syntax->library.http_minor;
}

bool h1_syntax_take_upgrade(h1_syntax *syntax) {
    bool is_upgrade = syntax->library.upgrade;
    syntax->library.upgrade = 0;
    return is_upgrade;
}

#ifdef H1_HTTP_PARSER

void h1_syntax_init(h1_syntax *syntax, h1_syntax_user *user) {
    http_parser_settings_init(&syntax->settings);
    set_callbacks(&syntax->settings);
    http_parser_init(&syntax->library, HTTP_REQUEST);
    syntax->library.data = user;
}

size_t h1_syntax_read(h1_syntax *syntax, const uint8_t *data, size_t size, bool *is_broken) {
    http_parser *library = &syntax->library;
    if (HTTP_PARSER_ERRNO(library) == HPE_PAUSED)
        http_parser_pause(library, 0);
    size_t used = http_parser_execute(library, &syntax->settings, (const char *)data, size);
    enum http_errno error = HTTP_PARSER_ERRNO(library);
    *is_broken = error != HPE_OK && error != HPE_PAUSED;
    return used;
}

/* Stopped, it has the last octet still before it. */
bool h1_syntax_is_stopped(const h1_syntax *syntax) {
    (void)syntax;
    return false;
}

const char *h1_syntax_method(const h1_syntax *syntax) {
    return http_method_str((enum http_method)syntax->library.method);
}

bool h1_syntax_is_keep_alive(const h1_syntax *syntax) {
    return http_should_keep_alive(&syntax->library);
}

#else

void h1_syntax_init(h1_syntax *syntax, h1_syntax_user *user) {
    llhttp_settings_init(&syntax->settings);
    set_callbacks(&syntax->settings);
    llhttp_init(&syntax->library, HTTP_REQUEST, &syntax->settings);
    syntax->library.data = user;
}

size_t h1_syntax_read(h1_syntax *syntax, const uint8_t *data, size_t size, bool *is_broken) {
    llhttp_t *library = &syntax->library;
    if (llhttp_get_errno(library) == HPE_PAUSED)
        llhttp_resume(library);
    llhttp_errno_t error = llhttp_execute(library, (const char *)data, size);
    *is_broken = error != HPE_OK && error != HPE_PAUSED;
    if (error == HPE_OK)
        return size;
    return (size_t)((const uint8_t *)llhttp_get_error_pos(library) - data);
}

bool h1_syntax_is_stopped(const h1_syntax *syntax) {
    return llhttp_get_errno(&syntax->library) == HPE_PAUSED;
}

const char *h1_syntax_method(const h1_syntax *syntax) {
    return llhttp_method_name((llhttp_method_t)syntax->library.method);
}

bool h1_syntax_is_keep_alive(const h1_syntax *syntax) {
    return llhttp_should_keep_alive(&syntax->library);
}

#endif
