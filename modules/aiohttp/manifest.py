# In place of micropython-lib's, for all that requires "aiohttp".
metadata(
    description="HTTP/1.1 for asyncio with micropython-lib's names of aiohttp, over http1.",
    version="1.0.0",
)
package("aiohttp", files=("__init__.py",), base_path="..")
