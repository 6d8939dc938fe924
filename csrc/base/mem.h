/* The allocator of every layer below Lua: malloc, and in builds for testing (MEM_FAULTS) a hook
 * that makes the n-th allocation fail, so that each failure path can be walked in turn. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* As malloc, realloc and free; NULL when memory is out. Sizes of 0 are not asked for. */
void *mem_alloc(size_t size);
void *mem_resize(void *block, size_t size);
void mem_free(void *block);

#ifdef MEM_FAULTS
/* Counts from zero; the n-th allocation from now (1 is the next) fails, and so does every one
 * after it until the next call; 0 lets all succeed. */
void mem_fail_from(size_t n);
/* As above, but only the n-th fails. */
void mem_fail_once(size_t n);
/* Allocations tried since the last mem_fail_*; blocks alive now. */
size_t mem_attempts(void);
size_t mem_blocks(void);
#endif

#endif
