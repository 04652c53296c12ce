"""TLS sessions of earlier connections, to be resumed: a tenth of the bytes, one round trip less.

A few are kept in RAM, and in a file (FILE) for after a reset or deep sleep. A session belongs to one host, one
port and one set of trust settings; its key is a digest of all three. In the session itself is its tag: that key, when
it was made, and when the first certificate expires by which the server has proved itself then. It is dropped with the
first doubt: after a day, with that certificate, if the clock went back, if a handshake with it failed, if the file is
damaged. With it goes the address at which
the server has proved itself: it need not be asked for again (RFC 8767), as it must prove itself again.

The file holds secrets of the sessions in it, as that of a client certificate's key does."""

def clear() -> None:
    """Forget all sessions, in the file too."""
