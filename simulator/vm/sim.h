// What the parts of the simulated T-Call know of each other.

#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// clock.c: one simulated time for everything. It starts at 0 when the chip boots.
#define SIM_FOREVER UINT64_MAX
void sim_clock_init(void);
double sim_speed(void);
uint64_t sim_now_ns(void);
uint64_t sim_now_us(void);
// The same, but since before the chip booted: it goes on through restarts.
uint64_t sim_world_ns(void);
// Real nanoseconds (CLOCK_MONOTONIC) of a simulated moment, at the latest.
uint64_t sim_to_real_ns(uint64_t sim_ns);
// How a thread waits that does not run Python; sim_wake() is not for it.
typedef struct _sim_waiter_t sim_waiter_t;
sim_waiter_t *sim_waiter_new(void);
void sim_waiter_free(sim_waiter_t *waiter);
void sim_waiter_wake(sim_waiter_t *waiter);
// Until it is woken, a simulated moment is reached, or fd (or -1) can be read: true then.
bool sim_waiter_wait(sim_waiter_t *waiter, int fd, uint64_t deadline_ns);
// What is on its way between the simulator and the UART, so that time does not jump meanwhile.
void sim_clock_received(size_t count);
void sim_clock_written(size_t count);
void sim_clock_listening(bool listening);
bool sim_clock_on_its_way(void);
// The clock's files go on to the restarted program.
void sim_clock_handover(void);
// Sleeps until something happens or a simulated moment is reached, without the GIL.
void sim_wait_until(uint64_t deadline_us);
// The chip sleeps: no network, no timers, no other threads.
void sim_sleep_until(uint64_t deadline_us);
// Ends all waits. For any thread and for signal handlers.
void sim_wake(void);
// Ctrl-C. For any thread and for signal handlers.
void sim_keyboard_interrupt(void);
// Is there a KeyboardInterrupt or the like for this thread?
bool sim_interrupted(void);

// bus.c: the board, on the other side of a socket.
#define SIM_PINS (40)
// The program's exit code when the board loses its supply.
#define SIM_EXIT_OFF (3)
bool sim_bus_connected(void);
void sim_bus_init(void);
// Sends a request and gives the answer's value. Returns false with the board's sentence
// for an error. If level_pin is not negative the value is that pin's level from then on.
bool sim_bus_request(const char *request, char *answer, size_t size, int level_pin);
// As above, but an error of any kind raises OSError(EIO) with the sentence.
void sim_bus_request_raise(const char *request, char *answer, size_t size, int level_pin);
int sim_bus_level(unsigned int pin);
// Called for each change of an input, by the bus's own thread.
void sim_pin_changed(unsigned int pin, int level);

// roots.c: root certificates of a test's own.
void sim_roots_init(void);

// boot.c: what survives a reset and how one is done.
enum {
    SIM_PWRON_RESET = 1,
    SIM_HARD_RESET,
    SIM_WDT_RESET,
    SIM_DEEPSLEEP_RESET,
    SIM_SOFT_RESET,
};
enum { SIM_WAKE_NONE = 0, SIM_WAKE_EXT0 = 2, SIM_WAKE_EXT1 = 3, SIM_WAKE_TIMER = 4 };
#define SIM_RTC_MEMORY_MAX (2048)
extern int sim_reset_cause;
extern int sim_wake_reason;
extern uint8_t sim_rtc_memory[SIM_RTC_MEMORY_MAX];
extern size_t sim_rtc_memory_len;
// Tells the board and starts the program anew. Callable from any thread.
__attribute__((noreturn)) void sim_reset(int cause);
// The same in two steps, for deep sleep.
void sim_reset_announce(int cause);
__attribute__((noreturn)) void sim_restart(int cause);
// machine.soft_reset(), as an object: it is put in place of another one.
extern const struct _mp_obj_fun_builtin_var_t sim_soft_reset_obj;
// How the bus's connection goes on to the restarted program: its file, or -1.
int sim_bus_handover(void);

