// lwIP's options: the values ESP-IDF v5.5 and MicroPython's sdkconfig give them on the
// ESP32, wherever the network behaves by them.

#ifndef SIM_LWIPOPTS_H
#define SIM_LWIPOPTS_H

#include <stdint.h>

// No threads: lwIP runs with the interpreter lock held, see network.c.
#define NO_SYS                          1
#define SYS_LIGHTWEIGHT_PROT            1
uint32_t sys_now(void);
#define sys_jiffies                     sys_now
#define LWIP_NETCONN                    0
#define LWIP_SOCKET                     0
#define LWIP_ERRNO_STDINCLUDE           1

// Memory comes from the C library, as on the ESP32.
#define MEM_LIBC_MALLOC                 1
#define MEMP_MEM_MALLOC                 1
#define MEM_ALIGNMENT                   8

#define LWIP_IPV6                       0
#define LWIP_ARP                        0
#define LWIP_ETHERNET                   0
#define LWIP_RAW                        1
#define LWIP_IGMP                       1
// Called by MicroPython's nic.ipconfig(); nothing here uses it.
#define LWIP_DHCP                       1
#define LWIP_DHCP_DOES_ACD_CHECK        0
#define LWIP_NETIF_HOSTNAME             1
#define LWIP_NETIF_LOOPBACK             1
#define LWIP_HAVE_LOOPIF                1
#define LWIP_LOOPBACK_MAX_PBUFS         8
#define LWIP_STATS                      0
#define SO_REUSE                        1
// Shows the list of timeouts to MicroPython (from v1.26 on).
#define LWIP_TESTMODE                   1

#define LWIP_DNS                        1
#define DNS_MAX_SERVERS                 3

#define TCP_MSS                         1440
#define TCP_WND                         5760
#define TCP_SND_BUF                     5760
#define TCP_OVERSIZE                    TCP_MSS
#define TCP_QUEUE_OOSEQ                 1
#define TCP_OOSEQ_MAX_PBUFS             4
#define TCP_MAXRTX                      12
#define TCP_SYNMAXRTX                   12
#define TCP_TMR_INTERVAL                250
#define TCP_MSL                         60000
#define TCP_FIN_WAIT_TIMEOUT            20000
#define LWIP_TCP_RTO_TIME               1500
#define TCP_LISTEN_BACKLOG              1
#define LWIP_TCP_KEEPALIVE              1
// ESP-IDF makes them by RFC 6528: as little to be foreseen.
#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port) sim_random()

#define PPP_SUPPORT                     1
#define PPPOS_SUPPORT                   1
#define PPP_IPV6_SUPPORT                0
#define PAP_SUPPORT                     1
#define CHAP_SUPPORT                    1
#define VJ_SUPPORT                      0
// ESP-IDF begins every frame with a flag.
#define PPP_MAXIDLEFLAG                 0
// As in boards/TCALL_SIM800/sdkconfig.board.
#define LCP_ECHOINTERVAL                5
#define LCP_MAXECHOFAILS                4

#endif // SIM_LWIPOPTS_H
