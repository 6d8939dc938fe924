#include "base/mem.h"

#include <stdlib.h>

#ifdef MEM_FAULTS

#include <stdbool.h>

static _Thread_local size_t attempts;
static _Thread_local size_t blocks;
static _Thread_local size_t first_failure; /* the attempt from which on it fails; 0 is never */
static _Thread_local bool is_failing_once;

static void arm(size_t n, bool is_once) {
    attempts = 0;
    first_failure = n;
    is_failing_once = is_once;
}

void mem_fail_from(size_t n) {
    arm(n, false);
}

void mem_fail_once(size_t n) {
    arm(n, true);
}

size_t mem_attempts(void) {
    return attempts;
}

size_t mem_blocks(void) {
    return blocks;
}

static bool is_refused(void) {
    attempts++;
    if (first_failure == 0)
        return false;
    return is_failing_once ? attempts == first_failure : attempts >= first_failure;
}

void *mem_alloc(size_t size) {
    void *block = is_refused() ? NULL : malloc(size);
    if (block)
        blocks++;
    return block;
}

void *mem_resize(void *block, size_t size) {
    void *moved = is_refused() ? NULL : realloc(block, size);
    if (moved && !block)
        blocks++;
    return moved;
}

void mem_free(void *block) {
    if (block)
        blocks--;
    free(block);
}

#else

void *mem_alloc(size_t size) {
    return malloc(size);
}

void *mem_resize(void *block, size_t size) {
    return realloc(block, size);
}

void mem_free(void *block) {
    free(block);
}

#endif
