#include "base/mem.h"
#include "binding/runtime.h"

#ifdef __SANITIZE_ADDRESS__
#define KEEPS_BLOCKS false /* so that a use too late is seen */
#else
#define KEEPS_BLOCKS true
#endif

/* In front of each block: the next spare one, or the size of one in use. */
struct lh2_spare {
    struct lh2_spare *next;
    size_t kind;
};

/* Octets of the blocks that are kept, and how many of them are at most. */
static const struct {
    size_t octets;
    uint32_t kept;
} kinds[LH2_SPARE_KINDS] = {{192, 256}, {512, 256}, {1024, 64}};

void *lh2_spare_take(lh2_runtime *runtime, size_t size) {
    size_t kind = 0;
    while (kind < LH2_SPARE_KINDS && size > kinds[kind].octets)
        kind++;
    bool is_kept = kind < LH2_SPARE_KINDS;
    struct lh2_spare *block = is_kept ? runtime->spare[kind] : NULL;
    if (block) {
        runtime->spare[kind] = block->next;
        runtime->spare_count[kind]--;
    } else {
        block = mem_alloc(sizeof *block + (is_kept ? kinds[kind].octets : size));
        if (!block)
            return NULL;
        block->kind = kind;
    }
    return block + 1;
}

void lh2_spare_give(lh2_runtime *runtime, void *memory) {
    if (!memory)
        return;
    struct lh2_spare *block = (struct lh2_spare *)memory - 1;
    size_t kind = block->kind;
    bool is_kept = KEEPS_BLOCKS && kind < LH2_SPARE_KINDS && !runtime->is_closing &&
                   runtime->spare_count[kind] < kinds[kind].kept;
    if (!is_kept) {
        mem_free(block);
        return;
    }
    block->next = runtime->spare[kind];
    runtime->spare[kind] = block;
    runtime->spare_count[kind]++;
}

void lh2_spare_free(lh2_runtime *runtime) {
    for (size_t kind = 0; kind < LH2_SPARE_KINDS; kind++)
        while (runtime->spare[kind]) {
            struct lh2_spare *block = runtime->spare[kind];
            runtime->spare[kind] = block->next;
            mem_free(block);
        }
}
