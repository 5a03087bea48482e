"""Many restorations on dask.distributed: on this machine's cores and GPUs, or on a cluster.

`items` is what an item is, `pictures` makes items of files, `runner` has them done and follows
them, `worker` is what happens beside it, `summary` what is left on record. Only `cluster`, `runner`
and `worker` know dask, and import it when they are used.
"""

from napari_dip.batch.items import Item, Outcome, Status
from napari_dip.batch.pictures import restore_many
from napari_dip.batch.summary import Summary

__all__ = ["Item", "Outcome", "Status", "Summary", "restore_many"]
