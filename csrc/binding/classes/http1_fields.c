#include "base/mem.h"
#include "binding/classes/http1.h"

/* A request's head as fields: pseudo-headers in front, names in lower case, so that a handler sees what it
 * would see of HTTP/2; and once more as it came. */

#define MAX_PSEUDO 4

static void lower(uint8_t *octets, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (octets[i] >= 'A' && octets[i] <= 'Z')
            octets[i] |= 0x20;
}

static hpack_field field_of(bytes_slice name, bytes_slice value) {
    return (hpack_field){.name = name, .value = value};
}

/* Puts the pseudo-headers; returns how many. The scheme is that of the connection, which has TLS,
 * whatever the target says. */
static size_t put_pseudo(hpack_field *fields, const h1_event *head) {
    size_t count = 0;
    fields[count++] = field_of(BYTES_LITERAL(":method"), head->head.method);
    if (head->head.path.size > 0) {
        fields[count++] = field_of(BYTES_LITERAL(":scheme"), BYTES_LITERAL("https"));
        fields[count++] = field_of(BYTES_LITERAL(":path"), head->head.path);
    }
    if (head->head.authority.size > 0)
        fields[count++] = field_of(BYTES_LITERAL(":authority"), head->head.authority);
    return count;
}

/* A copy of the list with the names in lower case, and their tokens. */
static lh2_kept_fields *keep_lower(lh2_runtime *runtime, const hpack_field *fields, size_t count) {
    lh2_kept_fields *kept = lh2_fields_keep(runtime, fields, count);
    for (size_t i = 0; kept != NULL && i < kept->count; i++) {
        hpack_field *field = &kept->fields[i];
        lower((uint8_t *)(uintptr_t)field->name.data, field->name.size); /* our own copy */
        field->token = hpack_token_of(field->name);
    }
    return kept;
}

int lh2_http1_keep_fields(lh2_runtime *runtime, const h1_event *head, const h1_field *fields,
                          size_t count, lh2_kept_fields **request, lh2_kept_fields **raw) {
    hpack_field *list = mem_alloc((count + MAX_PSEUDO) * sizeof(*list));
    if (list == NULL)
        return -1;
    size_t total = head != NULL ? put_pseudo(list, head) : 0, pseudo = total;
    for (size_t i = 0; i < count; i++)
        list[total++] = field_of(fields[i].name, fields[i].value);
    *request = keep_lower(runtime, list, total);
    *raw = lh2_fields_keep(runtime, list + pseudo, total - pseudo);
    mem_free(list);
    if (*request != NULL && *raw != NULL)
        return 0;
    lh2_fields_drop(runtime, *request);
    lh2_fields_drop(runtime, *raw);
    *request = *raw = NULL;
    return -1;
}
