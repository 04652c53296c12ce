# For ports built with make, here the Linux VM; its port of the UART is simulator/vm/cmux_port.c.
CMUX_DIR := $(USERMOD_DIR)
SRC_USERMOD_C += $(addprefix $(CMUX_DIR)/, frame.c mux.c modcmux.c)
CFLAGS_USERMOD += -I$(CMUX_DIR)
