#include "base/mem.h"
#include "h1/gate.h"
#include "h1/syntax.h"
#include "h1/target.h"

/* The library finds the pieces, the gate looks at all octets between bodies, and here the pieces are
 * put together and judged. One thing found is one event: the library is stopped after each. */

#define MAX_HEAD_OCTETS 65536

/* Where a field's octets lie in `text`. */
typedef struct field_place {
    uint32_t name, name_size, value, value_size;
} field_place;

typedef enum finding { FOUND_NOTHING, FOUND_HEAD, FOUND_DATA, FOUND_END } finding;
typedef enum stage { STAGE_IDLE, STAGE_HEAD, STAGE_BODY, STAGE_TUNNEL, STAGE_BROKEN } stage;

struct h1_parser {
    h1_syntax syntax;
    h1_syntax_user user;
    h1_limits limits;
    h1_gate gate;
    stage stage;
    bool is_chunked;
    bool is_reported; /* the event told last still points into `text` */
    bool is_in_value; /* the last piece of a field was of its value */
    bool has_no_memory;
    const char *fault; /* found within a callback; NULL: none */
    int status;
    finding found;
    bytes_slice data;    /* FOUND_DATA */
    bytes_slice input;   /* not read yet */
    const uint8_t *seen; /* up to here the gate, or a body, has seen the input */
    bytes_buffer text;   /* target, names and values */
    size_t target_size;
    field_place *places;
    h1_field *fields; /* the same as slices, when they are told */
    size_t count, capacity;
};

/* ------------------------------------------------------------------------------ the pieces */

static void fail(h1_parser *parser, int status, const char *text) {
    if (parser->fault == NULL) {
        parser->status = status;
        parser->fault = text;
    }
}

static void append(h1_parser *parser, const uint8_t *data, size_t size) {
    if (parser->text.size + size > parser->limits.max_head_octets)
        fail(parser, 431, "a head that is too large");
    else if (bytes_buffer_append(&parser->text, data, size) != 0)
        parser->has_no_memory = true;
}

static void on_target(void *context, const uint8_t *data, size_t size) {
    h1_parser *parser = context;
    append(parser, data, size);
    parser->target_size = parser->text.size;
}

static int grow(h1_parser *parser) {
    size_t capacity = parser->capacity > 0 ? parser->capacity * 2 : 16;
    field_place *places = mem_resize(parser->places, capacity * sizeof(*places));
    if (places == NULL)
        return -1;
    parser->places = places;
    h1_field *fields = mem_resize(parser->fields, capacity * sizeof(*fields));
    if (fields == NULL)
        return -1;
    parser->fields = fields;
    parser->capacity = capacity;
    return 0;
}

static void begin_field(h1_parser *parser) {
    if (parser->count >= parser->limits.max_fields) {
        fail(parser, 431, "too many fields");
        return;
    }
    if (parser->count == parser->capacity && grow(parser) != 0) {
        parser->has_no_memory = true;
        return;
    }
    uint32_t end = (uint32_t)parser->text.size;
    parser->places[parser->count++] = (field_place){end, 0, end, 0};
}

static bool is_failed(const h1_parser *parser) {
    return parser->fault != NULL || parser->has_no_memory;
}

static void on_name(void *context, const uint8_t *data, size_t size) {
    h1_parser *parser = context;
    if (parser->is_in_value || parser->count == 0)
        begin_field(parser);
    parser->is_in_value = false;
    if (is_failed(parser))
        return;
    append(parser, data, size);
    field_place *place = &parser->places[parser->count - 1];
    place->name_size += (uint32_t)size;
    place->value = (uint32_t)parser->text.size;
}

static void on_value(void *context, const uint8_t *data, size_t size) {
    h1_parser *parser = context;
    parser->is_in_value = true;
    if (is_failed(parser) || parser->count == 0)
        return;
    append(parser, data, size);
    parser->places[parser->count - 1].value_size += (uint32_t)size;
}

static void on_head(void *context) {
    ((h1_parser *)context)->found = FOUND_HEAD;
}

static void on_data(void *context, const uint8_t *data, size_t size) {
    h1_parser *parser = context;
    parser->found = FOUND_DATA;
    parser->data = bytes_slice_of(data, size);
}

