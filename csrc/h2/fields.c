#include "h2/fields.h"

#include "h2/text.h"

/* The pseudo-fields of one section; a value of {NULL, 0} is one that is missing. */
typedef struct pseudo_fields {
    bytes_slice method, scheme, authority, path, protocol, status;
} pseudo_fields;

/* The fields that say something about the message as a whole. */
typedef struct known_fields {
    bytes_slice host, content_length, te, priority;
} known_fields;

static const char duplicate[] = "field that may come only once";
static const char connection_specific[] = "connection-specific field";

static bool is_text(bytes_slice slice, const char *text, size_t size) {
    return slice.size == size && memcmp(slice.data, text, size) == 0;
}

#define IS(slice, literal) is_text((slice), (literal), sizeof(literal) - 1)

static bool is_missing(bytes_slice value) {
    return !value.data;
}

/* Puts a value in its place, once. An empty value gets a place, too. */
static const char *put_once(bytes_slice *place, bytes_slice value) {
    if (!is_missing(*place))
        return duplicate;
    *place = value.data ? value : BYTES_LITERAL("");
    return NULL;
}

/* -------------------------------------------------------------------------------- single fields */

static bool is_pseudo(const hpack_field *field) {
    return field->name.size > 0 && field->name.data[0] == ':';
}

static bytes_slice *pseudo_place(const hpack_field *field, pseudo_fields *pseudo) {
    switch (field->token) {
    case HPACK_TOKEN_AUTHORITY:
        return &pseudo->authority;
    case HPACK_TOKEN_METHOD:
        return &pseudo->method;
    case HPACK_TOKEN_PATH:
        return &pseudo->path;
    case HPACK_TOKEN_SCHEME:
        return &pseudo->scheme;
    case HPACK_TOKEN_STATUS:
        return &pseudo->status;
    default:
        return IS(field->name, ":protocol") ? &pseudo->protocol : NULL;
    }
}

/* §8.2.2. Told apart by length first: none of them is in the static table but transfer-encoding. */
static bool is_connection_specific(const hpack_field *field) {
    switch (field->name.size) {
    case 7:
        return IS(field->name, "upgrade");
    case 10:
        return IS(field->name, "connection") || IS(field->name, "keep-alive");
    case 14:
        return IS(field->name, "http2-settings");
    case 16:
        return IS(field->name, "proxy-connection");
    default:
        return false;
    }
}

static const char *check_named(const hpack_field *field, known_fields *known) {
    switch (field->token) {
    case HPACK_TOKEN_TRANSFER_ENCODING:
        return connection_specific;
    case HPACK_TOKEN_CONTENT_LENGTH:
        return put_once(&known->content_length, field->value);
    case HPACK_TOKEN_HOST:
        return put_once(&known->host, field->value);
    default:
        return NULL;
    }
}

static const char *check_unnamed(const hpack_field *field, known_fields *known) {
    if (!h2_text_is_field_name(field->name))
        return "field name that is not a token in lower case"; /* §8.2.1 */
    if (is_connection_specific(field))
        return connection_specific;
    if (IS(field->name, "te"))
        return put_once(&known->te, field->value);
    /* RFC 9218 §5: a list, of which the first field is enough here. */
    if (IS(field->name, "priority") && is_missing(known->priority))
        known->priority = field->value;
    return NULL;
}

/* Those of the static table are well-formed. */
static bool is_well_formed(const hpack_field *field) {
    return field->flags & HPACK_STATIC_ENTRY || h2_text_is_field_value(field->value);
}

static const char *check_fields(const hpack_field *fields, size_t count, pseudo_fields *pseudo,
                                known_fields *known) {
    size_t i = 0;
    const char *wrong = NULL;
    for (; i < count && is_pseudo(&fields[i]) && !wrong; i++) {
        bytes_slice *place = pseudo ? pseudo_place(&fields[i], pseudo) : NULL;
        if (!place)
            return "pseudo-field that does not belong here";
        if (!is_well_formed(&fields[i]))
            return "pseudo-field with a forbidden character";
        wrong = put_once(place, fields[i].value);
    }
    for (; i < count && !wrong; i++) {
        if (is_pseudo(&fields[i]))
            return "pseudo-field after a regular field"; /* §8.3 */
        if (!is_well_formed(&fields[i]))
            return "field value with a forbidden character"; /* §8.2.1 */
        wrong = fields[i].token ? check_named(&fields[i], known) : check_unnamed(&fields[i], known);
    }
    return wrong;
}

static const char *read_length(bytes_slice value, h2_message_facts *facts) {
    facts->content_length = -1;
    if (is_missing(value))
        return NULL;
    facts->content_length = h2_text_parse_length(value);
    return facts->content_length < 0 ? "content-length that is not a number" : NULL;
}

/* ------------------------------------------------------------------------------------- requests */

/* §8.3.1: host must say what :authority says; one of the two must be there (RFC 9110 §7.2). */
static const char *check_authority(const pseudo_fields *pseudo, bytes_slice host) {
    bool has_authority = !is_missing(pseudo->authority), has_host = !is_missing(host);
    if (!has_authority && !has_host)
        return "request without an authority";
    if (has_authority && !h2_text_is_authority(pseudo->authority))
        return ":authority that is not a host and port";
    if (has_host && !h2_text_is_authority(host))
        return "host that is not a host and port";
    if (has_authority && has_host &&
        !h2_text_same_authority(pseudo->authority, host, IS(pseudo->scheme, "https")))
        return "host that differs from :authority";
    return NULL;
}

