# For ports built with make, here the Linux VM.
SRC_USERMOD_C += $(USERMOD_DIR)/modecdsa.c
