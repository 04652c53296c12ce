"""OpenSSL's verdict on a chain of certificates, by ctypes: as a TLS client of Python asks for it."""

import _ssl
import ctypes
import re
import subprocess

PARTIAL_CHAIN = (
    0x80000  # as Python's ssl since 3.13, and mbedTLS: what is trusted need not be self-signed
)
TRUSTED_FIRST = 0x8000
NO_PARTIAL_WILDCARDS = 0x4
SSL_CLIENT, SSL_SERVER = 1, 2


def _library():
    # The one that Python has loaded.
    linked = subprocess.run(
        ["ldd", _ssl.__file__], capture_output=True, text=True, check=True
    ).stdout
    return ctypes.CDLL(re.search(r"libcrypto\S* => (\S+)", linked)[1])


_crypto = _library()
_POINTERS = (
    "d2i_X509 X509_STORE_new X509_STORE_CTX_new X509_STORE_CTX_get0_param OPENSSL_sk_new_null "
    "X509_verify_cert_error_string"
)
for _name in _POINTERS.split():
    getattr(_crypto, _name).restype = ctypes.c_void_p
_crypto.X509_verify_cert_error_string.restype = ctypes.c_char_p
_crypto.X509_STORE_CTX_get_error.restype = ctypes.c_int


def _parse(der: bytes):
    data = ctypes.c_char_p(der)
    return _crypto.d2i_X509(None, ctypes.byref(data), ctypes.c_long(len(der)))


def verdict(chain, trusted, host: str, now: float, *, purpose=SSL_SERVER, is_address=False) -> str:
    """ "" when OpenSSL believes the chain, else what it says. chain, trusted: lists of DER."""
    pointer = ctypes.c_void_p
    store = pointer(_crypto.X509_STORE_new())
    certificates = [_parse(der) for der in (*chain, *trusted)]
    stack = pointer(_crypto.OPENSSL_sk_new_null())
    context = pointer(_crypto.X509_STORE_CTX_new())
    try:
        if not all(certificates):
            return "cannot be parsed"
        for certificate in certificates[len(chain) :]:
            _crypto.X509_STORE_add_cert(store, pointer(certificate))
        for certificate in certificates[1 : len(chain)]:
            _crypto.OPENSSL_sk_push(stack, pointer(certificate))
        assert _crypto.X509_STORE_CTX_init(context, store, pointer(certificates[0]), stack)
        param = pointer(_crypto.X509_STORE_CTX_get0_param(context))
        _crypto.X509_VERIFY_PARAM_set_flags(param, ctypes.c_ulong(PARTIAL_CHAIN | TRUSTED_FIRST))
        _crypto.X509_VERIFY_PARAM_set_time(param, ctypes.c_long(int(now)))
        _crypto.X509_VERIFY_PARAM_set_purpose(param, purpose)
        _crypto.X509_VERIFY_PARAM_set_auth_level(param, 2)
        _crypto.X509_VERIFY_PARAM_set_hostflags(param, NO_PARTIAL_WILDCARDS)
        if is_address:
            assert _crypto.X509_VERIFY_PARAM_set1_ip_asc(param, host.encode())
        elif host:
            assert _crypto.X509_VERIFY_PARAM_set1_host(param, host.encode(), ctypes.c_size_t(0))
        if _crypto.X509_verify_cert(context) == 1:
            return ""
        error = _crypto.X509_STORE_CTX_get_error(context)
        return _crypto.X509_verify_cert_error_string(ctypes.c_long(error)).decode()
    finally:
        _crypto.X509_STORE_CTX_free(context)
        _crypto.OPENSSL_sk_free(stack)
        for certificate in certificates:
            _crypto.X509_free(pointer(certificate))
        _crypto.X509_STORE_free(store)
