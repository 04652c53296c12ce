"""What only hardware can settle, asked of a T-Call: `make check PORT=… APN=… HOST=…`, see docs/check.md."""
