# For the ESP32.
add_library(usermod_ecdsa INTERFACE)
target_sources(usermod_ecdsa INTERFACE ${CMAKE_CURRENT_LIST_DIR}/modecdsa.c)
target_link_libraries(usermod INTERFACE usermod_ecdsa)
