// The Python module ecdsa: is a signature right? ECDSA (FIPS 186-5 6.4) with P-256, by mbedTLS. It makes none.

#include <string.h>

#include "py/runtime.h"
#include "mbedtls/ecdsa.h"

#define SIZE (32) // bytes of a coordinate, of the digest, and of either half of a signature

// ecdsa.verify(public_key, digest, signature) -> bool
//
// public_key: x and y, 64 bytes. digest: SHA-256 of what was signed. signature: r and s, 64 bytes (IEEE P1363).
// All numbers are big-endian. What has another length, a point that is not on the curve, and an r or s that is not
// within 1 to n - 1, are no right signature: False. Both s and n - s are taken, as ECDSA has it.
// Raises MemoryError.
static mp_obj_t ecdsa_verify(mp_obj_t key_in, mp_obj_t digest_in, mp_obj_t signature_in) {
    mp_buffer_info_t key, digest, signature;
    mp_get_buffer_raise(key_in, &key, MP_BUFFER_READ);
    mp_get_buffer_raise(digest_in, &digest, MP_BUFFER_READ);
    mp_get_buffer_raise(signature_in, &signature, MP_BUFFER_READ);
    if (key.len != 2 * SIZE || digest.len != SIZE || signature.len != 2 * SIZE) {
        return mp_const_false;
    }
    uint8_t point[1 + 2 * SIZE] = { 4 }; // uncompressed, SEC 1 2.3.4
    memcpy(point + 1, key.buf, 2 * SIZE);

    mbedtls_ecp_group group;
    mbedtls_ecp_point q;
    mbedtls_mpi r, s;
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&q);
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    int ret;
    if ((ret = mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1)) == 0
        && (ret = mbedtls_ecp_point_read_binary(&group, &q, point, sizeof(point))) == 0
        && (ret = mbedtls_ecp_check_pubkey(&group, &q)) == 0
        && (ret = mbedtls_mpi_read_binary(&r, signature.buf, SIZE)) == 0
        && (ret = mbedtls_mpi_read_binary(&s, (const uint8_t *)signature.buf + SIZE, SIZE)) == 0) {
        ret = mbedtls_ecdsa_verify(&group, digest.buf, SIZE, &q, &r, &s);
    }
    mbedtls_mpi_free(&s);
    mbedtls_mpi_free(&r);
    mbedtls_ecp_point_free(&q);
    mbedtls_ecp_group_free(&group);
    if (ret == MBEDTLS_ERR_MPI_ALLOC_FAILED || ret == MBEDTLS_ERR_ECP_ALLOC_FAILED) {
        mp_raise_type(&mp_type_MemoryError);
    }
    return mp_obj_new_bool(ret == 0);
}
static MP_DEFINE_CONST_FUN_OBJ_3(ecdsa_verify_obj, ecdsa_verify);

static const mp_rom_map_elem_t ecdsa_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_ecdsa) },
    { MP_ROM_QSTR(MP_QSTR_verify), MP_ROM_PTR(&ecdsa_verify_obj) },
};
static MP_DEFINE_CONST_DICT(ecdsa_globals, ecdsa_globals_table);

const mp_obj_module_t mp_module_ecdsa = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&ecdsa_globals,
};

MP_REGISTER_MODULE(MP_QSTR_ecdsa, mp_module_ecdsa);
