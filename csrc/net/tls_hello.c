/* What a client asks for (ClientHello, RFC 8446 §4.1.2), read before mbedTLS sees it, so that the
 * program may choose certificate and protocol, and take its time for it. */
#include "net/tls.h"

#include "base/mem.h"

#define RECORD_HEADER 5
#define MAX_RECORD (RECORD_HEADER + 16384)
#define RANDOM_OCTETS 32

enum {
    RECORD_HANDSHAKE = 22,
    CLIENT_HELLO = 1,
    NO_APPLICATION_PROTOCOL = 120,
    EXTENSION_NAME = 0,
    EXTENSION_STATUS = 5,
    EXTENSION_ALPN = 16,
    EXTENSION_TICKET = 35
};

#if TLS_IS_3
#define REFUSED MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE
#else
#define REFUSED MBEDTLS_ERR_SSL_BAD_HS_CLIENT_HELLO
#endif

static const tls_junk refused = {"ERR_TLS_REFUSED", "the handshake was refused by the program"};

/* --------------------------------------------------------------------------------------- parsing */

/* Takes a vector whose length stands in `prefix` octets before it. False if it is cut short. */
static bool take_vector(bytes_slice *from, size_t prefix, bytes_slice *out) {
    size_t size = 0;
    if (from->size < prefix)
        return false;
    for (size_t i = 0; i < prefix; i++)
        size = size << 8 | from->data[i];
    if (from->size - prefix < size)
        return false;
    *out = bytes_slice_of(from->data + prefix, size);
    *from = bytes_slice_of(out->data + size, from->size - prefix - size);
    return true;
}

static bool skip(bytes_slice *from, size_t size) {
    if (from->size < size)
        return false;
    *from = bytes_slice_of(from->data + size, from->size - size);
    return true;
}

/* RFC 6066 §3: the one name of type host_name. */
static void read_name(bytes_slice extension, net_tls_hello *hello) {
    bytes_slice list, name;
    if (!take_vector(&extension, 2, &list))
        return;
    while (list.size > 0) {
        uint8_t type = list.data[0];
        if (!skip(&list, 1) || !take_vector(&list, 2, &name))
            return;
        if (type == 0 && tls_is_host_name(name))
            hello->servername = name;
    }
}

/* RFC 7301 §3.1 */
static void read_protocols(bytes_slice extension, net_tls_hello *hello) {
    bytes_slice list, name;
    if (!take_vector(&extension, 2, &list))
        return;
    while (hello->protocol_count < NET_TLS_MAX_PROTOCOLS && take_vector(&list, 1, &name))
        hello->protocols[hello->protocol_count++] = name;
}

static void read_extension(uint16_t type, bytes_slice extension, net_tls_hello *hello) {
    if (type == EXTENSION_NAME)
        read_name(extension, hello);
    else if (type == EXTENSION_ALPN)
        read_protocols(extension, hello);
    else if (type == EXTENSION_STATUS)
        hello->wants_status = true;
    else if (type == EXTENSION_TICKET && extension.size > 0)
        hello->session_id = bytes_slice_of(NULL, 0);
}

/* The body of a ClientHello. What cannot be read is mbedTLS's to refuse. */
static void read_hello(bytes_slice body, net_tls_hello *hello) {
    bytes_slice ignored, extensions, extension;
    if (!skip(&body, 2 + RANDOM_OCTETS) || !take_vector(&body, 1, &hello->session_id) ||
        !take_vector(&body, 2, &ignored) || !take_vector(&body, 1, &ignored) ||
        !take_vector(&body, 2, &extensions))
        return;
    while (extensions.size >= 2) {
        uint16_t type = bytes_get_u16(extensions.data);
        if (!skip(&extensions, 2) || !take_vector(&extensions, 2, &extension))
            return;
        read_extension(type, extension, hello);
    }
}

/* Whether the first record is complete; its ClientHello, if it holds a whole one, is read. */
static bool read_record(bytes_slice input, net_tls_hello *hello) {
    if (input.size > 0 && input.data[0] != RECORD_HANDSHAKE)
        return true; /* no TLS: mbedTLS says so */
    if (input.size < RECORD_HEADER)
        return false;
    size_t size = bytes_get_u16(input.data + 3);
    if (RECORD_HEADER + size > MAX_RECORD)
        return true;
    if (input.size < RECORD_HEADER + size)
        return false;
    bytes_slice record = bytes_slice_of(input.data + RECORD_HEADER, size), body;
    bool is_hello = size > 0 && record.data[0] == CLIENT_HELLO && skip(&record, 1);
    if (is_hello && take_vector(&record, 3, &body))
        read_hello(body, hello);
    return true;
}

/* ----------------------------------------------------------------------------------- asking */

bool tls_hello_is_waiting(net_tls *tls) {
    net_tls_hello hello = {0};
    const net_tls_context *context = tls->context;
    if (!context->ask || tls->hello == TLS_HELLO_ANSWERED)
        return false;
    if (tls->hello == TLS_HELLO_ASKED)
        return true;
    size_t size = tls->input.size - tls->input_offset;
    if (!read_record(bytes_slice_of(tls->input.data + tls->input_offset, size), &hello))
        return true;
    tls->hello = TLS_HELLO_ASKED;
    context->ask(context->ask_context, tls, &hello);
    return tls->hello == TLS_HELLO_ASKED;
}

void net_tls_context_set_ask(net_tls_context *context,
                             void (*ask)(void *ask_context, net_tls *tls,
                                         const net_tls_hello *hello),
                             void *ask_context) {
    context->ask = ask;
    context->ask_context = ask_context;
}

bool net_tls_is_asking(const net_tls *tls) {
    return tls->hello == TLS_HELLO_ASKED;
}

/* One protocol instead of the context's list: mbedTLS keeps the list in its configuration, of which this
 * filter gets a copy. */
static int set_protocol(net_tls *tls, const char *protocol) {
    size_t size = strlen(protocol) + 1;
    tls->own_config = mem_alloc(sizeof(*tls->own_config) + size);
    if (!tls->own_config)
        return -1;
    tls->own_config->config = tls->context->config;
    memcpy(tls->own_config->protocol, protocol, size);
    tls->own_config->protocols[0] = tls->own_config->protocol;
    tls->own_config->protocols[1] = NULL;
    tls->own_config->config.alpn_list = (const char **)tls->own_config->protocols;
    tls->ssl.conf = &tls->own_config->config;
    return 0;
}

int net_tls_answer(net_tls *tls, net_tls_context *rules, const char *protocol) {
    tls->hello = TLS_HELLO_ANSWERED;
    if (rules)
        tls->given = net_tls_context_ref(rules);
    return protocol ? set_protocol(tls, protocol) : 0;
}

void net_tls_refuse(net_tls *tls, uint8_t alert) {
    const uint8_t octets[] = {21, 3, 3, 0, 2, 2, alert}; /* fatal, in the clear */
    tls->hello = TLS_HELLO_ANSWERED;
    tls->alert_sent = alert;
    tls->junk = alert == NO_APPLICATION_PROTOCOL ? NULL : &refused; /* which has words of its own */
    tls->result = REFUSED;
    if (bytes_buffer_append(&tls->output, octets, sizeof(octets)) != 0)
        tls->is_out_of_memory = true;
}
