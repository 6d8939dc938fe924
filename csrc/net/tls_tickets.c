/* Session tickets (RFC 5077, RFC 8446 §4.6.1): the keys are ours, so that several processes can share
 * them; mbedTLS makes and reads the tickets. */
#include "net/tls.h"

#include <string.h>
#include <time.h>

#define LIFETIME_S 43200 /* a key makes tickets for half a day, and reads them for one */
#define NAME_OCTETS 4
#define KEY_OFFSET 16
#define KEY_OCTETS 32

/* Puts the key in the place of the older of the two that mbedTLS knows: the other one still reads. */
static int install(net_tls_context *context) {
    const uint8_t *name = context->ticket_keys, *key = context->ticket_keys + KEY_OFFSET;
    mbedtls_ssl_ticket_context *tickets = &context->tickets;
    context->tickets_made_s = time(NULL);
#if TLS_IS_3
    return mbedtls_ssl_ticket_rotate(tickets, name, NAME_OCTETS, key, KEY_OCTETS, LIFETIME_S);
#else
    mbedtls_ssl_ticket_key *slot = &tickets->keys[1 - tickets->active];
    if (mbedtls_cipher_setkey(&slot->ctx, key, 8 * KEY_OCTETS, MBEDTLS_ENCRYPT) != 0)
        return -1;
    memcpy(slot->name, name, NAME_OCTETS);
    tickets->active = 1 - tickets->active;
    return 0;
#endif
}

static int renew(net_tls_context *context) {
    int result = tls_random_octets(&context->random, context->ticket_keys, NET_TLS_TICKET_KEYS);
    return result == 0 ? install(context) : result;
}

/* mbedTLS would make a key of its own in the place of one that is too old: ours never looks so. */
static void keep_young(mbedtls_ssl_ticket_context *tickets) {
#if !TLS_IS_3 || defined(MBEDTLS_HAVE_TIME)
    tickets->keys[tickets->active].generation_time = (uint32_t)time(NULL);
#else
    (void)tickets;
#endif
}

static int write_ticket(void *data, const mbedtls_ssl_session *session, unsigned char *start,
                        const unsigned char *end, size_t *size, uint32_t *lifetime) {
    net_tls_context *context = data;
    bool is_old = time(NULL) - context->tickets_made_s >= LIFETIME_S;
    if (is_old && !context->has_given_keys && renew(context) != 0)
        return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    keep_young(&context->tickets);
    return mbedtls_ssl_ticket_write(&context->tickets, session, start, end, size, lifetime);
}

/* A ticket may have been earned on a host that asks for no certificate: one that does makes a full
 * handshake. */
static int parse_ticket(void *data, mbedtls_ssl_session *session, unsigned char *ticket,
                        size_t size) {
    net_tls_context *context = data;
    if (context->stepping->rules->request_cert)
        return MBEDTLS_ERR_SSL_INVALID_MAC;
    return mbedtls_ssl_ticket_parse(&context->tickets, session, ticket, size);
}

static void set_client_tickets(net_tls_context *context, bool is_on) {
    mbedtls_ssl_conf_session_tickets(&context->config, is_on
                                                           ? MBEDTLS_SSL_SESSION_TICKETS_ENABLED
                                                           : MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
#if TLS_HAS_1_3 && MBEDTLS_VERSION_NUMBER >= 0x03060100
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        &context->config, is_on ? MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED
                                : MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_DISABLED);
#endif
}

bool tls_tickets_setup(net_tls_context *context, bool is_on, net_error *error) {
    if (!context->is_server) {
        set_client_tickets(context, is_on);
        return true;
    }
    if (!is_on)
        return true;
    int result = mbedtls_ssl_ticket_setup(&context->tickets, tls_random_octets, &context->random,
                                          MBEDTLS_CIPHER_AES_256_GCM, LIFETIME_S);
    if (result == 0)
        result = renew(context);
    if (result != 0) {
        tls_error_refuse(error, "ENOMEM", "the ticket key", result);
        return false;
    }
    mbedtls_ssl_conf_session_tickets_cb(&context->config, write_ticket, parse_ticket, context);
    return true;
}

int tls_tickets_copy(net_tls_context *context, const net_tls_context *old) {
    context->has_given_keys = old->has_given_keys;
    memcpy(context->ticket_keys, old->ticket_keys, NET_TLS_TICKET_KEYS);
    return install(context) == 0 ? 0 : -1;
}

void net_tls_context_get_ticket_keys(net_tls_context *context, uint8_t keys[NET_TLS_TICKET_KEYS]) {
    memcpy(keys, context->ticket_keys, NET_TLS_TICKET_KEYS);
}

int net_tls_context_set_ticket_keys(net_tls_context *context,
                                    const uint8_t keys[NET_TLS_TICKET_KEYS]) {
    context->has_given_keys = true;
    memcpy(context->ticket_keys, keys, NET_TLS_TICKET_KEYS);
    return install(context) == 0 ? 0 : -1;
}
