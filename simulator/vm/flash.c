// What of the chip's flash is not files: esp32.NVS (numbers) and esp32.Partition (the slots of the firmware image).
//
// Both live in the folder SIM_FLASH. SIM_OTA=1 is a board with two slots and a bootloader that goes back from an image
// which does not say that it is well; without, it has one slot, as the standard image.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "extmod/vfs.h"
#include "py/mperrno.h"
#include "py/runtime.h"
#include "sim.h"

#define BLOCK (4096)
#define SLOT_SIZE (0x1a0000)
#define FACTORY_SIZE (0x1f0000)
#define FACTORY (2) // in place of a slot's number

#define ESP_FAIL (-1)
#define ESP_ERR_NOT_FOUND (0x105)
#define ESP_ERR_NVS_NOT_FOUND (0x1102)
#define ESP_ERR_OTA_VALIDATE_FAILED (0x1503)

static __attribute__((noreturn)) void raise_esp(int code, const char *name) {
    mp_obj_t args[] = { MP_OBJ_NEW_SMALL_INT(-code), mp_obj_new_str(name, strlen(name)) };
    nlr_raise(mp_obj_new_exception_args(&mp_type_OSError, 2, args));
}

static void file_name(char *out, size_t size, const char *name) {
    const char *folder = getenv("SIM_FLASH");
    if (folder == NULL || snprintf(out, size, "%s/%s", folder, name) >= (int)size) {
        mp_raise_OSError(MP_ENODEV);
    }
}

// A file as a whole: after a power cut it is the old one or the new one.
static void replace(const char *name, const char *text) {
    char path[512], fresh[520];
    file_name(path, sizeof(path), name);
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    FILE *file = fopen(fresh, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0 || rename(fresh, path) != 0) {
        mp_raise_OSError(errno);
    }
}

// Returns its length, 0 if there is none.
static size_t whole(const char *name, char *text, size_t size) {
    char path[512];
    file_name(path, sizeof(path), name);
    FILE *file = fopen(path, "r");
    size_t length = file == NULL ? 0 : fread(text, 1, size - 1, file);
    if (file != NULL) {
        fclose(file);
    }
    text[length] = '\0';
    return length;
}

/******************************************************************************/
// NVS: a line "namespace key value" for each number.

#define NVS_MAX (4096)

typedef struct _nvs_obj_t {
    mp_obj_base_t base;
    char space[16];
} nvs_obj_t;

static mp_obj_t nvs_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    const char *space = mp_obj_str_get_str(args[0]);
    nvs_obj_t *self = mp_obj_malloc(nvs_obj_t, type);
    if (strlen(space) >= sizeof(self->space)) {
        raise_esp(0x1109, "ESP_ERR_NVS_KEY_TOO_LONG");
    }
    strcpy(self->space, space);
    return MP_OBJ_FROM_PTR(self);
}

// Without this key's line; returns whether there was one, and its value.
static bool nvs_take(nvs_obj_t *self, mp_obj_t key_in, char *text, int *value) {
    const char *key = mp_obj_str_get_str(key_in);
    if (strlen(key) > 15) {
        raise_esp(0x1109, "ESP_ERR_NVS_KEY_TOO_LONG");
    }
    whole("nvs", text, NVS_MAX);
    char head[40];
    size_t length = snprintf(head, sizeof(head), "%s %s ", self->space, key);
    for (char *line = text; *line != '\0';) {
        char *next = strchr(line, '\n') + 1;
        if (strncmp(line, head, length) == 0) {
            *value = atoi(line + length);
            memmove(line, next, strlen(next) + 1);
            return true;
        }
        line = next;
    }
    return false;
}

