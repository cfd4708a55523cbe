from synrender.loading.dataset import open_dataset as open_dataset

__version__: str
