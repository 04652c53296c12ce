// A stream that C code may use without Python: from any task, without the GIL.
//
// network.PPP asks its stream for it by ioctl(NATIVE_STREAM_IOCTL); a stream that is none
// answers as to any request it does not know.

#ifndef NATIVE_STREAM_H
#define NATIVE_STREAM_H

#include <stddef.h>
#include <stdint.h>

#define NATIVE_STREAM_IOCTL (0x4e53)

typedef struct _native_stream_t {
    void *ctx;
    // Take what has arrived, at most len bytes. Never waits.
    size_t (*read)(void *ctx, uint8_t *buf, size_t len);
    // Send; returns how many bytes were taken. Waits for room no longer than 0.5 s.
    size_t (*write)(void *ctx, const uint8_t *buf, size_t len);
    // From now on call input(arg) when something has arrived; NULL: no more. When this
    // returns, a former one is not running and will not be called again.
    void (*set_user)(void *ctx, void (*input)(void *arg), void *arg);
} native_stream_t;

#endif // NATIVE_STREAM_H
