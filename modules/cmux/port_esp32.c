// The port for the ESP32: a task takes a UART's frames apart, without Python.
//
// It needs machine_uart_set_user(), from patches/esp32/0004.

#include "driver/uart.h"
#include "driver/uart_select.h"
#include "esp_attr.h"
#include "esp_task.h"
#include "freertos/FreeRTOS.h"
#include "freertos/idf_additions.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/mpthread.h"
#include "py/runtime.h"
#include "machine_uart.h"
#include "port.h"

// Of which 0.8 kB were used, interrupts included, under full traffic with PPP.
#define TASK_STACK_SIZE (1792)
// As network.PPP's input task: right below lwIP's, which takes what it hands over.
#define TASK_PRIORITY (ESP_TASK_TCPIP_PRIO - 1)
// Even without input the task looks that often whether something is due.
#define TASK_INTERVAL_MS (100)
#define WRITE_TIMEOUT_MS (500)

typedef struct _port_t {
    int uart_num;
    TaskHandle_t task; // NULL: the UART is not ours, or not any more
    volatile bool stop;
    bool detached; // by Python, who knows of it
    SemaphoreHandle_t ended;
    SemaphoreHandle_t write;
    SemaphoreHandle_t locks[CMUX_LOCKS];
} port_t;

// Whom a UART's interrupt wakes.
static TaskHandle_t port_tasks[SOC_UART_NUM];

// In internal RAM: FreeRTOS's objects do not work in PSRAM.
static port_t *port(cmux_obj_t *self) {
    return *cmux_port_data(self);
}

static void port_free(port_t *p) {
    SemaphoreHandle_t all[] = { p->ended, p->write, p->locks[0], p->locks[1] };
    for (size_t i = 0; i < MP_ARRAY_SIZE(all); i++) {
        if (all[i] != NULL) {
            vSemaphoreDelete(all[i]);
        }
    }
    free(p);
}

static void IRAM_ATTR port_isr(uart_port_t uart_num, uart_select_notif_t event, BaseType_t *task_woken) {
    if (event == UART_SELECT_READ_NOTIF) {
        vTaskNotifyGiveFromISR(port_tasks[uart_num], task_woken);
    }
}

static void port_set_isr(uart_port_t uart_num, uart_select_notif_callback_t isr) {
    portENTER_CRITICAL(uart_get_selectlock());
    uart_set_select_notif_callback(uart_num, isr);
    portEXIT_CRITICAL(uart_get_selectlock());
}

static void port_main(void *arg) {
    cmux_obj_t *self = arg;
    port_t *p = port(self);
    while (!p->stop) {
        cmux_input(self);
        ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(TASK_INTERVAL_MS));
    }
    xSemaphoreGive(p->ended);
    vTaskDelete(NULL);
}

// Called by machine.UART when its driver comes and before it goes.
static void port_uart_ready(void *arg, uart_port_t uart_num, bool ready) {
    cmux_obj_t *self = arg;
    port_t *p = port(self);
    if (ready) {
        if (p->task == NULL && !p->stop) {
            p->uart_num = uart_num;
            if (xTaskCreatePinnedToCore(port_main, "cmux", TASK_STACK_SIZE, self, TASK_PRIORITY, &p->task,
                CONFIG_LWIP_TCPIP_TASK_AFFINITY) == pdPASS) {
                port_tasks[uart_num] = p->task;
                port_set_isr(uart_num, port_isr);
            }
        }
        return;
    }
    if (p->task == NULL) {
        return;
    }
    port_set_isr(uart_num, NULL);
    p->stop = true;
    xTaskNotifyGive(p->task);
    // It may be handing data to lwIP, or writing; both have an end.
    xSemaphoreTake(p->ended, portMAX_DELAY);
    p->task = NULL;
    xSemaphoreTake(p->write, portMAX_DELAY);
    p->uart_num = -1;
    xSemaphoreGive(p->write);
    if (!p->detached) {
        cmux_lost(self);
    }
}

void cmux_port_attach(cmux_obj_t *self, mp_obj_t uart) {
    port_t *p = calloc(1, sizeof(*p));
    if (p != NULL) {
        p->uart_num = -1;
        p->ended = xSemaphoreCreateBinary();
        p->write = xSemaphoreCreateMutex();
        p->locks[0] = xSemaphoreCreateMutex();
        p->locks[1] = xSemaphoreCreateMutex();
        if (p->ended == NULL || p->write == NULL || p->locks[0] == NULL || p->locks[1] == NULL) {
            port_free(p);
            p = NULL;
        }
    }
    if (p == NULL) {
        mp_raise_OSError(MP_ENOMEM);
    }
    *cmux_port_data(self) = p;
    if (!machine_uart_set_user(uart, port_uart_ready, self)) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("a multiplexer needs a machine.UART that is not the REPL's"));
    }
    if (p->task == NULL) {
        machine_uart_clear_user(self);
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("no memory for the multiplexer's task"));
    }
}

void cmux_port_detach(cmux_obj_t *self) {
    port(self)->detached = true;
    machine_uart_clear_user(self);
}

void cmux_port_release(cmux_obj_t *self) {
    port_t *p = port(self);
    *cmux_port_data(self) = NULL;
    if (p != NULL) {
        port_free(p);
    }
}

void cmux_port_wake(cmux_obj_t *self) {
    port_t *p = port(self);
    if (p != NULL && p->task != NULL) {
        xTaskNotifyGive(p->task);
    }
}

size_t cmux_port_read(cmux_obj_t *self, uint8_t *buf, size_t len) {
    int n = port(self)->stop ? 0 : uart_read_bytes(port(self)->uart_num, buf, len, 0);
    return n > 0 ? n : 0;
}

// One call of the driver for all of it: so frames of several tasks do not mix.
bool cmux_port_write(cmux_obj_t *self, const uint8_t *buf, size_t len) {
    port_t *p = port(self);
    xSemaphoreTake(p->write, portMAX_DELAY);
    bool done = false;
    TickType_t start = xTaskGetTickCount();
    while (p->uart_num >= 0) {
        size_t room = 0;
        uart_get_tx_buffer_free_size(p->uart_num, &room);
        // With CTS the other end may hold the line for ever, and the driver would wait as long.
        if (room >= len || uart_wait_tx_done(p->uart_num, 0) == ESP_OK) {
            done = uart_write_bytes(p->uart_num, buf, len) == (int)len;
            break;
        }
        if (xTaskGetTickCount() - start >= pdMS_TO_TICKS(WRITE_TIMEOUT_MS)) {
            break;
        }
        vTaskDelay(1);
    }
    xSemaphoreGive(p->write);
    return done;
}

void cmux_port_lock(cmux_obj_t *self, cmux_lock_t lock) {
    if (port(self) != NULL) {
        xSemaphoreTake(port(self)->locks[lock], portMAX_DELAY);
    }
}

void cmux_port_unlock(cmux_obj_t *self, cmux_lock_t lock) {
    if (port(self) != NULL) {
        xSemaphoreGive(port(self)->locks[lock]);
    }
}