static mp_obj_t nvs_get_i32(mp_obj_t self_in, mp_obj_t key) {
    char text[NVS_MAX];
    int value;
    if (!nvs_take(MP_OBJ_TO_PTR(self_in), key, text, &value)) {
        raise_esp(ESP_ERR_NVS_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND");
    }
    return mp_obj_new_int(value);
}
static MP_DEFINE_CONST_FUN_OBJ_2(nvs_get_i32_obj, nvs_get_i32);

static mp_obj_t nvs_set_i32(mp_obj_t self_in, mp_obj_t key, mp_obj_t value_in) {
    nvs_obj_t *self = MP_OBJ_TO_PTR(self_in);
    char text[NVS_MAX + 64];
    int old;
    nvs_take(self, key, text, &old);
    size_t length = strlen(text);
    snprintf(text + length, sizeof(text) - length, "%s %s %d\n", self->space, mp_obj_str_get_str(key),
        (int)mp_obj_get_int(value_in));
    if (strlen(text) >= NVS_MAX) {
        raise_esp(0x1105, "ESP_ERR_NVS_NOT_ENOUGH_SPACE");
    }
    replace("nvs", text);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(nvs_set_i32_obj, nvs_set_i32);

static mp_obj_t nvs_erase_key(mp_obj_t self_in, mp_obj_t key) {
    char text[NVS_MAX];
    int value;
    if (!nvs_take(MP_OBJ_TO_PTR(self_in), key, text, &value)) {
        raise_esp(ESP_ERR_NVS_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND");
    }
    replace("nvs", text);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(nvs_erase_key_obj, nvs_erase_key);

// As with ESP-IDF 5.5, what is set is in flash.
static mp_obj_t nvs_commit(mp_obj_t self_in) {
    (void)self_in;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(nvs_commit_obj, nvs_commit);

static const mp_rom_map_elem_t nvs_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_get_i32), MP_ROM_PTR(&nvs_get_i32_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_i32), MP_ROM_PTR(&nvs_set_i32_obj) },
    { MP_ROM_QSTR(MP_QSTR_erase_key), MP_ROM_PTR(&nvs_erase_key_obj) },
    { MP_ROM_QSTR(MP_QSTR_commit), MP_ROM_PTR(&nvs_commit_obj) },
};
static MP_DEFINE_CONST_DICT(nvs_locals, nvs_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    sim_nvs_type,
    MP_QSTR_NVS,
    MP_TYPE_FLAG_NONE,
    make_new, nvs_make_new,
    locals_dict, &nvs_locals
    );

/******************************************************************************/
// Partition: the slots are the files ota_0 and ota_1, and otadata says which one boots: "0 valid", "1 new".

enum { BOOT, RUNNING };

typedef struct _partition_obj_t {
    mp_obj_base_t base;
    int slot;
} partition_obj_t;

static int running = FACTORY;

static int otadata(char *state) {
    char text[32];
    int slot = 0;
    *state = '\0';
    if (whole("otadata", text, sizeof(text)) > 0) {
        sscanf(text, "%d %15s", &slot, state);
    }
    return slot;
}

static void set_otadata(int slot, const char *state) {
    char text[32];
    snprintf(text, sizeof(text), "%d %s", slot, state);
    replace("otadata", text);
}

// What the bootloader does.
void sim_flash_init(void) {
    const char *ota = getenv("SIM_OTA");
    if (getenv("SIM_FLASH") == NULL || ota == NULL || *ota != '1') {
        return;
    }
    char state[16];
    running = otadata(state);
    if (strcmp(state, "new") == 0) {
        set_otadata(running, "trial");
    } else if (strcmp(state, "trial") == 0) {
        running = 1 - running;
        set_otadata(running, "valid");
    }
}

static mp_obj_t partition_new(int slot) {
    partition_obj_t *self = mp_obj_malloc(partition_obj_t, &sim_partition_type);
    self->slot = slot;
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t partition_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    (void)type;
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    char state[16];
    int which = mp_obj_get_int(args[0]);
    if (which != BOOT && which != RUNNING) {
        mp_raise_ValueError(NULL);
    }
    return partition_new(which == RUNNING || running == FACTORY ? running : otadata(state));
}

static mp_obj_t partition_info(mp_obj_t self_in) {
    partition_obj_t *self = MP_OBJ_TO_PTR(self_in);
    bool factory = self->slot == FACTORY;
    char label[8];
    snprintf(label, sizeof(label), factory ? "factory" : "ota_%d", self->slot);
    mp_obj_t items[] = {
        MP_OBJ_NEW_SMALL_INT(0),
        MP_OBJ_NEW_SMALL_INT(factory ? 0 : 16 + self->slot),
        MP_OBJ_NEW_SMALL_INT(0x10000 + (factory ? 0 : self->slot * SLOT_SIZE)),
        MP_OBJ_NEW_SMALL_INT(factory ? FACTORY_SIZE : SLOT_SIZE),
        mp_obj_new_str(label, strlen(label)),
        mp_const_false,
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(partition_info_obj, partition_info);

static int open_slot(partition_obj_t *self, mp_obj_t number, size_t length) {
    char path[512], name[8];
    snprintf(name, sizeof(name), "ota_%d", self->slot);
    file_name(path, sizeof(path), name);
    mp_int_t block = mp_obj_get_int(number);
    if (self->slot == FACTORY || block < 0 || block * BLOCK + length > SLOT_SIZE) {
        raise_esp(0x104, "ESP_ERR_INVALID_SIZE");
    }
    int fd = open(path, O_RDWR | O_CREAT, 0666);
    if (fd < 0) {
        mp_raise_OSError(errno);
    }
    lseek(fd, block * BLOCK, SEEK_SET);
    return fd;
}

// What has never been written reads as 0, not as 0xff.
static mp_obj_t partition_readblocks(mp_obj_t self_in, mp_obj_t number, mp_obj_t data_in) {
    mp_buffer_info_t data;
    mp_get_buffer_raise(data_in, &data, MP_BUFFER_WRITE);
    int fd = open_slot(MP_OBJ_TO_PTR(self_in), number, data.len);
    memset(data.buf, 0, data.len);
    ssize_t got = read(fd, data.buf, data.len);
    close(fd);
    if (got < 0) {
        mp_raise_OSError(MP_EIO);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(partition_readblocks_obj, partition_readblocks);

static mp_obj_t partition_writeblocks(mp_obj_t self_in, mp_obj_t number, mp_obj_t data_in) {
    mp_buffer_info_t data;
    mp_get_buffer_raise(data_in, &data, MP_BUFFER_READ);
    if (data.len % BLOCK != 0) { // what is erased first is blocks
        raise_esp(0x104, "ESP_ERR_INVALID_SIZE");
    }
    int fd = open_slot(MP_OBJ_TO_PTR(self_in), number, data.len);
    ssize_t put = write(fd, data.buf, data.len);
    close(fd);
    if (put != (ssize_t)data.len) {
        mp_raise_OSError(MP_EIO);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(partition_writeblocks_obj, partition_writeblocks);

// ESP-IDF looks whether it is an image, of which this is the first byte.
static mp_obj_t partition_set_boot(mp_obj_t self_in) {
    partition_obj_t *self = MP_OBJ_TO_PTR(self_in);
    uint8_t magic = 0;
    int fd = open_slot(self, MP_OBJ_NEW_SMALL_INT(0), 1);
    ssize_t got = read(fd, &magic, 1);
    close(fd);
    if (got != 1 || magic != 0xe9) {
        raise_esp(ESP_ERR_OTA_VALIDATE_FAILED, "ESP_ERR_OTA_VALIDATE_FAILED");
    }
    set_otadata(self->slot, "new");
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(partition_set_boot_obj, partition_set_boot);

static mp_obj_t partition_get_next_update(mp_obj_t self_in) {
    partition_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->slot == FACTORY) {
        mp_raise_OSError(MP_ENOENT);
    }
    return partition_new(1 - self->slot);
}
static MP_DEFINE_CONST_FUN_OBJ_1(partition_get_next_update_obj, partition_get_next_update);

static mp_obj_t partition_mark_app_valid(mp_obj_t cls_in) {
    (void)cls_in;
    if (running == FACTORY) {
        raise_esp(ESP_ERR_NOT_FOUND, "ESP_ERR_NOT_FOUND");
    }
    // The slot that is to boot, as in ESP-IDF, even if another one is running.
    char state[16];
    int slot = otadata(state);
    if (*state == '\0') {
        raise_esp(ESP_FAIL, "ESP_FAIL"); // never anything but flashed by cable
    }
    set_otadata(slot, "valid");
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(partition_mark_app_valid_fun_obj, partition_mark_app_valid);
static MP_DEFINE_CONST_CLASSMETHOD_OBJ(partition_mark_app_valid_obj, MP_ROM_PTR(&partition_mark_app_valid_fun_obj));

static const mp_rom_map_elem_t partition_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_info), MP_ROM_PTR(&partition_info_obj) },
    { MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&partition_readblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&partition_writeblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_boot), MP_ROM_PTR(&partition_set_boot_obj) },
    { MP_ROM_QSTR(MP_QSTR_get_next_update), MP_ROM_PTR(&partition_get_next_update_obj) },
    { MP_ROM_QSTR(MP_QSTR_mark_app_valid_cancel_rollback), MP_ROM_PTR(&partition_mark_app_valid_obj) },
    { MP_ROM_QSTR(MP_QSTR_BOOT), MP_ROM_INT(BOOT) },
    { MP_ROM_QSTR(MP_QSTR_RUNNING), MP_ROM_INT(RUNNING) },
};
static MP_DEFINE_CONST_DICT(partition_locals, partition_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    sim_partition_type,
    MP_QSTR_Partition,
    MP_TYPE_FLAG_NONE,
    make_new, partition_make_new,
    locals_dict, &partition_locals
    );
