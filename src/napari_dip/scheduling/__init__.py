"""Many restorations, side by side on dask.distributed; the only part that knows dask."""
