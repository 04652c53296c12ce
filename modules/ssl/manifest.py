# In place of micropython-lib's, for all that requires "ssl".
metadata(description="TLS that verifies, with CPython's names.", version="1.0.0")
package("ssl")
