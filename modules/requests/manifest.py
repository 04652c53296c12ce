# In place of micropython-lib's, for all that requires "requests".
metadata(description="HTTP/1.1 with the names of CPython's requests, over http1.", version="1.0.0")
package("requests", files=("__init__.py", "exceptions.py"), base_path="..")
