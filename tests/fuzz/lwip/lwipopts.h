// lwIP's options for ppp.c: the simulator's, which are the firmware's, so strict that the sanitizer sees each byte
// too far. FUZZ_ALL adds what the firmware leaves out.

#ifndef FUZZ_LWIPOPTS_H
#define FUZZ_LWIPOPTS_H

#include "simulator/vm/variant/lwipopts.h"

// Buffers end where the packet ends, and long packets come in several.
#undef MEM_ALIGNMENT
#define MEM_ALIGNMENT                   1
#define PBUF_POOL_BUFSIZE               160

#ifdef FUZZ_ALL
#undef LWIP_IPV6
#define LWIP_IPV6                       1
#undef PPP_IPV6_SUPPORT
#define PPP_IPV6_SUPPORT                1
#undef VJ_SUPPORT
#define VJ_SUPPORT                      1
#define PPP_SERVER                      1
#define LQR_SUPPORT                     1
#define IPV6_FRAG_COPYHEADER            1
#endif

#endif // FUZZ_LWIPOPTS_H
