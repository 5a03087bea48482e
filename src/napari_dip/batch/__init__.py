"""Many restorations on dask.distributed: on this machine's cores and GPUs, or on a cluster.

`items` is what an item is, `runner` has items done and follows them, `worker` is what happens
beside it, `summary` what is left on record. Only `cluster`, `runner` and `worker` know dask, and
import it when they are used.
"""