static const char *check_target(const pseudo_fields *pseudo) {
    if (!IS(pseudo->scheme, "https") && !IS(pseudo->scheme, "http"))
        return ":scheme that is neither http nor https, or is missing";
    if (!h2_text_is_target(pseudo->path))
        return ":path that is empty, missing or not plain text";
    if (pseudo->path.data[0] != '/' && !(IS(pseudo->path, "*") && IS(pseudo->method, "OPTIONS")))
        return ":path that does not begin with a slash";
    return NULL;
}

/* §8.5: nothing but an authority, and no content that a length could be said of. */
static const char *check_plain_connect(const pseudo_fields *pseudo, const known_fields *known) {
    if (!is_missing(pseudo->scheme) || !is_missing(pseudo->path))
        return "CONNECT with :scheme or :path";
    if (is_missing(pseudo->authority))
        return "CONNECT without :authority";
    if (!is_missing(known->content_length))
        return "CONNECT with content-length";
    return NULL;
}

static const char *check_form(const pseudo_fields *pseudo, const known_fields *known,
                              bool is_extended_connect_allowed) {
    bool is_connect = IS(pseudo->method, "CONNECT");
    if (is_connect && is_missing(pseudo->protocol))
        return check_plain_connect(pseudo, known);
    if (!is_missing(pseudo->protocol)) { /* RFC 8441 §4 */
        if (!is_connect || !is_extended_connect_allowed || is_missing(pseudo->authority))
            return ":protocol that was not asked for";
        if (!h2_text_is_token(pseudo->protocol))
            return ":protocol that is not a token";
    }
    return check_target(pseudo);
}

static void note_method(bytes_slice method, h2_message_facts *facts) {
    facts->is_head = IS(method, "HEAD");
    facts->is_connect = IS(method, "CONNECT");
    facts->is_safe = facts->is_head || IS(method, "GET");
}

static void note_priority(bytes_slice value, h2_message_facts *facts) {
    facts->has_priority = !is_missing(value);
    facts->priority = h2_priority_parse(value);
}

const char *h2_fields_check_request(const hpack_field *fields, size_t count,
                                    bool is_extended_connect_allowed, h2_message_facts *facts) {
    pseudo_fields pseudo = {0};
    known_fields known = {0};
    *facts = (h2_message_facts){0};
    const char *wrong = check_fields(fields, count, &pseudo, &known);
    if (wrong)
        return wrong;
    if (!is_missing(pseudo.status))
        return ":status in a request";
    if (!h2_text_is_token(pseudo.method) || pseudo.method.size > 32)
        return ":method that is missing or not a token";
    if (!is_missing(known.te) && !h2_text_equal_caseless(known.te, BYTES_LITERAL("trailers")))
        return "te that is not trailers"; /* §8.2.2 */
    note_method(pseudo.method, facts);
    note_priority(known.priority, facts);
    wrong = check_form(&pseudo, &known, is_extended_connect_allowed);
    if (!wrong)
        wrong = check_authority(&pseudo, known.host);
    return wrong ? wrong : read_length(known.content_length, facts);
}

/* ------------------------------------------------------------------------ responses and trailers */

static const char *read_status(bytes_slice value, uint16_t *status) {
    if (value.size != 3)
        return ":status that is missing or not of three digits";
    uint16_t number = 0;
    for (size_t i = 0; i < 3; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return ":status that is not a number";
        number = (uint16_t)(number * 10 + (value.data[i] - '0'));
    }
    if (number < 100 || number > 599)
        return ":status out of range";
    if (number == 101)
        return ":status 101, which HTTP/2 does not have"; /* §8.6 */
    *status = number;
    return NULL;
}

const char *h2_fields_check_response(const hpack_field *fields, size_t count,
                                     h2_message_facts *facts) {
    pseudo_fields pseudo = {0};
    known_fields known = {0};
    *facts = (h2_message_facts){0};
    const char *wrong = check_fields(fields, count, &pseudo, &known);
    if (wrong)
        return wrong;
    if (!is_missing(pseudo.method) || !is_missing(pseudo.scheme) || !is_missing(pseudo.path) ||
        !is_missing(pseudo.authority) || !is_missing(pseudo.protocol))
        return "pseudo-field of a request in a response";
    if (!is_missing(known.te))
        return connection_specific;
    wrong = read_status(pseudo.status, &facts->status);
    return wrong ? wrong : read_length(known.content_length, facts);
}

const char *h2_fields_check_trailers(const hpack_field *fields, size_t count) {
    known_fields known = {0};
    const char *wrong = check_fields(fields, count, NULL, &known);
    if (wrong)
        return wrong;
    /* RFC 9110 §6.5.1: no framing and no routing behind the content. */
    if (!is_missing(known.content_length) || !is_missing(known.host) || !is_missing(known.te))
        return "field that may not be a trailer";
    return NULL;
}

void h2_fields_survey(const hpack_field *fields, size_t count, h2_message_facts *facts) {
    *facts = (h2_message_facts){.content_length = -1, .priority.urgency = H2_DEFAULT_URGENCY};
    for (size_t i = 0; i < count; i++) {
        if (IS(fields[i].name, ":method"))
            note_method(fields[i].value, facts);
        else if (IS(fields[i].name, "priority"))
            note_priority(fields[i].value, facts);
    }
}
