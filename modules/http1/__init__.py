"""HTTP/1.1 for a client (RFC 9110, 9112), which `requests` and `aiohttp` share.

errors: what can go wrong. message: requests to bytes, answers from bytes, without any socket. asked: a
request and its body. client: connections, redirects, what is sent again and what is not.
"""
