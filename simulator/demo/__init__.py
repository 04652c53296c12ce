"""`make demo`: the T-Call's own software from power-up to HTTPS, shown as it happens."""
