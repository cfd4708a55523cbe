from synrender.api.functions import draw_sample as draw_sample
from synrender.api.functions import load_settings as load_settings
from synrender.api.functions import render_dataset as render_dataset
from synrender.api.renderer import Renderer as Renderer
from synrender.errors import UserError as UserError
from synrender.loading.dataset import Dataset as Dataset
from synrender.loading.dataset import open_dataset as open_dataset
from synrender.settings.groups import Settings as Settings

__version__: str
