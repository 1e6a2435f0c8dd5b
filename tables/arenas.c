/* Where Python keeps its small objects: in huge pages.

   Sessions, views and marks are hundreds of megabytes of small objects, and each event goes to
   others of them. With pages of 4 KiB the processor first has to look up nearly every address in
   page tables that lie in memory themselves; with pages of 2 MiB it knows them all.

   Linux gives huge pages to whoever asks (MADV_HUGEPAGE; "madvise", the usual setting of
   /sys/kernel/mm/transparent_hugepage/enabled). Python does not: it maps its arenas, of 1 MiB each,
   one by one. Here they are pieces of larger, aligned and advised regions.

   An arena that is given back breaks its huge page in two, and the next one has to be cleared; so
   some are kept for the next time. Beyond that they go back as Python's own do. Those that were
   there before are treated alike. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <sys/mman.h>

#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#define REGION_BYTES (32 * HUGE_PAGE_BYTES)
#define KEPT_BYTES (16 * HUGE_PAGE_BYTES)

/* The part of the last region that no arena has had. Python holds the GIL when it asks for one. */
static char *rest;
static size_t rest_bytes;

/* Arenas that were given back and are kept, all of one size; each begins with the next one. */
static void **kept;
static size_t kept_bytes, kept_arena_bytes;

static void *map(size_t bytes)
{
    void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return address == MAP_FAILED ? NULL : address;
}

/* An advised region at a multiple of the size of a huge page; NULL: there is none. */
static char *map_region(void)
{
#ifdef MADV_HUGEPAGE
    char *mapped = map(REGION_BYTES + HUGE_PAGE_BYTES);
    if (mapped == NULL)
        return NULL;
    size_t before = (size_t)(-(uintptr_t)mapped % HUGE_PAGE_BYTES);
    char *region = mapped + before;
    if (before > 0)
        munmap(mapped, before);
    munmap(region + REGION_BYTES, HUGE_PAGE_BYTES - before);
    if (madvise(region, REGION_BYTES, MADV_HUGEPAGE) == 0)
        return region;
    munmap(region, REGION_BYTES);
#endif
    return NULL;
}

static void *allocate_arena(void *context, size_t bytes)
{
    (void)context;
    if (kept != NULL && bytes == kept_arena_bytes) {
        void **arena = kept;
        kept = *arena;
        kept_bytes -= bytes;
        return arena;
    }
    if (bytes > rest_bytes) {
        char *region = bytes > REGION_BYTES ? NULL : map_region();
        if (region == NULL)
            return map(bytes);
        if (rest_bytes > 0)
            munmap(rest, rest_bytes);
        rest = region;
        rest_bytes = REGION_BYTES;
    }
    void *arena = rest;
    rest += bytes;
    rest_bytes -= bytes;
    return arena;
}

static void free_arena(void *context, void *arena, size_t bytes)
{
    (void)context;
    if (kept == NULL)
        kept_arena_bytes = bytes;
    if (bytes != kept_arena_bytes || kept_bytes + bytes > KEPT_BYTES) {
        munmap(arena, bytes);
        return;
    }
    *(void **)arena = kept;
    kept = arena;
    kept_bytes += bytes;
}

static PyObject *use_huge_pages(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    if (rest == NULL) {
        rest = map_region();
        if (rest == NULL)
            Py_RETURN_FALSE;
        rest_bytes = REGION_BYTES;
        PyObjectArenaAllocator allocator = {NULL, allocate_arena, free_arena};
        PyObject_SetArenaAllocator(&allocator);
    }
    Py_RETURN_TRUE;
}

static PyMethodDef methods[] = {
    {"use_huge_pages", use_huge_pages, METH_NOARGS,
     "Keep small objects in huge pages from now on; False: the system knows none."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "arenas", "Where Python keeps its small objects.", -1, methods,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_arenas(void)
{
    return PyModule_Create(&definition);
}
