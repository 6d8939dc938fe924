#include "net/tls.h"

#include <string.h>
#include <unistd.h>

int tls_random_init(tls_random *random) {
    static const unsigned char personal[] = "http2 tls";
    mbedtls_entropy_init(&random->entropy);
    mbedtls_ctr_drbg_init(&random->generator);
    random->pid = getpid();
    return mbedtls_ctr_drbg_seed(&random->generator, mbedtls_entropy_func, &random->entropy,
                                 personal, sizeof(personal));
}

void tls_random_dispose(tls_random *random) {
    mbedtls_ctr_drbg_free(&random->generator);
    mbedtls_entropy_free(&random->entropy);
}

int tls_random_octets(void *context, unsigned char *into, size_t size) {
    tls_random *random = context;
    if (random->pid != getpid()) {
        int result = mbedtls_ctr_drbg_reseed(&random->generator, NULL, 0);
        if (result != 0)
            return result;
        random->pid = getpid();
    }
    return mbedtls_ctr_drbg_random(&random->generator, into, size);
}