static void on_complete(void *context) {
    ((h1_parser *)context)->found = FOUND_END;
}

static const h1_syntax_events syntax_events = {on_target, on_name, on_value,
                                               on_head,   on_data, on_complete};

/* ------------------------------------------------------------------------------ the fields */

/* RFC 9110 §5.5: no control characters; white space around it is no part of it. */
static bool trim_value(bytes_slice *value) {
    while (value->size > 0 && (value->data[0] == ' ' || value->data[0] == '\t')) {
        value->data++;
        value->size--;
    }
    while (value->size > 0 &&
           (value->data[value->size - 1] == ' ' || value->data[value->size - 1] == '\t'))
        value->size--;
    for (size_t i = 0; i < value->size; i++)
        if ((value->data[i] < 0x20 && value->data[i] != '\t') || value->data[i] == 0x7f)
            return false;
    return true;
}

/* Makes slices of the places. A name with white space before the colon is no token (RFC 9112 §5.1). */
static void make_fields(h1_parser *parser) {
    const uint8_t *text = parser->text.data;
    for (size_t i = 0; i < parser->count; i++) {
        const field_place *place = &parser->places[i];
        h1_field *field = &parser->fields[i];
        field->name = bytes_slice_of(text + place->name, place->name_size);
        field->value = bytes_slice_of(text + place->value, place->value_size);
        if (!h1_is_token(field->name))
            fail(parser, 400, "malformed field name");
        if (!trim_value(&field->value))
            fail(parser, 400, "malformed field value");
    }
}

/* The one field of that name; NULL if there is none. A second one is a fault. */
static const h1_field *find_single(h1_parser *parser, bytes_slice name) {
    const h1_field *single = NULL;
    for (size_t i = 0; i < parser->count; i++) {
        if (!h1_is_same(parser->fields[i].name, name))
            continue;
        if (single != NULL)
            fail(parser, 400, "a field that may be given only once");
        single = &parser->fields[i];
    }
    return single;
}

static uint64_t read_length(h1_parser *parser, bytes_slice text) {
    uint64_t length = 0;
    if (text.size == 0 || text.size > 18)
        fail(parser, 400, "malformed Content-Length");
    for (size_t i = 0; i < text.size && i < 18; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            fail(parser, 400, "malformed Content-Length");
        length = length * 10 + (uint64_t)(text.data[i] - '0');
    }
    return length;
}

/* How long the body is (RFC 9112 §6.3): by one length, or by chunks, never by both. */
static void judge_framing(h1_parser *parser, h1_event *event) {
    const h1_field *length = find_single(parser, BYTES_LITERAL("content-length"));
    const h1_field *coding = find_single(parser, BYTES_LITERAL("transfer-encoding"));
    event->head.content_length = H1_LENGTH_UNKNOWN;
    if (length != NULL)
        event->head.content_length = read_length(parser, length->value);
    parser->is_chunked = coding != NULL;
    if (coding != NULL && length != NULL)
        fail(parser, 400, "Content-Length beside Transfer-Encoding");
    else if (coding != NULL && event->head.minor == 0)
        fail(parser, 400, "Transfer-Encoding in HTTP/1.0");
    else if (coding != NULL && !h1_is_same(coding->value, BYTES_LITERAL("chunked")))
        fail(parser, h1_is_token(coding->value) ? 501 : 400, "an unknown Transfer-Encoding");
    event->head.has_body = parser->is_chunked || (length != NULL && event->head.content_length > 0);
}

/* A port that the scheme means anyway makes no difference. */
static bytes_slice without_port(bytes_slice authority, const char *port) {
    size_t size = strlen(port);
    if (authority.size > size && memcmp(authority.data + authority.size - size, port, size) == 0)
        authority.size -= size;
    return authority;
}

static bool is_same_host(const h1_target *target, bytes_slice host) {
    const char *port = h1_is_same(target->scheme, BYTES_LITERAL("http")) ? ":80" : ":443";
    return h1_is_same(without_port(target->authority, port), without_port(host, port));
}

