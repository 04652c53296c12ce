# For the ESP32.
add_library(usermod_cmux INTERFACE)
target_sources(usermod_cmux INTERFACE
    ${CMAKE_CURRENT_LIST_DIR}/frame.c
    ${CMAKE_CURRENT_LIST_DIR}/mux.c
    ${CMAKE_CURRENT_LIST_DIR}/modcmux.c
    ${CMAKE_CURRENT_LIST_DIR}/port_esp32.c
)
target_include_directories(usermod_cmux INTERFACE ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(usermod INTERFACE usermod_cmux)
