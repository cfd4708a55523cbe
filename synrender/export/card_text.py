"""Sentences that the card and Croissant share: what a data set is for, and what it is not."""

CITATION = """\
@inproceedings{newell2020useful,
  title     = {How Useful is Self-Supervised Pretraining for Visual Tasks?},
  author    = {Newell, Alejandro and Deng, Jia},
  booktitle = {Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2020}
}"""

USES = (
    "Training and evaluation of models of vision where every factor behind an image must be known: "
    "representation learning, robustness to a change of one factor, shortcuts, and causes.",
    "Benchmarks of segmentation, detection, depth and pose on synthetic images.",
)

LIMITS = (
    "The images are synthetic: simple scenes of objects before a flat backdrop, in random textures "
    "and with simple lights. What is measured on them need not hold for photographs.",
)
LIMIT_OF_SOURCES = (
    "Models, classes and textures are those of the sources, which were collected on the web and "
    "represent some kinds of objects and places better than others."
)
LIMIT_OF_DEMO = (
    "Models and textures are a few that code makes; they stand in for ShapeNet and DTD, and are "
    "too plain for more than a first look."
)

BIASES = (
    "Classes and models are those of the source of models; common household objects and vehicles "
    "prevail, in shapes that are usual in the countries of their authors.",
    "Poses, colours and lights follow the distributions of the configuration, not those of the "
    "world.",
)

COLLECTION = (
    "Rendered in Blender from 3D models and textures. Every random choice comes from a stream of "
    "its own, seeded by the seed of the configuration, the factor and the number of the sample."
)
ANNOTATION = (
    "Labels come from the renderer, not from people: class, pose and factors are what the scene "
    "was built from; instances, classes and depth are render passes."
)
PERSONAL = "None is intended: nobody was asked, followed or measured, and no scene has people."
PERSONAL_DTD = (
    "Some textures of DTD, such as its class freckled, are close-ups of skin, and can appear on "
    "objects."
)
IMPACT = (
    "Renderings avoid the privacy risks of photographs. Methods that are judged on synthetic "
    "images alone may be trusted too much elsewhere."
)
MAINTENANCE = (
    "The data set can be rendered again from its configuration and seed; corrections are new "
    "exports."
)
