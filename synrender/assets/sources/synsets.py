"""What all versions of ShapeNetCore share: a folder or an archive for each synset, and its name."""

from __future__ import annotations

import re

from synrender.assets.sources.source import ModelClass
from synrender.assets.tree import Tree
from synrender.errors import UserError, shorten
from synrender.system.files import is_plain_name
from synrender.system.json_text import parse_json

TAXONOMY_FILE = "taxonomy.json"
MAX_TAXONOMY_BYTES = 1 << 26
"""64 MiB. ShapeNet's takes 0.3 MB."""

_SYNSET = re.compile(r"\d{8}")

NAMES = {
    "02691156": "airplane,aeroplane,plane",
    "02747177": "ashcan,trash can,garbage can,wastebin,ash bin,ash-bin,ashbin,dustbin,trash barrel,"
    "trash bin",
    "02773838": "bag,traveling bag,travelling bag,grip,suitcase",
    "02801938": "basket,handbasket",
    "02808440": "bathtub,bathing tub,bath,tub",
    "02818832": "bed",
    "02828884": "bench",
    "02843684": "birdhouse",
    "02871439": "bookshelf",
    "02876657": "bottle",
    "02880940": "bowl",
    "02924116": "bus,autobus,coach,charabanc,double-decker,jitney,motorbus,motorcoach,omnibus,"
    "passenger vehi",
    "02933112": "cabinet",
    "02942699": "camera,photographic camera",
    "02946921": "can,tin,tin can",
    "02954340": "cap",
    "02958343": "car,auto,automobile,machine,motorcar",
    "02992529": "cellular telephone,cellular phone,cellphone,cell,mobile phone",
    "03001627": "chair",
    "03046257": "clock",
    "03085013": "computer keyboard,keypad",
    "03207941": "dishwasher,dish washer,dishwashing machine",
    "03211117": "display,video display",
    "03261776": "earphone,earpiece,headphone,phone",
    "03325088": "faucet,spigot",
    "03337140": "file,file cabinet,filing cabinet",
    "03467517": "guitar",
    "03513137": "helmet",
    "03593526": "jar",
    "03624134": "knife",
    "03636649": "lamp",
    "03642806": "laptop,laptop computer",
    "03691459": "loudspeaker,speaker,speaker unit,loudspeaker system,speaker system",
    "03710193": "mailbox,letter box",
    "03759954": "microphone,mike",
    "03761084": "microwave,microwave oven",
    "03790512": "motorcycle,bike",
    "03797390": "mug",
    "03928116": "piano,pianoforte,forte-piano",
    "03938244": "pillow",
    "03948459": "pistol,handgun,side arm,shooting iron",
    "03991062": "pot,flowerpot",
    "04004475": "printer,printing machine",
    "04074963": "remote control,remote",
    "04090263": "rifle",
    "04099429": "rocket,projectile",
    "04225987": "skateboard",
    "04256520": "sofa,couch,lounge",
    "04330267": "stove",
    "04379243": "table",
    "04401088": "telephone,phone,telephone set",
    "04460130": "tower",
    "04468005": "train,railroad train",
    "04530566": "vessel,watercraft",
    "04554684": "washer,automatic washer,washing machine",
}
"""Names of ShapeNetCore's 55 synsets, as its taxonomy has them."""

FRONT_LAYOUT = "shapenet-v2"
"""Layout whose models face -Z, with +Y up, so that their left is -X. The files of ShapeNetCore.v1
are mirrored here and there; other sources promise nothing."""

HAVE_FRONT = frozenset(
    (
        *("02691156", "02818832", "02828884", "02871439", "02924116", "02933112", "02958343"),
        *("03001627", "03207941", "03211117", "03337140", "03642806", "03761084", "03790512"),
        *("03928116", "04256520", "04330267", "04468005", "04530566", "04554684"),
    )
)
"""Synsets whose models have a front: vehicles, seats, cabinets, screens and machines."""


def find_synsets(tree: Tree) -> tuple[str, ...]:
    """Ids of the synsets that have a folder or an archive named by eight digits, sorted."""
    listed = tree.list()
    archives = [name.removesuffix(".zip") for name in listed.files if name.endswith(".zip")]
    return tuple(sorted(filter(_SYNSET.fullmatch, {*listed.folders, *archives})))


def find_synset(tree: Tree, synset_id: str) -> Tree:
    """The tree of a synset, whose folders are its models."""
    if synset_id in tree.list().folders:
        return tree.enter(synset_id)
    archive = tree.open_zip(f"{synset_id}.zip")
    return archive.enter(synset_id) if synset_id in archive.list().folders else archive


def list_synsets(tree: Tree) -> tuple[ModelClass, ...]:
    """The synsets that the taxonomy names; without one, the 55, and others that are there.

    Raises:
        UserError: the taxonomy is damaged.
    """
    listed = tree.list()
    there = {*listed.folders, *(n.removesuffix(".zip") for n in listed.files if n.endswith(".zip"))}
    if TAXONOMY_FILE in {*listed.files, *listed.folders}:
        named_by, names = str(tree.file(TAXONOMY_FILE)), _read_taxonomy(tree)
    else:
        others = [(synset_id, synset_id) for synset_id in find_synsets(tree)]
        named = [(name, synset_id) for synset_id, name in NAMES.items()]
        named_by, names = str(tree), named + [pair for pair in others if pair[1] not in NAMES]
    return tuple(ModelClass(i, name, named_by, i in there) for name, i in names)


def _read_taxonomy(tree: Tree) -> list[tuple[str, str]]:
    """(name, synset id) of every entry; ids are plain names, and so lead out of no folder."""
    file = tree.file(TAXONOMY_FILE)
    try:
        taxonomy = parse_json(file.read(MAX_TAXONOMY_BYTES))
        synsets = [(entry["name"], entry["synsetId"]) for entry in taxonomy]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file}: not ShapeNet's taxonomy ({error}); restore it") from None
    for name, synset_id in synsets:
        if not isinstance(name, str) or not isinstance(synset_id, str):
            names = f"{shorten(name)!r}, {shorten(synset_id)!r}"
            raise UserError(f"{file}: {names}: must both be texts; restore it")
        if not is_plain_name(synset_id):
            raise UserError(
                f"{file}: the synset id {shorten(synset_id)!r} is no folder name; restore it"
            )
    return synsets