/* Whom the request is for (RFC 9112 §3.2): Host and target must not contradict each other. */
static void judge_target(h1_parser *parser, h1_event *event) {
    h1_target target;
    const h1_field *host = find_single(parser, BYTES_LITERAL("host"));
    bytes_slice text = bytes_slice_of(parser->text.data, parser->target_size);
    if (!h1_target_parse(text, event->head.method, &target))
        fail(parser, 400, "malformed request target");
    else if (host == NULL && event->head.minor > 0)
        fail(parser, 400, "no Host");
    else if (host != NULL && !h1_is_authority(host->value))
        fail(parser, 400, "malformed Host");
    else if (host != NULL && target.scheme.size > 0 && !is_same_host(&target, host->value))
        fail(parser, 400, "Host and target differ");
    event->head.scheme = target.scheme;
    event->head.path = target.path;
    event->head.authority = target.authority;
    if (target.authority.size == 0 && host != NULL)
        event->head.authority = host->value;
}

/* The libraries differ in which versions they take for malformed: those that there never were are. */
static void judge_version(h1_parser *parser) {
    uint8_t major = h1_syntax_major(&parser->syntax), minor = h1_syntax_minor(&parser->syntax);
    bool is_known = (major == 0 && minor == 9) || (major == 2 && minor == 0);
    if (is_known)
        fail(parser, 505, "not HTTP/1.1");
    else if (major != 1 || minor > 1)
        fail(parser, 400, "malformed version");
}

/* -------------------------------------------------------------------------------- telling */

static void tell_fault(h1_parser *parser, h1_event *event) {
    parser->stage = STAGE_BROKEN;
    event->kind = H1_EV_FAULT;
    event->fault.status = parser->status;
    event->fault.text = parser->fault;
}

static void tell_head(h1_parser *parser, h1_event *event) {
    const char *method = h1_syntax_method(&parser->syntax);
    event->kind = H1_EV_HEAD;
    event->head.method = bytes_slice_of(method, strlen(method));
    event->head.minor = h1_syntax_minor(&parser->syntax);
    event->head.is_keep_alive = h1_syntax_is_keep_alive(&parser->syntax);
    event->head.is_upgrade = h1_syntax_take_upgrade(&parser->syntax);
    event->head.is_connect = bytes_slice_equal(event->head.method, BYTES_LITERAL("CONNECT"));
    if (event->head.is_connect)
        event->head.is_upgrade = false;
    judge_version(parser);
    make_fields(parser);
    if (parser->fault == NULL) {
        judge_framing(parser, event);
        judge_target(parser, event);
    }
    event->head.fields = parser->fields;
    event->head.count = parser->count;
    parser->stage = STAGE_BODY;
    if (parser->is_chunked)
        h1_gate_begin_chunks(&parser->gate);
}

static void tell_end(h1_parser *parser, h1_event *event) {
    make_fields(parser);
    event->kind = H1_EV_END;
    event->end.fields = parser->fields;
    event->end.count = parser->count;
    parser->stage = STAGE_IDLE;
    h1_gate_reset(&parser->gate);
}

/* The text of the event told last has had its time. */
static void forget_text(h1_parser *parser) {
    if (!parser->is_reported)
        return;
    parser->is_reported = false;
    parser->is_in_value = false;
    parser->count = 0;
    parser->target_size = 0;
    bytes_buffer_dispose(&parser->text);
}

/* ------------------------------------------------------------------------------- reading */

/* Shows the gate what lies before `end` and is no body. */
static void pass_gate(h1_parser *parser, const uint8_t *end) {
    bytes_slice octets = bytes_slice_of(parser->seen, (size_t)(end - parser->seen));
    int status = 0;
    const char *text = h1_gate_pass(&parser->gate, &parser->limits, octets, &status);
    if (text != NULL)
        fail(parser, status, text);
    parser->seen = end;
}

/* The library may find a head complete at the line feed that it reads next. */
static void pass_last_line_feed(h1_parser *parser) {
    if (!parser->gate.is_after_cr)
        return;
    if (parser->input.size == 0 || parser->input.data[0] != '\n')
        fail(parser, 400, "a carriage return without its line feed");
    else
        pass_gate(parser, parser->seen + 1);
}

