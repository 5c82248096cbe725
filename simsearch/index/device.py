"""What the machine offers an index: GPUs and memory."""

import os


def count_gpus() -> int:
    """Return how many GPUs faiss can use; 0 for a CPU build or no driver."""
    import faiss

    return int(faiss.get_num_gpus()) if hasattr(faiss, "get_num_gpus") else 0


def free_gpu_memory() -> int:
    """Return the bytes that are free on every GPU; 0 where torch can use none."""
    import torch

    every = range(torch.cuda.device_count())
    return min((torch.cuda.mem_get_info(number)[0] for number in every), default=0)


def free_memory() -> int:
    """Return the bytes of main memory that can be used without swapping."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:  # noqa: PTH123
            fields = dict(line.split(":", 1) for line in lines)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return 4 << 30  # Windows: what a small laptop can spare
