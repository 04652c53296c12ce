# For ports built with make, here the Linux VM.
TRUST_DIR := $(USERMOD_DIR)
SRC_USERMOD_C += $(addprefix $(TRUST_DIR)/, chain.c parse.c roots.c modtrust.c)
CFLAGS_USERMOD += -I$(TRUST_DIR) -DMICROPY_PY_SSL_TRUST=1
LDFLAGS_USERMOD += -Wl,--wrap=mbedtls_x509_crt_parse_der

QSTR_GLOBAL_DEPENDENCIES += $(BUILD)/genhdr/trust_roots.h
$(BUILD)/genhdr/trust_roots.h: $(TRUST_DIR)/roots.pem $(TRUST_DIR)/roots.py
	$(PYTHON) $(TRUST_DIR)/roots.py $(TRUST_DIR)/roots.pem --header $@
	touch $@