/* Lets the library read until it finds something. */
static void read_on(h1_parser *parser) {
    bool is_broken;
    const uint8_t *begin = parser->input.data;
    parser->found = FOUND_NOTHING;
    size_t used = h1_syntax_read(&parser->syntax, begin, parser->input.size, &is_broken);
    parser->input = bytes_slice_of(begin + used, parser->input.size - used);
    if (parser->found == FOUND_DATA) {
        pass_gate(parser, parser->data.data);
        parser->seen = parser->data.data + parser->data.size;
    }
    if (begin + used > parser->seen)
        pass_gate(parser, begin + used);
    if (parser->found == FOUND_HEAD)
        pass_last_line_feed(parser);
    if (is_broken)
        fail(parser, 400, "malformed request");
}

static void tell_found(h1_parser *parser, h1_event *event) {
    event->kind = H1_EV_NONE;
    bool is_whole = parser->found == FOUND_HEAD || parser->found == FOUND_END;
    if (is_whole && parser->gate.place != H1_GATE_OVER)
        fail(parser, 400, "malformed request");
    if (parser->fault == NULL && parser->found == FOUND_HEAD)
        tell_head(parser, event);
    else if (parser->fault == NULL && parser->found == FOUND_END)
        tell_end(parser, event);
    if (parser->fault != NULL) {
        tell_fault(parser, event);
    } else if (parser->found == FOUND_DATA) {
        event->kind = H1_EV_DATA;
        event->data = parser->data;
    }
    parser->is_reported = is_whole;
}

int h1_parser_next(h1_parser *parser, h1_event *event) {
    event->kind = H1_EV_NONE;
    forget_text(parser);
    if (parser->stage == STAGE_TUNNEL && parser->input.size > 0) {
        event->kind = H1_EV_DATA;
        event->data = parser->input;
        parser->input.size = 0;
        return 0;
    }
    if (parser->stage == STAGE_TUNNEL || parser->stage == STAGE_BROKEN)
        return 0;
    while (event->kind == H1_EV_NONE &&
           (parser->input.size > 0 ||
            (parser->stage == STAGE_BODY && h1_syntax_is_stopped(&parser->syntax)))) {
        if (parser->stage == STAGE_IDLE)
            parser->stage = STAGE_HEAD;
        read_on(parser);
        if (parser->has_no_memory)
            return -1;
        tell_found(parser, event);
    }
    return 0;
}

void h1_parser_feed(h1_parser *parser, const uint8_t *data, size_t size) {
    parser->input =
        parser->stage == STAGE_BROKEN ? bytes_slice_of(data, 0) : bytes_slice_of(data, size);
    parser->seen = data;
}

bytes_slice h1_parser_rest(const h1_parser *parser) {
    return parser->input;
}

void h1_parser_tunnel(h1_parser *parser) {
    /* The line feed that ends the head may not be read yet. */
    if (parser->input.data < parser->seen)
        parser->input = bytes_slice_of(
            parser->seen, parser->input.size - (size_t)(parser->seen - parser->input.data));
    parser->stage = STAGE_TUNNEL;
}

bool h1_parser_has_begun(const h1_parser *parser) {
    return parser->gate.place != H1_GATE_START;
}

/* ------------------------------------------------------------------------------- life cycle */

void h1_limits_init(h1_limits *limits) {
    *limits = (h1_limits){.max_head_octets = 16384, .max_fields = 128, .max_chunk_octets = 256};
}

int h1_parser_new(h1_parser **out, const h1_limits *limits) {
    h1_parser *parser = mem_alloc(sizeof(*parser));
    if (parser == NULL)
        return -1;
    memset(parser, 0, sizeof(*parser));
    parser->limits = *limits;
    if (parser->limits.max_head_octets > MAX_HEAD_OCTETS)
        parser->limits.max_head_octets = MAX_HEAD_OCTETS;
    parser->user = (h1_syntax_user){&syntax_events, parser};
    h1_syntax_init(&parser->syntax, &parser->user);
    h1_gate_reset(&parser->gate);
    *out = parser;
    return 0;
}

void h1_parser_free(h1_parser *parser) {
    if (parser == NULL)
        return;
    bytes_buffer_dispose(&parser->text);
    mem_free(parser->places);
    mem_free(parser->fields);
    mem_free(parser);
}
