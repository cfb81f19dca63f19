"""Whole networks, small variants in the core tier and real sizes in the full one."""
