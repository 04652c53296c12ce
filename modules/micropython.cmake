# The modules in C, for the ESP32. Ports built with make find each one's micropython.mk.
include(${CMAKE_CURRENT_LIST_DIR}/cmux/micropython.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/ecdsa/micropython.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/entropy/micropython.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/trust/micropython.cmake)
