# For the ESP32 alone; the Linux VM has the kernel's random numbers.
add_library(usermod_entropy INTERFACE)
target_sources(usermod_entropy INTERFACE ${CMAKE_CURRENT_LIST_DIR}/entropy_esp32.c)
target_include_directories(usermod_entropy INTERFACE ${CMAKE_CURRENT_LIST_DIR})
target_compile_definitions(usermod_entropy INTERFACE MICROPY_BOARD_STARTUP=entropy_startup)
target_link_options(usermod_entropy INTERFACE
    -Wl,--wrap=esp_random
    -Wl,--wrap=esp_fill_random
    -Wl,--wrap=mbedtls_hardware_poll
)
target_link_libraries(usermod INTERFACE usermod_entropy)
