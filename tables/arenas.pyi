def use_huge_pages() -> bool:
    """Keep Python's small objects in huge pages from now on; False: the system knows none."""
