# For the ESP32.
set(TRUST_GENERATED ${CMAKE_BINARY_DIR}/trust)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    ${CMAKE_CURRENT_LIST_DIR}/roots.pem ${CMAKE_CURRENT_LIST_DIR}/roots.py)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
execute_process(
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/roots.py ${CMAKE_CURRENT_LIST_DIR}/roots.pem
        --header ${TRUST_GENERATED}/genhdr/trust_roots.h
    RESULT_VARIABLE TRUST_RESULT
)
if(NOT TRUST_RESULT EQUAL 0)
    message(FATAL_ERROR "modules/trust/roots.py failed")
endif()

add_library(usermod_trust INTERFACE)
target_sources(usermod_trust INTERFACE
    ${CMAKE_CURRENT_LIST_DIR}/chain.c
    ${CMAKE_CURRENT_LIST_DIR}/parse.c
    ${CMAKE_CURRENT_LIST_DIR}/roots.c
    ${CMAKE_CURRENT_LIST_DIR}/modtrust.c
)
target_include_directories(usermod_trust INTERFACE ${CMAKE_CURRENT_LIST_DIR} ${TRUST_GENERATED})
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/roots.pem TRUST_DATE REGEX "^# Date: ")
string(REPLACE "# Date: " "" TRUST_DATE "${TRUST_DATE}")
target_compile_definitions(usermod_trust INTERFACE TRUST_ROOTS_DATE=${TRUST_DATE})
target_link_options(usermod_trust INTERFACE "-Wl,--wrap=mbedtls_x509_crt_parse_der")
target_link_libraries(usermod INTERFACE usermod_trust)
