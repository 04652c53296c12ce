// For the fuzzers (`make fuzz`), built with EDGES=1: which branches of the frozen code have been taken, and about how
// often each. They are counted in the file that SIM_EDGES names, a byte for each pair of branches that followed one
// another, so that whoever feeds inputs sees what is new to one.

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define EDGES (1 << 15)

extern const unsigned char __executable_start[], end[];

static uint8_t *edges;
static uint32_t last;

__attribute__((constructor)) static void edges_init(void) {
    const char *name = getenv("SIM_EDGES");
    int file = name == NULL ? -1 : open(name, O_RDWR | O_CLOEXEC);
    if (file >= 0) {
        void *map = mmap(NULL, EDGES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        edges = map == MAP_FAILED ? NULL : map;
        close(file);
    }
}

void sim_edge(const unsigned char *ip);
void sim_edge(const unsigned char *ip) {
    if (edges != NULL && ip >= __executable_start && ip < end) {
        uint32_t here = (uint32_t)(ip - __executable_start) * 2654435761u >> 16;
        uint8_t *edge = &edges[(here ^ last) % EDGES];
        *edge += *edge < 255;
        last = here >> 1;
    }
}
