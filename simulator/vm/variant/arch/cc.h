// lwIP on 64-bit Linux with gcc.

#ifndef SIM_ARCH_CC_H
#define SIM_ARCH_CC_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

// The interpreter lock protects lwIP as a whole.
typedef uint32_t sys_prot_t;
#define SYS_ARCH_DECL_PROTECT(lev)
#define SYS_ARCH_PROTECT(lev)
#define SYS_ARCH_UNPROTECT(lev)

uint32_t sim_random(void);
#define LWIP_RAND() sim_random()

#define LWIP_PLATFORM_DIAG(x) do { printf x; } while (0)
#define LWIP_PLATFORM_ASSERT(x) do { \
        fprintf(stderr, "lwIP assertion failed: %s, %s:%d\n", x, __FILE__, __LINE__); \
        abort(); \
} while (0)

#endif // SIM_ARCH_CC_H