// console.c: standard input as a serial console.
bool sim_console_active(void);
bool sim_console_any(void);
uint8_t sim_console_get(void);

// machine_rtc.c: microseconds since 2000-01-01 by the chip's RTC.
void sim_rtc_init(void);
uint64_t sim_rtc_us(void);
void sim_rtc_to_env(void);

// machine_timer.c
uint64_t sim_timers_run(void);

// machine_wdt.c: a sleep of so many microseconds is over.
void sim_wdt_slept(uint64_t us);

// machine_pin.c
unsigned int sim_pin_get_id(void *pin);

// flash.c: NVS and Partition, two classes of the module esp32.
void sim_flash_init(void);
extern const struct _mp_obj_type_t sim_nvs_type;
extern const struct _mp_obj_type_t sim_partition_type;

// modesp32.c: pins that end a sleep.
extern int sim_ext0_pin;
extern bool sim_ext0_level;
extern uint64_t sim_ext1_pins;
extern bool sim_ext1_level;

// serial.c: a UART without MicroPython: a thread that moves bytes at the baud rate.
typedef struct _sim_serial_t sim_serial_t;
typedef struct _sim_serial_format_t {
    uint32_t baud;
    uint8_t bits;
    uint8_t parity; // 0 none, 1 odd, 2 even
    uint8_t stop;
} sim_serial_format_t;
// Called by the serial thread with no lock held.
typedef void (*sim_serial_event_t)(void *arg, bool idle);
// path is NULL where nothing is wired. Returns NULL with errno set if it cannot be opened.
sim_serial_t *sim_serial_open(const char *path, const sim_serial_format_t *format,
    size_t rxbuf, size_t txbuf, sim_serial_event_t event, void *arg);
void sim_serial_close(sim_serial_t *s);
void sim_serial_set_format(sim_serial_t *s, const sim_serial_format_t *format);
// Silence of idle_ns after a byte is an event; 0 for none.
void sim_serial_set_idle(sim_serial_t *s, uint64_t idle_ns);
// While a task reads all the time the input does not overrun.
void sim_serial_set_reader(sim_serial_t *s, bool reader);
size_t sim_serial_any(sim_serial_t *s);
size_t sim_serial_read(sim_serial_t *s, uint8_t *buf, size_t size);
void sim_serial_flush_input(sim_serial_t *s);
// Blocks while the buffer is full, and does nothing else.
void sim_serial_write(sim_serial_t *s, const uint8_t *buf, size_t size);
bool sim_serial_txdone(sim_serial_t *s);
// Waits for the last byte's end, at most for timeout_us; true if it came.
bool sim_serial_wait_txdone(sim_serial_t *s, uint64_t timeout_us);
uint64_t sim_serial_overruns(sim_serial_t *s);
// While the chip sleeps its UARTs hear nothing.
extern volatile bool sim_asleep;

// network.c: lwIP between everything else.
typedef enum { SIM_BLOCKING_ESP32, SIM_BLOCKING_POLL } sim_blocking_t;
extern sim_blocking_t sim_blocking;
extern bool sim_ppp_native;
void sim_network_init(void);
// Runs lwIP's timers and input, and the hardware timers. With the GIL held.
void sim_background(void);
// When sim_background() has work at the latest.
uint64_t sim_background_due_us(void);
// lwIP must not be entered again while it is on the stack.
void sim_lwip_enter(void);
void sim_lwip_exit(void);

// machine_uart.c and ppp.c: input that goes to lwIP without the scheduler.
bool sim_uart_native_poll(void);
// Makes reader (a callable, or None) take all input of a machine.UART.
bool sim_uart_set_reader(void *uart, void *reader);
bool sim_uart_is(void *obj);
size_t sim_uart_read_now(void *uart, uint8_t *buf, size_t size);
bool sim_uart_write_now(void *uart, const uint8_t *buf, size_t size);
void sim_uarts_drain(void);

#endif // SIM_SIM_H
