// Another set of root certificates than the one in the firmware: the file that SIM_ROOTS names.

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trust.h"
#include "sim.h"

void sim_roots_init(void) {
    const char *path = getenv("SIM_ROOTS");
    if (path == NULL || *path == '\0') {
        return;
    }
    // load_default_certs() tells if there are none.
    trust_roots_len = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file >= 0 && fstat(file, &status) == 0 && status.st_size > 0) {
        void *roots = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (roots != MAP_FAILED && trust_roots_check(roots, status.st_size)) {
            trust_roots = roots;
            trust_roots_len = status.st_size;
        }
    }
    if (trust_roots_len == 0) {
        fprintf(stderr, "SIM_ROOTS: %s is no set of root certificates: make it by modules/trust/roots.py\n", path);
    }
    if (file >= 0) {
        close(file);
    }
}
