"""(settings, catalog, seed, index) -> `SamplePlan`: pure draws, no files, no Blender."""
