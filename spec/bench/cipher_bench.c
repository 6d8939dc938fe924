/* What mbedTLS's ciphers do alone: records of 16 KiB sealed one after the other by one core, in MB/s.
 * Usage: cipher_bench */
#include <mbedtls/cipher.h>
#include <mbedtls/version.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RECORD_OCTETS 16384
#define RECORDS 20000
#define TAG_OCTETS 16

static void check(int result) {
    if (result == 0)
        return;
    fprintf(stderr, "mbedTLS: -0x%x\n", (unsigned)-result);
    exit(EXIT_FAILURE);
}

static double seconds_since(const struct timespec *from) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - from->tv_sec) + (double)(now.tv_nsec - from->tv_nsec) / 1e9;
}

static void measure(const char *name, mbedtls_cipher_type_t type) {
    static unsigned char record[RECORD_OCTETS], sealed[RECORD_OCTETS + TAG_OCTETS];
    static const unsigned char key[32], nonce[12], additional[13];
    mbedtls_cipher_context_t cipher;
    const mbedtls_cipher_info_t *info = mbedtls_cipher_info_from_type(type);
    if (!info)
        return;
    mbedtls_cipher_init(&cipher);
    check(mbedtls_cipher_setup(&cipher, info));
    int key_bits = mbedtls_cipher_get_key_bitlen(&cipher);
    check(mbedtls_cipher_setkey(&cipher, key, key_bits, MBEDTLS_ENCRYPT));

    struct timespec from;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < RECORDS; i++) {
        size_t size;
        check(mbedtls_cipher_auth_encrypt_ext(&cipher, nonce, sizeof(nonce), additional,
                                              sizeof(additional), record, sizeof(record), sealed,
                                              sizeof(sealed), &size, TAG_OCTETS));
    }
    printf("%s %.0f MB/s\n", name, RECORDS * (RECORD_OCTETS / 1e6) / seconds_since(&from));
    mbedtls_cipher_free(&cipher);
}

int main(void) {
    measure("AES-128-GCM", MBEDTLS_CIPHER_AES_128_GCM);
    measure("AES-256-GCM", MBEDTLS_CIPHER_AES_256_GCM);
    measure("ChaCha20-Poly1305", MBEDTLS_CIPHER_CHACHA20_POLY1305);
    return EXIT_SUCCESS;
}
