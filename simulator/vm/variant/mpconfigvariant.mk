# The simulated T-Call: which C files make it and with which flags.
# SIM_TREES (a folder with links named lwip, mbedtls and sim) comes from ../Makefile.

PROG = micropython
COPT = -O2 -DNDEBUG
STRIP =

MICROPY_PY_BTREE = 0
MICROPY_PY_TERMIOS = 0
MICROPY_PY_SOCKET = 0
MICROPY_PY_FFI = 0
MICROPY_VFS_LFS1 = 0
# Compiled from lists of our own, below: the trees are not in lib/.
MICROPY_PY_SSL = 0
# With the GIL, as on the ESP32. The port's makefile of v1.25 knows no GIL.
MICROPY_PY_THREAD = 0
MICROPY_PY_THREAD_GIL = 1
MICROPY_STANDALONE = 0

CFLAGS += -DMICROPY_PY_THREAD=1 -DMICROPY_PY_THREAD_GIL=1
CFLAGS += -DMP_CONFIGFILE='"sim_mpconfig.h"' -DMICROPY_MPHALPORT_H='"sim_mphal.h"'
CFLAGS += -DMICROPY_PY_LWIP=1 -DMICROPY_PY_SSL=1 -DMICROPY_SSL_MBEDTLS=1
CFLAGS += -DMBEDTLS_CONFIG_FILE='"sim_mbedtls_config.h"'
CFLAGS += -I$(SIM_TREES) -I$(SIM_TREES)/lwip/src/include -I$(SIM_TREES)/mbedtls/include
LDFLAGS += -lpthread

ifeq ($(SANITIZE),1)
# MicroPython's garbage collector scans the stack, so no fake stacks; its tables
# are called with other function types than declared, so no -fsanitize=function.
CFLAGS += -fsanitize=address,undefined -fno-omit-frame-pointer --param asan-use-after-return=0
CFLAGS += -fno-sanitize=nonnull-attribute,alignment
LDFLAGS += -fsanitize=address,undefined
endif

ifeq ($(EDGES),1)
CFLAGS += -DSIM_EDGES=1
SRC_C += sim/edges.c
endif

vpath %.c $(SIM_TREES)

SRC_C += $(addprefix sim/,\
	boot.c \
	bus.c \
	clock.c \
	cmux_port.c \
	console.c \
	flash.c \
	machine_i2c.c \
	machine_pin.c \
	machine_rtc.c \
	machine_timer.c \
	modesp32.c \
	network.c \
	ppp.c \
	roots.c \
	serial.c \
	sockets.c \
	)
SHARED_SRC_C_EXTRA += runtime/mpirq.c runtime/pyexec.c

# modules/cmux and modules/trust, whose headers ppp.c and roots.c need as well.
CFLAGS += -I$(USER_C_MODULES)/cmux -I$(USER_C_MODULES)/trust

# Included by files of extmod/, which the makefiles cannot see.
QSTR_GLOBAL_DEPENDENCIES += $(VARIANT_DIR)/sim_mpconfig.h $(addprefix $(SIM_TREES)/sim/,\
	machine_uart.c machine_wdt.c modmachine.c modtime.c)

SRC_THIRDPARTY_C += shared/netutils/netutils.c
SRC_THIRDPARTY_C += $(addprefix lwip/src/core/,\
	def.c dns.c inet_chksum.c init.c ip.c mem.c memp.c netif.c pbuf.c raw.c stats.c sys.c \
	tcp.c tcp_in.c tcp_out.c timeouts.c udp.c \
	ipv4/dhcp.c ipv4/icmp.c ipv4/igmp.c ipv4/ip4.c ipv4/ip4_addr.c ipv4/ip4_frag.c \
	)
SRC_THIRDPARTY_C += $(addprefix lwip/src/netif/ppp/,\
	auth.c chap-md5.c chap-new.c fsm.c ipcp.c lcp.c magic.c ppp.c pppos.c upap.c utils.c vj.c \
	polarssl/md5.c \
	)
SRC_THIRDPARTY_C += lib/mbedtls_errors/mp_mbedtls_errors.c
SRC_THIRDPARTY_C += $(addprefix mbedtls/library/,\
	aes.c aesce.c aesni.c asn1parse.c asn1write.c base64.c bignum.c bignum_core.c bignum_mod.c \
	bignum_mod_raw.c block_cipher.c cipher.c cipher_wrap.c constant_time.c ctr_drbg.c ecdh.c \
	ecdsa.c ecp.c ecp_curves.c entropy.c entropy_poll.c gcm.c md.c md5.c oid.c pem.c pk.c \
	pk_ecc.c pk_wrap.c pkcs5.c pkparse.c platform.c platform_util.c rsa.c rsa_alt_helpers.c \
	sha1.c sha256.c sha512.c ssl_ciphersuites.c ssl_client.c ssl_cookie.c ssl_msg.c ssl_tls.c \
	ssl_tls12_client.c ssl_tls12_server.c timing.c x509.c x509_crl.c x509_crt.c x509_csr.c \
	)

# MicroPython's warnings are stricter than lwIP's own.
$(BUILD)/lwip/%.o: CFLAGS += -Wno-address -Wno-float-conversion -Wno-type-limits
# Files that upstream compiles without -Wextra, for other ports.
$(BUILD)/extmod/machine_i2c.o $(BUILD)/extmod/modlwip.o: CFLAGS += -Wno-sign-compare

# Calls that must behave as on the ESP32 are sent to functions of our own.
$(BUILD)/extmod/modlwip.o: CFLAGS += -Dmp_event_wait_ms=sim_socket_wait_ms \
	-Dmod_network_raise_socket_error=sim_socket_raise_OSError \
	-Ddns_gethostbyname_addrtype=sim_dns_gethostbyname_addrtype
$(BUILD)/extmod/network_ppp_lwip.o: CFLAGS += -Dpppos_create=sim_pppos_create \
	-Dpppos_input=sim_pppos_input -Dppp_free=sim_ppp_free -Dppp_set_auth=sim_ppp_set_auth \
	-Dmp_stream_rw=sim_ppp_stream_rw -Dmp_call_method_n_kw=sim_ppp_call_method_n_kw
$(BUILD)/extmod/modmachine.o: CFLAGS += -Dmp_sys_exit_obj=sim_soft_reset_obj
$(BUILD)/extmod/vfs_posix_file.o: CFLAGS += -Dwrite=sim_stdout_write
$(BUILD)/shared/runtime/pyexec.o: CFLAGS += -Dmp_hal_set_interrupt_char=sim_console_interrupt_char \
	-Dmp_hal_stdio_mode_raw=sim_console_mode_raw -Dmp_hal_stdio_mode_orig=sim_console_mode_orig
$(BUILD)/unix_mphal.o: CFLAGS += -Dread=sim_stdin_read -Dwrite=sim_stdout_write \
	-Dmp_sched_keyboard_interrupt=sim_keyboard_interrupt
